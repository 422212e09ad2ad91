package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
)

const someConversation = "22222222-2222-4222-8222-222222222222"

// countOf waits for the events of a project and returns a conversation's figures.
func countOf(t *testing.T, i *instance, project int, field string) string {
	t.Helper()
	data := i.graphQL(t, i.admin, fmt.Sprintf(`{conversation(id: %q, projectId: %d) {n: %s}}`, someConversation, project, field))
	conversation, _ := data["conversation"].(map[string]any)
	return fmt.Sprint(conversation["n"])
}

func TestSnoozedConversationHasTwoContacts(t *testing.T) {
	i := running(t)
	const project = 7101
	at := func(second int) string { return fmt.Sprintf("2025-01-01T10:00:%02dZ", second) }
	to := `{"toUser":{"id":5,"kind":"PROFESSIONAL"}}`
	i.post(t,
		event(project, someConversation, "1", "conversation.routed", at(1), `{"routingRule":{"id":"r"}}`),
		event(project, someConversation, "2", "conversation.pushed", at(2), to),
		event(project, someConversation, "3", "conversation.snoozed", at(3), `{}`),
		event(project, someConversation, "4", "conversation.pushed", at(4), to),
		event(project, someConversation, "5", "conversation.closed", at(5), `{}`))
	waitForEvents(t, i, project, 5)
	if n := countOf(t, i, project, "contactCount"); n != "2" {
		t.Errorf("%s contacts", n)
	}
}

func TestConversationTransferredTwiceHasThreeContacts(t *testing.T) {
	i := running(t)
	const project = 7102
	var lines []string
	at := 0
	add := func(kind, data string) {
		at++
		lines = append(lines, event(project, someConversation, fmt.Sprint(at), "conversation."+kind, fmt.Sprintf("2025-01-01T10:00:%02dZ", at), data))
	}
	for operator := 1; operator <= 3; operator++ {
		add("routed", `{"routingRule":{"id":"r"}}`)
		add("pushed", fmt.Sprintf(`{"toUser":{"id":%d,"kind":"PROFESSIONAL"}}`, operator))
		if operator < 3 {
			add("transferred", `{}`)
		}
	}
	add("closed", `{}`)
	i.post(t, lines...)
	waitForEvents(t, i, project, len(lines))
	data := i.graphQL(t, i.admin, fmt.Sprintf(`{conversation(id: %q, projectId: %d) {
		contactCount transferCount contacts {operator {id} ending} routingEvents {createdAt}
		messages {edges {node {__typename ... on SystemMessage {attachment {__typename}}}}}}}`, someConversation, project))
	conversation := data["conversation"].(map[string]any)
	pushes := strings.Count(fmt.Sprint(conversation["messages"]), "ConversationPushedSystemAttachment")
	if contacts, routed := len(conversation["contacts"].([]any)), len(conversation["routingEvents"].([]any)); pushes != 3 || routed != 3 || contacts != 3 {
		t.Errorf("%d pushes, %d routing events, %d contacts: %v", pushes, routed, contacts, conversation)
	}
	if got := fmt.Sprintf("%v %v", conversation["contactCount"], conversation["transferCount"]); got != "3 2" {
		t.Errorf("%v contacts, %v transfers", conversation["contactCount"], conversation["transferCount"])
	}
}

func TestSecondServeOnADataDirIsRefused(t *testing.T) {
	i := running(t)
	stdout, stderr, code := i.command(t, "", "serve", "--listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0", "--clickhouse-http", "127.0.0.1:0")
	if code == 0 || stdout != "" || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "belongs to a running parley") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}

func TestDataDirIsPrivate(t *testing.T) {
	i := running(t)
	for name, want := range map[string]os.FileMode{".": 0o700, engines.EndpointsFile: 0o600, adminKeyName: 0o600} {
		info, err := os.Stat(filepath.Join(i.dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%s: %v, want %v", name, info.Mode().Perm(), want)
		}
	}
}

func TestSecretsAreInNoArgumentAndNoLog(t *testing.T) {
	i := running(t)
	seen := i.stderr.String()
	for _, pid := range append(children(t, i.process.Process.Pid), i.process.Process.Pid) {
		if arguments, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); err == nil {
			seen += string(arguments)
		}
	}
	for name, secret := range map[string]string{
		"NATS": i.where.NATS.Password, "BI": i.where.ClickHouse.BI.Password,
		"writer": i.where.ClickHouse.Writer.Password, "admin key": i.admin.Secret,
	} {
		if secret == "" || strings.Contains(seen, secret) {
			t.Errorf("the secret of %s is empty or stands in an argument or the log", name)
		}
	}
}

func TestReadinessAndOtherPages(t *testing.T) {
	i := running(t)
	page, content := http.StatusOK, "<title>parley</title>"
	if _, err := os.Stat("../../query/web/dist/page/index.html"); err != nil { // go build without make
		page, content = http.StatusNotFound, "make build"
	}
	for _, page := range []struct {
		path, contentType, contains string
		status                      int
	}{
		{"/healthz", "application/json", `"alive":true`, http.StatusOK},
		{"/readyz", "application/json", `"ready":true`, http.StatusOK},
		{"/metrics", "text/plain", "parley_projector_position", http.StatusOK},
		{"/graphiql", "text/html", "graphiql", http.StatusOK},
		{"/", "text/html", content, page},
		{"/nothing", "application/json", "not_found", http.StatusNotFound},
	} {
		got := i.do(t, request{method: http.MethodGet, path: page.path})
		if got.status != page.status || !strings.HasPrefix(got.header.Get("Content-Type"), page.contentType) || !strings.Contains(strings.ToLower(string(got.body)), page.contains) {
			t.Errorf("GET %s: %d, %s, %.300s", page.path, got.status, got.header.Get("Content-Type"), got.body)
		}
	}
}

func TestTerminationLosesNothingAndLeavesNoChild(t *testing.T) {
	dir := t.TempDir()
	i := start(t, dir)
	i.post(t, exampleLines(t, 7201)...)
	kids := children(t, i.process.Process.Pid)
	if len(kids) == 0 {
		t.Fatal("serve has no ClickHouse child")
	}
	if code := i.terminate(t); code != 0 {
		t.Fatalf("exit %d", code)
	}
	for _, pid := range kids {
		if !ended(t, pid) {
			t.Errorf("child %d is still there", pid)
		}
	}
	if _, stderr, code := i.command(t, "", "endpoints"); code == 0 || !strings.Contains(stderr, "no serve is running") {
		t.Errorf("endpoints without a serve: exit %d, %q", code, stderr)
	}

	again := start(t, dir)
	t.Logf("start to ready on an existing data dir: %s (%s)", again.toReady.Round(time.Millisecond), system())
	waitForEvents(t, again, 7201, 11)
	wantExample(t, again, 7201)
	if again.admin != i.admin || again.where.ClickHouse.BI != i.where.ClickHouse.BI {
		t.Error("a restart changed the credentials")
	}
}

func TestKillLeavesNoChildAndTheNextStartContinues(t *testing.T) {
	dir := t.TempDir()
	i := start(t, dir)
	lines := exampleLines(t, 7202)
	i.post(t, lines[:6]...)
	waitForEvents(t, i, 7202, 6)
	i.post(t, lines[6:]...) // acknowledged, and perhaps not projected yet
	kids := children(t, i.process.Process.Pid)
	if err := i.process.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-i.ended
	again := start(t, dir) // waits for the child of before, which closes its tables
	for _, pid := range kids {
		if !ended(t, pid) {
			t.Errorf("child %d is still there", pid)
		}
	}
	waitForEvents(t, again, 7202, 11)
	wantExample(t, again, 7202)
	if a := again.post(t, lines...); a.Accepted+a.Duplicates != len(lines) {
		t.Errorf("%+v", a)
	}
	if code := again.terminate(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}

func TestSecondEventOfAKeyMakesNoRow(t *testing.T) {
	dir := t.TempDir()
	const project = 7203
	const other = "33333333-3333-4333-8333-333333333333"
	opened := func(conversation, id, language string) string {
		return event(project, conversation, id, "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT","language":"`+language+`"}`)
	}
	check := func(t *testing.T, i *instance, distinct int) {
		t.Helper()
		waitForEvents(t, i, project, distinct)
		rows := i.sql(t, fmt.Sprintf("SELECT conversation_id, language FROM parley.conversations WHERE project_id = %d AND language != 'xx'", project))
		if len(rows) != 1 || rows[0]["conversation_id"] != someConversation || rows[0]["language"] != "fr" {
			t.Errorf("conversations: %v", rows)
		}
	}
	// A marker behind the repeats shows that the projector has passed them.
	marker := func(n int) string {
		return opened(fmt.Sprintf("44444444-4444-4444-8444-44444444444%d", n), fmt.Sprintf("m%d", n), "xx")
	}

	i := start(t, dir)
	i.post(t, opened(someConversation, "same", "fr"))
	check(t, i, 1)
	i.post(t, opened(someConversation, "same", "en"), opened(other, "same", "de"), marker(1))
	check(t, i, 2)
	i.terminate(t)

	again := start(t, dir)
	again.post(t, opened(other, "same", "es"), opened(someConversation, "same", "it"), marker(2))
	check(t, again, 3)
}

func TestIdleServeIsSmall(t *testing.T) {
	i := start(t, t.TempDir())
	i.post(t, exampleLines(t, 7204)...)
	waitForEvents(t, i, 7204, 11)
	own := resident(t, i.process.Process.Pid)
	all := own
	for _, pid := range children(t, i.process.Process.Pid) {
		all += resident(t, pid)
	}
	t.Logf("memory of an idle serve: %d MiB, of which parley with NATS %d MiB, ClickHouse %d MiB (%s)", all, own, all-own, system())
}

func TestBusyPortIsNamed(t *testing.T) {
	i := running(t)
	c := []string{"serve", "--data-dir", t.TempDir(), "--listen", strings.TrimPrefix(i.where.HTTP, "http://")}
	_, stderr, code := runHere(t, c...)
	if code == 0 || !strings.Contains(stderr, "already in use") || !strings.Contains(stderr, "--listen") {
		t.Errorf("exit %d, %q", code, stderr)
	}
}

func TestCommandsWithoutServeSaySo(t *testing.T) {
	dir := t.TempDir()
	for _, arguments := range [][]string{
		{"endpoints"}, {"demo"}, {"key", "list"}, {"user", "list"}, {"query"}, {"project"}, {"ingest"},
		{"key", "add", "--name", "n", "--projects", "1", "--scopes", "read"},
	} {
		_, stderr, code := runHere(t, append(arguments, "--data-dir", dir)...)
		if code == 0 || strings.Count(stderr, "\n") != 1 || !strings.Contains(stderr, "no serve is running") {
			t.Errorf("%v: exit %d, %q", arguments, code, stderr)
		}
	}
}

func TestEndpointsOfAnEndedProcessAreStale(t *testing.T) {
	dir := t.TempDir()
	if err := (&engines.Endpoints{PID: 1 << 30}).Write(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := engines.Running(dir); !errors.Is(err, engines.ErrNotRunning) {
		t.Errorf("%v", err)
	}
}
