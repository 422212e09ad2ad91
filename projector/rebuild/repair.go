package rebuild

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

// in puts a database's name in front of the tables of a statement.
func in(query, database string) string { return strings.ReplaceAll(query, "$.", database+".") }

// portion is how many conversations are repaired by one statement.
const portion = 1000

// repair takes the rows of the owners that differ out of the live version and
// writes them again as they were built. A row that the live projector writes
// meanwhile may go with them: the comparison that follows finds what the repair
// has come too late for.
func (r *Rebuild) repair(ctx context.Context, version, live uint32, report *Report) error {
	names := strings.NewReplacer("$live", tables.ProjectionDatabase(live), "$built", tables.ProjectionDatabase(version))
	for _, t := range projectionTables {
		for owners := range slices.Chunk(report.differing[t.name], portion) {
			first, second := make([]string, len(owners)), make([]string, len(owners))
			for i, o := range owners {
				first[i], second[i] = o[0], o[1]
			}
			keys := []any{clickhouse.Named("first", first), clickhouse.Named("second", second)}
			for _, statement := range t.repairs() {
				if err := r.Conn.Exec(ctx, names.Replace(statement), keys...); err != nil {
					return fmt.Errorf("repair %s: %w", t.name, err)
				}
			}
		}
	}
	return nil
}

// repairs are the statements that write the rows of some owners again.
func (t table) repairs() []string {
	where := fmt.Sprintf("(toString(%s), toString(%s)) IN (SELECT arrayJoin(arrayZip({first:Array(String)}, {second:Array(String)})))", t.key[0], t.key[1])
	statements := []string{
		fmt.Sprintf("DELETE FROM $live.%s WHERE %s", t.name, where),
		fmt.Sprintf("INSERT INTO $live.%[1]s SELECT * FROM $built.%[1]s FINAL WHERE %[2]s", t.name, where),
	}
	if t.name == "events" {
		statements = append(statements,
			"INSERT INTO $live.event_keys SELECT * FROM $built.event_keys WHERE sequence IN (SELECT sequence FROM $built.events WHERE "+where+")")
	}
	return statements
}
