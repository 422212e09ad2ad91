package projector_test

import (
	"context"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// BenchmarkLoop projects a stream of realistic and nasty conversations into
// nothing: what the loop itself costs, without a log and without tables.
func BenchmarkLoop(b *testing.B) {
	all := payloads(foldtest.Stream(foldtest.Seeded(1), 5_000))
	entries := make([]schema.Entry, len(all))
	for i := range all {
		entries[i] = schema.Entry{Sequence: schema.Sequence(i + 1), ReceivedAt: taken, Payload: all[i]}
	}
	b.ReportAllocs()
	for b.Loop() {
		sink := &nowhere{reached: make(chan struct{}), last: schema.Sequence(len(all))}
		_, stop, err := running(projector.Config{Log: ready(entries), Sink: sink, Archive: sink})
		if err != nil {
			b.Fatal(err)
		}
		<-sink.reached
		stop()
	}
	b.ReportMetric(float64(b.N*len(all))/b.Elapsed().Seconds(), "events/s")
}

// ready is a log all of which is at hand.
type ready []schema.Entry

func (r ready) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	if int(after) < len(r) {
		return r[after:min(int(after)+most, len(r))], nil
	}
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
	return nil, ctx.Err()
}

func (r ready) Last(context.Context) (schema.Sequence, error) { return schema.Sequence(len(r)), nil }

func (r ready) Close() {}

// nowhere takes rows and keeps none: nothing is known, nothing recalled.
type nowhere struct {
	last    schema.Sequence
	reached chan struct{}
}

func (n *nowhere) Position(context.Context, string) (stored, held schema.Sequence, err error) {
	return 0, 0, nil
}

func (n *nowhere) Origin(context.Context, string) (projector.Origin, error) {
	return projector.Origin{}, nil
}

func (n *nowhere) Write(_ context.Context, b *projector.Batch) error {
	if b.Position == n.last {
		close(n.reached)
	}
	return nil
}

func (n *nowhere) Recall(context.Context, []schema.ConversationKey) (map[schema.ConversationKey][]projector.ArchivedEvent, error) {
	return nil, nil
}

func (n *nowhere) Larger(context.Context, []schema.ConversationKey, int) ([]schema.ConversationKey, error) {
	return nil, nil
}

func (n *nowhere) Piece(context.Context, projector.Piece) ([]schema.Record, error) { return nil, nil }

func (n *nowhere) Pieces(context.Context, projector.Piece, int) ([]projector.Piece, error) {
	return nil, nil
}

func (*nowhere) Doubt() {}

func (n *nowhere) Known(context.Context, []schema.EventKey) (map[schema.EventKey]schema.Sequence, error) {
	return nil, nil
}

func (n *nowhere) Messages(context.Context, map[schema.ConversationKey]fold.Wanted) (map[schema.ConversationKey][]fold.Message, error) {
	return nil, nil
}

func (n *nowhere) Aside(context.Context) ([]projector.Aside, error)                  { return nil, nil }
func (n *nowhere) Unwritable(context.Context, string) ([]projector.Rejection, error) { return nil, nil }
