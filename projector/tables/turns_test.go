package tables

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// TestTurnsAndReturnsAreFilledFromTheMarks brings rows of version 11 up to date: pushes, closes,
// snoozes and transfers, one a millisecond.
func TestTurnsAndReturnsAreFilledFromTheMarks(t *testing.T) {
	server := enginetest.ClickHouse(t)
	fresh(t)
	server.Exec(t, "CREATE DATABASE parley_77 ENGINE = Atomic")
	var later []ddl.File
	for _, f := range ddl.Projection(77) {
		if len(later) > 0 || strings.HasSuffix(f.Name, "/0040_conversations_turns.sql") {
			later = append(later, f)
			continue
		}
		server.Exec(t, f.Statement)
	}
	kinds := map[rune]string{'p': "pushed", 's': "snoozed", 't': "transferred", 'c': "closed"}
	insert := func(marks string, reopened, snoozed int) {
		var list []string
		for n, letter := range marks {
			list = append(list, fmt.Sprintf("('e', %d, 0, 'parley.conversation.%s.v1', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)", n, kinds[letter]))
		}
		server.Exec(t, fmt.Sprintf(`INSERT INTO parley_77.conversations (project_id, conversation_id, initiator, custom_data, reopen_count, snooze_count, _marks, _version)
			VALUES (1, '%s', 'VISITOR', {'plan': 'gold'}, %d, %d, [%s], 1)`, marks, reopened, snoozed, strings.Join(list, ", ")))
		for n := range strings.Count(marks, "p") {
			server.Exec(t, fmt.Sprintf("INSERT INTO parley_77.contacts (project_id, conversation_id, contact_id, ordinal, _version) VALUES (1, '%s', '%[2]d', %[2]d, 1)", marks, n+1))
		}
	}
	want := ""
	for _, c := range []struct {
		marks             string
		reopened, snoozed int
		turns, snoozes    string
		returns           string // of the contacts
	}{
		{"", 0, 0, "[]", "[]", ""},
		{"c", 0, 0, "[]", "[]", ""},
		{"cp", 1, 0, "[0,1]", "[]", `\N`},
		{"pc", 0, 0, "[]", "[]", `\N`},
		{"pccpscp", 2, 1, "[1,3,5,6]", "[4,5]", `\N,\N,\N`},
		{"ps", 0, 1, "[]", "[1]", `\N`},
		{"pscpc", 1, 1, "[2,3]", "[1,2]", `\N,\N`},
		{"psp", 0, 1, "[]", "[1,2]", `1,\N`},
		{"psspspcpc", 1, 2, "[6,7]", "[1,3,4,5]", `2,1,\N,\N`},
		{"pstspc", 0, 1, "[]", "[1,4]", `3,\N`},
		{"ptsp", 0, 0, "[]", "[]", `\N,\N`},
	} {
		insert(c.marks, c.reopened, c.snoozed)
		want += strings.Join([]string{c.marks, c.turns, c.snoozes, c.returns}, "\t") + "\n"
	}
	for _, f := range later {
		for range 1 + strings.Count(f.Name, "_fill_") { // as after a crash
			server.Exec(t, f.Statement)
		}
	}
	for _, state := range []string{"as altered", "merged"} {
		got := server.Exec(t, `SELECT conversation_id, arrayMap(at -> toUnixTimestamp64Milli(at), _turns), arrayMap(at -> toUnixTimestamp64Milli(at), _snoozed), returns
			FROM parley_77.conversations FINAL LEFT JOIN (
				SELECT conversation_id, arrayStringConcat(arrayMap(c -> ifNull(toString(c.2), '\\N'), arraySort(groupArray((ordinal, _return_time_ms)))), ',') AS returns
				FROM parley_77.contacts FINAL WHERE _initiator = 'VISITOR' AND _custom_data['plan'] = 'gold' GROUP BY conversation_id) AS contacts USING (conversation_id)
			ORDER BY conversation_id FORMAT TSVRaw`)
		if got != strings.TrimSpace(want) && got != strings.TrimRight(want, "\n") {
			t.Errorf("%s, turns, snoozes and returns are\n%s\nwant\n%s", state, got, want)
		}
		server.Exec(t, "OPTIMIZE TABLE parley_77.conversations FINAL")
		server.Exec(t, "OPTIMIZE TABLE parley_77.contacts FINAL")
	}
}
