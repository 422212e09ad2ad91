package projector_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

// plan is what happens to a projection on its way.
type plan struct {
	events  []schema.Event
	batch   []int  // size of a batch, by run
	cache   []int  // size of the cache, by run
	long    []int  // events from which on a fold is continued, by run
	failing int    // how many in a hundred points of a write fail
	halting int    // how many in a hundred reads give nothing
	refused int64  // events at multiples of so many milliseconds are unwritable; 0 for none
	insert  string // the insert that refuses them
	garbage int    // one in so many entries is not an event; 0 for none
	seed    uint64 // which ones
	crashes []int  // number of points after which a run is cut off
}

// halting is a log that occasionally returns nothing although it has entries.
type halting struct {
	*porttest.Log
	dice    foldtest.Dice
	percent int
}

func (h halting) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	if h.dice.IntN(100) < h.percent {
		return nil, nil
	}
	return h.Log.Read(ctx, after, most, wait)
}

// throws are dice that rapid throws, and shrinks.
type throws struct{ *rapid.T }

func (t throws) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(t.T, "die") }

func drawPlan(t *rapid.T) plan {
	p := plan{events: foldtest.Stream(throws{t}, rapid.IntRange(1, 4).Draw(t, "conversations"))}
	runs := rapid.IntRange(1, 4).Draw(t, "runs")
	for range runs {
		p.batch = append(p.batch, rapid.SampledFrom([]int{1, 2, 3, 7, 20, 1000}).Draw(t, "batch"))
		p.cache = append(p.cache, rapid.SampledFrom([]int{1, 10_000, 1 << 20}).Draw(t, "cache"))
		p.long = append(p.long, rapid.SampledFrom([]int{1, 4, 1000}).Draw(t, "long"))
		p.crashes = append(p.crashes, rapid.IntRange(1, 60).Draw(t, "crash after"))
	}
	p.failing = rapid.SampledFrom([]int{0, 1, 5}).Draw(t, "failing")
	p.halting = rapid.SampledFrom([]int{0, 5, 40}).Draw(t, "halting")
	p.refused = rapid.SampledFrom([]int64{0, 0, 7, 3}).Draw(t, "refused")
	p.insert = rapid.SampledFrom([]string{"conversations", "messages", "events", "keys", "position"}).Draw(t, "refused at")
	p.garbage = rapid.SampledFrom([]int{0, 3}).Draw(t, "garbage")
	p.seed = rapid.Uint64().Draw(t, "seed")
	return p
}

// carryOut projects as planned: runs that are cut off, then one to the end.
func (p plan) carryOut() error {
	ctx, cancel := context.WithTimeout(context.Background(), 24*time.Hour) // of the bubble: a third of a thousand events may be refused, each after pauses
	defer cancel()
	log, tables := porttest.NewLog(), porttest.NewTables()
	records, bad := p.fill(log)
	last, _ := log.Last(ctx)
	if p.refused > 0 {
		tables.Refuse, tables.RefuseAt = p.refuses, p.insert
	}

	left := 0
	dice := foldtest.Seeded(p.seed)
	cutOff := func() {}
	tables.Fail = func(point string) error {
		if left--; left == 0 {
			cutOff()
			return errors.New("cut off " + point)
		}
		if dice.IntN(100) < p.failing {
			return errors.New("failed " + point)
		}
		return nil
	}
	for run := range p.batch {
		crashed, crash := context.WithCancel(ctx)
		defer crash()
		cutOff, left = crash, p.crashes[run]
		if run == len(p.batch)-1 {
			left = 0 // the last one runs to the end
		}
		_, stop, err := running(projector.Config{Log: halting{log, foldtest.Seeded(p.seed + 1), p.halting}, Sink: tables, Archive: tables, BatchEvents: p.batch[run], CacheBytes: p.cache[run], LongEvents: p.long[run]})
		if err != nil {
			return err
		}
		_ = tables.Await(crashed, projector.LogEvents, last)
		stop()
	}
	if err := tables.Await(ctx, projector.LogEvents, last); err != nil {
		return err
	}
	if twice := tables.Doubled(); twice != "" && p.refused == 0 {
		return fmt.Errorf("conversation %s had two rows for a while", twice)
	}
	if found := len(tables.Quarantine()); found != bad {
		return fmt.Errorf("%d entries in quarantine, want %d", found, bad)
	}
	return tables.Compare(foldtest.Distinct(records))
}

func (p plan) refuses(e schema.Event) bool { return p.refused > 0 && int64(e.Time)%p.refused == 0 }

// fill appends the events to the log. It returns the records that count, except
// duplicates, and the number of those that go to quarantine. A duplicate of an
// unwritable event counts, if it is writable; one of a writable event that is
// unwritable itself is a duplicate, and nobody tries to write it.
func (p plan) fill(log *porttest.Log) (records []schema.Record, bad int) {
	counting := map[schema.EventKey]bool{}
	for i, e := range p.events {
		if p.garbage > 0 && i%p.garbage == 0 {
			log.Append(taken, []byte("garbage"))
			bad++
		}
		sequence := log.Append(taken, schema.Encode(&e))
		switch {
		case !p.refuses(e):
			records = append(records, schema.Record{Sequence: sequence, ReceivedAt: schema.TimestampOf(taken), Event: e})
			counting[e.Key()] = true
		case !counting[e.Key()]:
			bad++
		}
	}
	return records, bad
}

func TestWhateverHappensTheTablesHoldTheFolds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		p := drawPlan(rt)
		var err error
		synctest.Test(t, func(*testing.T) { err = p.carryOut() })
		if err != nil {
			rt.Fatal(err)
		}
	})
}
