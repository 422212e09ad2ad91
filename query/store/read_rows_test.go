package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// crowded makes a version of 50,000 conversations of 2023.
func crowded(t *testing.T, projection uint32) *enginetest.ClickHouseServer {
	t.Helper()
	server := enginetest.ClickHouse(t)
	storetest.Migrate(t, server, projection)
	t.Cleanup(func() { // other tests of this server say themselves what is live
		server.Exec(t, fmt.Sprintf("DELETE FROM %s.turns WHERE version = %d", clickhouse.MetaDatabase, projection))
	})
	storetest.Many(t, server, projection, 50_000)
	return server
}

// TestFiguresReadTheirOwnRowsOnly counts the rows that figures of a year read: each row of their own
// table once, and none of another.
func TestFiguresReadTheirOwnRowsOnly(t *testing.T) {
	const projection = 62
	server := crowded(t, projection)
	count := func(table string) uint64 {
		n, err := strconv.ParseUint(server.Exec(t, "SELECT count() FROM "+clickhouse.ProjectionDatabase(projection)+"."+table), 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	conversations, contacts := count("conversations"), count("contacts")
	s := open(t, nil)
	scope := query.Scope{Projection: projection, Projects: schema.Projects{All: true}}
	year := query.Interval{From: 1672531200000, To: 1704067200000}
	days := make([]schema.Timestamp, 365)
	for i := range days {
		days[i] = year.From + schema.Timestamp(i)*86_400_000
	}
	by := func(dimensions ...query.Dimension) query.Grouping {
		return query.Grouping{Steps: days, By: dimensions, Key: "page", Limit: 10_000}
	}
	for name, c := range map[string]struct {
		most uint64
		ask  func(ctx context.Context) (int, error)
	}{
		"contacts by INITIATOR": {contacts, func(ctx context.Context) (int, error) {
			rows, err := s.ContactFigures(ctx, scope, year, &query.Filter{}, by(query.ByInitiator), []string{"contacts"})
			return len(rows), err
		}},
		"contacts by CUSTOM_DATA": {contacts, func(ctx context.Context) (int, error) {
			rows, err := s.ContactFigures(ctx, scope, year, &query.Filter{}, by(query.ByCustomData), []string{"contacts"})
			return len(rows), err
		}},
		"returns of snoozed contacts": {contacts, func(ctx context.Context) (int, error) {
			rows, err := s.ContactFigures(ctx, scope, year, &query.Filter{}, by(), []string{"snoozeReturn", "snoozeReturnRate"})
			return len(rows), err
		}},
		"states": {conversations, func(ctx context.Context) (int, error) {
			rows, err := s.ConversationStates(ctx, scope, year, &query.Filter{}, by(), []string{"createdConversations", "closings", "firstClosings", "reopenings", "openAtEnd", "snoozedAtEnd"})
			return len(rows), err
		}},
		"operators": {2 * conversations, func(ctx context.Context) (int, error) {
			rows, err := s.Users(ctx, scope, query.Page{Limit: 1000})
			return len(rows), err
		}},
	} {
		ctx, stats := query.WithStats(t.Context())
		groups, err := c.ask(ctx)
		if err != nil || groups < 365 {
			t.Errorf("%s: %d groups, %v", name, groups, err)
		}
		if read := stats.RowsRead(); read > c.most {
			t.Errorf("%s: %d rows read, of %d", name, read, c.most)
		}
	}
}

// TestTheIndexOfClosingTimesIsForShortIntervals asks for figures of intervals around four weeks, and of a few steps of a long one.
func TestTheIndexOfClosingTimesIsForShortIntervals(t *testing.T) {
	scope := query.Scope{Projection: 1, Projects: schema.Projects{All: true}}
	of := func(days schema.Timestamp) query.Interval {
		return query.Interval{From: 1000, To: 1000 + days*86_400_000}
	}
	for name, c := range map[string]struct {
		interval query.Interval
		spans    []query.Interval
		without  bool
	}{
		"27 days":         {of(27), nil, false},
		"28 days":         {of(28), nil, true},
		"a day of a year": {of(365), []query.Interval{of(1)}, false},
	} {
		st := conversationFigures(scope, c.interval, &query.Filter{}, query.Grouping{Spans: c.spans}, []string{"closedConversations"})
		if without := strings.Contains(st.text, "ignore_data_skipping_indices = 'closed_at_values'"); without != c.without {
			t.Errorf("%s: the index is left out: %t", name, without)
		}
	}
}

// TestFiguresOfAnotherYearReadLittle asks for years in whose last, or first, five days something was closed.
func TestFiguresOfAnotherYearReadLittle(t *testing.T) {
	const projection = 63
	crowded(t, projection)
	s := open(t, nil)
	scope := query.Scope{Projection: projection, Projects: schema.Projects{All: true}}
	const year = 365 * 86_400_000
	closedAt := query.Interval{From: 1672531200000, To: 1672531200000 + year}
	for name, interval := range map[string]query.Interval{
		"before": {From: closedAt.From - year, To: closedAt.From + year/73},
		"after":  {From: closedAt.To - year/73, To: closedAt.To + year},
	} {
		ctx, stats := query.WithStats(t.Context())
		_, err := s.ConversationFigures(ctx, scope, interval, &query.Filter{}, query.Grouping{Limit: 10}, []string{"closedConversations"})
		if _, counting := s.CountClosedConversations(ctx, scope, interval, &query.Filter{}); err == nil {
			err = counting
		}
		if read := stats.RowsRead(); err != nil || read == 0 || read > 8192 {
			t.Errorf("%s: %d rows read, %v", name, read, err)
		}
	}
}

// TestIndexesOfClosingTimesLoseNoRow asks, as dashboards may, for what is open or closed, in one granule with closed conversations or not.
func TestIndexesOfClosingTimesLoseNoRow(t *testing.T) {
	const projection = 64
	server := crowded(t, projection)
	table := clickhouse.ProjectionDatabase(projection) + ".conversations"
	server.Exec(t, "INSERT INTO "+table+" (project_id, conversation_id, created_at, _began_at) "+
		"SELECT 5, toString(number), toDateTime64('2023-01-01 00:00:00', 3, 'UTC') + number * 10000 AS at, at FROM numbers(3000)")
	server.Exec(t, "OPTIMIZE TABLE "+table+" FINAL")
	for _, condition := range []string{
		"closed_at IS NULL", "closed_at IS NOT NULL", "isNull(closed_at) = 1", "closed_at <=> NULL", "if(closed_at IS NULL, 1, 0) = 1",
		"NOT (closed_at >= '2023-05-01 00:00:00')", "closed_at IS NULL OR closed_at >= '2023-12-27 00:00:00'",
		"(closed_at IS NULL OR closed_at >= '2023-12-27 00:00:00') AND created_at < '2023-12-28 00:00:00'",
		"ifNull(closed_at, now64()) > '2025-01-01 00:00:00'", "coalesce(closed_at, created_at) < '2023-02-01 00:00:00'",
		"toDate(closed_at) = '2023-05-01'", "toStartOfMonth(closed_at) = '2023-05-01'", "toMonth(closed_at) IS NULL",
		"closed_at BETWEEN '2023-05-01 00:00:00' AND '2023-05-02 00:00:00'", "nullIf(closed_at, created_at) IS NULL",
	} {
		count := func(settings string) string {
			return server.Exec(t, "SELECT count() FROM "+table+" FINAL WHERE "+condition+settings)
		}
		if got, want := count(""), count(" SETTINGS use_skip_indexes = 0"); got != want || got == "0" {
			t.Errorf("%s: %s rows, want %s", condition, got, want)
		}
	}
}
