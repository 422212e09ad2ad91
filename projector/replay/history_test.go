package replay_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/schema"
)

// leaky is a log in memory that drops its beginning and single entries.
type leaky struct {
	*memory
	drop  sync.Mutex
	first schema.Sequence // 0 and 1: nothing is dropped
	gone  map[schema.Sequence]bool
}

func (l *leaky) dropBefore(first schema.Sequence) {
	l.drop.Lock()
	defer l.drop.Unlock()
	l.first = first
}

func (l *leaky) erase(sequence schema.Sequence) {
	l.drop.Lock()
	defer l.drop.Unlock()
	if l.gone == nil {
		l.gone = map[schema.Sequence]bool{}
	}
	l.gone[sequence] = true
}

func (l *leaky) holds(sequence schema.Sequence) bool {
	l.drop.Lock()
	defer l.drop.Unlock()
	return sequence >= l.first && !l.gone[sequence]
}

func (l *leaky) First(context.Context) (schema.Sequence, error) {
	l.drop.Lock()
	defer l.drop.Unlock()
	return max(1, l.first), nil
}

func (l *leaky) Next(ctx context.Context, after schema.Sequence) (schema.Sequence, error) {
	last, err := l.Last(ctx)
	for s := after + 1; s <= last; s++ {
		if l.holds(s) {
			return s, err
		}
	}
	return 0, err
}

func (l *leaky) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	for {
		entries, err := l.memory.Read(ctx, after, most, wait)
		if err != nil || len(entries) == 0 {
			return nil, err
		}
		var held []schema.Entry
		for _, e := range entries {
			if l.holds(e.Sequence) {
				held = append(held, e)
			}
		}
		if len(held) > 0 {
			return held, nil
		}
		after = entries[len(entries)-1].Sequence
	}
}

// spoil appends something that is not an event.
func (m *memory) spoil(payload string) schema.Sequence {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.entries = append(m.entries, schema.Entry{
		Sequence: schema.Sequence(len(m.entries) + 1), ReceivedAt: time.UnixMilli(1_700_000_000_000), Payload: []byte(payload),
	})
	return schema.Sequence(len(m.entries))
}

func readWhole(t *testing.T, w *history.Whole) map[schema.Sequence]string {
	t.Helper()
	all, after := map[schema.Sequence]string{}, schema.Sequence(0)
	for {
		entries, err := w.Read(t.Context(), after, 7, time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			return all
		}
		for _, e := range entries {
			if e.Sequence <= after {
				t.Fatalf("%d after %d", e.Sequence, after)
			}
			after = e.Sequence
			all[e.Sequence] = string(e.Payload)
		}
	}
}

func TestWholeLogIsTheArchiveAndThenTheStream(t *testing.T) {
	h := newSetup(t)
	l := &leaky{memory: h.log}
	h.log.append(foldtest.Stream(foldtest.Seeded(11), 30)...)
	h.settle(t)
	w := history.NewWhole(l, h.tables, 1)
	defer w.Close()
	counted := map[schema.Sequence]string{} // what is not a duplicate
	for sequence, payload := range readWhole(t, history.NewWhole(&leaky{memory: h.log, first: 1 << 40}, h.tables, 1)) {
		counted[sequence] = payload
	}
	last, _ := h.log.Last(t.Context())
	for _, first := range []schema.Sequence{1, 2, last / 2, last, last + 1} {
		l.dropBefore(first)
		all := readWhole(t, w)
		for sequence, payload := range counted {
			if all[sequence] != payload {
				t.Fatalf("first %d: entry %d is missing or another", first, sequence)
			}
		}
		for sequence := first; sequence <= last; sequence++ {
			if all[sequence] == "" {
				t.Fatalf("first %d: entry %d of the stream is missing", first, sequence)
			}
		}
	}
}

func TestWholeLogNoticesThatEntriesAreDroppedWhileItReads(t *testing.T) {
	h := newSetup(t)
	l := &leaky{memory: h.log}
	h.log.append(foldtest.Stream(foldtest.Seeded(12), 20)...)
	h.settle(t)
	w := history.NewWhole(l, h.tables, 1)
	defer w.Close()
	var after, read schema.Sequence
	last, _ := h.log.Last(t.Context())
	for after < last {
		entries, err := w.Read(t.Context(), after, 5, time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			break
		}
		after = entries[len(entries)-1].Sequence
		read += schema.Sequence(len(entries))
		l.dropBefore(min(last+1, after+20)) // always ahead of the reader
	}
	if archived := h.one(t, "SELECT count() FROM parley_1.events FINAL"); uint64(read) < archived {
		t.Errorf("%d entries read of %d that are archived", read, archived)
	}
}

func TestGapsEndWhereTheNextEntryIs(t *testing.T) {
	h := newSetup(t)
	l := &leaky{memory: h.log}
	h.log.append(foldtest.Stream(foldtest.Seeded(13), 10)...)
	h.settle(t)
	last, _ := h.log.Last(t.Context())
	for _, s := range []schema.Sequence{5, 6, last - 1, last} {
		l.erase(s)
	}
	w := history.NewRest(l)
	for after, want := range map[schema.Sequence]schema.Sequence{3: 3, 4: 6, 5: 6, last - 2: last, last: last} {
		if got, err := w.Gap(t.Context(), after); err != nil || got != want {
			t.Errorf("gap after %d ends at %d, want %d (%v)", after, got, want, err)
		}
	}
}

func TestReplayAfterRetentionAndErasureBuildsTheSameTables(t *testing.T) {
	h := newSetup(t)
	l := &leaky{memory: h.log}
	bad := h.log.spoil("no event")
	h.log.append(foldtest.Stream(foldtest.Seeded(14), 60)...)
	middle, _ := h.log.Last(t.Context())
	h.log.append(foldtest.Stream(foldtest.Seeded(15), 20)...)
	atEnd := h.log.spoil("no event either")
	h.settle(t)
	// The last entry is taken out of quarantine; half of the log is dropped.
	l.erase(atEnd)
	if err := h.tables.RemoveQuarantined(t.Context(), projector.LogEvents, []schema.Sequence{atEnd}); err != nil {
		t.Fatal(err)
	}
	l.dropBefore(middle / 2)
	h.readBy(l)

	before := h.one(t, "SELECT groupBitXor(cityHash64(formatRow('JSONEachRow', *))) FROM parley.conversations")
	verified, err := h.rebuild.Verify(t.Context(), false)
	if err != nil {
		t.Fatal(err)
	}
	if verified.Left.Differing != 0 {
		t.Fatalf("verify: %v", verified.Left.Differences)
	}
	replayed, err := h.rebuild.Replay(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if replayed.Report.Differing != 0 || !replayed.Handed {
		t.Fatalf("replay: %+v, %v", replayed, replayed.Report.Differences)
	}
	if after := h.one(t, "SELECT groupBitXor(cityHash64(formatRow('JSONEachRow', *))) FROM parley.conversations"); after != before {
		t.Error("the conversations are others after the replay")
	}
	if n := h.one(t, "SELECT countIf(sequence = "+fmt.Sprint(uint64(bad))+") + 10 * count() FROM parley.quarantine"); n != 11 {
		t.Errorf("quarantine after the replay: %d", n)
	}
	h.log.append(foldtest.Stream(foldtest.Seeded(16), 5)...)
	h.settle(t)
	last, _ := h.log.Last(t.Context())
	l.dropBefore(last + 1) // everything, also what the kept version has not read
	if _, err := h.rebuild.Undo(t.Context()); err != nil {
		t.Fatal(err)
	}
	if verified, err := h.rebuild.Verify(t.Context(), false); err != nil || verified.Left.Differing != 0 {
		t.Fatalf("verify after the undo: %v, %+v", err, verified)
	}
}
