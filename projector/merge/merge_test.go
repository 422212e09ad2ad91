package merge

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// memory has one table of parts that all overlap.
type memory struct {
	mu        sync.Mutex
	parts     []uint64 // rows
	spread    bool     // of no two of them a value of the key is shared
	merges    int
	running   int // merges under way
	most      int // at once
	written   uint64
	rewritten uint64
	versions  map[uint32]bool // that were merged
	fails     error
	takes     time.Duration
	position  uint64 // events
}

func (m *memory) insert(rows uint64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.parts = append(m.parts, rows)
	m.written += rows
	m.position += rows
}

func (m *memory) progress() projector.Progress {
	m.mu.Lock()
	defer m.mu.Unlock()
	at := schema.Sequence(4 * m.position)
	return projector.Progress{Position: at, Last: at, Density: 0.25}
}

func (m *memory) sum() (all, largest uint64) {
	for _, rows := range m.parts {
		all, largest = all+rows, max(largest, rows)
	}
	return all, largest
}

func (m *memory) Parts(context.Context, uint32) ([]tables.Parts, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	p := tables.Parts{Table: "conversations", All: uint64(len(m.parts))}
	if p.Rows, p.Largest = m.sum(); p.All > 1 && !m.spread {
		p.Overlapping, p.Shared = p.All, p.Rows
	}
	return []tables.Parts{{Table: "empty"}, p}, nil
}

func (m *memory) Merge(ctx context.Context, version uint32, table string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.versions[version] = true
	m.running++
	m.most = max(m.most, m.running)
	merging := len(m.parts)
	m.mu.Unlock()
	select { // as many rows arrive meanwhile as will
	case <-time.After(m.takes):
	case <-ctx.Done():
	}
	m.mu.Lock()
	m.running--
	m.merges++
	if err := errors.Join(ctx.Err(), m.fails); err != nil {
		return err
	}
	var rows uint64
	for _, of := range m.parts[:merging] {
		rows += of
	}
	m.rewritten += rows
	m.parts = append([]uint64{rows}, m.parts[merging:]...)
	return nil
}

// background merges the smaller parts as ClickHouse does, by some chance, while no other merge is under way.
func (m *memory) background(dice *rand.Rand) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.running > 0 {
		return
	}
	slices.SortFunc(m.parts, func(a, b uint64) int { return int(b) - int(a) })
	for len(m.parts) > 2 && dice.IntN(2) == 0 {
		last := len(m.parts) - 1
		m.parts[last-1] += m.parts[last]
		m.parts = m.parts[:last]
	}
}

// merging runs a merger beside what a test does.
func merging(t *testing.T, m *memory, live func() bool, do func()) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		m.versions = map[uint32]bool{}
		merger := &Merger{Tables: m, Version: 3, Progress: m.progress, Live: live, Logger: slog.New(slog.DiscardHandler)}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { merger.Run(ctx) })
		do()
		synctest.Wait()
		cancel()
		began := time.Now()
		running.Wait()
		if took := time.Since(began); took > 0 {
			t.Errorf("it ended %v after its context", took)
		}
		if m.most > 1 {
			t.Errorf("%d merges at once", m.most)
		}
		delete(m.versions, 3)
		if len(m.versions) > 0 {
			t.Errorf("it merged versions %v", m.versions)
		}
	})
}

func always() bool { return true }

func TestPartsAreMergedWhenItHasBeenQuietForAMinute(t *testing.T) {
	m := &memory{takes: 5 * time.Second}
	merging(t, m, always, func() {
		for range 300 { // an import, for five minutes
			m.insert(1000)
			<-time.After(time.Second)
		}
		synctest.Wait()
		if m.merges > 0 {
			t.Errorf("%d merges while much arrived", m.merges)
		}
		<-time.After(quiet - 2*tick)
		synctest.Wait()
		if m.merges > 0 {
			t.Errorf("%d merges before it was quiet for a minute", m.merges)
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if !slices.Equal(m.parts, []uint64{300_000}) || m.merges != 1 {
			t.Errorf("parts of %v rows after %d merges", m.parts, m.merges)
		}
	})
}

// However rows come, merges rewrite at most five times as many, and all of them once a day.
func TestWhatMergesRewriteIsInProportionToWhatIsWritten(t *testing.T) {
	for _, c := range []struct {
		name       string
		every      time.Duration
		most       uint64 // rows of an insert
		at         uint64 // rows at the beginning
		atLeast    int    // merges
		background bool
	}{
		{"a trickle on a large table", time.Second, 50, 3_000_000, 1, true},
		{"a trickle on an empty one", time.Second, 50, 0, 3, true},
		{"an event at times", 70 * time.Second, 1, 100_000, 0, false},
		{"an event every hour", 61 * time.Minute, 1, 100_000, 3, false},
		{"much at times", 20 * time.Minute, 20_000, 0, 3, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			const days = 4
			m := &memory{takes: 20 * time.Second}
			dice := rand.New(rand.NewPCG(1, 2))
			var daily uint64 // rows at the end of each day
			merging(t, m, always, func() {
				if c.at > 0 {
					m.insert(c.at)
				}
				for day := 1; day <= days; day++ {
					for range int(24 * time.Hour / c.every) {
						m.insert(1 + dice.Uint64N(c.most))
						if c.background {
							m.background(dice)
						}
						<-time.After(c.every)
					}
					synctest.Wait()
					all, _ := m.sum()
					daily += all
				}
			})
			if bound := 5*(m.written-c.at) + c.at + daily; m.rewritten > bound {
				t.Errorf("%d rows are rewritten for %d written, more than %d", m.rewritten, m.written, bound)
			}
			if m.merges < c.atLeast {
				t.Errorf("%d merges, want %d", m.merges, c.atLeast)
			}
			t.Logf("%d merges rewrite %d rows for %d written, at most %d", m.merges, m.rewritten, m.written, 5*(m.written-c.at)+c.at+daily)
		})
	}
}

func TestPartsAreNotMergedWithoutNeed(t *testing.T) {
	for _, c := range []struct {
		name string
		m    *memory
		live bool
	}{
		{"the version is not live", &memory{parts: []uint64{50_000, 50_000}}, false},
		{"no parts overlap", &memory{parts: []uint64{50_000, 50_000}, spread: true}, true},
		{"there is one part", &memory{parts: []uint64{100_000}}, true},
		{"there are few rows", &memory{parts: []uint64{4_000, 5_000}}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			merging(t, c.m, func() bool { return c.live }, func() { <-time.After(50 * time.Hour) })
			if c.m.merges > 0 {
				t.Errorf("%d merges", c.m.merges)
			}
		})
	}
}

func TestNothingIsMergedForAnHourAfterAFailure(t *testing.T) {
	m := &memory{parts: []uint64{50_000, 50_000}, fails: errors.New("no space")}
	merging(t, m, always, func() { <-time.After(150 * time.Minute) })
	if m.merges != 3 {
		t.Errorf("%d attempts", m.merges)
	}
}

func TestAMergeUnderWayIsNotAwaitedAtTheEnd(t *testing.T) {
	m := &memory{parts: []uint64{50_000, 50_000}, takes: time.Hour}
	merging(t, m, always, func() { <-time.After(10 * time.Minute) })
	if m.merges != 1 {
		t.Errorf("%d merges", m.merges)
	}
}

func TestAVersionThatWasBuiltIsMergedOnce(t *testing.T) {
	for _, c := range []struct {
		m    *memory
		want int
	}{
		{&memory{parts: []uint64{100_000, 20_000}}, 1},
		{&memory{parts: []uint64{100_000, 20_000}, spread: true}, 0},
		{&memory{parts: []uint64{120_000}}, 0},
	} {
		c.m.versions = map[uint32]bool{}
		if err := Once(t.Context(), c.m, 4); err != nil {
			t.Fatal(err)
		}
		if c.m.merges != c.want {
			t.Errorf("%d merges of %v, want %d", c.m.merges, c.m.parts, c.want)
		}
	}
}
