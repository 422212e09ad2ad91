package main

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/certificate/certificatetest"
)

func TestConfigCheckOfAServiceReportsEveryFaultAtOnce(t *testing.T) {
	authority := certificatetest.New(t)
	expired, soon := authority.Issue(t, time.Now().Add(-time.Hour)), authority.Issue(t, time.Now().Add(time.Hour))
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(t.TempDir(), "open")
	if err := os.WriteFile(open, []byte("hunter2\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	file := settingsFile(t, "lisetn: x\nsync: never\n")
	t.Setenv("PARLEY_LISTNE", "hunter2")
	t.Setenv("PARLEY_STORE_TEXT", "perhaps")
	t.Setenv("PARLEY_QUERY_DEPTH", "7")
	t.Setenv("PARLEY_CLICKHOUSE_URL", "http://u:hunter2@"+closed.Addr().String())

	stdout, stderr, code := runHere(t, "--config", file, "config", "check", "serve", "--data-dir", dir, "--listen", taken.Addr().String(),
		"--query-timeout", "soon", "--log-max-bytes=lots", "--quiet", "--query-tokens", "7", "--canary", "-1x",
		"--nats-url", "nats://"+closed.Addr().String(), "--nats-user", "parley", "--nats-password-file", open,
		"--nats-private-password-file", "/absent", "--tls-cert", expired.Cert, "--tls-key", expired.Key,
		"--nats-cert", soon.Cert, "--nats-key", soon.Key, "--clickhouse-ca", "/absent.pem", "--oidc-issuer", "not an address",
		"--clickhouse-http", "nonsense", "stray", "--log-max-age")
	if code != exitFailed || stdout != "" {
		t.Errorf("exit %d, %q", code, stdout)
	}
	if strings.Contains(stderr, "hunter2") {
		t.Errorf("a secret is printed:\n%s", stderr)
	}
	for _, want := range []string{
		file + ":1: unknown key lisetn", file + ":2: sync: must be one of",
		"PARLEY_LISTNE: unknown variable", "PARLEY_STORE_TEXT: ", "PARLEY_QUERY_DEPTH is no longer read: set query.limits.depth",
		"--query-timeout: ", "--log-max-bytes: ", "--quiet: unknown flag", "--query-tokens is no longer a flag: set query.limits.tokens", "--canary: ",
		"an argument without a flag", "--log-max-age needs a value",
		"--data-dir: " + dir + " is accessible to other users (mode 755)",
		"--listen: address " + taken.Addr().String() + " is already in use",
		"--nats-password-file: " + open + " is readable by other users (mode 644)",
		"--nats-private-password-file needs --nats-private-user", "--nats-private-password-file: /absent does not exist",
		"--tls-cert: " + expired.Cert + " expired on", "warning: --nats-cert: " + soon.Cert + " expires on",
		"--clickhouse-ca: /absent.pem does not exist",
		"--nats-url: cannot reach " + closed.Addr().String(), "--clickhouse-url: cannot reach " + closed.Addr().String(),
		"--oidc-issuer needs --oidc-audience", "--oidc-issuer: must be an address",
		"clickhouse-http: must be HOST:PORT",
	} {
		found := false
		for line := range strings.Lines(stderr) {
			found = found || strings.HasPrefix(line, want)
		}
		if !found {
			t.Errorf("%q is not reported", want)
		}
	}
	if t.Failed() {
		t.Logf("reported:\n%s", stderr)
	}
}

func TestConfigCheckAcceptsWhatServicesStartWith(t *testing.T) {
	server, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	address := server.Addr().String()
	t.Setenv("PARLEY_ENGINE_NATS_LISTEN", "127.0.0.1:1") // of another command
	for _, arguments := range []string{
		"serve --no-migrate --nats-listen 127.0.0.1:0 --clickhouse-http 127.0.0.1:0 --log-max-age=30d",
		"ingest --nats-url nats://127.0.0.1:1,nats://" + address,
		"project --nats-url nats://" + address + " --clickhouse-url clickhouse://" + address,
		"query --nats-url nats://" + address + " --clickhouse-url http://" + address + "/?x=y --mcp",
	} {
		args := append([]string{"config", "check"}, strings.Fields(arguments+" --data-dir "+t.TempDir()+"/new --listen 127.0.0.1:0")...)
		stdout, stderr, code := runHere(t, args...)
		if code != exitOK || stderr != "" || stdout != strings.Fields(arguments)[0]+": ok\n" {
			t.Errorf("%s: exit %d, %q, %q", arguments, code, stdout, stderr)
		}
	}
}

func TestConfigCheckOfARunningServeLeavesItsAddresses(t *testing.T) {
	i := running(t)
	listen := strings.TrimPrefix(i.where.HTTP, "http://")
	stdout, stderr, code := runHere(t, "config", "check", "serve", "--data-dir", i.dir, "--listen", listen)
	if code != exitOK || stdout != "serve: ok\n" || !strings.HasPrefix(stderr, "warning: addresses to listen on are not checked") {
		t.Errorf("exit %d, %q, %q", code, stdout, stderr)
	}
}
