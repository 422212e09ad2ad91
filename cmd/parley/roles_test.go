package main

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/cmd/internal/engines"
)

// role starts one role beside an instance; its requests go to the role, all
// else to the instance.
func (i *instance) role(t *testing.T, arguments ...string) *instance {
	t.Helper()
	r, err := launch(i.dir, arguments...)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, r)
	url := r.where.HTTP
	r.where, r.admin = i.where, i.admin
	r.where.HTTP = url
	return r
}

func TestRolesRunSeparatelyNextToServe(t *testing.T) {
	i := running(t)
	ingest, query := i.role(t, "ingest"), i.role(t, "query")
	ingest.post(t, exampleLines(t, 7421)...)
	waitForEvents(t, i, 7421, 11)
	wantExample(t, query, 7421)
	if got := ingest.do(t, request{method: http.MethodPost, path: "/graphql", body: "{}"}); got.status != http.StatusNotFound {
		t.Errorf("the ingest role at /graphql: %s", got)
	}
	for _, r := range []*instance{ingest, query} {
		if code := r.terminate(t); code != exitOK {
			t.Errorf("exit %d", code)
		}
	}
}

// elsewhere are the flags that name the engines of an instance as servers.
func elsewhere(t *testing.T, i *instance) []string {
	t.Helper()
	file := func(name, secret string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	log := i.log(t)
	return []string{
		"--nats-url", log.URL, "--nats-user", log.User, "--nats-password-file", file("nats", log.Password),
		"--clickhouse-url", i.where.ClickHouse.HTTP, "--clickhouse-user", i.where.ClickHouse.Writer.Name,
		"--clickhouse-password-file", file("clickhouse", i.where.ClickHouse.Writer.Password),
		"--nats-private-user", log.PrivateUser, "--nats-private-password-file", file("private", log.PrivatePassword),
		"--secret-key-file", filepath.Join(i.dir, engines.SecretKeyFile),
	}
}

func TestServeOnNamedServersAnswersLikeTheEmbeddedOne(t *testing.T) {
	i := running(t)
	other := start(t, t.TempDir(), elsewhere(t, i)...)
	if children := children(t, other.process.Process.Pid); len(children) > 0 {
		t.Errorf("it has children: %v", children)
	}
	other.post(t, exampleLines(t, 7422)...)
	waitForEvents(t, i, 7422, 11)
	bi := i.where.ClickHouse.BI
	other.where.ClickHouse.BI = bi // that of the embedded engine; servers have users of their own
	wantExample(t, other, 7422)
	if stdout, _, code := other.command(t, "", append([]string{"doctor"}, elsewhere(t, i)...)...); code != exitOK || !strings.Contains(stdout, "not needed with --clickhouse-url") {
		t.Errorf("doctor: exit %d\n%s", code, stdout)
	}
	if code := other.terminate(t); code != exitOK {
		t.Errorf("exit %d", code)
	}
	if got := i.do(t, request{method: http.MethodGet, path: "/readyz"}); got.status != http.StatusOK {
		t.Errorf("the first one after the second has ended: %s", got)
	}
}

func TestWrongPasswordOfAServerIsAnErrorAtOnce(t *testing.T) {
	i := running(t)
	flags := elsewhere(t, i)
	wrong := filepath.Join(t.TempDir(), "wrong")
	if err := os.WriteFile(wrong, []byte("wrong"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{5, 11} { // the NATS password, the ClickHouse one
		changed := append([]string{"serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, flags...)
		changed[5+at] = wrong
		_, stderr, code := runHere(t, changed...)
		if code != exitFailed || strings.Contains(stderr, i.log(t).Password) {
			t.Errorf("%s: exit %d, %s", changed[4+at], code, stderr)
		}
	}
}
