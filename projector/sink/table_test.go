package sink

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector/fold/cells"
)

// wordy is a row with a list.
type wordy struct {
	name  string
	words []string
}

func wordyTable() *table[wordy] {
	word := func(w *string) string { return *w }
	return tableOf("wordy", []cells.Column[wordy]{
		cells.Text("name", func(w *wordy) string { return w.name }),
		cells.List("words", func(w *wordy) []string { return w.words }, cells.Text("word", word)),
		cells.List("kinds", func(w *wordy) []string { return w.words }, cells.Word("kind", word)),
		cells.Word("kind", func(w *wordy) string { return w.name }),
	})
}

// live are the bytes of what is in use.
func live() uint64 {
	runtime.GC()
	runtime.GC() // of what finalizers and pools have let go
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// TestLargeBatchesLeaveNothingInMemory encodes rows with two million elements in their lists, of which the table has seen none before: the estimate of
// a row is that of small ones. They are cut into blocks, and nothing is kept of their buffers.
func TestLargeBatchesLeaveNothingInMemory(t *testing.T) {
	small := wordyTable()
	words := make([]string, 1000)
	for i := range words {
		words[i] = fmt.Sprint("word ", i)
	}
	small.rows = append(small.rows, wordy{name: "a small one"})
	if err := small.prepare(); err != nil || len(small.made) != 1 {
		t.Fatal(err)
	}
	small.clear()
	before := live()
	for n := range 2000 {
		small.rows = append(small.rows, wordy{name: fmt.Sprint(n, strings.Repeat("é", 500)), words: words})
	}
	if err := small.prepare(); err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, block := range small.made {
		if rows += block.rows; block.Len() > mostBlockBytes {
			t.Errorf("a block has %d bytes", block.Len())
		}
	}
	if rows != 2000 || len(small.made) < 3 {
		t.Errorf("%d rows in %d blocks", rows, len(small.made))
	}
	during := live()
	small.clear()
	if after := live(); after > before+4<<20 || during < before+16<<20 {
		t.Errorf("%d MiB in use before, %d with the blocks, %d after them", before>>20, during>>20, after>>20)
	}
	runtime.KeepAlive(small)
}

// TestOneRowIsNeverTooLarge encodes a row with more elements than a block has otherwise.
func TestOneRowIsNeverTooLarge(t *testing.T) {
	table := wordyTable()
	words := make([]string, mostBlockBytes/4)
	for range 2 {
		table.rows = append(table.rows, wordy{words: words})
	}
	if err := table.prepare(); err != nil || len(table.made) != 2 {
		t.Errorf("%d blocks, %v", len(table.made), err)
	}
}
