package rebuild

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/sink/migrate"
	"github.com/parley-analytics/parley/schema"
	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

// Gaps tells of a log up to where nothing comes after a sequence: see
// [Whole.Gap].
type Gaps func(ctx context.Context, log string, after schema.Sequence) (schema.Sequence, error)

// passGaps moves the positions of a version over entries that are gone (erased,
// or taken out of quarantine). Nobody will ever read these, so that a position
// could stand before them for ever, and another version, which read them in
// time, never be reached. A projector may be at work on the version.
func passGaps(ctx context.Context, conn driver.Conn, gaps Gaps, version uint32) error {
	if gaps == nil {
		return nil
	}
	at, err := positions(ctx, conn, version)
	if err != nil {
		return err
	}
	for _, log := range []string{projector.LogEvents, projector.LogRejected} {
		to, err := gaps(ctx, log, at[log])
		if err != nil {
			return fmt.Errorf("gap of the %s log after %d: %w", log, at[log], err)
		}
		if to <= at[log] {
			continue
		}
		err = conn.Exec(ctx, "INSERT INTO "+tables.ProjectionDatabase(version)+".positions (log, sequence) SELECT {log:String}, {sequence:UInt64}",
			clickhouse.Named("log", log), clickhouse.Named("sequence", uint64(to)))
		if err != nil {
			return fmt.Errorf("pass a gap of the %s log: %w", log, err)
		}
	}
	return nil
}

// carry takes over from another version the rows of quarantine of entries that
// the stream of events has dropped: they are in no archive, so that no rebuild
// can make them again.
func (r *Rebuild) carry(ctx context.Context, from, to uint32) error {
	if r.Begins == nil || from == to {
		return nil
	}
	first, err := r.Begins(ctx)
	if err != nil || first <= 1 {
		return err
	}
	err = r.Conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s.quarantine SELECT * FROM %s.quarantine FINAL WHERE log = 'events' AND sequence < %d",
		tables.ProjectionDatabase(to), tables.ProjectionDatabase(from), uint64(first)))
	if err != nil {
		return fmt.Errorf("carry over quarantine: %w", err)
	}
	return nil
}

// carryFromLive takes over from the version that is live.
func (r *Rebuild) carryFromLive(ctx context.Context, to uint32) error {
	live, err := migrate.Live(ctx, r.Conn)
	if err != nil {
		return err
	}
	return r.carry(ctx, live, to)
}
