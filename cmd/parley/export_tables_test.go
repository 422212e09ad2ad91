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
	eventually(t, seenWithin, func() error {
		if stdout, _ := again(); stdout != "" {
			return fmt.Errorf("nothing is new: %s", stdout)
		}
		return nil
	})
	i.post(t, event(project, exampleConversation, "late-tag", "conversation.tagged", "2024-03-01T13:00:00Z", `{"tag":{"id":"late"}}`))
	waitForEvents(t, i, project, 12)
	eventually(t, seenWithin, func() error {
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
