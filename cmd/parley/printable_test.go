package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// nasty has what a terminal obeys: escape sequences with and without ESC, a line
// of its own, a carriage return, text that runs backwards, an invisible tag.
const nasty = "\x1b[2J\u009b31m\nparley: all is well\rx\t\u202eback\u2066\U000E0041\x7f\u2028"

// wantVisible fails where a text has characters that are not seen as they are.
func wantVisible(t *testing.T, text string) {
	t.Helper()
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "parley: all is well") || strings.IndexFunc(strings.TrimSuffix(line, "\n"), hidden) >= 0 {
			t.Errorf("a terminal would obey %q", line)
		}
	}
}

func TestTextFromOutsideIsPrintable(t *testing.T) {
	for text, want := range map[string]string{
		"":                    "",
		"Zoë, 東京 «ok» 😀":      "Zoë, 東京 «ok» 😀",
		"a\x1b[31m\n\t\u009b": `a\u001b[31m\u000a\u0009\u009b`,
		"\u202ex\u200b\u00a0": `\u202ex\u200b\u00a0`,
		"\U000E0041":          `\udb40\udc41`,
		"bad \xff byte":       "bad \ufffd byte",
		`back\slash "q"`:      `back\slash "q"`,
	} {
		if got := printable(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	var out bytes.Buffer
	if err := printJSON(&out, map[string]string{"a": nasty}); err != nil {
		t.Fatal(err)
	}
	wantVisible(t, out.String())
	var back map[string]string
	if err := json.Unmarshal(out.Bytes(), &back); err != nil || back["a"] != nasty {
		t.Errorf("%q, %v", back, err)
	}
	for _, format := range []string{"text", "json"} {
		out.Reset()
		log, err := newLogger(&out, format, "info")
		if err != nil {
			t.Fatal(err)
		}
		log.Error(nasty, "error", errors.New(nasty), "text", nasty, nasty, 1)
		wantVisible(t, out.String())
	}
	out.Reset()
	printFailure(&out, errors.Join(errors.New(nasty), errors.New("b")))
	wantVisible(t, strings.TrimPrefix(out.String(), "parley: "))
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("%q", out.String())
	}
}

// TestCommandsPrintOutsideTextsSoThatNoTerminalObeysThem has events, rejected
// events and an API say what a terminal would obey.
func TestCommandsPrintOutsideTextsSoThatNoTerminalObeysThem(t *testing.T) {
	i := running(t)
	const project = 7850
	quoted, err := json.Marshal(nasty)
	if err != nil {
		t.Fatal(err)
	}
	inside := strings.Trim(string(quoted), `"`)
	says := func(id, kind, at, data string) string {
		return strings.ReplaceAll(event(project, someConversation, id, kind, at, data), "ID", inside)
	}
	i.post(t, says("visible-o\u202e", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT","campaign":{"id":"ID","name":"ID"},"customData":{"ID":"ID"},"language":"ID"}`),
		says("visible-c", "conversation.closed", "2025-01-01T10:10:00Z", `{"reason":"ID"}`))
	bad := says("visible-bad", "conversation.pushed", "2025-01-01T10:00:01Z", `{"toUser":{"id":0,"kind":"ID"},"ID":"ID"}`) + "\n" +
		says("ID", "ID", "ID", `{"ID":"ID"}`)
	stdout, stderr, code := i.command(t, bad+"\n"+nasty+"\n", "import", "-", "--batch", "1")
	if code != exitFailed {
		t.Errorf("exit %d", code)
	}
	wantVisible(t, stdout+stderr)
	waitForEvents(t, i, project, 2)
	sequence := ""
	eventually(t, func() error {
		rows, err := i.trySQL("SELECT toString(sequence) AS s FROM parley.quarantine WHERE event_id = 'visible-bad'")
		if err != nil || len(rows) != 1 {
			return fmt.Errorf("%v, %w", rows, err)
		}
		sequence = fmt.Sprint(rows[0]["s"])
		return nil
	})
	api := newTestServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/oauth2/token" {
			fmt.Fprint(w, `{"access_token": "t"}`)
			return
		}
		fmt.Fprintf(w, `{"errors": [{"message": %s, "extensions": {"code": %[1]s}}]}`, quoted)
	}))
	for _, arguments := range [][]string{
		{"quarantine", "list"}, {"quarantine", "list", "--json"}, {"quarantine", "show", "--log", "rejected", "--sequence", sequence},
		{"quarantine", "replay", "--dry-run"}, {"quarantine", "purge", "--dry-run"},
		{"explain", "--project", fmt.Sprint(project), "--conversation", someConversation},
		{"explain", "--project", fmt.Sprint(project), "--conversation", someConversation, "--json"},
		{"doctor"}, {"webhook", "list"}, {"key", "list"}, {"user", "list"}, {"verify"},
		{"import", nasty}, {"export", "conversations", "--filter", nasty + "=" + nasty}, {nasty},
		{"import", "iadvize", "--url", api, "--user", "ada", "--from", "2026-01-01"},
		{"import", "iadvize", "--url", api + "/" + nasty, "--user", "ada", "--from", "2026-01-01"},
	} {
		stdout, stderr, code := i.command(t, "password", arguments...)
		wantVisible(t, stdout+stderr)
		if strings.Contains(stderr, "unknown flag") {
			t.Errorf("%v: %s", arguments, stderr)
		}
		if arguments[0] == "explain" && (code != 0 || !strings.Contains(stdout, `u009b31m`)) {
			t.Errorf("%v: %d %s%s", arguments, code, stdout, stderr)
		}
	}
}
