package fold_test

import (
	"fmt"
	"testing"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// BenchmarkOf folds conversations of a common and of an uncommon size.
func BenchmarkOf(b *testing.B) {
	for _, size := range []int{20, 2_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			records := realistic(size)
			b.ReportAllocs()
			for b.Loop() {
				fold.Of(records)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*size), "ns/event")
		})
	}
}

// realistic returns size events of one conversation: realistic ones, one after
// the other.
func realistic(size int) []schema.Record {
	var events []schema.Event
	for seed := uint64(0); len(events) < size; seed++ {
		for _, e := range foldtest.Realistic(foldtest.Seeded(seed), foldtest.Conversation(1, 1), schema.Timestamp(1_700_000_000_000+seed*86_400_000)) {
			e.ID = fmt.Sprintf("%d/%s", seed, e.ID)
			if m, is := e.Data.(*schema.Message); is {
				m.MessageID = e.ID
			}
			events = append(events, e)
		}
	}
	return foldtest.Records(events[:size], 1)
}
