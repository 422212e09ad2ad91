package projector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// state is what others may know of a loop while it runs.
type state struct {
	log   string
	clock func() time.Time

	mu       sync.Mutex
	position schema.Sequence
	last     schema.Sequence
	movedAt  time.Time
	density  float64   // events per sequence of the latest batch
	waiting  bool      // for entries, rather than processing them
	owed     time.Time // when the oldest entry behind the position arrived, or a moment before; zero if there is none
	end      context.CancelCauseFunc

	begun   bool  // the stored position was read
	failure error // of the latest round; nil once the position has moved since
	unseen  error // why the end of the log could not be read
	stalled error // the position does not move although the log is ahead

	aside    []Aside
	behind   []Behind // the one that is so for the longest time first
	rejected []Rejected
}

func newState(log string, clock func() time.Time) *state { return &state{log: log, clock: clock} }

// ready returns what is wrong, or nil.
func (s *state) ready() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failure != nil:
		return fmt.Errorf("projection of the %s log: %w", s.log, s.failure)
	case !s.begun:
		return fmt.Errorf("projection of the %s log has not started", s.log)
	case s.unseen != nil:
		return fmt.Errorf("projection of the %s log: %w", s.log, s.unseen)
	case s.stalled != nil:
		return fmt.Errorf("projection of the %s log: %w", s.log, s.stalled)
	}
	return nil
}

func (s *state) progress() Progress {
	s.mu.Lock()
	defer s.mu.Unlock()
	return Progress{Position: s.position, Last: max(s.last, s.position), MovedAt: s.movedAt, Density: s.density}
}

func (s *state) setAside(list []Aside) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.aside = list
}

func (s *state) setRejected(list []Rejected) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rejected = list
}

func (s *state) rejects() []Rejected {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.rejected
}

func (s *state) setBehind(list []Behind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behind = list
}

func (s *state) behinds() []Behind {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behind
}

// behindFor is how long the rows of a conversation are behind its events. Callers hold mu.
func (s *state) behindFor() time.Duration {
	if len(s.behind) == 0 {
		return 0
	}
	return max(0, s.clock().Sub(s.behind[0].Since))
}

func (s *state) asides() []Aside {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.aside
}

// begin notes how a round is ended from outside.
func (s *state) begin(end context.CancelCauseFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end = end
}

// resume notes that a round has read the position. A failure before it is over
// if there is nothing to project; otherwise only progress clears it.
func (s *state) resume(position, last schema.Sequence) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun, s.position, s.last, s.unseen = true, position, last, nil
	if position >= last {
		s.failure = nil
	}
}

func (s *state) wait() { s.setWaiting(true) }
func (s *state) work() { s.setWaiting(false) }

func (s *state) setWaiting(waiting bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = waiting
}

func (s *state) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.waiting = false
	if !errors.Is(err, errRebuild) { // the watch has said what is wrong
		s.failure = err
	}
}

// owe notes when the first entry of the batch in hand arrived.
func (s *state) owe(since time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.owed = since
}

// lag is the age of the oldest entry that is not in the tables. Callers hold mu.
func (s *state) lag() time.Duration {
	if s.owed.IsZero() {
		return 0
	}
	return max(0, s.clock().Sub(s.owed))
}

// advance notes that a batch was written, whose last entry arrived at newest: those after it are not older.
func (s *state) advance(position schema.Sequence, entries int, newest time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if position > s.position {
		s.density = float64(entries) / float64(position-s.position)
	}
	s.owed = newest
	if position >= s.last {
		s.owed = time.Time{}
	}
	s.position, s.last, s.movedAt = position, max(s.last, position), s.clock()
	s.failure, s.stalled = nil, nil
}
