package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// statusOf reads /v1/status.
func (i *instance) statusOf(t *testing.T, key *auth.Key) (state string, checks map[string]string) {
	t.Helper()
	answered := i.do(t, request{method: http.MethodGet, path: "/v1/status", key: key})
	if answered.status != http.StatusOK {
		t.Fatal(answered)
	}
	var said struct {
		State  string
		Checks []struct{ Name, State, Text string }
	}
	if err := json.Unmarshal(answered.body, &said); err != nil {
		t.Fatal(err)
	}
	checks = map[string]string{}
	for _, c := range said.Checks {
		if c.Text == "" {
			t.Errorf("%s says nothing", c.Name)
		}
		checks[c.Name] = c.State
	}
	return said.State, checks
}

func TestTheStatusIsForAdministrators(t *testing.T) {
	i := running(t)
	reader := i.newKey(t, "all", "read,ingest")
	for _, tt := range []struct {
		key    *auth.Key
		status int
	}{{nil, http.StatusUnauthorized}, {&reader, http.StatusForbidden}, {&i.admin, http.StatusOK}} {
		if got := i.do(t, request{method: http.MethodGet, path: "/v1/status", key: tt.key}); got.status != tt.status {
			t.Errorf("%v: %s, want %d", tt.key, got, tt.status)
		}
	}
	// Sessions are read-only; an administrator sees the status in one.
	for key, want := range map[*auth.Key]int{&reader: http.StatusForbidden, &i.admin: http.StatusOK} {
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		browser := &http.Client{Jar: jar}
		response, err := browser.PostForm(i.where.HTTP+auth.SessionPath, url.Values{"client_id": {key.ID}, "client_secret": {key.Secret}})
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		response, err = browser.Get(i.where.HTTP + "/v1/status")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("by the session of %s: %s, want %d", key.ID, response.Status, want)
		}
	}
	page := i.do(t, request{method: http.MethodGet, path: "/status"})
	if policy := page.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'self'") {
		t.Errorf("the policy of /status is %q", policy)
	}
}

func TestTheStatusSaysWhatIsWrong(t *testing.T) {
	i := start(t, t.TempDir(), "--canary", "100ms")
	eventually(t, func() error {
		state, checks := i.statusOf(t, &i.admin)
		if state != "well" || checks["New events are visible soon"] != "well" || len(checks) < 7 {
			return fmt.Errorf("%s: %v", state, checks)
		}
		return nil
	})
	i.refuse(t, `{"specversion":"1.0","id":"x","source":"status","type":"parley.conversation.closed.v1","projectid":8118}`)
	eventually(t, func() error {
		if state, checks := i.statusOf(t, &i.admin); state != "watch" || checks["Events are not refused"] != "watch" {
			return fmt.Errorf("%s: %v", state, checks)
		}
		return nil
	})
	for _, child := range children(t, i.process.Process.Pid) {
		if err := syscall.Kill(child, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, func() error {
		if restarts, _ := metric(t, i.metrics(t), "parley_engine_restarts_total", `engine="clickhouse"`); restarts < 1 {
			return fmt.Errorf("%v restarts", restarts)
		}
		if _, checks := i.statusOf(t, &i.admin); checks["The engines run"] != "watch" {
			return fmt.Errorf("%v", checks)
		}
		return nil
	})
	i.terminate(t)
}
