package projector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

func TestDiscardedEntriesAreNotAFailure(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)[:6]
		log.Append(taken, payloads(events)...)
		for _, gap := range []schema.Sequence{1, 3, 6} {
			log.Discard(gap)
		}
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, StallAfter: time.Minute})
		await(t, tables, projector.LogEvents, 5)
		all := foldtest.Records(events, 1)
		compare(t, tables, []schema.Record{all[1], all[3], all[4]})

		// The last entry will never come; once a new reader has found nothing
		// either, that is known.
		pass(10 * time.Minute)
		if err := p.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}

func TestATruncatedLogIsNamedAndNotProjected(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		records := foldtest.Records(events, 1)
		last := log.Append(taken, payloads(events)...)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables})
		await(t, tables, projector.LogEvents, last)

		log.Truncate(2)
		other := foldtest.Realistic(foldtest.Seeded(2), foldtest.Conversation(1, 2), 0)
		log.Append(taken, schema.Encode(&other[0]))
		pass(time.Minute)
		var replaced *projector.ReplacedError
		if err := p.Ready(); !errors.As(err, &replaced) || !strings.Contains(replaced.Reason, fmt.Sprintf("up to %d, but it ends at 3", last)) {
			t.Errorf("ready: %v", err)
		}
		compare(t, tables, records)
	})
}

func TestAReplacedLogIsNamedAndNotProjected(t *testing.T) {
	events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
	other := foldtest.Realistic(foldtest.Seeded(2), foldtest.Conversation(1, 2), 0)
	long := append(slices.Clone(other), foldtest.Realistic(foldtest.Seeded(3), foldtest.Conversation(1, 3), 0)...)
	for _, c := range []struct{ name, identity, reason string }{
		{"another log", "second", "the tables were made from another log, up to sequence"},
		{"an older copy that went on differently", "first", "it has another entry than the one the tables were made from"},
	} {
		t.Run(c.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
				last := log.Append(taken, payloads(events)...)
				var found atomic.Pointer[projector.ReplacedError]
				p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, StallAfter: 30 * time.Second,
					Replaced: func(_ context.Context, err *projector.ReplacedError) { found.Store(err) }})
				await(t, tables, projector.LogEvents, last)

				log.Replace(c.identity)
				if end := log.Append(taken, payloads(long)...); end <= last {
					t.Fatalf("%d entries do not reach beyond %d", end, last)
				}
				log.Fail(errors.New("the connection was lost"))
				pass(time.Second)
				log.Fail(nil)
				pass(time.Minute)
				var replaced *projector.ReplacedError
				if err := p.Ready(); !errors.As(err, &replaced) || replaced.Log != projector.LogEvents || !strings.Contains(replaced.Reason, c.reason) {
					t.Errorf("ready: %v", err)
				}
				if found.Load() == nil {
					t.Error("nobody was told")
				}
				compare(t, tables, foldtest.Records(events, 1))
			})
		})
	}
}

// The entry at the position may have been erased, and a log of an earlier version has no identity.
func TestALogWithoutTheEntryAtThePositionIsTheSame(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		log.Replace("")
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, StallAfter: time.Minute})
		at := log.Append(taken, payloads(events[:3])...)
		await(t, tables, projector.LogEvents, at)
		log.Discard(at)
		log.Fail(errors.New("the connection was lost"))
		pass(time.Second)
		log.Fail(nil)
		await(t, tables, projector.LogEvents, log.Append(taken, payloads(events[3:])...))
		synctest.Wait()
		if err := p.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
		compare(t, tables, foldtest.Records(events, 1))
	})
}

func TestASilentReaderIsRestarted(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, StallAfter: 30 * time.Second})
		log.Append(taken, payloads(events[:3])...)
		await(t, tables, projector.LogEvents, 3)
		log.Silence()
		last := log.Append(taken, payloads(events[3:])...)
		pass(20 * time.Second)
		if err := p.Ready(); err != nil {
			t.Errorf("not ready too soon: %v", err)
		}
		begun := time.Now()
		await(t, tables, projector.LogEvents, last)
		if took := time.Since(begun); took > 20*time.Second {
			t.Errorf("silent for another %s", took)
		}
		synctest.Wait()
		if err := p.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
		compare(t, tables, foldtest.Records(events, 1))
	})
}

func TestReadyNamesWhatFails(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		failing := false
		tables.Fail = func(point string) error {
			if failing && point == "before contacts" {
				return errors.New("out of disk")
			}
			return nil
		}
		p, err := projector.New(projector.Config{Log: log, Sink: tables, Archive: tables})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Ready(); err == nil {
			t.Error("ready before it runs")
		}
		running, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = p.Run(running) }()
		defer func() { cancel(); <-done }()
		synctest.Wait()
		if err := p.Ready(); err != nil {
			t.Errorf("not ready with nothing to do: %v", err)
		}

		failing = true
		last := log.Append(taken, payloads(events)...)
		pass(time.Minute)
		if err := p.Ready(); err == nil || err.Error() != "projection of the events log: write 1 conversations: out of disk" {
			t.Errorf("ready: %v", err)
		}
		if lag := p.Progress().Lag(); lag != 1 { // record, as far as is known
			t.Errorf("lag is %d", lag)
		}
		failing = false
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()
		if err := p.Ready(); err != nil {
			t.Errorf("not ready after it was mended: %v", err)
		}
		if lag := p.Progress().Lag(); lag != 0 {
			t.Errorf("lag is %d", lag)
		}

		log.Fail(errors.New("no connection"))
		pass(time.Minute)
		if err := p.Ready(); err == nil {
			t.Error("ready without a log")
		}
		log.Fail(nil)
		pass(time.Minute)
		if err := p.Ready(); err != nil {
			t.Errorf("not ready with the log back: %v", err)
		}
		compare(t, tables, foldtest.Records(events, 1))
	})
}
