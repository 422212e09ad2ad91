package history

import (
	"context"

	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Damaged is a log that has lost messages.
//
// Append appends messages, duplicates included, and returns when they are on disk. GiveUp records
// that the message of a sequence will not come again.
type Damaged interface {
	Append(ctx context.Context, payloads [][]byte) ([]schema.Sequence, error)
	GiveUp(ctx context.Context, sequence schema.Sequence) error
}

// restoredAtOnce is how many events are appended at once.
const restoredAtOnce = 1000

// Restore appends those events of a lost range, both ends included, that a version
// has archived, and counts them. Each portion is recorded as restored once it is in the log; a
// portion interrupted in between is appended twice, which changes no table.
func Restore(ctx context.Context, t *tables.Tables, version uint32, from, to schema.Sequence, log Damaged) (uint64, error) {
	var payloads [][]byte
	var sequences []schema.Sequence
	flush := func() error {
		if len(payloads) == 0 {
			return nil
		}
		if _, err := log.Append(ctx, payloads); err != nil {
			return err
		}
		for _, sequence := range sequences {
			if err := log.GiveUp(ctx, sequence); err != nil {
				return err
			}
		}
		payloads, sequences = nil, nil
		return nil
	}
	found, err := t.EventsBetween(ctx, version, from, to, func(sequence schema.Sequence, original []byte) error {
		payloads, sequences = append(payloads, original), append(sequences, sequence)
		if len(payloads) == restoredAtOnce {
			return flush()
		}
		return nil
	})
	if err != nil {
		return found, err
	}
	return found, flush()
}
