package sink

import (
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector/foldtest"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// TestTurnsAndSnoozesAreThoseThatAMigrationFills compares what is written with what ClickHouse computes for rows of
// earlier releases.
func TestTurnsAndSnoozesAreThoseThatAMigrationFills(t *testing.T) {
	server := enginetest.ClickHouse(t)
	some := 0
	for seed := range uint64(8) {
		log := archived(foldtest.Stream(foldtest.Seeded(700+seed), 40), 1)
		s := empty(t, Options{})
		if err := (&reader{sink: s, log: log}).step(t.Context(), len(log)); err != nil {
			t.Fatal(err)
		}
		for _, column := range []string{"_turns", "_snoozed"} {
			filled := server.Exec(t, s.in(`SELECT default_expression FROM system.columns WHERE concat('', database) = '$projection' AND table = 'conversations' AND name = '`+column+`' FORMAT TSVRaw`))
			if filled == "" {
				t.Fatalf("%s has no default", column)
			}
			if differing := server.Exec(t, s.in(`SELECT conversation_id, `+column+`, `+filled+` AS filled FROM $projection.conversations FINAL WHERE `+column+` != filled FORMAT TSV`)); differing != "" {
				t.Errorf("seed %d, %s is not what is filled:\n%s", seed, column, differing)
			}
			if server.Exec(t, s.in(`SELECT count() > 0 FROM $projection.conversations FINAL WHERE notEmpty(`+column+`)`)) == "1" {
				some++
			}
		}
	}
	if some < 8 {
		t.Errorf("only %d columns of %d had any times", some, 16)
	}
}

// TestUnattendedTimesAreThoseThatAMigrationFills does so for the column that is filled from the messages.
func TestUnattendedTimesAreThoseThatAMigrationFills(t *testing.T) {
	server := enginetest.ClickHouse(t)
	for seed := range uint64(8) {
		log := archived(foldtest.Stream(foldtest.Seeded(750+seed), 40), 1)
		s := empty(t, Options{})
		if err := (&reader{sink: s, log: log}).step(t.Context(), len(log)); err != nil {
			t.Fatal(err)
		}
		const times = "SELECT project_id, conversation_id, _unattended FROM $projection.conversations FINAL WHERE notEmpty(_unattended) ORDER BY ALL"
		want := server.Exec(t, s.in(times))
		if strings.Count(want, "\n") < 5 || !strings.Contains(want, ",") {
			t.Errorf("seed %d has too few times:\n%s", seed, want)
		}
		server.Exec(t, s.in("INSERT INTO $projection.conversations SELECT * REPLACE ([] AS _unattended) FROM $projection.conversations FINAL"))
		if left := server.Exec(t, s.in(times)); left != "" {
			t.Fatalf("seed %d, left are\n%s", seed, left)
		}
		for _, f := range ddl.Projection(s.options.Projection) {
			if strings.HasSuffix(f.Name, "_fill_conversations_unattended.sql") {
				server.Exec(t, f.Statement)
			}
		}
		if got := server.Exec(t, s.in(times)); got != want {
			t.Errorf("seed %d, filled are\n%s\nwant\n%s", seed, got, want)
		}
	}
}
