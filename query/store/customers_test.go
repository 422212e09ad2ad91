package store

import (
	"fmt"
	"testing"

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
