package store

import (
	_ "embed"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

//go:embed testdata/many_messages.sql
var manyMessages string

// TestAMessageIsFoundByItsIDAmongAMillion counts the rows read for one, in a table
// that was filled before it had the index.
func TestAMessageIsFoundByItsIDAmongAMillion(t *testing.T) {
	const projection = 61
	server := enginetest.ClickHouse(t)
	storetest.Migrate(t, server, projection)
	t.Cleanup(func() { // other tests of this server say themselves what is live
		server.Exec(t, "DELETE FROM "+clickhouse.MetaDatabase+".turns WHERE version = 61")
	})
	database := clickhouse.ProjectionDatabase(projection)
	server.Exec(t, "ALTER TABLE "+database+".messages DROP INDEX message_id_filter SETTINGS mutations_sync = 2")
	server.Exec(t, strings.ReplaceAll(manyMessages, "$projection", database))
	s := open(t, nil)
	scope := query.Scope{Projection: projection, Projects: schema.Projects{IDs: []schema.ProjectID{7}}}
	find := func(id, want string) uint64 {
		t.Helper()
		ctx, stats := query.WithStats(t.Context())
		row, err := s.MessageByID(ctx, scope, id)
		if err != nil {
			t.Fatal(err)
		}
		if got := row != nil; got != (want != "") || got && row.Conversation != want {
			t.Errorf("%s is in %+v, want %q", id, row, want)
		}
		t.Logf("%s: %d rows read", id, stats.RowsRead())
		return stats.RowsRead()
	}
	before := find("m-543210", "c-54321")
	for _, file := range clickhouse.Projection(projection) {
		if strings.HasSuffix(file.Name, "_messages_by_id.sql") {
			server.Exec(t, file.Statement+" SETTINGS mutations_sync = 2")
		}
	}
	for id, want := range map[string]string{"m-0": "c-0", "m-543210": "c-54321", "m-999999": "c-99999", "m-1000000": ""} {
		if read := find(id, want); read*20 > before {
			t.Errorf("%s: %d rows read, %d without the index", id, read, before)
		}
	}
}
