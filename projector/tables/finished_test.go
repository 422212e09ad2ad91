package tables

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// TestFinishedTablesAreThoseOfTheFiles makes one version by the files, as a data directory that was
// upgraded step by step, and one of the finished tables.
func TestFinishedTablesAreThoseOfTheFiles(t *testing.T) {
	tables := fresh(t)
	server := enginetest.ClickHouse(t)
	server.Exec(t, "CREATE DATABASE parley_1 ENGINE = Atomic") // an older binary was stopped here
	up(t, tables)
	if err := tables.Create(t.Context(), 2); err != nil {
		t.Fatal(err)
	}

	want, got := create(t, server, "parley_1"), create(t, server, "parley_2")
	if maps.Equal(got, want) {
		return
	}
	if !*rewrite {
		t.Fatal("schema/clickhouse/finished does not have the tables of schema/clickhouse/projection: go test ./projector/tables -run Finished -rewrite")
	}
	const folder = "../../schema/clickhouse/finished"
	old, err := filepath.Glob(folder + "/*.sql")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
	}
	for name, statement := range want {
		if err := os.WriteFile(filepath.Join(folder, name+".sql"), []byte(statement+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// create returns the statements that make the tables of a version, by table.
func create(t *testing.T, server *enginetest.ClickHouseServer, database string) map[string]string {
	t.Helper()
	list := map[string]string{}
	for _, table := range strings.Fields(server.Exec(t, "SELECT name FROM system.tables WHERE database = '"+database+"'")) {
		statement := server.Exec(t, "SHOW CREATE TABLE "+database+"."+table+" FORMAT RawBLOB")
		list[table] = strings.ReplaceAll(statement, "CREATE TABLE "+database+".", "CREATE TABLE IF NOT EXISTS $projection.")
	}
	return list
}

func TestANewVersionIsMadeOfTheFinishedTables(t *testing.T) {
	tables := fresh(t)
	made := map[string]bool{}
	tables.Report = func(p MigrationProgress) { made[p.Step] = true }
	up(t, tables)
	for _, f := range ddl.Finished(1) {
		if name := "parley_1/" + f.Name; !made[name] {
			t.Errorf("%s is not used", name)
		}
	}
	applied, err := tables.applied(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range ddl.Projection(1) {
		name := "parley_1/" + f.Name
		if made[name] || applied[name] != (step{statement: f.Statement}).checksum() {
			t.Errorf("%s: run %t, noted as %q", name, made[name], applied[name])
		}
	}
}
