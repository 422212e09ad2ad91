package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/eventlog/lease"
)

// chats are lines of conversations, each opened, with messages, and closed. The
// stage says which part of each: conversations move from open to closed between two.
func chats(project, from, to, stage int) []string {
	var lines []string
	for n := from; n < to; n++ {
		subject := fmt.Sprintf("00000000-0000-4000-8000-%04d%08d", project, n)
		line := func(k int, kind, data string) {
			lines = append(lines, fmt.Sprintf(
				`{"specversion":"1.0","id":"w-%d-%d","source":"writer","type":"parley.%s.v1","time":"2024-03-01T%02d:%02d:%02dZ","subject":"%s","projectid":%d,"datacontenttype":"application/json","data":%s}`,
				n, k, kind, n/3600%24, n/60%60, n%60, subject, project, data))
		}
		switch stage {
		case 0:
			line(0, "conversation.opened", fmt.Sprintf(`{"channel":"CHAT","visitor":{"id":"v-%d"}}`, n%50))
			line(1, "conversation.closed", `{"reason":"DONE"}`)
		case 1:
			line(2, "conversation.pushed", `{"toUser":{"id":7,"kind":"PROFESSIONAL"}}`)
			line(3, "message.sent", `{"messageId":"m-1","author":{"kind":"VISITOR"},"text":"hello"}`)
		default:
			line(4, "conversation.closed", `{"reason":"DONE"}`)
		}
	}
	return lines
}

// holds reports whether a process says that it holds the projector's lease.
func (i *instance) holds(t *testing.T) bool {
	t.Helper()
	got := i.do(t, request{method: http.MethodGet, path: "/metrics"})
	return strings.Contains(string(got.body), `parley_lease_held{lease="projector"} 1`)
}

// waitToHold waits until a process projects.
func waitToHold(t *testing.T, i *instance) {
	t.Helper()
	eventually(t, func() error {
		if !i.holds(t) {
			return fmt.Errorf("it does not hold the lease")
		}
		return nil
	})
}

// handTo takes the lease away from a serve until another process has it.
func handTo(t *testing.T, i, to *instance) {
	t.Helper()
	options := i.log(t)
	broker, err := eventlog.Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	bucket, err := lease.Bucket(t.Context(), broker)
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() error {
		if to.holds(t) {
			return nil
		}
		err := bucket.Update(t.Context(), projectorWork, func(before []byte) ([]byte, error) {
			var value map[string]any
			if err := json.Unmarshal(before, &value); err != nil {
				return nil, err
			}
			if value["holder"] != "serve" { // to may have become the holder since it was asked
				return nil, fmt.Errorf("the holder is %q", value["holder"])
			}
			value["holder"] = "the test"
			return json.Marshal(value)
		})
		if err != nil {
			return err
		}
		// This is the same lease under the name that holds it now.
		l := lease.New(bucket, projectorWork, "the test", slog.New(slog.DiscardHandler), nil)
		err = l.Hold(t.Context(), func(context.Context) error {
			eventually(t, func() error {
				if i.holds(t) {
					return fmt.Errorf("the holder has not noticed")
				}
				return nil
			})
			return nil
		})
		return fmt.Errorf("another process was faster (%w)", err)
	})
}

// wantOneRowEach checks the tables of the chats of a project against the log.
func (i *instance) wantOneRowEach(t *testing.T, project, conversations, events int) {
	t.Helper()
	waitForEvents(t, i, project, events)
	of := fmt.Sprintf(" WHERE project_id = %d", project)
	for statement, want := range map[string]int{
		"SELECT count() FROM parley.conversations" + of:                                                                                      conversations,
		"SELECT uniqExact(conversation_id) FROM parley.conversations" + of:                                                                   conversations,
		"SELECT countIf(closed_at IS NULL OR contact_count != 1) FROM parley.conversations" + of:                                             0,
		"SELECT count() FROM parley.contacts" + of:                                                                                           conversations,
		"SELECT count() FROM parley.messages" + of:                                                                                           conversations,
		"SELECT sum(conversation_count) FROM parley.customers" + of:                                                                          conversations,
		"SELECT countIf(sequences != events) FROM (SELECT uniqExact(sequence) AS sequences, count() AS events FROM parley.events" + of + ")": 0,
	} {
		if got := i.number(t, statement); got != want {
			t.Errorf("%s: %d, want %d", statement, got, want)
		}
	}
	i.want(t, exitOK, "verify", "--projects", fmt.Sprint(project))
}

func TestTwoProjectorsWriteTheRowsOfOne(t *testing.T) {
	const project, conversations = 7811, 600
	i := start(t, t.TempDir())
	beside := i.role(t, "project")
	waitToHold(t, i)
	if beside.holds(t) {
		t.Error("both hold the lease")
	}
	if got := beside.do(t, request{method: http.MethodGet, path: "/readyz"}); got.status != http.StatusOK {
		t.Errorf("the one that waits: %s", got)
	}

	i.post(t, chats(project, 0, conversations, 0)...)
	handTo(t, i, beside)
	i.post(t, chats(project, 0, conversations, 1)...)
	if code := beside.terminate(t); code != exitOK { // a clean stop
		t.Errorf("exit %d", code)
	}
	waitToHold(t, i)
	i.post(t, chats(project, 0, conversations, 2)...)
	i.wantOneRowEach(t, project, conversations, 5*conversations)
}

func TestAProjectorThatStoodStillDoesNoHarm(t *testing.T) {
	const project, conversations = 7812, 600
	i := start(t, t.TempDir())
	beside := i.role(t, "project")
	for round := range 3 {
		handTo(t, i, beside)
		from, to := round*conversations/3, (round+1)*conversations/3
		i.post(t, chats(project, from, to, 0)...)
		if err := beside.process.Process.Signal(syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		i.post(t, chats(project, from, to, 1)...)
		waitToHold(t, i)
		waitForEvents(t, i, project, 5*from+4*(to-from))
		i.post(t, chats(project, from, to, 2)...)
		if err := beside.process.Process.Signal(syscall.SIGCONT); err != nil {
			t.Fatal(err)
		}
		waitForEvents(t, i, project, 5*to)
	}
	i.wantOneRowEach(t, project, conversations, 5*conversations)
}
