package sink

import (
	"fmt"
	"testing"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// BenchmarkWrite writes whole conversations, in batches of n of them, and tells
// the rows of conversations and the events a second.
func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{1, 100, 1000, 10_000} {
		b.Run(fmt.Sprintf("conversations=%d", n), func(b *testing.B) {
			s := empty(b, Options{StoreText: true})
			batch := played(n)
			for b.Loop() {
				if err := s.Write(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(n*b.N)/b.Elapsed().Seconds(), "conversations/s")
			b.ReportMetric(float64(len(batch.Events)*b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// played is a batch with n realistic conversations as a whole.
func played(n int) *projector.Batch {
	d := foldtest.Seeded(1)
	batch := &projector.Batch{Log: projector.LogEvents}
	for i := range n {
		key := foldtest.Conversation(schema.ProjectID(1+i%3), i)
		events := archived(foldtest.Realistic(d, key, schema.Timestamp(1_700_000_000_000+i*10_000)), batch.Position+1)
		records := make([]schema.Record, len(events))
		for j := range events {
			records[j] = events[j].Record
		}
		batch.Events = append(batch.Events, events...)
		batch.Changes = append(batch.Changes, projector.Change{After: projector.Fold(records)})
		batch.Position += schema.Sequence(len(events))
	}
	return batch
}
