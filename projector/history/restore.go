package history

import (
	"context"

	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Damaged is a log that has lost records.
//
// Append appends events, duplicates included, and returns when they are on disk. RecordOf returns the
// sequences that the record of one may hold. GiveUp notes that such a record will not come again.
type Damaged interface {
	Append(ctx context.Context, payloads [][]byte) ([]schema.Sequence, error)
	RecordOf(sequence schema.Sequence) (from, to schema.Sequence)
	GiveUp(ctx context.Context, from, to schema.Sequence) error
}

// restoredAtOnce is the number of events from which on they are appended together.
const restoredAtOnce = 1000

// Restore appends those events of a lost range, both ends included, that a version has archived or
// quarantined, and counts them. The range consists of whole records. A record that was projected to
// its end, by a version that has reached projected, is noted as restored once its events are in the
// log; a portion interrupted in between is appended twice, which changes no table.
func Restore(ctx context.Context, t *tables.Tables, version uint32, projected, from, to schema.Sequence, log Damaged) (uint64, error) {
	var payloads [][]byte
	var records [][2]schema.Sequence // of the payloads
	flush := func() error {
		if len(payloads) == 0 {
			return nil
		}
		if _, err := log.Append(ctx, payloads); err != nil {
			return err
		}
		for _, r := range records {
			if r[1] > projected {
				continue // more may have been lost with it
			}
			if err := log.GiveUp(ctx, r[0], r[1]); err != nil {
				return err
			}
		}
		payloads, records = nil, nil
		return nil
	}
	found, err := t.EventsBetween(ctx, version, from, to, func(sequence schema.Sequence, original []byte) error {
		if n := len(records); n == 0 || sequence > records[n-1][1] {
			if len(payloads) >= restoredAtOnce {
				if err := flush(); err != nil {
					return err
				}
			}
			first, last := log.RecordOf(sequence)
			records = append(records, [2]schema.Sequence{first, last})
		}
		payloads = append(payloads, original)
		return nil
	})
	if err != nil {
		return found, err
	}
	return found, flush()
}
