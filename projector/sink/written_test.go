package sink

import (
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector/fold/cells"
)

// TestEveryColumnIsWritten allows only columns of views to be computed by ClickHouse alone: rows as of an earlier
// position are made of cells (query/store).
func TestEveryColumnIsWritten(t *testing.T) {
	s := empty(t, Options{})
	ofViews := []string{"_deleted", "_operators", "_snoozes", "_transfers"} // the others are read by statements of package query/store
	for table, written := range map[string][]string{
		"conversations": namesOf(cells.Conversations()),
		"contacts":      namesOf(cells.Contacts()),
		"transactions":  namesOf(cells.Transactions()),
		"messages":      namesOf(cells.Messages()),
		"message_texts": namesOf(cells.MessageTexts()),
		"visitors":      namesOf(cells.Visitors()),
	} {
		columns := enginetest.ClickHouse(t).Exec(t, s.in(`SELECT name FROM system.columns WHERE concat('', database) = '$projection' AND table = '`+table+`' FORMAT TSVRaw`))
		for column := range strings.Lines(columns) {
			if column = strings.TrimSpace(column); !slices.Contains(written, column) && !slices.Contains(ofViews, column) {
				t.Errorf("%s.%s is not written", table, column)
			}
		}
	}
}

func namesOf[R any](columns []cells.Column[R]) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}
