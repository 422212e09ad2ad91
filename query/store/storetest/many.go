package storetest

import (
	_ "embed"
	"fmt"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

//go:embed many.sql
var many string

// Many fills a projection with conversations of five projects over the year
// 2023, and what belongs to them, made inside ClickHouse. A hundred thousand take
// some seconds.
func Many(t testing.TB, server *enginetest.ClickHouseServer, projection uint32, conversations int) {
	t.Helper()
	const piece = 100_000 // of conversations, at a time
	for n, statement := range strings.Split(many, "\n;\n") {
		statement = strings.ReplaceAll(statement, "$projection", clickhouse.ProjectionDatabase(projection))
		if n > 0 {
			server.Exec(t, statement)
			continue
		}
		for from := 0; from < conversations; from += piece {
			server.Exec(t, strings.NewReplacer(
				"{count:UInt64}", fmt.Sprint(conversations), "{from:UInt64}", fmt.Sprint(from), "{rows:UInt64}", fmt.Sprint(min(piece, conversations-from)),
			).Replace(statement))
		}
	}
}
