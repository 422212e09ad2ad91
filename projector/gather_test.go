package projector_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

// sizes notes the batches that are written.
type sizes struct {
	projector.Sink
	events []int
	bytes  []int
}

func (s *sizes) Write(ctx context.Context, b *projector.Batch) error {
	size := 0
	for _, e := range b.Events {
		size += len(e.Original)
	}
	s.events, s.bytes = append(s.events, len(b.Events)), append(s.bytes, size)
	return s.Sink.Write(ctx, b)
}

func TestBatchesHaveTheSizeAskedFor(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		last := log.Append(taken, payloads(events)...)
		sink := &sizes{Sink: tables}
		start(t, projector.Config{Log: log, Sink: sink, Archive: tables, BatchEvents: 4})
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()
		for i, n := range sink.events {
			if n != min(4, len(events)-4*i) {
				t.Errorf("batch %d has %d events", i, n)
			}
		}
	})
}

func TestBatchesAreBoundedInBytes(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Stream(foldtest.Seeded(1), 200)
		last := log.Append(taken, payloads(events)...)
		sink := &sizes{Sink: tables}
		start(t, projector.Config{Log: log, Sink: sink, Archive: tables, BatchBytes: 100_000})
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()
		// A batch ends with the read in which it gets big enough: 512 entries at most.
		for i, size := range sink.bytes {
			if size > 100_000+512*1_000 {
				t.Errorf("batch %d has %d bytes", i, size)
			}
		}
		if len(sink.bytes) < 3 {
			t.Errorf("%d batches", len(sink.bytes))
		}
	})
}

func TestOneBatchOfAQuietLogIsNotCutUp(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Stream(foldtest.Seeded(1), 200)
		last := log.Append(taken, payloads(events)...)
		sink := &sizes{Sink: tables}
		start(t, projector.Config{Log: log, Sink: sink, Archive: tables})
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()
		if len(sink.events) != 1 {
			t.Errorf("%d batches", len(sink.events))
		}
	})
}

// slowly is a sink whose writes take a while.
type slowly struct {
	projector.Sink
	takes time.Duration
}

func (s slowly) Write(ctx context.Context, b *projector.Batch) error {
	pass(s.takes)
	return s.Sink.Write(ctx, b)
}

// TestWhatArrivesDuringAWriteIsOneBatch: nobody waits for more than the write that
// was under way and the one of their own.
func TestWhatArrivesDuringAWriteIsOneBatch(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		sink := &sizes{Sink: slowly{tables, 200 * time.Millisecond}}
		start(t, projector.Config{Log: log, Sink: sink, Archive: tables, BatchAge: 50 * time.Millisecond})
		events := payloads(foldtest.Stream(foldtest.Seeded(1), 20))[:6]
		log.Append(taken, events[0])
		var last schema.Sequence
		for _, event := range events[1:] {
			pass(30 * time.Millisecond)
			last = log.Append(taken, event)
		}
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()
		if len(sink.events) != 2 || sink.events[0] != 1 {
			t.Errorf("batches of %v events, want one and then the rest", sink.events)
		}
	})
}
