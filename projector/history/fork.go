package history

import (
	"bytes"
	"context"
	"errors"

	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Copy is a log that may be an older copy of the archived one, or another log.
//
// Get returns the entry of a sequence, or schema.ErrNotFound.
type Copy interface {
	Get(ctx context.Context, sequence schema.Sequence) (schema.Entry, error)
}

// forkPortion is how many archived events are compared at once.
const forkPortion = 100

// Fork returns the last sequence at which a log and the archive of a version have the same event, 0
// if there is none. The log ends at last.
func Fork(ctx context.Context, t *tables.Tables, version uint32, log Copy, last schema.Sequence) (schema.Sequence, error) {
	archived, err := t.LastEvent(ctx, version)
	if err != nil {
		return 0, err
	}
	type event struct {
		sequence schema.Sequence
		original []byte
	}
	for to := min(last, archived); to > 0; {
		from := max(to, forkPortion) - forkPortion + 1
		var events []event
		_, err := t.EventsBetween(ctx, version, from, to, func(sequence schema.Sequence, original []byte) error {
			events = append(events, event{sequence, original})
			return nil
		})
		if err != nil {
			return 0, err
		}
		for i := len(events) - 1; i >= 0; i-- {
			entry, err := log.Get(ctx, events[i].sequence)
			if err != nil && !errors.Is(err, schema.ErrNotFound) {
				return 0, err
			}
			if err == nil && bytes.Equal(entry.Payload, events[i].original) {
				return events[i].sequence, nil
			}
		}
		to = from - 1
	}
	return 0, nil
}
