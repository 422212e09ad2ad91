package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
)

// closedRows are the rows of the closed conversations of projects, without what
// counts in a log.
func closedRows(t *testing.T, i *instance, projects string) map[string][]string {
	t.Helper()
	all := make(map[string][]string)
	closed := "(SELECT project_id, conversation_id FROM parley.conversations WHERE closed_at IS NOT NULL)"
	for table, order := range map[string]string{
		"conversations": "conversation_id", "contacts": "conversation_id, ordinal",
		"messages": "conversation_id, message_id", "transactions": "conversation_id, transaction_id",
	} {
		except := ""
		if table == "conversations" {
			except = "EXCEPT (event_count, first_sequence, last_sequence, satisfaction_answered_at)" // the API does not say when a survey was answered
		}
		if table == "messages" {
			except = "EXCEPT (read_at, deleted_at)" // the API that is imported from has neither
		}
		for _, row := range i.sql(t, fmt.Sprintf("SELECT * %s FROM parley.%s WHERE project_id IN (%s) AND (project_id, conversation_id) IN %s ORDER BY project_id, %s",
			except, table, projects, closed, order)) {
			line, err := json.Marshal(row)
			if err != nil {
				t.Fatal(err)
			}
			all[table] = append(all[table], string(line))
		}
	}
	return all
}

// TestHistoryImportedFromParleyEndsWithTheSameConversations uses one instance as
// the API that another one imports from, through a proxy that throttles.
func TestHistoryImportedFromParleyEndsWithTheSameConversations(t *testing.T) {
	upstream := start(t, t.TempDir())
	if _, stderr, code := upstream.command(t, "", "demo", "--conversations", "150", "--history", "5d", "--until", "2026-01-20T00:00:00Z"); code != 0 {
		t.Fatal(stderr)
	}
	// A thread of more than one page, and several events of one instant in an order of their own.
	const long = "33333333-3333-4333-8333-333333333333"
	lines := []string{event(8001, long, "l-o", "conversation.opened", "2026-01-10T10:00:00Z", `{"channel":"EMAIL","customData":{"a":"1"}}`)}
	for n := range 250 {
		lines = append(lines, event(8001, long, fmt.Sprint("l-", n), "message.sent", fmt.Sprintf("2026-01-10T10:%02d:%02dZ", 1+n/60, n%60),
			fmt.Sprintf(`{"messageId":"m%d","author":{"kind":"PROFESSIONAL","id":3}}`, n)))
	}
	for n, kind := range []string{"pushed", "snoozed", "pushed", "closed"} {
		data := map[string]string{"pushed": `{"toUser":{"id":3,"kind":"BOT"}}`}[kind]
		if data == "" {
			data = "{}"
		}
		lines = append(lines, strings.Replace(event(8001, long, fmt.Sprint("l-x", n), "conversation."+kind, "2026-01-10T10:30:00Z", data),
			`"projectid"`, fmt.Sprintf(`"sequence":"%d","projectid"`, n+1), 1))
	}
	upstream.post(t, lines...)
	eventually(t, func() error {
		if n := upstream.number(t, "SELECT count() FROM parley.events WHERE conversation_id = '"+long+"'"); n != len(lines) {
			return fmt.Errorf("%d events", n)
		}
		return nil
	})
	projects := fmt.Sprint(upstream.sql(t, "SELECT arrayStringConcat(groupUniqArray(toString(project_id)), ',') AS p FROM parley.conversations")[0]["p"])

	address, err := url.Parse(upstream.where.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	var asked atomic.Int64
	proxy := httputil.NewSingleHostReverseProxy(address)
	throttling := newTestServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/graphql" {
			switch asked.Add(1) {
			case 2:
				w.Header().Set("Retry-After", "1")
				w.WriteHeader(http.StatusTooManyRequests)
				return
			case 6:
				w.WriteHeader(http.StatusForbidden)
				return
			}
		}
		r.Host = address.Host
		proxy.ServeHTTP(w, r)
	}))

	other := start(t, t.TempDir())
	key := filepath.Join(upstream.dir, adminKeyName)
	bring := func() (stdout, stderr string, code int) {
		t.Helper()
		return other.command(t, "", "import", "iadvize", "--url", throttling, "--upstream-key", key,
			"--from", "2025-12-01", "--to", "2026-02-01T00:00:00Z", "--projects", projects, "--page", "40")
	}
	if stdout, stderr, code := bring(); code == 0 || !strings.Contains(stderr, "the API answered 403") {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	first, stderr, code := bring()
	if code != 0 || !strings.Contains(stderr, "continuing after ") || strings.Contains(stderr, "does not have") {
		t.Fatalf("exit %d, %q, %q", code, first, stderr)
	}
	want := closedRows(t, upstream, projects)
	if len(want["conversations"]) < 100 || !strings.HasPrefix(first, fmt.Sprint(len(want["conversations"]), " conversations: ")) {
		t.Fatalf("%d conversations upstream: %s", len(want["conversations"]), first)
	}
	eventually(t, func() error {
		if n := other.number(t, "SELECT count() FROM parley.messages"); n != len(want["messages"]) {
			return fmt.Errorf("%d messages", n)
		}
		if n := other.number(t, "SELECT count() FROM parley.transactions"); n != len(want["transactions"]) {
			return fmt.Errorf("%d transactions", n)
		}
		return nil
	})
	for table, rows := range closedRows(t, other, projects) {
		if len(rows) != len(want[table]) {
			t.Errorf("%d rows of %s, want %d", len(rows), table, len(want[table]))
			continue
		}
		differ := 0
		for n := range rows {
			if rows[n] != want[table][n] {
				if differ++; differ < 3 {
					t.Errorf("%s:\n got %s\nwant %s", table, rows[n], want[table][n])
				}
			}
		}
	}
	if again, _, _ := bring(); !strings.Contains(again, ": 0 accepted, ") {
		t.Errorf("a second import: %s", again)
	}
}

// newTestServer serves a handler that may be a proxy. It reads the request first:
// a proxy that still does when the answer begins may cut the answer off.
func newTestServer(t *testing.T, handler http.Handler) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
