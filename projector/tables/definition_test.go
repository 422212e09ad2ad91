package tables

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
	"github.com/parley-analytics/parley/schema/definition"
)

var rewrite = flag.Bool("rewrite", false, "write the columns of the views into schema/definition/tables.json")

func TestDefinitionsHaveTheViewsWithoutPersonalData(t *testing.T) {
	up(t, fresh(t))
	keys := map[string][]string{}
	for _, table := range definition.Tables() {
		keys[table.Name] = table.Key
	}
	var list []definition.Table
	for _, v := range ddl.Views() {
		if v.Definer != ddl.OpenDefiner {
			continue
		}
		if keys[v.View] == nil {
			t.Errorf("give schema/definition/tables.json {\"name\": %q, \"key\": [the columns that identify a row]}, then use -rewrite", v.View)
		}
		table := definition.Table{Name: v.View, Key: keys[v.View]}
		table.Comment = enginetest.ClickHouse(t).Exec(t, "SELECT comment FROM system.tables WHERE database = 'parley' AND name = '"+v.View+"' FORMAT RawBLOB")
		rows := enginetest.ClickHouse(t).Exec(t, "SELECT name, type, comment FROM system.columns WHERE database = 'parley' AND table = '"+v.View+"' ORDER BY position FORMAT JSONEachRow")
		for line := range strings.Lines(rows) {
			var column definition.Column
			if err := json.Unmarshal([]byte(line), &column); err != nil {
				t.Fatalf("%s: %v", line, err)
			}
			table.Columns = append(table.Columns, column)
		}
		list = append(list, table)
	}
	want, err := json.MarshalIndent(list, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	want = append(want, '\n')
	const path = "../../schema/definition/tables.json"
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) == string(want) || t.Failed() {
		return
	}
	if !*rewrite {
		t.Fatal("schema/definition/tables.json does not have the columns of the views: go test ./projector/tables -run Definitions -rewrite")
	}
	if err := os.WriteFile(path, want, 0o600); err != nil {
		t.Fatal(err)
	}
}
