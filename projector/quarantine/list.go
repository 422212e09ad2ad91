package quarantine

import (
	"context"
	_ "embed" // the statements
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/schema"
	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

//go:embed list.sql
var listSQL string

// Entry is what was refused, and why.
type Entry struct {
	Log        string // that Sequence counts in: projector.LogEvents or projector.LogRejected
	Sequence   schema.Sequence
	ReceivedAt time.Time
	Reason     schema.Code
	Detail     string // field and rule, never the value
	Source     *string
	EventID    *string
	Bytes      uint64 // length of the original
	Original   []byte // nil unless asked for
}

// Filter picks entries: members that are zero do not filter.
type Filter struct {
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

// List gives the entries of a projection version, oldest first.
func List(ctx context.Context, conn driver.Conn, version uint32, filter Filter, originals bool) ([]Entry, error) {
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
	rows, err := conn.Query(ctx, in(listSQL, version),
		clickhouse.Named("log", filter.Log), clickhouse.Named("reason", string(filter.Reason)), clickhouse.Named("source", filter.Source),
		clickhouse.Named("sequences", numbers(filter.Sequences)), clickhouse.Named("since", since), clickhouse.Named("until", until),
		clickhouse.Named("limit", limit), clickhouse.Named("originals", originals))
	if err != nil {
		return nil, fmt.Errorf("list quarantine: %w", err)
	}
	defer rows.Close()
	var list []Entry
	for rows.Next() {
		var e Entry
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

// in names the tables of a version in a statement.
func in(statement string, version uint32) string {
	return strings.ReplaceAll(statement, "$projection", tables.ProjectionDatabase(version))
}

func numbers(sequences []schema.Sequence) []uint64 {
	list := make([]uint64, len(sequences))
	for i, s := range sequences {
		list[i] = uint64(s)
	}
	return list
}
