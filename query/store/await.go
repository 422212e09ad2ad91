package store

import (
	"context"
	"sync"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Advances notifies waiting requests of the positions of this process's projectors. The zero value
// is ready for use; all methods may be called at the same time.
type Advances struct {
	mu        sync.Mutex
	positions map[uint32]query.Live // by version of the projection
	next      chan struct{}         // closed by the next Note; nil while no request waits
}

// Note records that everything up to a position is in the tables of a version, and up to which one no row is missing.
func (a *Advances) Note(version uint32, written, complete schema.Sequence) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.positions == nil {
		a.positions = map[uint32]query.Live{}
	}
	a.positions[version] = query.Live{Projection: version, Position: complete, Written: written}
	if a.next != nil {
		close(a.next)
		a.next = nil
	}
}

// of returns how far a version is, zero when no projector of this process writes it,
// and a channel that is closed when one has moved.
func (a *Advances) of(version uint32) (query.Live, <-chan struct{}) {
	if a == nil {
		return query.Live{}, nil
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.next == nil {
		a.next = make(chan struct{})
	}
	return a.positions[version], a.next
}

// How often the position is read while requests wait for it, once for all of them:
// less often where a projector of this process tells it.
const (
	awaitEvery = 20 * time.Millisecond
	awaitTold  = 250 * time.Millisecond
)

// Await waits until the tables that answer show everything up to a position in the
// log, but for rows of conversations that are behind. The end of the context ends it with CodeTimeout.
func (s *Store) Await(ctx context.Context, sequence schema.Sequence) (query.Live, error) {
	live, err := s.Live(ctx)
	for err == nil && live.Written < sequence {
		reported, moved := s.config.Advances.of(live.Projection)
		if reported.Written >= sequence {
			return reported, nil
		}
		every := awaitEvery
		if reported.Written > 0 {
			every = awaitTold
		}
		tick := time.NewTimer(every)
		select {
		case <-ctx.Done():
			err = ctx.Err()
		case <-moved:
		case <-tick.C:
			if known, err := s.liveWithin(ctx, every); err == nil { // unavailable tables may become available again
				live = known
			}
		}
		tick.Stop()
	}
	if err != nil && ctx.Err() != nil {
		err = &query.Error{Code: query.CodeTimeout, Message: "the tables are behind the log"}
	}
	return live, err
}
