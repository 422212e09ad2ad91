package projector_test

import (
	"context"
	"testing"
	"testing/synctest"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
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
