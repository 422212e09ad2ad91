package embedded_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// start runs a ClickHouse of the test's own.
func start(t *testing.T, c embedded.ClickHouseConfig) (*embedded.ClickHouse, *enginetest.ClickHouseServer) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	server, err := embedded.StartClickHouse(ctx, c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shutdown(t, server) })
	return server, &enginetest.ClickHouseServer{
		Addr: server.PrivateAddr(), FrontURL: server.HTTPURL(), Writer: server.Writer(), Reader: server.Reader(), BI: server.BI(),
	}
}

func shutdown(t *testing.T, server *embedded.ClickHouse) {
	t.Helper()
	closeIdle()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), 30*time.Second)
	defer cancel()
	if err := server.Shutdown(ctx); err != nil {
		t.Error(err)
	}
}

func TestKilledParentLeavesNoChild(t *testing.T) {
	for name, waitFor := range map[string]string{"when ready": "ready", "while the child starts": ""} {
		t.Run(name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "clickhouse")
			parent := exec.CommandContext(t.Context(), os.Args[0])
			parent.Env = append(os.Environ(), serveEnv+"="+dir)
			out, err := parent.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := parent.Start(); err != nil {
				t.Fatal(err)
			}
			if waitFor != "" {
				line, err := bufio.NewReader(out).ReadString('\n')
				if err != nil || !strings.HasPrefix(line, waitFor) {
					t.Fatalf("parent says %q, %v", line, err)
				}
			}
			eventually(t, "a child runs", func() bool { return len(processesWith(t, "--path="+dir)) == 1 })
			if err := parent.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			_ = parent.Wait() // killed
			eventually(t, "no child is left", func() bool { return len(processesWith(t, "--path="+dir)) == 0 })
			start(t, config(dir)) // the next start continues
		})
	}
}

func TestKilledChildIsStartedAgain(t *testing.T) {
	var mu sync.Mutex
	var states []error
	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	c.OnStateChange = func(err error) {
		mu.Lock()
		defer mu.Unlock()
		states = append(states, err)
	}
	server, client := start(t, c)
	client.Exec(t, "CREATE DATABASE parley ENGINE = Atomic")
	client.Exec(t, "CREATE TABLE parley.t (a Int32) ENGINE = MergeTree ORDER BY a")
	client.Exec(t, "INSERT INTO parley.t VALUES (1), (2)")

	first := server.PID()
	if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end is noticed", func() bool { return server.Ready() != nil || server.PID() != first })
	eventually(t, "ready again", func() bool { return server.Ready() == nil && server.PID() != first })
	if server.PrivateAddr() != client.Addr {
		t.Errorf("address is %s after the restart, was %s", server.PrivateAddr(), client.Addr)
	}
	if got := client.Exec(t, "SELECT sum(a) FROM parley.t"); got != "3" {
		t.Errorf("sum is %q after the restart", got)
	}
	shutdown(t, server)

	mu.Lock()
	defer mu.Unlock()
	if len(states) != 4 || states[0] != nil || states[1] == nil || states[2] != nil || states[3] == nil {
		t.Errorf("states are %v; want ready, ended, ready, stopped", states)
	}
}

func TestCleanStopLeavesNoProcessAndNextStartIsFast(t *testing.T) {
	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	server, client := start(t, c)
	client.Exec(t, "CREATE DATABASE parley ENGINE = Atomic")
	client.Exec(t, "CREATE TABLE parley.t ENGINE = MergeTree ORDER BY number AS SELECT number FROM numbers(100000)")
	pid := server.PID()
	if group, err := syscall.Getpgid(pid); err != nil || group != pid {
		t.Errorf("the child is in process group %d, %v; an interrupt of the terminal would reach it", group, err)
	}
	shutdown(t, server)
	select {
	case <-server.Done():
	default:
		t.Error("Done is open after Shutdown")
	}
	if left := processesWith(t, "--path="+c.Dir); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	if server.Ready() == nil || server.PID() != 0 {
		t.Errorf("after Shutdown Ready is %v and PID %d", server.Ready(), server.PID())
	}

	begin := time.Now()
	_, client = start(t, c)
	took := time.Since(begin)
	t.Logf("ready on existing data after %s", took)
	if took > 3*time.Second {
		t.Errorf("ready after %s, more than 3 s", took)
	}
	if got := client.Exec(t, "SELECT count() FROM parley.t"); got != "100000" {
		t.Errorf("%s rows after the restart", got)
	}
}

func TestTwoDataDirsRunInParallel(t *testing.T) {
	_, one := start(t, config(filepath.Join(t.TempDir(), "clickhouse")))
	_, two := start(t, config(filepath.Join(t.TempDir(), "clickhouse")))
	for _, client := range []*enginetest.ClickHouseServer{one, two} {
		client.Exec(t, "CREATE DATABASE parley ENGINE = Atomic")
	}
}

func TestADirectoryIsUsedByOneClickHouse(t *testing.T) {
	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	start(t, c)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := embedded.StartClickHouse(ctx, c); err == nil || !strings.Contains(err.Error(), "another ClickHouse is using "+c.Dir) {
		t.Errorf("error is %v", err)
	}
}

func TestTakenPortsAreNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()

	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	c.Listen = address
	_, err = embedded.StartClickHouse(t.Context(), c)
	if err == nil || !strings.Contains(err.Error(), address+" is already in use") {
		t.Errorf("ClickHouse: error is %v", err)
	}
	if left := processesWith(t, "--path="+c.Dir); len(left) > 0 {
		t.Errorf("processes %v are left", left)
	}
	_, err = embedded.StartNATS(t.Context(), embedded.NATSConfig{Dir: t.TempDir(), Listen: address, Users: embedded.NewCredentials().NATS})
	if err == nil || !strings.Contains(err.Error(), address+" is already in use") {
		t.Errorf("NATS: error is %v", err)
	}
}

func TestMissingLibraryErrorNamesTheRemedy(t *testing.T) {
	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	c.Lib = filepath.Join(t.TempDir(), "nowhere.so")
	_, err := embedded.StartClickHouse(t.Context(), c)
	if !errors.Is(err, embedded.ErrNoLibrary) || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "make engine") {
		t.Errorf("error is %v", err)
	}
}

func TestWrongLibraryIsRefusedBeforeItRuns(t *testing.T) {
	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	c.Lib = filepath.Join(t.TempDir(), "libchdb.so")
	if err := os.WriteFile(c.Lib, []byte("not a library"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := embedded.StartClickHouse(t.Context(), c)
	if !errors.Is(err, embedded.ErrWrongLibrary) || strings.Contains(err.Error(), "\n") {
		t.Errorf("error is %v", err)
	}
}

func TestConfigurationIsForItsOwnerOnly(t *testing.T) {
	c := config(filepath.Join(t.TempDir(), "clickhouse"))
	start(t, c)
	for name, want := range map[string]os.FileMode{"": 0o700, "config.xml": 0o600, "users.xml": 0o600, "start.sql": 0o600, "data": 0o700} {
		info, err := os.Stat(filepath.Join(c.Dir, name))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != want {
			t.Errorf("%q has mode %o, want %o", name, info.Mode().Perm(), want)
		}
	}
	users, err := os.ReadFile(filepath.Join(c.Dir, "users.xml"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(users), "<password>") {
		t.Error("users.xml holds a password in clear")
	}
}
