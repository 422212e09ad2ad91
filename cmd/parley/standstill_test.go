package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector/sink"
)

// execute runs a statement as the owner of the tables.
func (i *instance) execute(t *testing.T, statement string) {
	t.Helper()
	tables, err := sink.Dial(t.Context(), sink.Server{
		URL: i.where.ClickHouse.HTTP, User: i.where.ClickHouse.Writer.Name, Password: i.where.ClickHouse.Writer.Password,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer tables.Close()
	if err := tables.Conn().Exec(context.Background(), statement); err != nil {
		t.Fatal(err)
	}
}

// awaitReadyz waits until /readyz with a query string answers with a status and says
// something.
func (i *instance) awaitReadyz(t *testing.T, query string, status int, says string) {
	t.Helper()
	eventually(t, func() error {
		got := i.do(t, request{method: http.MethodGet, path: "/readyz" + query})
		if got.status != status || !strings.Contains(string(got.body), says) {
			return fmt.Errorf("/readyz%s: %s, want %d with %q", query, got, status, says)
		}
		return nil
	})
}

// Whatever keeps the live tables still while the log moves, queries are not ready and
// ingest is, in every process; and both are once the tables move again.
func TestQueriesAreNotReadyWhileTheLiveTablesAreStalled(t *testing.T) {
	i := start(t, t.TempDir(), "--stall-after", "1s")
	query := i.role(t, "query", "--stall-after", "1s")
	project := i.role(t, "ingest")
	i.post(t, exampleLines(t, 7431)...)
	waitForEvents(t, i, 7431, 11)
	for _, purpose := range []string{"", "?for=ingest", "?for=query"} {
		i.awaitReadyz(t, purpose, http.StatusOK, "")
	}
	for _, table := range []string{"conversations", "positions"} {
		i.execute(t, "ALTER TABLE parley_1."+table+" MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000")
		i.post(t, strings.ReplaceAll(exampleLines(t, 7431)[0], `"id":"`, `"id":"`+table))
		for _, process := range []*instance{i, query} {
			process.awaitReadyz(t, "?for=query", http.StatusServiceUnavailable, "stalled at sequence")
			process.awaitReadyz(t, "", http.StatusServiceUnavailable, "stalled at sequence")
		}
		i.awaitReadyz(t, "?for=ingest", http.StatusOK, "")
		project.awaitReadyz(t, "", http.StatusOK, "")
		i.execute(t, "ALTER TABLE parley_1."+table+" RESET SETTING min_free_disk_bytes_to_perform_insert")
		for _, process := range []*instance{i, query} {
			process.awaitReadyz(t, "", http.StatusOK, "")
			process.awaitReadyz(t, "?for=query", http.StatusOK, "")
		}
	}
	project.awaitReadyz(t, "?for=query", http.StatusServiceUnavailable, "this process does not run the role query")
	query.awaitReadyz(t, "?for=ingest", http.StatusServiceUnavailable, "this process does not run the role ingest")
	i.awaitReadyz(t, "?for=analytics", http.StatusBadRequest, "for must be ingest or query")
}
