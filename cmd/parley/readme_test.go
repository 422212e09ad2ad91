package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
)

// shown returns what the README prints between two marks.
func shown(t *testing.T, readme, from, to string) string {
	t.Helper()
	_, rest, found := strings.Cut(readme, from)
	text, _, ended := strings.Cut(rest, to)
	if !found || !ended {
		t.Fatalf("the README has no %q … %q", from, to)
	}
	return text
}

// TestTheReadmesFirstEventsAndQuery sends the README's events to a new instance
// and compares the answers with those that the README shows.
func TestTheReadmesFirstEventsAndQuery(t *testing.T) {
	content, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	readme := string(content)
	i := start(t, t.TempDir())
	key := i.newKey(t, "9999", "read,ingest")

	sent := i.do(t, request{
		method: http.MethodPost, path: "/v1/events", key: &key,
		body:    shown(t, readme, "$ cat events.ndjson\n", "\n\n"),
		headers: map[string]string{"Content-Type": "application/x-ndjson"},
	})
	if want := shown(t, readme, "--data-binary @events.ndjson\n", "\n"); strings.TrimSpace(string(sent.body)) != want {
		t.Errorf("the events were answered\n%s\nwant\n%s", sent.body, want)
	}

	// The tables have what was accepted after a moment.
	query := shown(t, readme, "--data-urlencode 'query=", "'\n")
	want := []byte(shown(t, readme, "operator {id name}}}}}}'\n", "\n```"))
	eventually(t, func() error {
		got := i.do(t, request{method: http.MethodGet, path: graphQLPath + "?query=" + url.QueryEscape(query), key: &key})
		return sameAnswer(got.body, want)
	})

	const explain = "explain --project 9999 --conversation 7d1f9a40-5b3e-4d0c-9a51-3c9f4f3f7a01"
	explained, stderr, code := i.command(t, "", strings.Fields(explain)...)
	// The README shows some of the values.
	rest := explained
	for line := range strings.Lines(shown(t, readme, "$ parley "+explain+"\n", "…")) {
		var found bool
		if _, rest, found = strings.Cut(rest, line); code != 0 || !found {
			t.Fatalf("parley %s: exit %d, %s: no line %q where the README shows it in\n%s", explain, code, stderr, line, explained)
		}
	}
	listed, stderr, code := i.command(t, "", "quarantine", "list")
	if want := withoutTime(shown(t, readme, "$ parley quarantine list\n", "\n\n")); code != 0 || withoutTime(strings.TrimSpace(listed)) != want {
		t.Errorf("parley quarantine list: exit %d, %s\n%s\nwant\n%s", code, stderr, listed, want)
	}
}

// withoutTime leaves the time of receipt out of a table, its third column.
func withoutTime(table string) string {
	var out strings.Builder
	for line := range strings.Lines(table) {
		fields := strings.Fields(line)
		fmt.Fprintln(&out, strings.Join(append(fields[:2:2], fields[3:]...), " "))
	}
	return out.String()
}

// sameAnswer compares data, errors and the cost that is known before the request runs.
func sameAnswer(got, want []byte) error {
	type answered struct {
		Data       any
		Errors     []any
		Extensions struct {
			Cost struct{ RequestedQueryCost int }
		}
	}
	var g, w answered
	if err := errors.Join(json.Unmarshal(got, &g), json.Unmarshal(want, &w)); err != nil {
		return err
	}
	if !reflect.DeepEqual(g, w) {
		return fmt.Errorf("answered\n%s\nwant\n%s", bytes.TrimSpace(got), want)
	}
	return nil
}
