package history

import (
	"cmp"
	"context"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// Copy is a log that may be an older copy of the archived one, or another log.
//
// Record returns the first sequence of the record to which a sequence belongs, and what is left in it.
type Copy interface {
	Record(ctx context.Context, sequence schema.Sequence) (first schema.Sequence, entries []schema.Entry, err error)
}

// forkPortion is how many sequences are compared at once: those of a record.
const forkPortion = schema.RecordEvents

// Fork returns the last sequence at which a log and the tables have the same entry, 0 if there is none. The log ends at last.
func Fork(ctx context.Context, of *Held, log Copy, last schema.Sequence) (schema.Sequence, error) {
	type event struct {
		sequence schema.Sequence
		digest   digest
	}
	for until := last; until > 0; {
		to, err := of.Last(ctx, until)
		if err != nil || to == 0 {
			return 0, err
		}
		from := max(to, forkPortion) - forkPortion + 1
		var events []event
		_, err = of.Between(ctx, from, to, func(sequence schema.Sequence, payload []byte) error {
			events = append(events, event{sequence, of.digest(payload)})
			return nil
		})
		if err != nil {
			return 0, err
		}
		begin := to + 1 // of the record that was read last
		var held []schema.Entry
		for _, e := range slices.Backward(events) {
			if e.sequence < begin {
				if begin, held, err = log.Record(ctx, e.sequence); err != nil {
					return 0, err
				}
			}
			at, found := slices.BinarySearchFunc(held, e.sequence, func(h schema.Entry, at schema.Sequence) int { return cmp.Compare(h.Sequence, at) })
			if found && of.digest(held[at].Payload) == e.digest {
				return e.sequence, nil
			}
		}
		until = from - 1
	}
	return 0, nil
}
