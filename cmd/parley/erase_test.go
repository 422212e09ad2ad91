package main

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// secret is part of everything that is personal in these tests.
const secret = "SECRET"

const (
	erasedConversation = "33333333-3333-4333-8333-333333333331"
	otherConversation  = "33333333-3333-4333-8333-333333333332"
	spared             = "33333333-3333-4333-8333-333333333333"
)

// told is a conversation with personal data in every possible place.
func told(project int, conversation, visitor, personal string) []string {
	at := func(second int) string { return fmt.Sprintf("2025-01-01T10:00:%02dZ", second) }
	id := func(n int) string { return fmt.Sprintf("%s-%d", conversation[30:], n) }
	return []string{
		event(project, conversation, id(1), "conversation.opened", at(0), fmt.Sprintf(
			`{"channel":"CHAT","visitor":{"id":%[1]q,"externalId":%[2]q,"firstName":%[2]q,"lastName":%[2]q,"email":%[2]q,"phone":%[2]q},"customData":{"note":%[2]q},"unknown":%[2]q}`, visitor, personal)),
		event(project, conversation, id(2), "conversation.routed", at(1), `{"routingRule":{"id":"r"}}`),
		event(project, conversation, id(3), "conversation.pushed", at(2), `{"toUser":{"id":5,"kind":"PROFESSIONAL","name":"Agent"}}`),
		event(project, conversation, id(4), "message.sent", at(3), fmt.Sprintf(`{"messageId":"m1","author":{"kind":"VISITOR","id":%q},"text":%q}`, visitor, personal)),
		event(project, conversation, id(5), "message.sent", at(8), fmt.Sprintf(`{"messageId":"m2","author":{"kind":"PROFESSIONAL","id":5},"text":%q}`, personal)),
		event(project, conversation, id(6), "conversation.closed", at(9), `{"reason":"done"}`),
		event(project, conversation, id(7), "satisfaction.answered", at(20), fmt.Sprintf(`{"customerSatisfaction":4,"comment":%q}`, personal)),
		event(project, conversation, id(8), "transaction.recorded", at(30), `{"externalConversionId":"o1","amount":"12.50","currency":"EUR"}`),
		event(project, string(schema.ProfileSubject(schema.ProjectID(project), schema.ProfileCustomer, visitor)), id(9), "customer.updated", at(40), fmt.Sprintf(
			`{"customer":{"id":%[1]q,"firstName":%[2]q,"notes":%[2]q,"customData":{"note":%[2]q}}}`, visitor, personal)),
	}
}

// asWriter asks as the owner of the tables and returns the answer.
func (i *instance) asWriter(t *testing.T, statement string) string {
	t.Helper()
	sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.where.ClickHouse.HTTP+"/", strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	sent.Header.Set("X-ClickHouse-User", i.where.ClickHouse.Writer.Name)
	sent.Header.Set("X-ClickHouse-Key", i.where.ClickHouse.Writer.Password)
	response, err := http.DefaultClient.Do(sent)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %s %v", statement, response.Status, body, err)
	}
	return strings.TrimSpace(string(body))
}

// rowsWith counts the rows with a text, in every table there is.
func (i *instance) rowsWith(t *testing.T, text string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for table := range strings.Lines(i.asWriter(t, "SELECT database || '.' || name FROM system.tables WHERE startsWith(database, 'parley') AND engine LIKE '%MergeTree'")) {
		table = strings.TrimSpace(table)
		n := i.asWriter(t, "SELECT countIf(formatRow('JSONEachRow', *) LIKE '%"+text+"%') FROM "+table)
		if n != "0" {
			found[table] = n
		}
	}
	return found
}

// messagesWith counts the messages of both logs with a text.
func (i *instance) messagesWith(t *testing.T, text string) int {
	t.Helper()
	broker, err := eventlog.Open(t.Context(), i.log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	found := 0
	for _, stream := range []*eventlog.Stream{broker.Events(), broker.Rejected()} {
		for after := schema.Sequence(0); ; {
			entry, err := stream.Next(t.Context(), after)
			if err != nil {
				break
			}
			after = entry.Sequence
			payload := entry.Payload
			if r, err := schema.DecodeRejected(payload); err == nil {
				payload = r.Original
			}
			if bytes.Contains(payload, []byte(text)) {
				found++
			}
		}
	}
	return found
}

// filesWith lists the files of a folder with a text in them.
func filesWith(t *testing.T, dir, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		var content []byte
		if err == nil && !entry.IsDir() {
			content, err = os.ReadFile(path)
		}
		if bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		if os.IsNotExist(err) {
			return nil // the engines have removed it meanwhile
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// figuresOf is everything about a project that an erasure keeps.
func (i *instance) figuresOf(t *testing.T, project int) string {
	t.Helper()
	var all []string
	for _, query := range []string{
		"SELECT * EXCEPT (visitor_id, custom_data, satisfaction_comment, first_sequence, last_sequence), satisfaction_comment IS NULL FROM parley.conversations WHERE project_id = %d ORDER BY conversation_id",
		"SELECT * FROM parley.contacts WHERE project_id = %d ORDER BY contact_id",
		"SELECT * EXCEPT (author_id) FROM parley.messages WHERE project_id = %d ORDER BY conversation_id, message_id",
		"SELECT * FROM parley.transactions WHERE project_id = %d ORDER BY conversation_id, transaction_id",
		"SELECT event_id, source, type, time FROM parley.events WHERE project_id = %d AND type NOT LIKE 'parley.customer.%%' ORDER BY source, event_id",
		"SELECT uniqExact(visitor_id) FROM parley.conversations WHERE project_id = %d",
	} {
		all = append(all, i.asWriter(t, fmt.Sprintf(query, project)+" FORMAT JSONEachRow"))
	}
	return strings.Join(all, "\n")
}

func TestEraseRemovesPersonalDataAndKeepsTheNumbers(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"), "--store-text")
	const project, stranger = 7401, 7402
	visitor := "visitor " + secret
	var lines []string
	lines = append(lines, told(project, erasedConversation, visitor, secret)...)
	lines = append(lines, told(project, otherConversation, visitor, secret)...)
	lines = append(lines, told(project, spared, "somebody else", "PUBLIC")...)
	i.post(t, lines...)
	// The same again in the log only, an invalid event past the edge, and one at the edge.
	i.publish(t, lines[3])
	i.publish(t, strings.Replace(lines[4], `"messageId":"m2"`, `"messageId":5`, 1))
	i.refuse(t, event(project, erasedConversation, "bad", "message.sent", "2025-01-01T00:00:00Z", `{"text":"`+secret+`"}`))
	waitForEvents(t, i, project, 27)
	eventually(t, func() error {
		if n := len(i.quarantined(t)); n != 2 {
			return fmt.Errorf("%d entries in quarantine", n)
		}
		return nil
	})
	i.want(t, 0, "replay") // a version that is kept holds the data too
	before := i.figuresOf(t, project)
	flags := []string{"erase", "--project", fmt.Sprint(project), "--visitor", visitor, "--grace", "100ms"}

	if out := i.want(t, 0, append(flags, "--dry-run")...); !strings.Contains(out, erasedConversation) || !strings.Contains(out, "would be erased: 2 conversations, 18 events") || !strings.Contains(out, "2 entries of quarantine") {
		t.Errorf("dry run:\n%s", out)
	}
	if _, _, code := i.command(t, "", flags...); code == 0 || i.messagesWith(t, secret) == 0 {
		t.Error("erased without a yes")
	}
	out := i.want(t, 0, append(flags, "--yes")...)
	t.Log(out)

	check := func(when string) {
		t.Helper()
		if found := i.rowsWith(t, secret); len(found) > 0 {
			t.Errorf("%s: rows with personal data: %v", when, found)
		}
		if n := i.messagesWith(t, secret); n > 0 {
			t.Errorf("%s: %d messages with personal data", when, n)
		}
		if after := i.figuresOf(t, project); after != before {
			t.Errorf("%s: the figures were\n%s\nand are\n%s", when, before, after)
		}
		if found := i.rowsWith(t, "PUBLIC"); len(found) == 0 {
			t.Errorf("%s: the data of somebody else is gone", when)
		}
		if n := i.asWriter(t, "SELECT count() FROM parley.message_texts"); n != "2" {
			t.Errorf("%s: %s texts of somebody else, want 2", when, n)
		}
	}
	check("after the erasure")
	if found := filesWith(t, filepath.Join(i.dir, "nats"), secret); len(found) > 0 {
		t.Errorf("files of the log with personal data: %v", found)
	}
	i.want(t, 0, "verify")
	check("after verify")
	i.want(t, 0, "replay")
	check("after a replay")
	if out := i.want(t, 0, append(flags, "--yes")...); !strings.Contains(out, "nothing to erase") {
		t.Errorf("erased twice:\n%s", out)
	}

	// The conversation continues, and a repeat of an erased event changes nothing.
	i.post(t, event(project, erasedConversation, "later", "satisfaction.answered", "2025-01-02T00:00:00Z", `{"customerSatisfaction":1}`))
	i.publish(t, lines[0])
	waitForEvents(t, i, project, 25)
	eventually(t, func() error {
		if n := i.asWriter(t, fmt.Sprintf("SELECT customer_satisfaction FROM parley.conversations WHERE project_id = %d AND conversation_id = '%s'", project, erasedConversation)); n != "1" {
			return fmt.Errorf("satisfaction is %s", n)
		}
		return nil
	})
	i.want(t, 0, "verify")
	if found := i.rowsWith(t, secret); len(found) > 0 {
		t.Errorf("a repeat brought personal data back: %v", found)
	}
}

func TestAnInterruptedEraseIsCompletedByTheNext(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"), "--store-text")
	for n, point := range []string{"appended", "erased", "copied", "live"} {
		project := 740_300 + n
		i.post(t, told(project, erasedConversation, "visitor", secret)...)
		waitForEvents(t, i, project, 9)
		before := i.figuresOf(t, project)
		flags := []string{"erase", "--project", fmt.Sprint(project), "--visitor", "visitor", "--grace", "100ms", "--yes"}
		t.Setenv(crash.Variable, "erase."+point)
		if _, _, code := i.command(t, "", flags...); code == 0 {
			t.Fatalf("%s: not cut off", point)
		}
		t.Setenv(crash.Variable, "")
		out := i.want(t, 0, flags...)
		if strings.Contains(out, "nothing") {
			t.Errorf("%s: %s", point, out)
		}
		if found, n := i.rowsWith(t, secret), i.messagesWith(t, secret); len(found) > 0 || n > 0 {
			t.Errorf("%s: %v, %d messages hold personal data", point, found, n)
		}
		if after := i.figuresOf(t, project); after != before {
			t.Errorf("%s: the figures were\n%s\nand are\n%s", point, before, after)
		}
		i.want(t, 0, "verify")
	}
}

func TestRetentionKeepsWhatReplayNeeds(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"), "--log-max-age", "2s", "--config", settingsFile(t, "log: {retention-interval: 200ms}"))
	const project = 7404
	i.post(t, told(project, erasedConversation, "visitor", secret)...)
	i.publish(t, "no event")
	i.post(t, told(project, spared, "somebody else", "PUBLIC")...)
	waitForEvents(t, i, project, 18)
	first := func() schema.Sequence {
		broker, err := eventlog.Open(t.Context(), i.log(t))
		if err != nil {
			t.Fatal(err)
		}
		defer broker.Close()
		state, err := broker.Events().State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return state.First
	}
	eventually(t, func() error {
		if at := first(); at < 17 {
			return fmt.Errorf("the stream begins at %d", at)
		}
		return nil
	})
	before := i.figuresOf(t, project)
	i.want(t, 0, "verify")
	i.want(t, 0, "replay")
	if after := i.figuresOf(t, project); after != before {
		t.Errorf("the figures were\n%s\nand are\n%s", before, after)
	}
	if n := len(i.quarantined(t)); n != 1 {
		t.Errorf("%d entries in quarantine after the replay", n)
	}
	if _, stderr, code := i.command(t, "", "replay", "--from", "log"); code == 0 || !strings.Contains(stderr, "archive only") {
		t.Errorf("replay from a stream without its beginning: exit %d, %s", code, stderr)
	}
	i.want(t, 0, "erase", "--project", fmt.Sprint(project), "--visitor", "visitor", "--grace", "100ms", "--yes")
	if found := i.rowsWith(t, secret); len(found) > 0 {
		t.Errorf("personal data of dropped events: %v", found)
	}
	if after := i.figuresOf(t, project); after != before {
		t.Errorf("after the erasure the figures were\n%s\nand are\n%s", before, after)
	}
	i.want(t, 0, "verify")
	i.want(t, 0, "replay")
	i.want(t, 0, "replay", "--undo")
	if after := i.figuresOf(t, project); after != before {
		t.Errorf("after replay and undo the figures were\n%s\nand are\n%s", before, after)
	}
}

func TestFullLogRefusesSendersAndLosesNothing(t *testing.T) {
	// Retention looks once an hour: nothing makes room.
	i := start(t, filepath.Join(t.TempDir(), "data"), "--log-max-bytes", "100KB", "--config", settingsFile(t, "log: {retention-interval: 1h}"))
	const project = 7405
	taken := 0
	var refused answer
	for n := 0; n < 1000 && refused.status == 0; n++ {
		got := i.do(t, request{
			method: http.MethodPost, path: "/v1/events", key: &i.admin, headers: map[string]string{"Content-Type": "application/x-ndjson"},
			body: event(project, someConversation, fmt.Sprint(n), "message.sent", "2025-01-01T10:00:00Z",
				fmt.Sprintf(`{"messageId":"%d","author":{"kind":"VISITOR"},"text":%q}`, n, strings.Repeat("x", 2000))),
		})
		if got.status == http.StatusAccepted {
			taken++
		} else {
			refused = got
		}
	}
	if refused.status != http.StatusServiceUnavailable || refused.header.Get("Retry-After") == "" || taken == 0 {
		t.Fatalf("after %d events: %s", taken, refused)
	}
	waitForEvents(t, i, project, taken)
	if code := i.terminate(t); code != 0 {
		t.Fatalf("exit %d", code)
	}
	// With retention at work there is room again, and no event is lost.
	i = start(t, i.dir, "--log-max-bytes", "100KB", "--config", settingsFile(t, "log: {retention-interval: 50ms}"))
	eventually(t, func() error {
		got := i.do(t, request{
			method: http.MethodPost, path: "/v1/events", key: &i.admin, headers: map[string]string{"Content-Type": "application/x-ndjson"},
			body: event(project, someConversation, "again", "conversation.closed", "2025-01-01T10:00:00Z", `{}`),
		})
		if got.status != http.StatusAccepted {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
	waitForEvents(t, i, project, taken+1)
	i.want(t, 0, "verify")
}
