package sink

import (
	"context"
	"fmt"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// BenchmarkWrite writes whole conversations, in batches of n of them, beside the
// floor: the same blocks, made once and sent as they are by one insert after the
// other, without the stages, the differences and the keys.
func BenchmarkWrite(b *testing.B) {
	for _, n := range []int{1, 100, 1000} {
		batch := played(n)
		b.Run(fmt.Sprintf("conversations=%d", n), func(b *testing.B) {
			s := empty(b, Options{StoreText: true})
			for b.Loop() {
				if err := s.Write(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			rates(b, n, len(batch.Events))
		})
		b.Run(fmt.Sprintf("floor/conversations=%d", n), func(b *testing.B) {
			s := empty(b, Options{StoreText: true})
			s.fill(batch)
			for b.Loop() {
				for _, t := range s.tables() {
					if err := sendOnly(b.Context(), b, s, t); err != nil {
						b.Fatal(err)
					}
				}
			}
			rates(b, n, len(batch.Events))
		})
	}
}

// sendOnly times nothing but the sending of a table's block.
func sendOnly(ctx context.Context, b *testing.B, s *Sink, t inserter) error {
	b.StopTimer()
	err := t.prepare()
	b.StartTimer()
	if err != nil {
		return err
	}
	return t.send(ctx, s.conn)
}

func rates(b *testing.B, conversations, events int) {
	b.ReportMetric(float64(conversations*b.N)/b.Elapsed().Seconds(), "conversations/s")
	b.ReportMetric(float64(events*b.N)/b.Elapsed().Seconds(), "events/s")
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
		batch.Changes = append(batch.Changes, projector.Change{After: fold.Of(records)})
		batch.Position += schema.Sequence(len(events))
	}
	return batch
}

// BenchmarkRecall reads n of 20,000 conversations back.
func BenchmarkRecall(b *testing.B) {
	const stored = 20_000
	s := empty(b, Options{})
	batch := played(stored)
	batch.Changes = nil
	if err := s.Write(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	for _, n := range []int{10, 1000, 10_000} {
		b.Run(fmt.Sprintf("conversations=%d", n), func(b *testing.B) {
			keys := make([]schema.ConversationKey, n)
			for i := range keys {
				at := i * (stored / n)
				keys[i] = foldtest.Conversation(schema.ProjectID(1+at%3), at)
			}
			events := 0
			for b.Loop() {
				recalled, err := s.Recall(b.Context(), keys)
				if err != nil || len(recalled) != n {
					b.Fatal(len(recalled), err)
				}
				for _, list := range recalled {
					events += len(list)
				}
			}
			b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
		})
	}
}

// BenchmarkKnown looks 10,000 event keys up, none or all of which were written,
// and makes the filter from ten million.
func BenchmarkKnown(b *testing.B) {
	s := empty(b, Options{})
	err := s.conn.Exec(b.Context(), s.in(`INSERT INTO $projection.event_hashes SELECT cityHash64(number), sipHash64(number), number FROM numbers({n:UInt64})`),
		clickhouse.Named("n", uint64(10_000_000)))
	if err != nil {
		b.Fatal(err)
	}
	batch := played(720)
	var written, unknown []schema.EventKey
	for _, e := range batch.Events[:10_000] {
		written = append(written, e.Event.Key())
		unknown = append(unknown, schema.EventKey{Project: 9, Source: e.Event.Source, ID: e.Event.ID})
	}
	if err := s.Write(b.Context(), batch); err != nil {
		b.Fatal(err)
	}
	b.Run("filter=10000000", func(b *testing.B) {
		for b.Loop() {
			if err := s.remember(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for name, keys := range map[string][]schema.EventKey{"none": unknown, "all": written} {
		b.Run("written="+name, func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Known(b.Context(), keys); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
