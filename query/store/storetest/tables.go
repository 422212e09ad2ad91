package storetest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// MarshalJSON writes a decimal in quotes.
func (a Amount) MarshalJSON() ([]byte, error) { return []byte(strconv.Quote(a.String())), nil }

// String writes all four digits after the point.
func (a Amount) String() string {
	sign, n := "", int64(a)
	if n < 0 {
		sign, n = "-", -n
	}
	return fmt.Sprintf("%s%d.%04d", sign, n/10000, n%10000)
}

// Migrate makes the tables of the projections and the last of them live.
func Migrate(t testing.TB, server *enginetest.ClickHouseServer, projections ...uint32) {
	t.Helper()
	server.Exec(t, "CREATE DATABASE IF NOT EXISTS "+clickhouse.MetaDatabase+" ENGINE = Atomic")
	for _, file := range clickhouse.Meta() {
		server.Exec(t, file.Statement)
	}
	for n, projection := range projections {
		server.Exec(t, "CREATE DATABASE IF NOT EXISTS "+clickhouse.ProjectionDatabase(projection)+" ENGINE = Atomic")
		for _, file := range clickhouse.Projection(projection) {
			server.Exec(t, file.Statement)
		}
		server.Exec(t, fmt.Sprintf("INSERT INTO parley_meta.projections (version, state, _version) VALUES (%d, 'live', %d)", projection, n+1))
	}
}

// Insert writes the rows into a projection.
func (w *World) Insert(t testing.TB, server *enginetest.ClickHouseServer, projection uint32) {
	t.Helper()
	insert(t, server, projection, "conversations", w.Conversations)
	insert(t, server, projection, "contacts", w.Contacts)
	insert(t, server, projection, "transactions", w.Transactions)
	insert(t, server, projection, "messages", w.Messages)
	insert(t, server, projection, "message_texts", w.Texts)
	insert(t, server, projection, "visitors", w.Visitors)
	insert(t, server, projection, "events", w.Events)
}

// SetPosition says how far the projection has read the log.
func SetPosition(t testing.TB, server *enginetest.ClickHouseServer, projection uint32, sequence uint64) {
	t.Helper()
	server.Exec(t, fmt.Sprintf("INSERT INTO parley_%d.positions (log, sequence) VALUES ('events', %d)", projection, sequence))
}

func insert[R any](t testing.TB, server *enginetest.ClickHouseServer, projection uint32, table string, rows []R) {
	t.Helper()
	if len(rows) == 0 {
		return
	}
	var body strings.Builder
	encoder := json.NewEncoder(&body)
	for i := range rows {
		if err := encoder.Encode(rows[i]); err != nil {
			t.Fatal(err)
		}
	}
	statement := fmt.Sprintf("INSERT INTO parley_%d.%s SETTINGS async_insert = 0, input_format_null_as_default = 0 FORMAT JSONEachRow\n", projection, table)
	if answer, err := server.Query(server.Writer, statement+body.String()); err != nil {
		t.Fatalf("%s: %v %s", table, err, answer)
	}
}
