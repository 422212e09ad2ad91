package projector

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// refused examines a failed write. If its rows are permanently rejected, the events responsible are
// found by writing parts of the batch, without a position. They are recorded, so that the batch,
// when gathered again, treats them as rejections; the parts that were written meanwhile are ahead
// of the position and are treated as after a crash. It always returns an error, because the batch
// has to be gathered again in any case.
//
// A duplicate of an event counts if that is unwritable, and may be the first event of its
// conversation, which has the sort key of the rows. So nothing more is written of a batch that has
// both: it is gathered in smaller ones. What was inserted of it is replaced when the duplicate comes.
//
// An unwritable event is only in quarantine, and in no fold, in a replay neither: it is rejected
// there as well. A later event with the same key counts.
func (l *loop) refused(ctx context.Context, in *intake, works []*work, err error) error {
	made := slices.DeleteFunc(slices.Clone(works), func(w *work) bool { return w.archived })
	if tooLarge(err) && len(made) > 0 {
		return l.setApart(ctx, made, err)
	}
	var unwritable *UnwritableError
	if !errors.As(err, &unwritable) || len(works) == 0 {
		return fmt.Errorf("write %d conversations: %w", len(made), err)
	}
	if in.repeats > 0 {
		return fmt.Errorf("the batch has %d duplicates of its own events, so it is gathered in smaller ones: %w", in.repeats, err)
	}
	known := maps.Clone(l.unwritable)
	if again := l.bisect(ctx, works); again != nil {
		if errors.Is(again, errWrongTables) { // then none of them is responsible
			l.unwritable = known
			return fmt.Errorf("%w: %w", again, err)
		}
		return fmt.Errorf("search for rejected events: %w", again)
	}
	if len(l.unwritable) == len(known) {
		return fmt.Errorf("writing %d conversations failed together although each succeeds alone: %w", len(works), err)
	}
	return fmt.Errorf("%w: %d are quarantined: %w", errUnwritable, len(l.unwritable)-len(known), err)
}

// setApart looks for the conversations whose rows are too large.
func (l *loop) setApart(ctx context.Context, works []*work, err error) error {
	again := l.narrow(ctx, works, func(some []*work) error {
		_, err := l.try(ctx, some) // an unwritable event is found when the batch is gathered again
		return err
	})
	if again != nil {
		return again
	}
	return fmt.Errorf("writing %d conversations was too large together although each part succeeds: %w", len(works), err)
}

// mostUnwritable is the number of consecutive unwritable events after which the tables are considered to be at fault.
const mostUnwritable = 100

var (
	// errUnwritable ends a round in which unwritable events were found.
	errUnwritable = errors.New("ClickHouse rejects events")
	// errNotContinued ends a round in which part of the events of a conversation could not be folded: the next
	// round has forgotten the state of its fold, and so has all events, or leaves them to a fold beside the batches.
	errNotContinued = errors.New("a fold cannot be continued with a part of the events")
	errWrongTables  = fmt.Errorf("ClickHouse rejected more than %d consecutive events: the table schema has probably been altered, and events are not quarantined until it is restored", mostUnwritable)
)

// bisect finds the rejected conversations by bisection.
func (l *loop) bisect(ctx context.Context, works []*work) error {
	if len(works) == 1 {
		return l.blame(ctx, works[0])
	}
	half := len(works) / 2
	for _, part := range [][]*work{works[:half], works[half:]} {
		refusal, err := l.try(ctx, part)
		if err != nil {
			return err
		}
		if refusal == nil {
			continue
		}
		if err := l.bisect(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// blame finds the events of a conversation because of which its rows are rejected: the first one,
// in log order, whose addition makes the rows unwritable, then the next one without it.
func (l *loop) blame(ctx context.Context, w *work) error {
	rest := *w
	rest.fresh, rest.folded = slices.Clone(w.fresh), nil
	good := 0 // the number of first events that pass; rows are only written with more
	for len(rest.fresh) > good {
		refusal, err := l.try(ctx, []*work{&rest})
		if refusal == nil || err != nil {
			return err
		}
		bad := len(rest.fresh) // the number of first events that do not pass
		for bad-good > 1 {
			some := rest
			some.fresh = rest.fresh[:(good+bad)/2]
			why, err := l.try(ctx, []*work{&some})
			if err != nil {
				return err
			}
			if why == nil {
				good = len(some.fresh)
			} else {
				bad, refusal = len(some.fresh), why
			}
		}
		guilty := rest.fresh[bad-1]
		if l.refusals++; l.refusals > mostUnwritable {
			return errWrongTables
		}
		l.unwritable[guilty.Sequence] = &schema.Error{Code: schema.CodeUnwritable, Rule: refusal.Error()}
		l.logger.Error("ClickHouse rejects the event; it is quarantined", "sequence", guilty.Sequence, "error", refusal)
		rest.fresh = slices.Delete(rest.fresh, bad-1, bad)
	}
	return nil
}

// try writes some conversations of a batch without moving the position. It returns a permanent
// rejection as its result; any other error is an error.
func (l *loop) try(ctx context.Context, works []*work) (*UnwritableError, error) {
	batch := l.still()
	batch.Contested = l.isContested()
	for _, w := range works {
		batch.Events = append(batch.Events, w.fresh...)
		if w.archived {
			continue
		}
		folded, ok := w.fold(l.long)
		if !ok {
			return nil, errNotContinued
		}
		batch.Changes = append(batch.Changes, folded.change)
	}
	err := l.sink.Write(ctx, batch)
	var unwritable *UnwritableError
	if errors.As(err, &unwritable) {
		return unwritable, nil
	}
	if err == nil && len(batch.Events) > 0 {
		l.refusals = 0
	}
	return nil, err
}
