package replay

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Progress is the progress of a build: sequences of the log of events done
// and to do. Done may begin above 0 if a build is continued.
type Progress func(done, all schema.Sequence)

// stuck is how long a build may make no progress before it is given up: the engines may be
// unavailable for a while, or may have lost data.
const stuck = time.Minute

// errStalled is returned for a build that makes no progress for an unknown
// reason.
var errStalled = errors.New("the log returns no more events")

// build projects into version until it has reached the given positions.
func build(ctx context.Context, t *tables.Tables, open Open, version uint32, to map[string]schema.Sequence, gaps history.Gaps, report Progress) error {
	p, release, err := open(ctx, version)
	if err != nil {
		return fmt.Errorf("build version %d: %w", version, err)
	}
	running, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer release()
		_ = p.Run(running) // nil: it ends with its context
	}()
	defer func() { cancel(); <-done }()

	ticker := time.NewTicker(100 * time.Millisecond)
	defer ticker.Stop()
	var before map[string]schema.Sequence
	moved := time.Now()
	for {
		at, err := t.Positions(ctx, version)
		if err == nil {
			if !maps.Equal(at, before) {
				moved = time.Now()
			}
			if report != nil {
				report(min(at[projector.LogEvents], to[projector.LogEvents]), to[projector.LogEvents])
			}
			complete := true
			for log, position := range to {
				complete = complete && at[log] >= position
			}
			var behind uint64
			if behind, err = t.Behind(ctx, version); complete && err == nil && behind == 0 {
				return nil
			}
			if behind > 0 && p.Ready() == nil { // the fold of a large conversation takes a while
				moved = time.Now()
			}
			if maps.Equal(at, before) { // writing a batch, or before a gap
				if err := history.Pass(ctx, t, gaps, version); err != nil && ctx.Err() == nil {
					return fmt.Errorf("build version %d: %w", version, err)
				}
			}
			before = at
		}
		if time.Since(moved) > stuck {
			return fmt.Errorf("build version %d: no progress for %v: %w", version, stuck, cmp.Or(err, p.Ready(), errStalled))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}
