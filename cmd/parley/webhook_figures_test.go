package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestWebhooksReportFiguresOnceWhateverIsReplayed runs the real binary: closes, low scores and exceeded thresholds.
func TestWebhooksReportFiguresOnceWhateverIsReplayed(t *testing.T) {
	i := start(t, t.TempDir())
	const project = 7713
	var mu sync.Mutex
	var got []string
	receiver := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var p struct {
			Type string
			Data struct {
				ConversationID       string
				ValueMs, ThresholdMs int64
				CustomerSatisfaction int
				DurationMs           *int64
			}
		}
		_ = json.Unmarshal(body, &p)
		text := fmt.Sprintf("%s %s", p.Data.ConversationID[:1], p.Type)
		switch {
		case p.Data.ThresholdMs > 0:
			text += fmt.Sprintf(" %d>%d", p.Data.ValueMs, p.Data.ThresholdMs)
		case p.Type == "satisfactionLow":
			text += fmt.Sprintf(" %d", p.Data.CustomerSatisfaction)
		case p.Data.DurationMs != nil:
			text += fmt.Sprintf(" %d", *p.Data.DurationMs)
		}
		mu.Lock()
		defer mu.Unlock()
		got = append(got, text)
	}))
	t.Cleanup(receiver.Close)
	gets := func(want ...string) {
		t.Helper()
		slices.Sort(want)
		eventually(t, func() error {
			mu.Lock()
			defer mu.Unlock()
			if sorted := slices.Sorted(slices.Values(got)); !slices.Equal(sorted, want) {
				return fmt.Errorf("got %v, want %v", sorted, want)
			}
			return nil
		})
	}
	talk := func(digit string, answerAt, closeAt, score int) []string {
		event := func(second int, kind, data string) string {
			return fmt.Sprintf(`{"specversion":"1.0","id":"%s-%d","source":"figures","type":"parley.%s.v1","time":"2026-03-01T10:%02d:%02dZ","subject":"%s-0000-4000-8000-000000000000","projectid":%d,"data":%s}`,
				digit, second, kind, second/60, second%60, strings.Repeat(digit, 8), project, data)
		}
		return []string{
			event(0, "conversation.routed", `{"routingRule":{"id":"r"}}`),
			event(5, "conversation.pushed", `{"toUser":{"id":42,"kind":"PROFESSIONAL"}}`),
			event(5+answerAt, "message.sent", `{"messageId":"m","author":{"kind":"PROFESSIONAL","id":42}}`),
			event(closeAt, "conversation.closed", `{}`),
			event(closeAt+1, "satisfaction.answered", fmt.Sprintf(`{"customerSatisfaction":%d}`, score)),
		}
	}
	i.post(t, talk("1", 100, 200, 1)...) // before the webhook: not sent
	waitForEvents(t, i, project, 5)
	i.must(t, "webhook", "send", "add", "--project", fmt.Sprint(project), "--url", receiver.URL, "--allow-private",
		"--event", "conversationClosed,satisfactionLow,waitExceeded,firstResponseExceeded,durationExceeded",
		"--low-satisfaction", "3", "--wait-above", "4999", "--first-response-above", "60000", "--duration-above", "120000")
	i.post(t, talk("2", 60, 120, 4)...)
	i.post(t, talk("3", 61, 121, 3)...)
	want := []string{
		"2 conversationClosed 120000", "2 waitExceeded 5000>4999",
		"3 conversationClosed 121000", "3 waitExceeded 5000>4999", "3 firstResponseExceeded 61000>60000", "3 durationExceeded 121000>120000", "3 satisfactionLow 3",
	}
	gets(want...)
	i.must(t, "replay")
	i.kill()
	i = start(t, i.dir)
	i.post(t, talk("3", 61, 121, 3)...) // duplicates
	i.post(t, talk("4", 1, 10, 5)...)
	gets(append(want, "4 conversationClosed 10000", "4 waitExceeded 5000>4999")...)
	for _, arguments := range [][]string{
		{"--event", "waitExceeded"}, {"--event", "conversationClosed", "--wait-above", "1"}, {"--event", "satisfactionLow", "--low-satisfaction", "5"}, {"--event", "durationExceeded", "--duration-above", "-1"},
	} {
		if _, stderr, code := i.command(t, "", append([]string{"webhook", "send", "add", "--project", "1", "--url", "https://example.org/"}, arguments...)...); code == exitOK || stderr == "" {
			t.Errorf("%v: exit %d, %q", arguments, code, stderr)
		}
	}
	i.terminate(t)
}
