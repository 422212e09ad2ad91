package tables

import (
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema"
)

// TestRowsAheadOfTheirEventsAreNotCompared has a row of each table in one version whose event is not archived yet: a batch
// writes the rows first, and its tables one after the other.
func TestRowsAheadOfTheirEventsAreNotCompared(t *testing.T) {
	server, tables := enginetest.ClickHouse(t), fresh(t)
	up(t, tables)
	if err := tables.Create(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	for _, table := range Compared() {
		if table.Of != OfConversation || table.Archive {
			continue
		}
		t.Run(table.Name, func(t *testing.T) {
			id := "ahead-" + table.Name
			server.Exec(t, "INSERT INTO parley_1."+table.Name+" (project_id, conversation_id, _version) SELECT 1, '"+id+"', 101")
			for upTo, want := range map[uint64]uint64{100: 0, 101: 1} {
				compared, err := tables.Compare(2, 1, schema.Sequence(upTo), Scope{}).Table(t.Context(), table)
				if err != nil {
					t.Fatal(err)
				}
				_, uneven, err := compared.Buckets(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if differing, err := compared.Differing(t.Context(), uneven); differing != want || err != nil {
					t.Errorf("as of %d, a row of version 101 in one of them: %d differ (%v), want %d", upTo, differing, err, want)
				}
			}
		})
	}
}
