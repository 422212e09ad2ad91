package demo

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/ingest/client"
)

// Plan selects the conversations to send. The same plan produces the same events,
// whenever they are sent.
type Plan struct {
	Seed          uint64
	Conversations int           // of the history
	History       time.Duration // the history's length
	Until         time.Time     // the history's end; the zero time is the start of the current hour
}

// batchEvents is the number of events in one request.
const batchEvents = 1000

// connections is the number of concurrent connections.
const connections = 4

// Events is about how many events the history has.
func (p *Plan) Events() int64 { return int64(p.Conversations) * EventsPerConversation }

// history returns the stream of past events, its beginning, and the time until which it is sent.
func (p *Plan) history() (stream *Stream, first int64, until time.Time) {
	until = p.Until
	if until.IsZero() {
		// Runs within the same hour end at the same moment, and so send the same events.
		until = time.Now().Truncate(time.Hour)
	}
	stream = History(p.Seed, p.Conversations, p.History)
	return stream, stream.Last(until) - int64(p.Conversations) + 1, until
}

// SendHistory returns when the whole history is accepted. It calls sent after each
// request, from several goroutines, with the number of its events.
func (p *Plan) SendHistory(ctx context.Context, to *client.Client, sent func(events int)) error {
	if p.Conversations == 0 {
		return nil
	}
	stream, first, until := p.history()
	return sendAll(ctx, to, stream, first, until, sent)
}

// SendLive continues until ctx ends: with new conversations at a rate of events a
// second, and with those of the history that are still open.
func (p *Plan) SendLive(ctx context.Context, to *client.Client, rate float64) error {
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		now := time.Now()
		live := Live(p.Seed, rate)
		return sendAsItHappens(ctx, to, live, live.Last(now)+1, now)
	})
	if p.Conversations > 0 {
		both.Go(func() error {
			stream, first, until := p.history()
			return sendAsItHappens(ctx, to, stream, first, until)
		})
	}
	return both.Wait()
}

// sendAll sends the conversations from first on, with their events up to a moment.
func sendAll(ctx context.Context, to *client.Client, stream *Stream, first int64, until time.Time, sent func(events int)) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan *client.Batch)
	for range connections {
		group.Go(func() error {
			for b := range batches {
				if err := to.Post(ctx, b); err != nil {
					return err
				}
				sent(b.Events())
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(batches)
		b := &client.Batch{}
		for event := range stream.Between(first, until) {
			b.Add(event.JSON)
			if b.Events() < batchEvents {
				continue
			}
			select {
			case batches <- b:
				b = &client.Batch{}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if b.Events() > 0 {
			select {
			case batches <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return group.Wait()
}

// sendAsItHappens sends the events after a moment, each at its time.
func sendAsItHappens(ctx context.Context, to *client.Client, stream *Stream, first int64, after time.Time) error {
	const gather = 100 * time.Millisecond
	b := &client.Batch{}
	var opened time.Time // of the first event in b
	forever := after.AddDate(100, 0, 0)
	for event := range stream.Between(first, forever) {
		if !event.At.After(after) {
			continue
		}
		if b.Events() == batchEvents || b.Events() > 0 && event.At.Sub(opened) > gather {
			if err := to.Post(ctx, b); err != nil {
				return err
			}
			b = &client.Batch{}
		}
		if b.Events() == 0 {
			opened = event.At
		}
		select {
		case <-time.After(time.Until(event.At)):
		case <-ctx.Done():
			return ctx.Err()
		}
		b.Add(event.JSON)
	}
	return nil
}
