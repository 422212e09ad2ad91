package projector

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// watch checks for progress. An open connection proves nothing: a reader can go
// silent while the log grows. When the log is ahead and the position has not
// moved for too long, the loop is not ready; if it is waiting for entries
// rather than working, its reader is restarted.
//
// Entries at the very end may have been discarded, and then no reader will ever
// give them. When one that is new finds nothing for as long again, with the log
// ending where it ended, the end is taken for such a gap.
func (l *loop) watch(ctx context.Context) {
	ticks := time.NewTicker(max(l.stall/10, time.Millisecond))
	defer ticks.Stop()
	w := watch{since: l.gatherer.clock()}
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		before := l.state.progress().Position
		asking, done := context.WithTimeout(ctx, max(l.stall/3, time.Second))
		last, err := l.gatherer.log.Last(asking)
		done()
		if ctx.Err() != nil {
			return
		}
		w.look(l, before, last, err)
	}
}

// watch is what was seen of a loop.
type watch struct {
	position schema.Sequence
	since    time.Time // the position has been the same at least since
	rebuilt  schema.Sequence
	gap      schema.Sequence // the log may end here without an entry
}

// look compares the end of the log with the position. before is the position
// when the end was requested: the log cannot end below it.
func (w *watch) look(l *loop, before, last schema.Sequence, err error) {
	s := l.state
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.unseen = fmt.Errorf("read the end of the log: %w", err)
		return
	}
	s.unseen, s.last = nil, last
	l.metrics.lag.WithLabelValues(l.name).Set(float64(Progress{Position: s.position, Last: last, Density: s.density}.Lag()))
	now := s.clock()
	switch {
	case last <= s.position:
		s.owed = time.Time{}
	case s.owed.IsZero():
		s.owed = now
	}
	l.metrics.logEnd.WithLabelValues(l.name).Set(float64(last))
	l.metrics.lagSeconds.WithLabelValues(l.name).Set(s.lag().Seconds())
	if l.name == LogEvents {
		l.metrics.behind.Set(float64(len(s.behind)))
		l.metrics.behindSeconds.Set(s.behindFor().Seconds())
	}
	switch {
	case !s.begun:
		w.since = now
	case last < before:
		// The next round will find the same and name it.
		s.end(errRebuild)
	case last <= s.position || last == w.gap || s.position != w.position:
		w.position, w.since, s.stalled = s.position, now, nil
	case now.Sub(w.since) < l.stall:
	case s.waiting && w.rebuilt == last:
		w.gap, s.stalled = last, nil
		l.logger.Warn("the last entries of the log were discarded; nothing left to project", "position", s.position, "last", last)
	default:
		s.stalled = fmt.Errorf("stalled at sequence %d although the log ends at %d", s.position, last)
		if s.waiting {
			w.rebuilt, w.since = last, now
			l.logger.Error("projection is stalled; restarting the log reader", "position", s.position, "last", last)
			s.end(errRebuild)
		}
	}
}
