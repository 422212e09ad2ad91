package main

import (
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/cmd/internal/certificate/certificatetest"
	"github.com/parley-analytics/parley/deploy/embedded"
)

// secretFile writes a password for a flag that names a file.
func secretFile(t *testing.T, password string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(password+"\n"), 0o400); err != nil {
		t.Fatal(err)
	}
	return path
}

// engine starts an engine alone.
func engine(t *testing.T, dir, name string, flags ...string) *instance {
	t.Helper()
	i, err := launch(dir, append([]string{"engine", name}, flags...)...)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, i)
	return i
}

// processes is NATS and ClickHouse, each in a process of its own.
type processes struct {
	t                      *testing.T
	natsDir, clickHouseDir string
	secrets                map[string]string // files
	nats, clickHouse       *instance
}

func enginesAlone(t *testing.T) *processes {
	t.Helper()
	e := &processes{t: t, natsDir: t.TempDir(), clickHouseDir: t.TempDir(), secrets: map[string]string{}}
	for _, name := range []string{"log", "private", "writer", "reader", "bi"} {
		e.secrets[name] = secretFile(t, name+"-password-of-this-test")
	}
	e.start()
	return e
}

func (e *processes) start(flags ...string) {
	e.t.Helper()
	e.nats = engine(e.t, e.natsDir, "nats", append(flags, "--password-file", e.secrets["log"], "--private-password-file", e.secrets["private"])...)
	e.clickHouse = engine(e.t, e.clickHouseDir, "clickhouse", append(flags, "--writer-password-file", e.secrets["writer"],
		"--reader-password-file", e.secrets["reader"], "--bi-password-file", e.secrets["bi"])...)
}

// flags name the engines for a command, and the reader for serve.
func (e *processes) flags() []string {
	return []string{
		"--nats-url", e.nats.where.HTTP, "--nats-user", "parley", "--nats-password-file", e.secrets["log"],
		"--nats-private-user", "parley_private", "--nats-private-password-file", e.secrets["private"],
		"--clickhouse-url", e.clickHouse.where.HTTP, "--clickhouse-user", "parley_writer", "--clickhouse-password-file", e.secrets["writer"],
		"--clickhouse-reader-user", "parley_reader", "--clickhouse-reader-password-file", e.secrets["reader"],
	}
}

func TestServeRunsOnEnginesThatRunAlone(t *testing.T) {
	const project = 7433
	e := enginesAlone(t)
	bi := embedded.User{Name: "parley_bi", Password: "bi-password-of-this-test"}
	dir := t.TempDir()
	first := start(t, dir, e.flags()...)
	first.where.ClickHouse.BI = bi
	if children := children(t, first.process.Process.Pid); len(children) > 0 {
		t.Errorf("serve has children: %v", children)
	}
	first.post(t, exampleLines(t, project)...)
	waitForEvents(t, first, project, 11)
	wantExample(t, first, project)

	for _, i := range []*instance{first, e.nats, e.clickHouse} {
		if code := i.terminate(t); code != exitOK {
			t.Errorf("exit %d after SIGTERM:\n%s", code, i.stderr)
		}
	}
	// What they stored is there after a restart, and a repeat is recognised.
	e.start()
	second := start(t, dir, e.flags()...)
	second.where.ClickHouse.BI = bi
	if again := second.post(t, exampleLines(t, project)...); again.Duplicates != 11 || again.FirstSequence != nil {
		t.Errorf("a repeat was stored again: %+v", again)
	}
	wantExample(t, second, project)
	if stdout, _, code := second.command(t, "", append([]string{"verify"}, e.flags()...)...); code != exitOK {
		t.Errorf("verify: exit %d\n%s", code, stdout)
	}
}

func TestEnginesAloneListenOnLoopbackAndRequirePasswords(t *testing.T) {
	for _, name := range []string{"nats", "clickhouse"} {
		stdout, _, _ := runHere(t, "engine", name, "--help")
		if !strings.Contains(stdout, "(127.0.0.1:") {
			t.Errorf("%s does not listen on loopback by default:\n%s", name, stdout)
		}
	}
	nats, clickHouse := engine(t, t.TempDir(), "nats"), engine(t, t.TempDir(), "clickhouse")
	for _, flags := range [][]string{
		{"--nats-url", nats.where.HTTP, "--clickhouse-url", clickHouse.where.HTTP},
		{"--nats-url", nats.where.HTTP, "--nats-user", "parley", "--nats-password-file", secretFile(t, "guessed"), "--clickhouse-url", clickHouse.where.HTTP},
	} {
		_, stderr, code := runHere(t, append([]string{"serve", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, flags...)...)
		if code != exitFailed || !strings.Contains(strings.ToLower(stderr), "authorization") {
			t.Errorf("%v: exit %d, %s", flags, code, stderr)
		}
	}
	response, err := http.Get(clickHouse.where.HTTP + "/?query=SELECT+1")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusUnauthorized {
		t.Errorf("ClickHouse without a password: %s", response.Status)
	}
	for _, i := range []*instance{nats, clickHouse} {
		info, err := os.Stat(filepath.Join(i.dir, embedded.CredentialsFile))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("generated passwords: %v, %v", info, err)
		}
	}
}

func TestEngineAloneRefusesWhatItCannotUse(t *testing.T) {
	dir := t.TempDir()
	engine(t, dir, "nats")
	authority := certificatetest.New(t)
	own := authority.Issue(t, time.Now().Add(time.Hour))
	member := func(flags ...string) []string {
		return append([]string{"engine", "nats", "--data-dir", t.TempDir(), "--listen", "127.0.0.1:0"}, flags...)
	}
	complete := func(flags ...string) []string {
		return member(append(flags, "--cluster-name", "c", "--cluster-server", "n1", "--cluster-routes", "127.0.0.1:1", "--cluster-password-file", secretFile(t, "of the cluster"))...)
	}
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for want, arguments := range map[string][]string{
		"the data dir is in use":             {"engine", "clickhouse", "--data-dir", dir},
		"is already in use":                  {"engine", "nats", "--data-dir", t.TempDir(), "--listen", taken.Addr().String()},
		"is not HOST:PORT":                   {"engine", "nats", "--data-dir", t.TempDir(), "--listen", "4222"},
		"--password-file: /absent does":      {"engine", "nats", "--data-dir", t.TempDir(), "--password-file", "/absent"},
		"is empty: write the password of":    {"engine", "clickhouse", "--data-dir", t.TempDir(), "--bi-password-file", secretFile(t, "")},
		"--cluster-routes needs --cluster-n": member("--cluster-routes", "127.0.0.1:1"),
		"--cluster-name needs --cluster-ser": member("--cluster-name", "c"),
		"--cluster-name needs --cluster-rou": member("--cluster-name", "c", "--cluster-server", "n1"),
		"--cluster-ca needs --tls-cert and ": complete("--cluster-ca", authority.File),
		"--tls-cert needs --cluster-ca":      complete("--tls-cert", own.Cert, "--tls-key", own.Key),
		"must have a port that they know":    complete("--cluster-listen", "127.0.0.1:0"),
		"--writer-password-file: /absent do": {"engine", "clickhouse", "--data-dir", t.TempDir(), "--writer-password-file", "/absent"},
	} {
		_, stderr, code := runHere(t, arguments...)
		if code != exitFailed || !strings.Contains(stderr, want) || strings.Count(stderr, "parley: ") != 1 {
			t.Errorf("%v: exit %d, %q, not %q", arguments, code, stderr, want)
		}
	}
}

func TestProbeSaysWhetherAServiceAnswers(t *testing.T) {
	nats := engine(t, t.TempDir(), "nats")
	address := nats.where.HTTP
	if _, stderr, code := runHere(t, "probe", address); code != exitOK {
		t.Errorf("a NATS server that runs: exit %d, %s", code, stderr)
	}
	nats.terminate(t)
	clickHouse := engine(t, t.TempDir(), "clickhouse")
	if _, stderr, code := runHere(t, "probe", clickHouse.where.HTTP+"/ping"); code != exitOK {
		t.Errorf("a ClickHouse that runs: exit %d, %s", code, stderr)
	}
	unready := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, `{"ready":false}`)
	}))
	defer unready.Close()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, wrong := range []string{
		address, unready.URL, "nats://" + strings.TrimPrefix(unready.URL, "http://"), "nats://" + silent.Addr().String(),
		"http://" + silent.Addr().String(), "ftp://127.0.0.1/", "127.0.0.1:4222", "://",
	} {
		if _, stderr, code := runHere(t, "probe", "--timeout", "300ms", wrong); code != exitFailed || strings.Count(stderr, "\n") != 1 {
			t.Errorf("%s: exit %d, %q", wrong, code, stderr)
		}
	}
}

// TestServersOfAClusterEncryptTheirConnections has two servers trust one authority, and a third one another.
func TestServersOfAClusterEncryptTheirConnections(t *testing.T) {
	authority, stranger := certificatetest.New(t), certificatetest.New(t)
	end := time.Now().Add(time.Hour)
	log, cluster := secretFile(t, "log-password-of-this-test"), secretFile(t, "cluster-password-of-this-test")
	var routes []string
	for range 3 {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		routes = append(routes, free.Addr().String())
		free.Close()
	}
	member := func(n int, of *certificatetest.Authority, routes []string) jetstream.JetStream {
		own := of.Issue(t, end)
		i := engine(t, t.TempDir(), "nats", "--password-file", log, "--tls-cert", own.Cert, "--tls-key", own.Key,
			"--cluster-name", "c", "--cluster-server", fmt.Sprint("n", n), "--cluster-listen", routes[n], "--cluster-routes", strings.Join(routes, ","),
			"--cluster-password-file", cluster, "--cluster-ca", of.File)
		conn, err := nats.Connect(i.where.HTTP, nats.UserInfo("parley", "log-password-of-this-test"), nats.Secure(trusting(t, of)))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(conn.Close)
		js, err := jetstream.New(conn)
		if err != nil {
			t.Fatal(err)
		}
		return js
	}
	first := member(0, authority, routes[:2])
	second := member(1, authority, routes[:2])
	eventually(t, func() error { // two servers that trust each other
		_, err := first.CreateStream(t.Context(), jetstream.StreamConfig{Name: "S", Subjects: []string{"s"}, Replicas: 2})
		return err
	})
	if _, err := second.Stream(t.Context(), "S"); err != nil {
		t.Fatalf("two servers that trust each other: %v", err)
	}
	third := member(2, stranger, routes)
	for range 3 {
		if _, err := third.Stream(t.Context(), "S"); err == nil { // waits for five seconds
			t.Error("a server with a certificate of a stranger has joined")
		}
	}
}
