package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
)

// inbox is a receiver of outgoing webhooks.
type inbox struct {
	*httptest.Server
	mu     sync.Mutex
	secret string
	status int
	events []string // chat and event of those that were taken, in order
	bodies []string
	wrong  int
}

func newInbox(t *testing.T) *inbox {
	t.Helper()
	in := &inbox{status: http.StatusOK}
	in.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		in.mu.Lock()
		defer in.mu.Unlock()
		key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(in.secret, "whsec_"))
		mac := hmac.New(sha256.New, key)
		fmt.Fprintf(mac, "%s.%s.%s", r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp"), body)
		if r.Header.Get("webhook-signature") != "v1,"+base64.StdEncoding.EncodeToString(mac.Sum(nil)) {
			in.wrong++
		}
		if in.status == http.StatusOK {
			var p struct {
				EventName string
				Client    struct{ ChatID string }
			}
			_ = json.Unmarshal(body, &p)
			in.events, in.bodies = append(in.events, p.Client.ChatID[:4]+" "+p.EventName), append(in.bodies, string(body))
		}
		w.WriteHeader(in.status)
	}))
	t.Cleanup(in.Close)
	return in
}

func (in *inbox) answer(status int) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.status = status
}

// gets waits until exactly these were taken.
func (in *inbox) gets(t *testing.T, want ...string) {
	t.Helper()
	eventually(t, func() error {
		in.mu.Lock()
		defer in.mu.Unlock()
		if got := strings.Join(in.events, ", "); got != strings.Join(want, ", ") || in.wrong > 0 {
			return fmt.Errorf("got %s, want %v; %d wrong signatures", got, want, in.wrong)
		}
		return nil
	})
}

// must runs a command that has to succeed, and returns its output.
func (i *instance) must(t *testing.T, arguments ...string) string {
	t.Helper()
	stdout, stderr, code := i.command(t, "", arguments...)
	if code != exitOK {
		t.Fatalf("%v: exit %d, %s", arguments, code, stderr)
	}
	return stdout
}

// TestWebhooksAreSentThroughOutagesRestartsAndReplays runs the real binary.
func TestWebhooksAreSentThroughOutagesRestartsAndReplays(t *testing.T) {
	i := start(t, t.TempDir())
	in := newInbox(t)
	lines := func(chat string) []string {
		event := func(second int, kind, data string) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d-%s","source":"t","type":"parley.%s.v1","time":"2026-03-01T10:00:%02dZ","subject":"%s-0000-4000-8000-000000000000","projectid":7700,"data":%s}`,
				chat, second, kind, kind, second, chat+"0000", data)
		}
		return []string{
			event(0, "conversation.opened", `{"channel":"CHAT","language":"en","visitor":{"id":"v-`+chat+`","firstName":"Jane","lastName":"Doe"},"customData":{"country":"Ireland","order":"#1"}}`),
			event(1, "message.sent", `{"messageId":"m1","author":{"kind":"VISITOR","id":"v"},"text":"hello"}`),
			event(2, "conversation.pushed", `{"toUser":{"id":42,"kind":"PROFESSIONAL","name":"Liz","email":"liz@example.org"}}`),
			event(3, "message.sent", `{"messageId":"m2","author":{"kind":"PROFESSIONAL","id":42},"text":"hi"}`),
			event(4, "conversation.closed", `{}`),
		}
	}
	i.post(t, lines("aaaa")...) // before the webhook: not sent
	waitForEvents(t, i, 7700, 5)
	var added struct{ ID, Secret string }
	out := i.must(t, "webhook", "send", "add", "--project", "7700", "--url", in.URL+"/in", "--event", "chatStarted,chatFragment", "--event", "chatTranscript", "--allow-private")
	if err := json.Unmarshal([]byte(out), &added); err != nil || !strings.HasPrefix(added.Secret, "whsec_") {
		t.Fatal(out, err)
	}
	in.mu.Lock()
	in.secret = added.Secret
	in.mu.Unlock()

	// One chat goes in as Chatra would post it: into another project, with the same figures.
	back := i.addHook(t, "chatra", 7701, "")
	i.post(t, lines("bbbb")...)
	first := []string{"bbbb chatStarted", "bbbb chatFragment", "bbbb chatFragment", "bbbb chatTranscript"}
	in.gets(t, first...)
	for _, part := range []string{
		`"message":{"id":"m1","type":"client","text":"hello","createdAt":1772359201000}`,
		`"id":"m2","type":"agent","text":"hi","createdAt":1772359203000,"agentId":"42","agentName":"Liz"`,
		`"agents":[{"id":"42","name":"Liz","email":"liz@example.org"}]`, `"chatLanguage":"en"`, `"country":"Ireland"`,
		`"info":{"name":"Jane Doe","order":"#1"}`, `"displayedName":"Jane Doe"`, `"id":"v-bbbb"`,
	} {
		if !strings.Contains(strings.Join(in.bodies, "\n"), part) {
			t.Errorf("%s is missing in\n%s", part, strings.Join(in.bodies, "\n"))
		}
	}
	i.delivered(t, back, in.bodies...)
	waitForEvents(t, i, 7701, 5)
	for _, project := range []int{7700, 7701} {
		counts := fmt.Sprint(i.sql(t, fmt.Sprintf("SELECT visitor_message_count AS v, operator_message_count AS o, contact_count AS c, isNotNull(closed_at) AS closed FROM parley.conversations WHERE project_id = %d LIMIT 1", project)))
		if counts != "[map[c:1 closed:true o:1 v:1]]" && counts != "[map[c:1 closed:1 o:1 v:1]]" {
			t.Errorf("project %d: %s", project, counts)
		}
	}

	in.answer(http.StatusInternalServerError)
	i.post(t, lines("cccc")...)
	eventually(t, func() error {
		var l listedHook
		if err := json.Unmarshal([]byte(i.must(t, "webhook", "send", "list", "--json")), &l); err != nil || l.Pending != 4 || l.LastStatus != 500 || l.State != "active" {
			return fmt.Errorf("%+v, %w", l, err)
		}
		return nil
	})
	i.kill()
	i = start(t, i.dir)
	in.answer(http.StatusOK)
	i.must(t, "webhook", "send", "retry", added.ID)
	second := append(first, "cccc chatStarted", "cccc chatFragment", "cccc chatFragment", "cccc chatTranscript")
	in.gets(t, second...)

	i.must(t, "replay")
	i.must(t, "webhook", "send", "pause", added.ID)
	i.post(t, lines("dddd")[:2]...)
	waitForEvents(t, i, 7700, 17)
	in.gets(t, second...)
	for _, arguments := range [][]string{{"list"}, {"list", "--json"}, {"show", added.ID}} {
		if out := i.must(t, append([]string{"webhook", "send"}, arguments...)...); strings.Contains(out, "whsec_") || strings.Contains(out, added.Secret[6:]) {
			t.Errorf("%v shows the secret: %s", arguments, out)
		}
	}
	i.must(t, "webhook", "send", "resume", added.ID)
	in.gets(t, append(second, "dddd chatStarted", "dddd chatFragment")...)
	i.must(t, "webhook", "send", "remove", added.ID)
	if out := i.must(t, "webhook", "send", "list", "--json"); out != "" {
		t.Error(out)
	}
	for _, arguments := range [][]string{
		{"show", added.ID}, {"remove", "out_0"}, {"retry", "msg_0_1_0"}, {"pause", "x.y"},
		{"add", "--project", "1", "--url", "http://127.0.0.1/", "--event", "chatStarted"}, {"add", "--project", "1", "--url", "https://example.org/", "--event", "chatEnded"},
		{"add", "--project", "0", "--url", "https://example.org/", "--event", "chatStarted"},
	} {
		if _, stderr, code := i.command(t, "", append([]string{"webhook", "send"}, arguments...)...); code == exitOK || stderr == "" {
			t.Errorf("%v: exit %d, %q", arguments, code, stderr)
		}
	}
}
