package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// refuse sends events that the edge rejects.
func (i *instance) refuse(t *testing.T, lines ...string) {
	t.Helper()
	got := i.do(t, request{
		method: http.MethodPost, path: "/v1/events", body: strings.Join(lines, "\n"), key: &i.admin,
		headers: map[string]string{"Content-Type": "application/x-ndjson"},
	})
	if got.status != http.StatusUnprocessableEntity {
		t.Fatalf("POST /v1/events: %s", got)
	}
}

// publish puts a message into the log of events past the edge.
func (i *instance) publish(t *testing.T, payload string) {
	t.Helper()
	broker, err := eventlog.Open(t.Context(), i.log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	if _, err := broker.Events().Append(t.Context(), []eventlog.Message{{Payload: []byte(payload)}}); err != nil {
		t.Fatal(err)
	}
}

// want runs a command and wants its exit code.
func (i *instance) want(t *testing.T, code int, arguments ...string) string {
	t.Helper()
	stdout, stderr, got := i.command(t, "", arguments...)
	if got != code {
		t.Fatalf("parley %s: exit %d\n%s%s", strings.Join(arguments, " "), got, stdout, stderr)
	}
	return stdout
}

func (i *instance) quarantined(t *testing.T, flags ...string) []quarantineRow {
	t.Helper()
	var rows []quarantineRow
	decoder := json.NewDecoder(strings.NewReader(i.want(t, 0, append([]string{"quarantine", "list", "--json"}, flags...)...)))
	for decoder.More() {
		var r quarantineRow
		if err := decoder.Decode(&r); err != nil {
			t.Fatal(err)
		}
		rows = append(rows, r)
	}
	return rows
}

func TestQuarantineIsListedReplayedAndPurgedPermanently(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"))
	const project = 7301
	// An event of the log that the edge would take: it was only published too early.
	early := event(project, someConversation, "early", "conversation.opened", "2199-01-01T00:00:00Z", `{"channel":"CHAT"}`)
	i.refuse(t, `{"secret":`, event(project, someConversation, "bad", "conversation.pushed", "2025-01-01T00:00:00Z", `{}`), early)
	i.publish(t, "published: secret")
	i.post(t, event(project, someConversation, "good", "conversation.opened", "2025-01-01T00:00:00Z", `{"channel":"CHAT"}`))
	eventually(t, func() error {
		if n := len(i.quarantined(t)); n != 4 {
			return fmt.Errorf("%d entries", n)
		}
		return nil
	})
	if out := i.want(t, 0, "quarantine", "list"); strings.Contains(out, "secret") || !strings.Contains(out, "INVALID_JSON") {
		t.Errorf("list:\n%s", out)
	}
	if rows := i.quarantined(t, "--reason", "MISSING_FIELD"); len(rows) != 1 || *rows[0].EventID != "bad" {
		t.Errorf("%+v", rows)
	}
	if rows := i.quarantined(t, "--log", "events"); len(rows) != 1 {
		t.Errorf("%+v", rows)
	}
	if out := i.want(t, 0, "quarantine", "show", "--log", "rejected", "--sequence", "4096", "--raw"); out != `{"secret":` {
		t.Errorf("show: %q", out)
	}
	// Nothing is fixed: all of it is still refused.
	if out := i.want(t, 1, "quarantine", "replay"); !strings.Contains(out, "0 of 4 entries replayed") {
		t.Errorf("replay:\n%s", out)
	}
	if _, stderr, code := i.command(t, "no\n", "quarantine", "purge", "--log", "events"); code == 0 || !strings.Contains(stderr, "nothing was changed") {
		t.Errorf("purge without a yes: exit %d, %s", code, stderr)
	}
	if out := i.want(t, 0, "quarantine", "purge", "--log", "events", "--dry-run"); !strings.Contains(out, "1 entry would be purged") {
		t.Errorf("dry run:\n%s", out)
	}
	i.want(t, 0, "quarantine", "purge", "--log", "events", "--yes")
	i.want(t, 0, "quarantine", "purge", "--sequence", "4096", "--yes")
	if n := len(i.quarantined(t)); n != 2 {
		t.Errorf("%d entries are left", n)
	}
	i.want(t, 0, "verify")
	i.want(t, 0, "replay")
	if n := len(i.quarantined(t)); n != 2 {
		t.Errorf("%d entries after a replay of the log", n)
	}
}

func TestQuarantineReplayPutsWhatPassesIntoTheTables(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"))
	const project = 7302
	good := event(project, someConversation, "fixed", "conversation.opened", "2025-01-01T00:00:00Z", `{"channel":"CHAT"}`)
	// What the edge refused once and would take now, as after an update of parley.
	broker, err := eventlog.Open(t.Context(), i.log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	if _, err := broker.Rejected().Append(t.Context(), []eventlog.Message{{Payload: rejectedOnce(good)}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if n := len(i.quarantined(t)); n != 1 {
			return fmt.Errorf("%d entries", n)
		}
		return nil
	})
	if out := i.want(t, 0, "quarantine", "replay", "--dry-run"); !strings.Contains(out, "1 of 1 entry would be replayed") {
		t.Errorf("dry run:\n%s", out)
	}
	if out := i.want(t, 0, "quarantine", "replay"); !strings.Contains(out, "1 of 1 entry replayed") {
		t.Errorf("replay:\n%s", out)
	}
	waitForEvents(t, i, project, 1)
	i.want(t, 0, "replay")
	if n := len(i.quarantined(t)); n != 0 {
		t.Errorf("%d entries after a replay of the log", n)
	}
	if out := i.want(t, 0, "explain", "--project", fmt.Sprint(project), "--conversation", someConversation); !strings.Contains(out, "channel") || !strings.Contains(out, "CHAT") {
		t.Errorf("explain:\n%s", out)
	}
}

// rejectedOnce is the message of the rejected log for an event.
func rejectedOnce(original string) []byte {
	return schema.EncodeRejected(schema.Rejected{
		Reason: schema.CodeUnknownType, Detail: "type: must be a type", ReceivedAt: time.Now(), Original: []byte(original),
	})
}

// TestAReleaseFromQuarantineIsTheCauseOfARestatement replays a message into a closed conversation.
func TestAReleaseFromQuarantineIsTheCauseOfARestatement(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"))
	const project = 7309
	broker, err := eventlog.Open(t.Context(), i.log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	i.post(t,
		event(project, someConversation, "p", "conversation.pushed", "2025-01-01T00:00:00Z", `{"toUser":{"id":7,"kind":"PROFESSIONAL"}}`),
		event(project, someConversation, "c", "conversation.closed", "2025-01-01T00:10:00Z", `{}`))
	held := event(project, someConversation, "m", "message.sent", "2025-01-01T00:05:00Z", `{"messageId":"m","author":{"kind":"VISITOR"}}`)
	if _, err := broker.Rejected().Append(t.Context(), []eventlog.Message{{Payload: rejectedOnce(held)}}); err != nil {
		t.Fatal(err)
	}
	question := fmt.Sprintf(`interval: {from: "2025-01-01T00:00:00Z", to: "2025-01-02T00:00:00Z"}, filters: {projectIds: %d}`, project)
	var since string
	eventually(t, func() error {
		since = fmt.Sprint(at(i.graphQL(t, i.admin, `{ metrics(`+question+`) { position } }`), "metrics", "position"))
		then := fmt.Sprint(i.graphQL(t, i.admin, fmt.Sprintf(`{ metrics(%s, asOf: %q) { total { closedConversations visitorMessages } } }`, question, since)))
		if n := len(i.quarantined(t)); n != 1 || !strings.Contains(then, "closedConversations:1 visitorMessages:0") {
			return fmt.Errorf("%d entries, %s", n, then)
		}
		return nil
	})
	i.want(t, 0, "quarantine", "replay")
	eventually(t, func() error {
		answer := i.graphQL(t, i.admin, fmt.Sprintf(`{ restatements(since: %q, %s) { figures { figure before after difference conversations causes { kind events conversations } } } }`, since, question))
		for _, f := range list(answer, "restatements", "figures") {
			if f["figure"] != "visitorMessages" {
				continue
			}
			if got, want := fmt.Sprintf("%v→%v %v %v %v", f["before"], f["after"], f["difference"], f["conversations"], f["causes"]), "0→1 1 1 [map[conversations:1 events:1 kind:QUARANTINE_RELEASE]]"; got != want {
				t.Fatalf("%s, want %s", got, want)
			}
			return nil
		}
		return fmt.Errorf("visitorMessages is not restated: %v", answer)
	})
}
