package embedded_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// serveEnv makes the test binary a process that runs a ClickHouse in the named folder until it is killed.
const serveEnv = "PARLEY_TEST_SERVE"

func TestMain(m *testing.M) {
	if dir := os.Getenv(serveEnv); dir != "" && !embedded.IsChild() {
		serveUntilKilled(dir)
	}
	enginetest.Main(m)
}

func serveUntilKilled(dir string) {
	server, err := embedded.StartClickHouse(context.Background(), config(dir))
	if err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	fmt.Println("ready", server.PID(), server.PrivateAddr())
	select {}
}

// config runs ClickHouse in dir with passwords w, r and b.
func config(dir string) embedded.ClickHouseConfig {
	c := embedded.ClickHouseConfig{Dir: dir, WriterPassword: "w", ReaderPassword: "r", BIPassword: "b", MaxMemory: 1 << 30}
	if cache, err := os.UserCacheDir(); err == nil {
		c.StampDir = filepath.Join(cache, "parley")
	}
	return c
}

// eventually polls until ok, and fails the test when that takes too long.
func eventually(t *testing.T, within time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.Now().Add(within)
	for !ok() {
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s", within, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// processesWith lists the running processes whose command line contains text. One that is dead but not yet collected does not count.
func processesWith(t *testing.T, text string) []int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil || len(lines) == 0 {
		t.Skip("no /proc on this system") // darwin: the rest of the suite covers it
	}
	var found []int
	for _, path := range lines {
		content, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(content), text) {
			continue
		}
		var pid int
		if _, err := fmt.Sscanf(path, "/proc/%d/cmdline", &pid); err == nil && pid != os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}
