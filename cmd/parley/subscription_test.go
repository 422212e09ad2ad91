package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// subscribe follows a subscription with the client graphql-sse until a number of results has come, cut off as often as asked.
// The results have no errors; their fields are returned. With erased, only results that are erased count, once for each id of that field.
func (i *instance) subscribe(t *testing.T, key *auth.Key, query, field string, cuts, results int, erased ...string) []map[string]any {
	t.Helper()
	headers, err := json.Marshal(map[string]string{"x-api-id": key.ID, "x-api-secret": key.Secret})
	if err != nil {
		t.Fatal(err)
	}
	arguments := append([]string{"subscribe.mjs", i.where.HTTP + "/graphql", string(headers), query, field, strconv.Itoa(cuts), strconv.Itoa(results)}, erased...)
	command := exec.CommandContext(t.Context(), "node", arguments...)
	command.Dir = "../../query/transport/testdata/audit"
	var complaints strings.Builder
	command.Stderr = &complaints
	out, err := command.Output()
	if err != nil {
		t.Fatalf("graphql-sse: %v: %s\n%s", err, complaints.String(), out)
	}
	var list []map[string]any
	for line := range bytes.Lines(out) {
		var result struct{ Data map[string]map[string]any }
		if err := json.Unmarshal(line, &result); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		list = append(list, result.Data[field])
	}
	return list
}

// sendConversations sends conversations of one contact each, of which every second is closed, on channels in turn.
func (i *instance) sendConversations(t *testing.T, key *auth.Key, project, conversations int) {
	t.Helper()
	for n := range conversations {
		id := fmt.Sprintf("7d1f9a40-5b3e-4d0c-9a51-%08d%04d", project, n)
		channel := []string{"CHAT", "EMAIL"}[n%2]
		lines := []string{
			event(project, id, fmt.Sprintf("%d-0", n), "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"`+channel+`"}`),
			event(project, id, fmt.Sprintf("%d-1", n), "conversation.pushed", "2025-01-01T10:01:00Z", `{"toUser":{"id":1,"kind":"BOT"}}`),
		}
		if n%2 == 0 {
			lines = append(lines, event(project, id, fmt.Sprintf("%d-2", n), "conversation.closed", "2025-01-01T10:05:00Z", `{}`))
		}
		body := strings.Join(lines, "\n")
		if got := i.do(t, request{method: http.MethodPost, path: "/v1/events", body: body, key: key, headers: map[string]string{"Content-Type": ndjson}}); got.status != http.StatusAccepted {
			t.Fatalf("%s", got)
		}
	}
}

func TestSubscriptionsGoOnWithoutGapOrRepeat(t *testing.T) {
	i := running(t)
	const project, other, conversations = 7931, 7932, 120
	key := i.newKey(t, fmt.Sprint(project), "ingest,read")
	noise := i.newKey(t, fmt.Sprint(other), "ingest")
	i.sendConversations(t, &key, project, conversations)
	i.sendConversations(t, &noise, other, 10)

	const events = 2*conversations + conversations/2
	seen := map[any]bool{}
	last := 0.0
	for _, e := range i.subscribe(t, &key, `subscription { events { position id type sequence project { id } } }`, "events", 100, events) {
		if sequence := e["sequence"].(float64); sequence <= last || e["position"] != strconv.FormatFloat(sequence, 'f', -1, 64) {
			t.Fatalf("out of place: %v after %v", e, last)
		} else {
			last = sequence
		}
		seen[e["id"]] = true
	}
	if len(seen) != events {
		t.Errorf("%d distinct events, want %d", len(seen), events)
	}

	seen = map[any]bool{}
	list := i.subscribe(t, &key, `subscription { conversations { position conversation { id closedAt channel contacts { id operator { kind } } } } }`, "conversations", 100, conversations)
	for _, c := range list {
		row := c["conversation"].(map[string]any)
		seen[row["id"]] = true
		if contacts := row["contacts"].([]any); len(contacts) != 1 {
			t.Errorf("%v", row)
		}
	}
	if len(seen) != conversations {
		t.Errorf("%d distinct conversations, want %d", len(seen), conversations)
	}
	chat := i.subscribe(t, &key, `subscription { contacts(filters: {channels: [EMAIL]}, contactFilters: {ongoing: true}) { position contact { id channel endedAt } } }`, "contacts", 3, conversations/2)
	for _, c := range chat {
		if row := c["contact"].(map[string]any); row["channel"] != "EMAIL" || row["endedAt"] != nil {
			t.Errorf("not asked for: %v", row)
		}
	}
}

func TestStreamsAreFiltered(t *testing.T) {
	i := running(t)
	const project, conversations = 7933, 20
	key := i.newKey(t, fmt.Sprint(project), "ingest,read")
	i.sendConversations(t, &key, project, conversations)
	for table, channel := range map[string]string{"conversations": "EMAIL", "contacts": "CHAT"} {
		rows := follow(t, i, &key, table+"?channels="+channel)
		rows.connect(-1, func() bool { return len(rows.rows) == conversations/2 })
		for _, row := range rows.rows {
			if row["channel"] != channel {
				t.Errorf("%s: not asked for: %v", table, row)
			}
		}
	}
	one := fmt.Sprintf("7d1f9a40-5b3e-4d0c-9a51-%08d%04d", project, 4)
	rows := follow(t, i, &key, "events?conversationIds="+one)
	rows.connect(-1, func() bool { return len(rows.rows) == 3 })
	for _, row := range rows.rows {
		if row["conversation_id"] != one {
			t.Errorf("not asked for: %v", row)
		}
	}
}

func TestSubscriptionsRefuseWhatTheyCannotServe(t *testing.T) {
	i := running(t)
	key := i.newKey(t, "7934", "read")
	for name, c := range map[string]struct {
		query, accept string
		status        int
		code          string
	}{
		"another media type": {`subscription {events {position}}`, "application/json", http.StatusNotAcceptable, "OPERATION_RESOLUTION_FAILURE"},
		"two fields":         {`subscription {a: events {position} b: events {position}}`, "text/event-stream", http.StatusOK, "GRAPHQL_VALIDATION_FAILED"},
		"nothing":            {`subscription {events @skip(if: true) {position}}`, "text/event-stream", http.StatusBadRequest, "BAD_USER_INPUT"},
		"an unknown field":   {`subscription {rows {position}}`, "text/event-stream", http.StatusOK, "GRAPHQL_VALIDATION_FAILED"},
		"a wrong position":   {`subscription {events(after: "yesterday") {position}}`, "text/event-stream", http.StatusBadRequest, "BAD_USER_INPUT"},
		"an end":             {`subscription {contacts(filters: {updatedSince: "x"}) {position}}`, "text/event-stream", http.StatusOK, "BAD_USER_INPUT"},
		"business hours":     {`subscription {contacts(filters: {inBusinessHours: true}) {position}}`, "text/event-stream", http.StatusOK, "BAD_USER_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			body, err := json.Marshal(map[string]string{"query": c.query})
			if err != nil {
				t.Fatal(err)
			}
			got := i.do(t, request{method: http.MethodPost, path: "/graphql", body: string(body), key: &key, headers: map[string]string{"Content-Type": "application/json", "Accept": c.accept}})
			if got.status != c.status || !strings.Contains(string(got.body), `"`+c.code+`"`) {
				t.Errorf("%s, want %d %s", got, c.status, c.code)
			}
			if events := strings.HasPrefix(string(got.body), "event: next\ndata: {") && strings.HasSuffix(string(got.body), "\n\nevent: complete\ndata:\n\n"); events != (c.status == http.StatusOK) {
				t.Errorf("%q", got.body)
			}
		})
	}
}
