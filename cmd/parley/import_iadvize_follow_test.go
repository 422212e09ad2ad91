package main

import (
	"fmt"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os/exec"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const loginPassword = "correct horse battery staple"

// login adds a user to an instance and returns the flags of an import from url.
func (i *instance) login(t *testing.T, url, project string) []string {
	t.Helper()
	email := "reader" + project + "@example.com"
	if _, stderr, code := i.command(t, loginPassword+"\n", "user", "add", "--email", email, "--projects", project, "--scopes", "read"); code != 0 {
		t.Fatal(stderr)
	}
	return []string{
		"import", "iadvize", "--url", url, "--user", email, "--projects", project,
		"--password-file", written(t, "password", []byte(loginPassword+"\n")),
	}
}

// closedAt posts a conversation of ten minutes that closed then.
func (i *instance) closedAt(t *testing.T, project int, conversation string, closed time.Time) {
	t.Helper()
	at := func(before time.Duration) string { return closed.Add(-before).UTC().Format(time.RFC3339) }
	i.post(t,
		event(project, conversation, conversation+"-o", "conversation.opened", at(10*time.Minute), `{"channel":"CHAT"}`),
		event(project, conversation, conversation+"-p", "conversation.pushed", at(9*time.Minute), `{"toUser":{"id":5,"kind":"PROFESSIONAL"}}`),
		event(project, conversation, conversation+"-c", "conversation.closed", at(0), `{}`))
}

// wantCount polls until a statement counts so many.
func (i *instance) wantCount(t *testing.T, want int, statement string) {
	t.Helper()
	eventually(t, func() error {
		if n := i.number(t, statement); n != want {
			return fmt.Errorf("%d, want %d: %s", n, want, statement)
		}
		return nil
	})
}

// TestImportWithAPasswordAsksForOneNewTokenWhenTheAPIRefusesItsOwn spoils the
// token of a request in the middle, so that the upstream answers 401.
func TestImportWithAPasswordAsksForOneNewTokenWhenTheAPIRefusesItsOwn(t *testing.T) {
	const project, conversations = 8201, 7
	upstream := running(t)
	for n := range conversations {
		upstream.closedAt(t, project, fmt.Sprintf("55555555-5555-4555-8555-55555555555%d", n), time.Date(2026, 3, 2, 10, n, 0, 0, time.UTC))
	}
	upstream.wantCount(t, conversations, fmt.Sprint("SELECT count() FROM parley.conversations WHERE closed_at IS NOT NULL AND project_id = ", project))

	address, err := url.Parse(upstream.where.HTTP)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(address)
	var tokens, asked, unauthorized atomic.Int64
	proxy.ModifyResponse = func(r *http.Response) error {
		if r.StatusCode == http.StatusUnauthorized {
			unauthorized.Add(1)
		}
		return nil
	}
	between := newTestServer(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/oauth2/token":
			tokens.Add(1)
		case "/graphql":
			if asked.Add(1) == 3 {
				r.Header.Set("Authorization", "Bearer expired")
			}
		}
		proxy.ServeHTTP(w, r)
	}))

	other := start(t, t.TempDir())
	arguments := upstream.login(t, between, fmt.Sprint(project))
	stdout, stderr, code := other.command(t, "", append(arguments, "--from", "2026-03-02", "--to", "2026-03-03", "--page", "2")...)
	if code != 0 || !strings.HasPrefix(stdout, fmt.Sprint(conversations, " conversations: ")) {
		t.Fatalf("exit %d, %q, %q", code, stdout, stderr)
	}
	if tokens.Load() != 2 || unauthorized.Load() != 1 {
		t.Errorf("%d tokens and %d answers of 401, want 2 and 1", tokens.Load(), unauthorized.Load())
	}
	if strings.Contains(stdout+stderr, loginPassword) {
		t.Error("the password was written")
	}
	other.wantCount(t, conversations, fmt.Sprint("SELECT count() FROM parley.contacts WHERE ending = 'CLOSED' AND project_id = ", project))
}

// TestFollowImportsLaterClosesAndSalesAndStopsCleanly goes on after the
// first pass until it is stopped.
func TestFollowImportsLaterClosesAndSalesAndStopsCleanly(t *testing.T) {
	const (
		project = 8202
		early   = "66666666-6666-4666-8666-666666666661"
		late    = "66666666-6666-4666-8666-666666666662"
	)
	upstream := running(t)
	now := time.Now()
	upstream.closedAt(t, project, early, now.Add(-2*time.Hour))
	upstream.wantCount(t, 1, fmt.Sprint("SELECT count() FROM parley.conversations WHERE closed_at IS NOT NULL AND project_id = ", project))

	other := start(t, t.TempDir())
	arguments := append(upstream.login(t, upstream.where.HTTP, fmt.Sprint(project)), "--data-dir", other.dir,
		"--from", now.Add(-24*time.Hour).UTC().Format(time.RFC3339), "--follow", "--every", "200ms", "--overlap", "1d")
	follower := exec.CommandContext(t.Context(), binary, arguments...)
	var stdout, stderr output
	follower.Stdout, follower.Stderr = &stdout, &stderr
	if err := follower.Start(); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- follower.Wait() }()

	eventually(t, func() error {
		if !strings.HasPrefix(stdout.String(), "1 conversations: 3 accepted") {
			return fmt.Errorf("%q, %q", &stdout, &stderr)
		}
		return nil
	})
	contacts := fmt.Sprintf("SELECT count() FROM parley.contacts WHERE ending = 'CLOSED' AND project_id = %d AND conversation_id = ", project)
	other.wantCount(t, 1, contacts+"'"+early+"'")
	other.wantCount(t, 0, contacts+"'"+late+"'")

	upstream.closedAt(t, project, late, time.Now().Add(-time.Second))
	other.wantCount(t, 1, contacts+"'"+late+"'")

	sold := time.Now().UTC().Format(time.RFC3339)
	upstream.post(t, event(project, early, "sale", "transaction.recorded", sold,
		`{"transactionId":"t-1","externalConversionId":"o-1","amount":"20.50","currency":"EUR","receivedAt":"`+sold+`"}`))
	other.wantCount(t, 1, fmt.Sprintf("SELECT count() FROM parley.transactions WHERE transaction_id = 't-1' AND amount = 20.5 AND project_id = %d", project))

	if err := follower.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("%v: %s", err, &stderr)
		}
	case <-time.After(stopWithin):
		t.Fatalf("the import did not stop within %s: %s", stopWithin, &stderr)
	}
}
