package tables

import (
	"fmt"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

func TestPartsThatOverlapAreCountedAndMerged(t *testing.T) {
	server := enginetest.ClickHouse(t)
	tables := fresh(t)
	up(t, tables)
	insert := func(from string, minutes, rows, version int) {
		server.Exec(t, fmt.Sprintf(`INSERT INTO parley_1.conversations (project_id, conversation_id, _began_at, _version)
			SELECT 1, toString(_began_at), toDateTime64('%s', 3, 'UTC') + toIntervalSecond(intDiv(number * %d * 60, %d)) AS _began_at, %d FROM numbers(%[3]d)`, from, minutes, rows, version))
	}
	parts := func() Parts {
		t.Helper()
		list, err := tables.Parts(t.Context(), 1)
		if err != nil {
			t.Fatal(err)
		}
		var found Parts
		for _, p := range list {
			if p.Table == "conversations" {
				found = p
			} else if p != (Parts{Table: p.Table}) {
				t.Errorf("of an empty table: %+v", p)
			}
		}
		if len(list) != 6 {
			t.Errorf("%d tables are read by ranges", len(list))
		}
		return found
	}
	if found := parts(); found != (Parts{Table: "conversations"}) {
		t.Errorf("of an empty table: %+v", found)
	}
	server.Exec(t, "SYSTEM STOP MERGES parley_1.conversations")
	insert("2024-01-01", 10_000, 10_000, 1)
	insert("2024-02-01", 10_000, 10_000, 1)
	if found := parts(); found != (Parts{Table: "conversations", All: 2, Rows: 20_000, Largest: 10_000}) {
		t.Errorf("of two weeks: %+v", found)
	}
	// A tenth of the first, and 100 newer rows of it.
	insert("2024-01-03", 1_000, 100, 2)
	found := parts()
	shared := found.Shared
	found.Shared = 0
	if found != (Parts{Table: "conversations", All: 3, Overlapping: 2, Rows: 20_100, Largest: 10_000}) {
		t.Errorf("with late rows: %+v", found)
	}
	if shared < 1_100 || shared > 1_100+2*512 { // the granules at both ends
		t.Errorf("with late rows, %d are shared", shared)
	}
	rows := func() string {
		return server.Exec(t, "SELECT count(), sum(_version), sum(cityHash64(*)) FROM parley_1.conversations FINAL")
	}
	before := rows()
	server.Exec(t, "SYSTEM START MERGES parley_1.conversations")
	names := ""
	for _, when := range []string{"merged", "merged again"} {
		if err := tables.Merge(t.Context(), 1, "conversations"); err != nil {
			t.Fatal(err)
		}
		if found := parts(); found != (Parts{Table: "conversations", All: 1, Rows: 20_000, Largest: 20_000}) {
			t.Errorf("%s: %+v", when, found)
		}
		if got := rows(); got != before {
			t.Errorf("%s, rows are %s, were %s", when, got, before)
		}
		now := server.Exec(t, "SELECT groupArray(DISTINCT _part) FROM parley_1.conversations")
		if names != "" && now != names {
			t.Errorf("%s, the part is %s, was %s", when, now, names)
		}
		names = now
	}
}
