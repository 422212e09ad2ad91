//go:build powerloss

package soak

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// kept is what the engines leave free on the disk of the test.
const kept = 64 << 20

// ballast is a file that fills a disk up.
type ballast struct {
	*disk
	file *os.File
}

// leave fills the disk until so many bytes are free; 0 fills it to the last one.
func (b *ballast) leave(free int64) {
	b.t.Helper()
	var fs syscall.Statfs_t
	if err := syscall.Statfs(b.mount, &fs); err != nil {
		b.t.Fatal(err)
	}
	info, err := b.file.Stat()
	if err != nil {
		b.t.Fatal(err)
	}
	size := info.Size()
	more := int64(fs.Bavail)*fs.Bsize - free
	if more < 0 {
		if err := b.file.Truncate(max(size+more, 0)); err != nil {
			b.t.Fatal(err)
		}
		return
	}
	for more >= 4<<10 { // others write meanwhile
		if err := syscall.Fallocate(int(b.file.Fd()), 0, size, more); err != nil {
			more /= 2
			continue
		}
		size += more
		more = min(more, 1<<20)
		if free > 0 {
			return
		}
	}
}

// insert writes a row as the owner of the tables.
func (in *instance) insert() error {
	return in.owner().ask(in.t.Context(), "INSERT INTO parley_test_filling.up SELECT 1", func(map[string]any) {})
}

// TestAFullDiskStopsEventsBeforeTheEngines fills the disk of the data dir under load, and frees it again. Events are refused first, and those
// that were accepted still get into the tables; then ClickHouse refuses inserts. Neither engine has to be started again, unless others take the
// last byte, and nothing has to be repaired. It needs root, for a disk of its own: make powerloss.
func TestAFullDiskStopsEventsBeforeTheEngines(t *testing.T) {
	d := newDisk(t)
	file, err := os.Create(filepath.Join(d.mount, "ballast"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	b := &ballast{d, file}
	in := newInstance(t, build(t))
	in.dir, in.flags = filepath.Join(d.mount, "data"), []string{"--keep-free", fmt.Sprint(kept >> 20)}
	l := underLoad(t, in, usual)
	for _, statement := range []string{"CREATE DATABASE parley_test_filling ENGINE = Atomic", "CREATE TABLE parley_test_filling.up (x UInt8) ENGINE = MergeTree ORDER BY x"} {
		in.execute(statement)
	}
	for round := range 3 {
		l.awaitAcknowledged(500)
		b.leave(2*kept + 1<<20)
		said := in.awaitMissing("nats", "are free on the disk of")
		t.Logf("/readyz: %s", said)
		l.awaitRefused()
		in.allProjected()
		if err := in.insert(); err != nil {
			t.Errorf("rows are refused before the reserve is reached: %v", err)
		}
		b.leave(kept - 1<<20)
		if err := in.insert(); err == nil || !strings.Contains(err.Error(), "NOT_ENOUGH_SPACE") {
			t.Errorf("an insert below the reserve: %v", err)
		}
		if round > 0 {
			b.leave(0)
			l.awaitRefused()
		}
		if text, _ := os.ReadFile(in.log.Name()); round == 0 && strings.Contains(string(text), "restarting") {
			t.Errorf("an engine was started again: %s", text)
		}
		if err := file.Truncate(0); err != nil {
			t.Fatal(err)
		}
		in.awaitMissing("", "")
		if err := in.insert(); err != nil {
			t.Errorf("there is space, and rows are refused: %v", err)
		}
		l.awaitAcknowledged(500)
		l.compareAll()
	}
	fmt.Fprintf(os.Stderr, "soak: the disk was filled up 3 times, twice to the last byte, %d events acknowledged: nothing lost, doubled or differing\n", l.acknowledged())
}
