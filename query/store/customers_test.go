package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
)

func TestCustomersAreCountedAgainWhenThePositionHasMoved(t *testing.T) {
	server := live(t, 64, 10)
	s := open(t, nil)
	add := func(project, id int) {
		t.Helper()
		server.Exec(t, fmt.Sprintf("INSERT INTO parley_64.customers (project_id, customer_id, created_at) VALUES (%d, 'v-%d', '2025-01-01')", project, id))
	}
	count := func(want uint64, sent int, projects ...schema.ProjectID) {
		t.Helper()
		ctx, stats := query.WithStats(t.Context())
		n, err := s.CountCustomers(ctx, query.Scope{Projection: 64, Projects: schema.Projects{IDs: projects}})
		if err != nil || n != want || len(stats.Statements()) != sent {
			t.Errorf("%d customers of %v after %d statements, want %d after %d; %v", n, projects, len(stats.Statements()), want, sent, err)
		}
	}
	add(1, 1)
	add(1, 2)
	add(2, 1)
	count(2, 2, 1)
	count(2, 1, 1)
	count(3, 2, 1, 2)
	add(1, 3)
	count(2, 1, 1) // the batch is not complete
	storetest.SetPosition(t, server, 64, 11)
	count(3, 2, 1)
	count(1, 2, 2)
	count(4, 2, 1, 2)
	count(4, 1, 1, 2)
}

func TestAPageOfCustomersIsOneStatementUnlessTheyHaveManyVersions(t *testing.T) {
	server := live(t, 65, 10)
	s := open(t, nil)
	add := func(from, to, version int) {
		t.Helper()
		server.Exec(t, fmt.Sprintf("INSERT INTO parley_65.customers (project_id, customer_id, created_at, _version) "+
			"SELECT 1, concat('v-', leftPad(toString(number), 4, '0')), toDateTime64('2025-01-01', 3, 'UTC') + number, %d FROM numbers(%d, %d)", version, from, to-from))
	}
	page := func(page query.Page, first, last string, n, sent int) {
		t.Helper()
		ctx, stats := query.WithStats(t.Context())
		rows, err := s.Customers(ctx, query.Scope{Projection: 65, Projects: schema.Projects{IDs: []schema.ProjectID{1}}}, page, nil)
		if err != nil || len(rows) != n || len(stats.Statements()) != sent {
			t.Fatalf("%d customers after %d statements, want %d after %d; %v", len(rows), len(stats.Statements()), n, sent, err)
		}
		if rows[0].ID != first || rows[n-1].ID != last {
			t.Errorf("from %s to %s, want %s to %s", rows[0].ID, rows[n-1].ID, first, last)
		}
	}
	server.Exec(t, "SYSTEM STOP MERGES parley_65.customers")
	t.Cleanup(func() { server.Exec(t, "SYSTEM START MERGES parley_65.customers") })
	add(0, 1000, 1)
	page(query.Page{Limit: 101}, "v-0000", "v-0100", 101, 1)
	page(query.Page{Limit: 1001}, "v-0000", "v-0999", 1000, 2)
	for version := range 8 {
		add(0, 100, 2+version)
	}
	page(query.Page{Limit: 101}, "v-0000", "v-0100", 101, 2)

	at := time.Date(2025, 1, 1, 0, 0, 994, 0, time.UTC)
	after := query.Page{Limit: 101, After: &query.Place{At: schema.Timestamp(at.UnixMilli()), Project: 1, ID: "v-0994"}}
	page(after, "v-0995", "v-0999", 5, 1)
	after.FromEnd = true
	page(after, "v-0999", "v-0995", 5, 1)
	page(query.Page{Limit: 101, FromEnd: true}, "v-0999", "v-0899", 101, 1)
}
