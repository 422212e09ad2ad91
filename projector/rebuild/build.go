package rebuild

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/sink/migrate"
	"github.com/parley-analytics/parley/schema"
	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

// positions gives the stored position of each log in a version.
func positions(ctx context.Context, conn driver.Conn, version uint32) (map[string]schema.Sequence, error) {
	rows, err := conn.Query(ctx, "SELECT log, sequence FROM "+tables.ProjectionDatabase(version)+".positions FINAL")
	if err != nil {
		return nil, fmt.Errorf("positions of version %d: %w", version, err)
	}
	defer rows.Close()
	found := map[string]schema.Sequence{}
	for rows.Next() {
		var log string
		var sequence uint64
		if err := rows.Scan(&log, &sequence); err != nil {
			return nil, fmt.Errorf("positions of version %d: %w", version, err)
		}
		found[log] = schema.Sequence(sequence)
	}
	return found, rows.Err()
}

// Progress says how far a build has come: sequences of the log of events done
// and to do. Done may begin above 0 where a build goes on.
type Progress func(done, all schema.Sequence)

// stage makes or finds the version that is built: one left in building is gone
// on with, because a build gives the same tables whoever makes it.
func stage(ctx context.Context, conn driver.Conn) (uint32, error) {
	all, err := migrate.Projections(ctx, conn)
	if err != nil {
		return 0, err
	}
	next := uint32(1)
	for _, p := range all {
		if p.State == migrate.Building {
			return p.Version, migrate.CreateProjection(ctx, conn, p.Version)
		}
		next = max(next, p.Version+1)
	}
	return next, migrate.CreateProjection(ctx, conn, next)
}

// stuck is how long a build may stand still before it is given up: the engines
// may be away for a while, or not come back where they were.
const stuck = time.Minute

// errStill is said of a build that stands still for no reason that is known.
var errStill = errors.New("the log gives no more events")

// build projects into version until it has reached the given positions.
func build(ctx context.Context, conn driver.Conn, open Open, version uint32, to map[string]schema.Sequence, gaps Gaps, report Progress) error {
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
		at, err := positions(ctx, conn, version)
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
			if complete {
				return nil
			}
			if maps.Equal(at, before) { // at work on a batch, or before a gap
				if err := passGaps(ctx, conn, gaps, version); err != nil && ctx.Err() == nil {
					return fmt.Errorf("build version %d: %w", version, err)
				}
			}
			before = at
		}
		if time.Since(moved) > stuck {
			return fmt.Errorf("build version %d: no progress for %v: %w", version, stuck, cmp.Or(err, p.Ready(), errStill))
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-ticker.C:
		}
	}
}

// Archived is the sequence up to which the live version has archived the log of
// events. Retention may drop these from the stream.
func Archived(ctx context.Context, conn driver.Conn) (schema.Sequence, error) {
	live, err := migrate.Live(ctx, conn)
	if err != nil {
		return 0, err
	}
	at, err := positions(ctx, conn, live)
	return at[projector.LogEvents], err
}
