package main

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// begin starts serve and returns when it accepts events, whether its tables are ready
// or not.
func begin(t *testing.T, dir string) *instance {
	t.Helper()
	i, _, err := spawn(dir, "serve", "--nats-listen", "127.0.0.1:0", "--clickhouse-http", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	watch(t, i)
	eventually(t, func() error {
		if err := i.load(); err != nil {
			return err
		}
		if i.where.PID != i.process.Process.Pid {
			return errors.New("endpoints.json is that of another process")
		}
		if got := i.do(t, request{method: http.MethodGet, path: "/readyz?for=ingest"}); got.status != http.StatusOK {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
	return i
}

// wantWaiting checks that queries are refused with a reason.
func (i *instance) wantWaiting(t *testing.T, why string) {
	t.Helper()
	eventually(t, func() error {
		for _, r := range []request{
			{method: http.MethodGet, path: "/readyz?for=query"},
			{method: http.MethodPost, path: graphQLPath, body: `{"query":"{__typename}"}`, key: &i.admin, headers: map[string]string{"Content-Type": "application/json"}},
			{method: http.MethodGet, path: "/v1/export/conversations?project=1", key: &i.admin},
		} {
			if got := i.do(t, r); got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(string(got.body), why) {
				return fmt.Errorf("%s: %s %v", r.path, got, got.header)
			}
		}
		return nil
	})
}

// ready waits until all parts are ready.
func (i *instance) ready(t *testing.T) {
	t.Helper()
	eventually(t, func() error {
		if got := i.do(t, request{method: http.MethodGet, path: "/readyz"}); got.status != http.StatusOK {
			return fmt.Errorf("%s", got)
		}
		return nil
	})
}

func TestEventsAreAcceptedWhileClickHouseDoesNotStart(t *testing.T) {
	const project, conversations = 7468, 20
	i := start(t, t.TempDir())
	i.post(t, chats(project, 0, conversations, 0)...)
	i.terminate(t)
	broken := filepath.Join(i.dir, "clickhouse", "data", "metadata", "broken.sql")
	if err := os.WriteFile(broken, []byte("no statement"), 0o600); err != nil {
		t.Fatal(err)
	}
	i = begin(t, i.dir)
	i.post(t, chats(project, 0, conversations, 1)...)
	i.wantWaiting(t, "the ClickHouse process exited")
	if err := os.Remove(broken); err != nil {
		t.Fatal(err)
	}
	i.ready(t)
	i.post(t, chats(project, 0, conversations, 2)...)
	i.wantOneRowEach(t, project, conversations, 5*conversations)
}

// TestEventsAreAcceptedWhileAMigrationFails lacks a table that a statement reads, until
// it is brought back.
func TestEventsAreAcceptedWhileAMigrationFails(t *testing.T) {
	const project, conversations = 7469, 20
	const file = "0025_fill_event_hashes.sql"
	i := start(t, t.TempDir())
	i.post(t, chats(project, 0, conversations, 0)...)
	waitForEvents(t, i, project, 2*conversations)
	i.asWriter(t, "DELETE FROM parley_meta.migrations WHERE name = 'parley_1/projection/"+file+"'")
	i.asWriter(t, "RENAME TABLE parley_1.events TO parley_1.events_kept")
	i.terminate(t)

	i = begin(t, i.dir)
	i.post(t, chats(project, 0, conversations, 1)...)
	i.wantWaiting(t, "failed at parley_1/projection/"+file)
	if got := i.do(t, request{method: http.MethodGet, path: "/metrics"}); strings.Contains(string(got.body), "parley_migration_failures_total 0") || !strings.Contains(string(got.body), "parley_migration_pending_steps 1") {
		t.Errorf("metrics: %s", got)
	}
	if _, stderr, code := i.command(t, "", "verify"); code != exitFailed || !strings.Contains(stderr, file) || strings.Count(strings.TrimSpace(stderr), "\n") > 0 {
		t.Errorf("verify: exit %d, %s", code, stderr)
	}
	i.asWriter(t, "RENAME TABLE parley_1.events_kept TO parley_1.events")
	i.ready(t)
	i.post(t, chats(project, 0, conversations, 2)...)
	i.wantOneRowEach(t, project, conversations, 5*conversations)
}
