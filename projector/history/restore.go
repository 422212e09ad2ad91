package history

import (
	"context"

	"github.com/parley-analytics/parley/schema"
)

// Damaged is a log that has lost records.
//
// Append appends entries, duplicates included, and returns when they are on disk. RecordOf returns the
// sequences that the record of one may hold. GiveUp notes that such a record will not come again.
type Damaged interface {
	Append(ctx context.Context, payloads [][]byte) ([]schema.Sequence, error)
	RecordOf(sequence schema.Sequence) (from, to schema.Sequence)
	GiveUp(ctx context.Context, from, to schema.Sequence) error
}

// Entries are appended together from so many, or so many bytes, on.
const (
	restoredAtOnce = 1000
	restoredBytes  = 4 << 20
)

// Restore appends those entries of a lost range, both ends included, that the tables hold, and counts them. The range consists of whole
// records. A record that was projected to its end, by a version that has reached projected, is noted as restored once its entries are in
// the log. Events of a portion that was interrupted in between are appended twice, which changes no table; rejected ones are too, unless
// [Held.Has] has noted them.
func Restore(ctx context.Context, held *Held, projected, from, to schema.Sequence, log Damaged) (uint64, error) {
	r := restoring{held: held, projected: projected, log: log}
	_, err := held.Between(ctx, from, to, func(sequence schema.Sequence, payload []byte) error { return r.add(ctx, sequence, payload) })
	if err != nil {
		return r.count, err
	}
	return r.count, r.flush(ctx)
}

// restoring is a portion of entries to append.
type restoring struct {
	held      *Held
	projected schema.Sequence
	log       Damaged
	count     uint64 // appended, or to be

	payloads  [][]byte
	bytes     int
	sequences []schema.Sequence
	records   [][2]schema.Sequence // of the sequences
}

func (r *restoring) add(ctx context.Context, sequence schema.Sequence, payload []byte) error {
	if n := len(r.records); n == 0 || sequence > r.records[n-1][1] {
		if len(r.sequences) >= restoredAtOnce || r.bytes >= restoredBytes {
			if err := r.flush(ctx); err != nil {
				return err
			}
		}
		first, last := r.log.RecordOf(sequence)
		r.records = append(r.records, [2]schema.Sequence{first, last})
	}
	r.sequences = append(r.sequences, sequence)
	if r.held.lacks(payload) {
		r.payloads = append(r.payloads, payload)
		r.bytes += len(payload)
		r.count++
	}
	return nil
}

func (r *restoring) flush(ctx context.Context) error {
	if len(r.payloads) > 0 {
		if _, err := r.log.Append(ctx, r.payloads); err != nil {
			return err
		}
	}
	if len(r.sequences) > 0 {
		if err := r.held.restored(ctx, r.sequences); err != nil {
			return err
		}
	}
	for _, record := range r.records {
		if record[1] > r.projected {
			continue // more may have been lost with it
		}
		if err := r.log.GiveUp(ctx, record[0], record[1]); err != nil {
			return err
		}
	}
	r.payloads, r.bytes, r.sequences, r.records = nil, 0, nil, nil
	return nil
}
