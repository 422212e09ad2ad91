package rebuild

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

// Archive is the log of events as a version's archive has it: what was accepted,
// without duplicates and without what went to quarantine. It stands in for the
// stream where that no longer holds the events. It is a [projector.Log].
type Archive struct {
	conn    driver.Conn
	version uint32

	rows driver.Rows
	at   schema.Sequence // the last one given out of rows
}

var _ projector.Log = (*Archive)(nil)

// NewArchive reads the archive of a version.
func NewArchive(conn driver.Conn, version uint32) *Archive {
	return &Archive{conn: conn, version: version}
}

// Read gives the archived events after a sequence. It never waits: an archive
// that has no more is at its end.
func (a *Archive) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	if a.rows == nil || a.at != after {
		if err := a.open(ctx, after); err != nil {
			return nil, err
		}
	}
	var entries []schema.Entry
	for len(entries) < most && a.rows.Next() {
		var sequence uint64
		var entry schema.Entry
		var original string
		if err := a.rows.Scan(&sequence, &entry.ReceivedAt, &original); err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		entry.Sequence, entry.Payload = schema.Sequence(sequence), []byte(original)
		a.at = entry.Sequence
		entries = append(entries, entry)
	}
	if err := a.rows.Err(); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	if len(entries) == 0 { // at the end: more may have come by the next call
		a.Close()
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
	return entries, nil
}

func (a *Archive) open(ctx context.Context, after schema.Sequence) error {
	a.Close()
	ctx = clickhouse.Context(context.WithoutCancel(ctx), clickhouse.WithSettings(clickhouse.Settings{
		"max_bytes_before_external_sort": uint64(256 << 20), "max_execution_time": 0,
	}))
	rows, err := a.conn.Query(ctx, `
		SELECT sequence, received_at, original FROM `+tables.ProjectionDatabase(a.version)+`.events FINAL
		WHERE sequence > {after:UInt64} ORDER BY sequence`, clickhouse.Named("after", uint64(after)))
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	a.rows, a.at = rows, after
	return nil
}

// Last is the highest archived sequence, 0 for an empty archive.
func (a *Archive) Last(ctx context.Context) (schema.Sequence, error) {
	var last uint64
	err := a.conn.QueryRow(ctx, "SELECT max(sequence) FROM "+tables.ProjectionDatabase(a.version)+".events").Scan(&last)
	return schema.Sequence(last), err
}

// Close lets go of the reading; Read begins it again.
func (a *Archive) Close() {
	if a.rows != nil {
		_ = a.rows.Close()
		a.rows = nil
	}
}
