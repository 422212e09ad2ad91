package tables

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/schema"
)

// Quarantined is an entry of a log that was refused, and why.
type Quarantined struct {
	Log        string // that Sequence counts in: events or rejected; or conversations, for one that is set aside
	Sequence   schema.Sequence
	ReceivedAt time.Time
	Reason     schema.Code
	Detail     string // field and rule, never the value
	Source     *string
	EventID    *string
	Bytes      uint64 // length of the original
	Original   []byte // nil unless requested
}

// QuarantineFilter picks entries: members that are zero do not filter.
type QuarantineFilter struct {
	Log          string
	Reason       schema.Code
	Source       string
	Sequences    []schema.Sequence
	Since, Until time.Time // on the moment the log took the entry; half open
	// Limit is the most entries; 0 is all.
	Limit int
}

// latest is the last moment a column of time holds, in milliseconds.
const latest = 7_258_118_399_999

// Quarantine returns the entries of a version, oldest first.
func (t *Tables) Quarantine(ctx context.Context, version uint32, filter QuarantineFilter, originals bool) ([]Quarantined, error) {
	since, until, limit := int64(0), int64(latest), uint64(math.MaxInt64)
	if !filter.Since.IsZero() {
		since = max(0, filter.Since.UnixMilli())
	}
	if !filter.Until.IsZero() {
		until = max(0, min(latest, filter.Until.UnixMilli()))
	}
	if filter.Limit > 0 {
		limit = uint64(filter.Limit)
	}
	rows, err := t.conn.Query(ctx, of(quarantineSQL, version),
		clickhouse.Named("log", filter.Log), clickhouse.Named("reason", string(filter.Reason)), clickhouse.Named("source", filter.Source),
		clickhouse.Named("sequences", numbers(filter.Sequences)), clickhouse.Named("since", since), clickhouse.Named("until", until),
		clickhouse.Named("limit", limit), clickhouse.Named("originals", originals))
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	defer rows.Close()
	var list []Quarantined
	for rows.Next() {
		var e Quarantined
		var sequence uint64
		var reason, original string
		if err := rows.Scan(&e.Log, &sequence, &e.ReceivedAt, &reason, &e.Detail, &e.Source, &e.EventID, &e.Bytes, &original); err != nil {
			return nil, fmt.Errorf("list quarantine: %w", err)
		}
		e.Sequence, e.Reason, e.ReceivedAt = schema.Sequence(sequence), schema.Code(reason), e.ReceivedAt.UTC()
		if originals {
			e.Original = []byte(original)
		}
		list = append(list, e)
	}
	return list, rows.Err()
}

// RejectedBetween calls do with the entries of a range of the log of rejected events, both ends included, in order and with their
// originals, and counts them; do may be nil.
func (t *Tables) RejectedBetween(ctx context.Context, version uint32, from, to schema.Sequence, do func(Quarantined) error) (count uint64, err error) {
	rows, err := t.conn.Query(ctx, of(rejectedBetweenSQL, version), clickhouse.Named("from", uint64(from)), clickhouse.Named("to", uint64(to)))
	if err != nil {
		return 0, fmt.Errorf("read quarantine: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		e := Quarantined{Log: "rejected"}
		var sequence uint64
		var reason, original string
		if err := rows.Scan(&sequence, &e.ReceivedAt, &reason, &e.Detail, &e.Source, &e.EventID, &original); err != nil {
			return count, fmt.Errorf("read quarantine: %w", err)
		}
		e.Sequence, e.Reason, e.ReceivedAt = schema.Sequence(sequence), schema.Code(reason), e.ReceivedAt.UTC()
		e.Original, e.Bytes = []byte(original), uint64(len(original))
		count++
		if do != nil {
			if err := do(e); err != nil {
				return count, err
			}
		}
	}
	return count, rows.Err()
}

// LastRejectedUntil returns the highest sequence up to one of the log of rejected events that is in quarantine, 0 for none.
func (t *Tables) LastRejectedUntil(ctx context.Context, version uint32, until schema.Sequence) (schema.Sequence, error) {
	var last uint64
	err := t.conn.QueryRow(ctx, of(lastRejectedUntilSQL, version), clickhouse.Named("until", uint64(until))).Scan(&last)
	return schema.Sequence(last), err
}

// RemoveQuarantined takes entries out of the tables of every version there is. A
// mark stays for each, so that a batch written twice does not bring it back.
func (t *Tables) RemoveQuarantined(ctx context.Context, log string, sequences []schema.Sequence) error {
	for _, statement := range []string{quarantineRemoveSQL, quarantineMarkSQL} {
		err := t.inAll(ctx, statement, clickhouse.Named("log", log), clickhouse.Named("sequences", numbers(sequences)))
		if err != nil {
			return fmt.Errorf("remove %d rows of quarantine: %w", len(sequences), err)
		}
	}
	return nil
}

// ExpireQuarantined takes the entries of the log of rejected events below a sequence
// out of the tables of every version there is.
func (t *Tables) ExpireQuarantined(ctx context.Context, before schema.Sequence) error {
	if err := t.inAll(ctx, quarantineExpireSQL, clickhouse.Named("before", uint64(before))); err != nil {
		return fmt.Errorf("remove rows of quarantine below %d: %w", before, err)
	}
	return nil
}

// inAll runs a statement on every version there is.
func (t *Tables) inAll(ctx context.Context, statement string, parameters ...any) error {
	versions, err := t.Projections(ctx)
	if err != nil {
		return err
	}
	for _, v := range versions {
		if v.State == Dropped {
			continue
		}
		if err := t.conn.Exec(ctx, of(statement, v.Version), parameters...); err != nil {
			return err
		}
	}
	return nil
}

// Release asks the projector of a version to make the rows of conversations again
// that it has set aside. Log and sequences are those of their entries in quarantine.
func (t *Tables) Release(ctx context.Context, version uint32, log string, sequences []schema.Sequence) error {
	err := t.conn.Exec(ctx, of(quarantineReleaseSQL, version), clickhouse.Named("released", string(schema.CodeReleased)),
		clickhouse.Named("log", log), clickhouse.Named("sequences", numbers(sequences)))
	if err != nil {
		return fmt.Errorf("release %d conversations: %w", len(sequences), err)
	}
	return nil
}

// CarryQuarantine copies into a version the rows of quarantine that another one
// has of the log of events below a sequence.
func (t *Tables) CarryQuarantine(ctx context.Context, from, to uint32, before schema.Sequence) error {
	if err := t.conn.Exec(ctx, between(quarantineCarrySQL, from, to), clickhouse.Named("before", uint64(before))); err != nil {
		return fmt.Errorf("carry over quarantine: %w", err)
	}
	return nil
}
