package embedded_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
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

// patience is how long a test waits for what must come at all: the machine may be busy.
const patience = 2 * time.Minute

// eventually polls until ok, and fails the test when that takes too long.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	ticker := time.NewTicker(5 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.After(patience); !ok(); {
		select {
		case <-ticker.C:
		case <-deadline:
			t.Fatalf("not within %s: %s", patience, what)
		}
	}
}

// processesWith lists the running processes whose command line contains text. One that is dead but not yet collected does not count:
// its command line is gone.
func processesWith(t *testing.T, text string) []int {
	t.Helper()
	var found []int
	for pid, arguments := range processes(t) {
		if strings.Contains(arguments, text) && pid != os.Getpid() {
			found = append(found, pid)
		}
	}
	return found
}

// processes are the command lines of all processes: from /proc, or from ps if there is none.
func processes(t *testing.T) map[int]string {
	t.Helper()
	all := map[int]string{}
	paths, _ := filepath.Glob("/proc/[0-9]*/cmdline") // the pattern is right
	for _, path := range paths {
		if arguments, err := os.ReadFile(path); err == nil {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path))) // digits
			all[pid] = string(arguments)
		}
	}
	if len(paths) > 0 {
		return all
	}
	list, err := exec.CommandContext(t.Context(), "ps", "-axww", "-o", "pid=,args=").Output()
	if err != nil {
		t.Fatalf("ps: %v", err)
	}
	for line := range strings.Lines(string(list)) {
		digits, arguments, _ := strings.Cut(strings.TrimSpace(line), " ")
		if pid, err := strconv.Atoi(digits); err == nil {
			all[pid] = arguments
		}
	}
	return all
}
