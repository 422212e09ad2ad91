package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

// TestAConversationThatIsTooLargeForClickHouseIsSetAside has a projector with little
// memory a statement, and then one with more.
func TestAConversationThatIsTooLargeForClickHouseIsSetAside(t *testing.T) {
	const project, pushes, innocents = 7466, 20_000, 50
	const large = "00000000-0000-4000-8000-7466ffffffff"
	i := start(t, t.TempDir())
	flags := elsewhere(t, i)
	flags[slices.Index(flags, "--clickhouse-url")+1] += "?max_memory_usage=60000000"
	small, err := launch(t.TempDir(), append([]string{"project"}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, small)
	handTo(t, i, small)

	i.post(t, event(project, large, "opened", "conversation.opened", "2024-03-01T00:00:00Z", `{"channel":"CHAT"}`))
	waitForEvents(t, i, project, 1)
	push := fmt.Sprintf(`{"toUser":{"id":1,"kind":"BOT","name":"%[1]s","email":"%[1]s"}}`, strings.Repeat("n", schema.MaxNameBytes))
	for n := 0; n < pushes; {
		var lines []string
		for range 4000 {
			n++
			lines = append(lines, event(project, large, fmt.Sprint(n), "conversation.pushed", fmt.Sprintf("2024-03-01T%02d:%02d:%02dZ", n/3600, n/60%60, n%60), push))
		}
		i.post(t, lines...)
	}
	for stage := range 3 {
		i.post(t, chats(project, 0, innocents, stage)...)
	}
	waitForEvents(t, i, project, 1+pushes+5*innocents) // which rows are too large is found by halving the batch
	of := fmt.Sprintf(" FROM parley.conversations WHERE project_id = %d AND ", project)
	if n := i.number(t, "SELECT countIf(closed_at IS NOT NULL AND contact_count = 1)"+of+"conversation_id != '"+large+"'"); n != innocents {
		t.Errorf("%d innocent conversations", n)
	}

	// It is named wherever an operator looks.
	if got := small.do(t, request{method: http.MethodGet, path: "/readyz"}); got.status != http.StatusOK || !strings.Contains(string(got.body), fmt.Sprintf("%d/%s", project, large)) {
		t.Errorf("readyz: %s", got)
	}
	if got := small.do(t, request{method: http.MethodGet, path: "/metrics"}); !strings.Contains(string(got.body), "parley_projector_set_aside_conversations 1") {
		t.Error("no metric")
	}
	entries := i.quarantined(t, "--log", projector.LogConversations)
	if len(entries) != 1 || entries[0].Reason != schema.CodeSetAside || !strings.Contains(entries[0].Detail, large) || !strings.Contains(entries[0].Detail, "MEMORY_LIMIT_EXCEEDED") {
		t.Fatalf("quarantine: %+v", entries)
	}
	if _, stderr, code := i.command(t, "", "quarantine", "purge", "--yes"); code != exitFailed || !strings.Contains(stderr, "quarantine replay") {
		t.Errorf("purge: exit %d, %s", code, stderr)
	}

	// More memory alone changes nothing; a release does.
	if code := small.terminate(t); code != exitOK {
		t.Errorf("exit %d", code)
	}
	waitToHold(t, i)
	i.want(t, exitOK, "quarantine", "replay", "--log", projector.LogConversations)
	eventually(t, func() error {
		if n := i.number(t, "SELECT sum(contact_count)"+of+"conversation_id = '"+large+"'"); n != pushes {
			return fmt.Errorf("the conversation has %d contacts", n)
		}
		if left := i.quarantined(t); len(left) > 0 {
			return fmt.Errorf("in quarantine: %+v", left)
		}
		got := i.do(t, request{method: http.MethodGet, path: "/readyz"})
		if got.status != http.StatusOK || strings.Contains(string(got.body), large) {
			return fmt.Errorf("readyz: %s", got)
		}
		return nil
	})
	i.want(t, exitOK, "verify", "--projects", fmt.Sprint(project))
}
