package tables

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/schema"
)

// Archive reads the archived events of a version, in log order. It is for one goroutine, and must be closed.
type Archive struct{ rows driver.Rows }

// archiveSettings limit the memory of a long read: a large sort goes to disk.
var archiveSettings = clickhouse.Settings{"max_bytes_before_external_sort": uint64(256 << 20), "max_execution_time": 0}

// Archive starts reading the events of a version after a sequence. It outlives the context.
func (t *Tables) Archive(ctx context.Context, version uint32, after schema.Sequence) (*Archive, error) {
	ctx = clickhouse.Context(context.WithoutCancel(ctx), clickhouse.WithSettings(archiveSettings))
	rows, err := t.conn.Query(ctx, of(eventsSQL, version), clickhouse.Named("after", uint64(after)))
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return &Archive{rows}, nil
}

// Read returns up to most events; none at the end.
func (a *Archive) Read(most int) ([]schema.Entry, error) {
	var entries []schema.Entry
	for len(entries) < most && a.rows.Next() {
		var sequence uint64
		var entry schema.Entry
		var original string
		if err := a.rows.Scan(&sequence, &entry.ReceivedAt, &original); err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
		entry.Sequence, entry.Payload = schema.Sequence(sequence), []byte(original)
		entries = append(entries, entry)
	}
	if err := a.rows.Err(); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return entries, nil
}

// Close ends the reading.
func (a *Archive) Close() { _ = a.rows.Close() }

// LastEvent returns the highest archived sequence of a version, 0 for an empty archive.
func (t *Tables) LastEvent(ctx context.Context, version uint32) (schema.Sequence, error) {
	var last uint64
	err := t.conn.QueryRow(ctx, of(lastEventSQL, version)).Scan(&last)
	return schema.Sequence(last), err
}

// LastEventUntil returns the highest sequence up to one that a version has archived or quarantined, 0 for none.
func (t *Tables) LastEventUntil(ctx context.Context, version uint32, until schema.Sequence) (schema.Sequence, error) {
	var last uint64
	err := t.conn.QueryRow(ctx, of(lastEventUntilSQL, version), clickhouse.Named("until", uint64(until))).Scan(&last)
	return schema.Sequence(last), err
}

// NextEvent returns the lowest archived sequence of a version after another, 0 for
// none.
func (t *Tables) NextEvent(ctx context.Context, version uint32, after schema.Sequence) (schema.Sequence, error) {
	var next uint64
	err := t.conn.QueryRow(ctx, of(nextEventSQL, version), clickhouse.Named("after", uint64(after))).Scan(&next)
	return schema.Sequence(next), err
}

// EventsBetween calls do with the archived and quarantined events of a range of the log, both ends included,
// in order, and counts them; do may be nil.
func (t *Tables) EventsBetween(ctx context.Context, version uint32, from, to schema.Sequence, do func(schema.Sequence, []byte) error) (count uint64, err error) {
	rows, err := t.conn.Query(ctx, of(eventsBetweenSQL, version), clickhouse.Named("from", uint64(from)), clickhouse.Named("to", uint64(to)))
	if err != nil {
		return 0, fmt.Errorf("read the archive: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var sequence uint64
		var original string
		if err := rows.Scan(&sequence, &original); err != nil {
			return count, fmt.Errorf("read the archive: %w", err)
		}
		count++
		if do != nil {
			if err := do(schema.Sequence(sequence), []byte(original)); err != nil {
				return count, err
			}
		}
	}
	return count, rows.Err()
}

// HoldsTexts reports whether a version keeps the text of messages.
func (t *Tables) HoldsTexts(ctx context.Context, version uint32) (held bool, err error) {
	err = t.conn.QueryRow(ctx, of(holdsTextsSQL, version)).Scan(&held)
	return held, err
}

// Counts are the numbers of a version up to a position of the log of events.
type Counts struct {
	Events, Keys            uint64 // archived, and the keys known
	Conversations, Archived uint64 // rows, and conversations with archived events
}

// Count counts rows. Rows above the position are from an interrupted batch.
func (t *Tables) Count(ctx context.Context, version uint32, position schema.Sequence) (Counts, error) {
	var c Counts
	err := t.conn.QueryRow(ctx, of(countsSQL, version), clickhouse.Named("position", uint64(position))).
		Scan(&c.Events, &c.Keys, &c.Conversations, &c.Archived)
	if err != nil {
		return c, fmt.Errorf("count version %d: %w", version, err)
	}
	return c, nil
}
