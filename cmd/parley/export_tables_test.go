package main

import (
	"encoding/csv"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/export"
)

func TestTablesAreExportedBesideServe(t *testing.T) {
	i := running(t)
	const project = 7411
	i.post(t, exampleLines(t, project)...)
	waitForEvents(t, i, project, 11)
	key := i.newKey(t, fmt.Sprint(project), "read")

	got := i.do(t, request{method: http.MethodGet, path: export.Path + "contacts?projectIds=" + fmt.Sprint(project), key: &key})
	if got.status != http.StatusOK || strings.Count(string(got.body), exampleConversation) == 0 || got.header.Get(export.HeaderPosition) == "" {
		t.Fatalf("contacts: %.300s", got)
	}
	if got := i.do(t, request{method: http.MethodGet, path: export.Path + "contacts"}); got.status != http.StatusUnauthorized {
		t.Errorf("without credentials: %s", got)
	}

	dir := t.TempDir()
	file, position := filepath.Join(dir, "out.csv"), filepath.Join(dir, "position")
	again := func(flags ...string) (string, string) {
		t.Helper()
		arguments := append([]string{"export", "conversations", "--projects", fmt.Sprint(project), "--position-file", position}, flags...)
		stdout, stderr, code := i.command(t, "", arguments...)
		if code != 0 {
			t.Fatalf("exit %d, %s", code, stderr)
		}
		return stdout, stderr
	}
	_, stderr := again("--format", "csv", "--out", file)
	content, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer content.Close()
	records, err := csv.NewReader(content).ReadAll()
	if err != nil || len(records) != 2 || records[1][1] != exampleConversation || !strings.Contains(stderr, "conversations: 1 rows") {
		t.Errorf("%v %v, %s", err, records, stderr)
	}
	// The position may be a moment behind the tables: a row may come twice.
	eventually(t, func() error {
		if stdout, _ := again(); stdout != "" {
			return fmt.Errorf("nothing is new: %s", stdout)
		}
		return nil
	})
	i.post(t, event(project, exampleConversation, "late-tag", "conversation.tagged", "2024-03-01T13:00:00Z", `{"tag":{"id":"late"}}`))
	waitForEvents(t, i, project, 12)
	eventually(t, func() error {
		if stdout, _, _ := i.command(t, "", "export", "conversations", "--filter", "tagIds=late", "--projects", fmt.Sprint(project)); !strings.Contains(stdout, `"tag_ids":["`) {
			return fmt.Errorf("%q", stdout)
		}
		return nil
	})
	if stdout, _ := again(); strings.Count(stdout, "\n") != 1 || !strings.Contains(stdout, exampleConversation) {
		t.Errorf("what is new: %q", stdout)
	}

	for _, flags := range [][]string{{"--filter", "tagIds"}, {"--filter", "answered=perhaps"}, {"--projects", "one"}, {"--from", "2024-01-01T00:00:00Z"}, {"--key-file", filepath.Join(dir, "none")}} {
		if stdout, stderr, code := i.command(t, "", append([]string{"export", "contacts"}, flags...)...); code != exitFailed || strings.Count(stderr, "\n") != 1 || stdout != "" {
			t.Errorf("%v: exit %d, %q", flags, code, stderr)
		}
	}
}

// TestFormulasInCSVAreGuarded exports texts that a spreadsheet would run, and
// imports them again.
func TestFormulasInCSVAreGuarded(t *testing.T) {
	i := running(t)
	const project, formula = 7413, `=HYPERLINK(\"http://evil\",\"x\")`
	i.post(t,
		event(project, exampleConversation, "o", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT","visitor":{"id":"@v"},"language":"-fr","campaign":{"id":"'+c","name":"\tname"}}`),
		event(project, exampleConversation, "s", "satisfaction.answered", "2025-01-01T10:01:00Z", `{"comment":"`+formula+`"}`),
		event(project, exampleConversation, "t", "transaction.recorded", "2025-01-01T10:02:00Z", `{"externalConversionId":"-5","amount":-12.50,"currency":"EUR"}`))
	waitForEvents(t, i, project, 3)
	cells := func(table string, flags ...string) map[string]string {
		t.Helper()
		stdout, stderr, code := i.command(t, "", append([]string{"export", table, "--format", "csv", "--projects", fmt.Sprint(project)}, flags...)...)
		records, err := csv.NewReader(strings.NewReader(stdout)).ReadAll()
		if err != nil || code != 0 || len(records) != 2 {
			t.Fatalf("exit %d, %q, %q, %v", code, stdout, stderr, err)
		}
		row := make(map[string]string)
		for n, name := range records[0] {
			row[name] = records[1][n]
		}
		return row
	}
	comment := strings.ReplaceAll(formula, `\"`, `"`)
	for _, c := range []struct {
		table, column, text, guarded string
	}{
		{"conversations", "visitor_id", "@v", "'@v"},
		{"conversations", "language", "-fr", "'-fr"},
		{"conversations", "campaign_id", "'+c", "''+c"},
		{"conversations", "campaign_name", "\tname", "'\tname"},
		{"conversations", "satisfaction_comment", comment, "'" + comment},
		{"conversations", "channel", "CHAT", "CHAT"},
		{"transactions", "amount", "-12.5", "-12.5"},
		{"transactions", "transaction_id", "-5", "'-5"},
	} {
		if got := cells(c.table)[c.column]; got != c.guarded {
			t.Errorf("%s: %q, want %q", c.column, got, c.guarded)
		}
		if got := cells(c.table, "--raw")[c.column]; got != c.text {
			t.Errorf("%s, raw: %q, want %q", c.column, got, c.text)
		}
	}
	if got := i.do(t, request{method: http.MethodGet, path: export.Path + "contacts?format=csv&raw=perhaps", key: &i.admin}); got.status != http.StatusBadRequest || !strings.Contains(string(got.body), "raw: must be true or false") {
		t.Errorf("%s", got)
	}

	file := filepath.Join(t.TempDir(), "c.csv")
	if _, stderr, code := i.command(t, "", "export", "conversations", "--format", "csv", "--projects", fmt.Sprint(project), "--out", file); code != 0 {
		t.Fatal(stderr)
	}
	const back = 7414
	mapping := written(t, "mapping.yaml", []byte(fmt.Sprintf(`
formulaGuard: true
events:
  - {id: "{conversation_id}", source: table, type: parley.satisfaction.answered.v1, time: "{created_at:time}", subject: "{conversation_id}", projectid: %d, data: {comment: "{satisfaction_comment}"}}
`, back)))
	if stdout, stderr, code := i.command(t, "", "import", file, "--mapping", mapping); code != 0 || !strings.Contains(stdout, "1 accepted") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	waitForEvents(t, i, back, 1)
	if rows := i.sql(t, fmt.Sprintf("SELECT satisfaction_comment AS c FROM parley.conversations WHERE project_id = %d", back)); fmt.Sprint(rows[0]["c"]) != comment {
		t.Errorf("%v", rows)
	}
}
