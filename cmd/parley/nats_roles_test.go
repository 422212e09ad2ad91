package main

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/eventlog"
)

// natsAs connects with the credentials that `parley endpoints` prints for a role.
func (i *instance) natsAs(t *testing.T, role string) (*nats.Conn, engines.NATSEndpoint) {
	t.Helper()
	stdout, stderr, code := i.command(t, "", "endpoints", "--json", "--nats-role", role)
	var e engines.Endpoints
	if err := json.Unmarshal([]byte(stdout), &e); err != nil || code != exitOK {
		t.Fatalf("exit %d, %s, %v", code, stderr, err)
	}
	conn, err := nats.Connect(e.NATS.URL, nats.UserInfo(e.NATS.User, e.NATS.Password), nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {}))
	if err != nil {
		t.Fatalf("%s: %v", role, err)
	}
	t.Cleanup(conn.Close)
	return conn, e.NATS
}

// On the real binary: no user of the listener reaches a bucket, and what is in the
// buckets' files is sealed with a key that is elsewhere.
func TestNoListenerUserReachesSecrets(t *testing.T) {
	i := running(t)
	const secret = "the-signing-secret-of-a-platform"
	hook := i.addHook(t, "chatra", 7960, secret)
	if hook.ID == "" {
		t.Fatal("no webhook")
	}
	publisher, named := i.natsAs(t, "publisher")
	if named != i.where.NATS {
		t.Errorf("endpoints.json names %s, not the publisher", i.where.NATS.User)
	}
	reader, _ := i.natsAs(t, "reader")
	operator, _ := i.natsAs(t, "operator")
	for _, bucket := range []string{"PARLEY_CREDENTIALS", "PARLEY_CREDENTIALS_SEALED", "PARLEY_WEBHOOKS", "PARLEY_SOURCES", "PARLEY_SOURCES_SEALED", "PARLEY_OUTGOING", "PARLEY_OUTGOING_SEALED", "PARLEY_LEDGER", "PARLEY_LEASES", "PARLEY_HOURS", "PARLEY_REPORTS"} {
		for name, conn := range map[string]*nats.Conn{"publisher": publisher, "reader": reader, "operator": operator} {
			for _, subject := range []string{"$JS.API.STREAM.INFO.KV_" + bucket, "$JS.API.STREAM.DELETE.KV_" + bucket} {
				if answer, err := conn.Request(subject, nil, 300*time.Millisecond); err == nil && !strings.Contains(string(answer.Data), "stream not found") {
					t.Errorf("%s reaches %s: %s", name, subject, answer.Data)
				}
			}
		}
	}
	if answer, err := operator.Request("$JS.API.STREAM.NAMES", nil, 5*time.Second); err != nil || strings.Contains(string(answer.Data), "KV_") ||
		!strings.Contains(string(answer.Data), eventlog.EventsStream) {
		t.Errorf("the operator's streams: %v, %s", err, answer.Data)
	}
	if answer, err := reader.Request("$JS.API.STREAM.INFO."+eventlog.EventsStream, nil, 5*time.Second); err != nil || strings.Contains(string(answer.Data), `"error"`) {
		t.Errorf("the reader's stream: %v, %s", err, answer.Data)
	}

	for _, name := range []string{engines.LogAccessFile, engines.SecretKeyFile, embedded.CredentialsFile, engines.EndpointsFile} {
		info, err := os.Stat(filepath.Join(i.dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info, err)
		}
	}
	i.wantNotInLog(t, secret, `"seed"`, `"pepper"`, "$argon2id$", i.admin.Secret)
}

// wantNotInLog looks for texts in all files that the broker keeps.
func (i *instance) wantNotInLog(t *testing.T, texts ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(filepath.Join(i.dir, "nats"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return nil //nolint:nilerr // files go while the server works
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil //nolint:nilerr // see above
		}
		files++
		for _, text := range texts {
			if bytes.Contains(content, []byte(text)) {
				t.Errorf("%q is in %s", text, path)
			}
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files, %v", files, err)
	}
}
