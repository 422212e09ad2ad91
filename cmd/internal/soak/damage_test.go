package soak

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
)

// long reports whether there is time to try everything, as with make soak.
func long() bool { return *duration >= time.Minute }

// blocks are the files of the stream of events, in their order.
func (in *instance) blocks() []string {
	in.t.Helper()
	files, err := filepath.Glob(filepath.Join(in.dir, "nats", "jetstream", "*", "streams", eventlog.EventsStream, "msgs", "*.blk"))
	if err != nil || len(files) == 0 {
		in.t.Fatalf("no blocks: %v", err)
	}
	slices.SortFunc(files, func(a, b string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	})
	return files
}

// flip changes one bit of an event in the middle of a file.
func flip(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	at := len(content)/2 + bytes.Index(content[len(content)/2:], []byte(`"projectid"`)) + 3
	content[at] ^= 4
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func truncate(t *testing.T, file string, keep func(int64) int64) {
	t.Helper()
	info, err := os.Stat(file)
	if err == nil {
		err = os.Truncate(file, keep(info.Size()))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDamagedBlocksAreNamedAndRestored damages the files of the log while serve
// is down, in every way and after a clean stop as well as after a kill: the next
// start is not ready, and says which sequences are lost; it takes events and answers
// queries all the same. The archive gives them
// back, and after a replay everything is as it was.
//
// A short run takes a bit after a clean stop, and the end cut off after a kill.
func TestDamagedBlocksAreNamedAndRestored(t *testing.T) {
	t.Parallel()
	in := newInstance(t, build(t))
	if !in.start() {
		t.Fatal("serve has not started")
	}
	if output, err := in.run(nil, "demo", "--conversations", "800", "--until", "2026-01-01T00:00:00Z"); err != nil {
		t.Fatalf("demo: %v\n%s", err, output)
	}
	log, err := in.readLog(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := in.caughtUp(t.Context(), log.last); err != nil {
		t.Fatal(err)
	}
	half := func(n int64) int64 { return n / 2 }
	index := func(file string) string { return filepath.Join(filepath.Dir(file), "index.db") }
	type damaged struct {
		name   string
		clean  bool
		late   bool // found by reading all of the log, perhaps after the start
		damage func(blocks []string)
	}
	cases := []damaged{
		{"a bit, after a clean stop", true, true, func(b []string) { flip(t, b[0]) }},
		{"a bit, after a kill", false, false, func(b []string) { flip(t, b[0]) }},
		{"the end cut off, after a clean stop", true, false, func(b []string) { truncate(t, b[len(b)-1], half) }},
		{"the end cut off, after a kill", false, false, func(b []string) { truncate(t, b[len(b)-1], half) }},
		{"a few bytes at the end, after a kill", false, false, func(b []string) {
			truncate(t, b[len(b)-1], func(n int64) int64 { return n - 100 })
		}},
		{"no index and a bit", true, false, func(b []string) { _ = os.Remove(index(b[0])); flip(t, b[0]) }},
	}
	if !long() {
		cases = []damaged{cases[0], cases[3]}
	}
	for _, c := range cases {
		t.Log(c.name)
		// The demo is sent again in part, so that the last block is never empty.
		if output, err := in.run(nil, "demo", "--conversations", "100", "--until", fmt.Sprintf("2026-01-02T%02d:00:00Z", len(c.name)%24)); err != nil {
			t.Fatalf("demo: %v\n%s", err, output)
		}
		log, err := in.readLog(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if err := in.caughtUp(t.Context(), log.last); err != nil {
			t.Fatal(err)
		}
		time.Sleep(300 * time.Millisecond) // how far the log has come is noted four times a second
		if c.clean {
			in.stop()
		} else {
			in.kill(in.pid())
			in.await()
		}
		c.damage(in.blocks())
		ready := in.launch()
		said := in.awaitMissing("log", "records are lost, sequences ")
		t.Logf("/readyz: %s", said)
		in.awaitReadyFor("ingest") // what is lost is no reason to take nothing
		in.awaitReadyFor("query")
		select {
		case in.url = <-ready:
			if !c.late {
				t.Error("serve says that it is ready")
			}
			again := make(chan string, 1)
			again <- in.url
			ready = again
		default:
		}
		for deadline := time.Now().Add(patience); ; { // it may know the serve before this one yet
			output, err := in.run(nil, "doctor")
			if err != nil && strings.Contains(output, "are lost, sequences ") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("doctor: %v\n%s", err, output)
			}
			time.Sleep(100 * time.Millisecond)
		}
		if output, err := in.run(nil, "log", "check"); err == nil || !strings.Contains(output, "FAIL  PARLEY_EVENTS") {
			t.Errorf("log check: %v\n%s", err, output)
		} else {
			t.Logf("log check: %s", output)
		}
		if output, err := in.run(nil, "replay"); err == nil || !strings.Contains(output, "is damaged") {
			t.Errorf("a replay of a damaged log: %v\n%s", err, output)
		}
		output, err := in.run(nil, "log", "restore")
		if err != nil {
			t.Fatalf("log restore: %v\n%s", err, output)
		}
		t.Logf("log restore: %s", output)
		select {
		case in.url = <-ready:
		case <-time.After(patience):
			t.Fatal("not ready after the log was restored")
		}
		// The archive names the new sequences after this, and can give them back again.
		if output, err := in.run(nil, "replay"); err != nil {
			t.Fatalf("replay: %v\n%s", err, output)
		}
	}
	v, err := in.check(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if v.events == 0 || v.doubled+v.differing > 0 {
		t.Fatalf("%d events, %d doubled, %d rows differ: %s", v.events, v.doubled, v.differing, v.firstDifference)
	}
	in.stop()
}
