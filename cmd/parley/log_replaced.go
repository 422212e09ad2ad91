package main

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// replaced is a stream that is not the one that was written before: an older copy, or another log.
type replaced struct {
	logStream
	session  *engines.Session
	versions []uint32        // of the tables, all that can become live
	last     schema.Sequence // of this stream
	position schema.Sequence // the highest of these versions, in the log before
	foreign  error           // why it accepts no events
}

// findReplaced returns the streams from which the tables were not made.
func findReplaced(ctx context.Context, s *engines.Session) ([]*replaced, error) {
	all, err := s.Tables.Projections(ctx)
	if err != nil {
		return nil, err
	}
	highest := map[string]schema.Sequence{}
	var versions []uint32
	for _, p := range all {
		if p.State == tables.Dropped {
			continue
		}
		at, err := s.Tables.Positions(ctx, p.Version)
		if err != nil {
			return nil, err
		}
		for log, position := range at {
			highest[log] = max(highest[log], position)
		}
		versions = append(versions, p.Version)
	}
	var found []*replaced
	for _, stream := range streamsOf(s) {
		r := &replaced{logStream: stream, session: s, versions: versions, position: highest[stream.log]}
		if r.last, err = r.Last(ctx); err != nil {
			return nil, err
		}
		foreign, err := r.Foreign(ctx)
		if err != nil {
			return nil, err
		}
		switch {
		case foreign != nil:
			r.foreign = foreign
		case r.position > r.last:
			r.foreign = fmt.Errorf("the tables hold it up to sequence %d, but it ends at %d", r.position, r.last)
		default:
			continue
		}
		found = append(found, r)
	}
	return found, nil
}

// unfinished is why a log accepts no events while it is being restored.
const unfinished = "`parley log restore` has not finished; run it again"

func (r *replaced) held() *history.Held {
	return history.HeldOf(r.session.Tables, r.session.Live, r.log)
}

// describe prints why the stream accepts no events, and how many entries it lacks.
func (r *replaced) describe(a *app) error {
	fmt.Fprintf(a.stdout, "%s ends at sequence %d: %s\n", r.Name(), r.last, reason(r.foreign))
	held := r.held()
	fork, err := history.Fork(a.ctx, held, r.Stream, r.last)
	if err != nil {
		return err
	}
	lacking, err := held.Between(a.ctx, fork+1, lastSequence, nil)
	if err == nil {
		fmt.Fprintf(a.stdout, "%s lacks %d %s that the tables have\n", r.Name(), lacking, r.called())
	}
	return err
}

// lastSequence is above all that a log assigns.
const lastSequence = schema.Sequence(math.MaxInt64)

// restore makes the stream the log of the tables. It appends the entries that the tables have and the stream
// lacks, and moves to the end the entries of the stream that the tables have never read, above the position
// too: of two events with one identity, the one that was archived stays the first.
func (r *replaced) restore(ctx context.Context) (appended, own uint64, err error) {
	if err := r.Disown(ctx, unfinished); err != nil {
		return 0, 0, err
	}
	held := r.held()
	fork, err := history.Fork(ctx, held, r.Stream, r.last)
	if err != nil {
		return 0, 0, err
	}
	if err := r.each(ctx, fork, r.last, func(entries []schema.Entry) error {
		for _, e := range entries {
			held.Has(e.Payload) // by a restore that was interrupted
		}
		return nil
	}); err != nil {
		return 0, 0, err
	}
	above, err := r.adopt(ctx)
	if err != nil {
		return 0, 0, err
	}
	log := engines.Rewritable{Stream: r.Stream}
	if appended, err = history.Restore(ctx, held, above, fork+1, above, log); err != nil {
		return appended, 0, err
	}
	if own, err = r.move(ctx, log, fork, r.last); err != nil {
		return appended, own, err
	}
	return appended, own, r.Own(ctx)
}

// adopt makes the stream the log of the tables as it is. Sequences up to held, the last one that
// the tables know, do not count as lost.
func (r *replaced) adopt(ctx context.Context) (held schema.Sequence, err error) {
	last, err := r.held().Last(ctx, lastSequence)
	if err != nil {
		return 0, err
	}
	held = max(r.position, last)
	if _, err := r.Adopt(ctx, held); err != nil {
		return held, err
	}
	for _, version := range r.versions {
		if err := r.session.Tables.AdoptLog(ctx, version, r.log, r.Identity()); err != nil {
			return held, err
		}
	}
	if held <= r.last {
		return held, nil
	}
	return held, r.GiveUp(ctx, eventlog.Range{From: r.RecordOf(r.last + 1).From, To: r.RecordOf(held).To})
}

// moved is how many entries are read at once.
const moved = 1000

// each calls do with the entries after one sequence and up to another, in order.
func (r *replaced) each(ctx context.Context, after, last schema.Sequence, do func([]schema.Entry) error) error {
	for at := after; at < last; {
		var some []schema.Entry
		for at < last && len(some) < moved {
			next, err := r.Next(ctx, at)
			if errors.Is(err, schema.ErrNotFound) || err == nil && next.Sequence > last {
				at = last
				break
			}
			if err != nil {
				return err
			}
			_, entries, err := r.Record(ctx, next.Sequence)
			if err != nil {
				return err
			}
			for _, entry := range entries {
				if entry.Sequence > at && entry.Sequence <= last {
					some = append(some, entry)
				}
				at = max(at, entry.End())
			}
		}
		if len(some) == 0 {
			break
		}
		if err := do(some); err != nil {
			return err
		}
	}
	return nil
}

// move appends the entries after one sequence and up to another again, and then erases them at their
// old place: they come after those that the tables had, as they were accepted.
func (r *replaced) move(ctx context.Context, log engines.Rewritable, after, last schema.Sequence) (count uint64, err error) {
	err = r.each(ctx, after, last, func(entries []schema.Entry) error {
		payloads, from := make([][]byte, len(entries)), make([]schema.Sequence, len(entries))
		for i, entry := range entries {
			payloads[i], from[i] = entry.Payload, entry.Sequence
		}
		if _, err := log.Append(ctx, payloads); err != nil {
			return err
		}
		if err := log.Erase(ctx, from...); err != nil {
			return err
		}
		count += uint64(len(from))
		return nil
	})
	return count, err
}

type logAdopt struct {
	engines.Location
	Yes bool `help:"Do not ask for confirmation." env:"-"`
}

// Run makes the logs those of the tables as they are.
func (c *logAdopt) Run(a *app) error {
	s, err := c.OpenAlone(a.ctx, "log adopt", a.log)
	if err != nil {
		return err
	}
	defer s.Close()
	found, err := findReplaced(a.ctx, s)
	if err != nil {
		return err
	}
	if len(found) == 0 {
		fmt.Fprintln(a.stdout, "nothing to adopt: the log is the one that was written before")
		return nil
	}
	for _, r := range found {
		if err := r.describe(a); err != nil {
			return err
		}
	}
	if err := confirm(a, c.Yes, "The log will be used as it is. Events that it lacks remain in the tables only until the next replay."); err != nil {
		return err
	}
	for _, r := range found {
		if _, err := r.adopt(a.ctx); err != nil {
			return err
		}
		if err := r.Own(a.ctx); err != nil {
			return err
		}
	}
	fmt.Fprintln(a.stdout, "the log is adopted and accepts events again; run `parley replay` so that the tables contain the events of this log")
	return nil
}
