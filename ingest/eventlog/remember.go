package eventlog

import (
	"context"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/schema"
)

// Remember reads the message ids of the last messages of the stream, so that
// repeats of them are recognised that were stored by another process, or by
// this one before it was started again. It may run beside appends. count is at
// most [RememberedIDs], about a second's work for each 300,000.
func (s *Stream) Remember(ctx context.Context, count int) error {
	state, err := s.State(ctx)
	if err != nil {
		return fmt.Errorf("remember %s: %w", s.name, err)
	}
	count = min(count, RememberedIDs)
	if state.Messages == 0 || count <= 0 {
		return nil
	}
	after := schema.Sequence(0)
	if state.Last > schema.Sequence(count) {
		after = state.Last - schema.Sequence(count)
	}

	conn := s.broker.conn
	inbox := conn.NewInbox()
	done := make(chan struct{})
	signs := make(chan struct{}, 1)
	finished := false
	delivered, err := conn.Subscribe(inbox, func(m *nats.Msg) {
		select {
		case signs <- struct{}{}:
		default:
		}
		at, _, _, ok := parseDelivery(m.Reply)
		if !ok {
			ask := m.Reply
			if ask == "" {
				ask = m.Header.Get("Nats-Consumer-Stalled")
			}
			if ask != "" {
				_ = conn.Publish(ask, nil) // asked again with the next sign of life
			}
			return
		}
		if at <= state.Last {
			s.recent.add(m.Header.Get(headerMessageID), at)
		}
		if at >= state.Last && !finished {
			finished = true
			close(done)
		}
	})
	if err != nil {
		return fmt.Errorf("remember %s: %w", s.name, classed(err))
	}
	defer func() { _ = delivered.Unsubscribe() }()
	if err := delivered.SetPendingLimits(-1, -1); err != nil { // bounded by flow control
		return fmt.Errorf("remember %s: %w", s.name, classed(err))
	}
	if err := s.deliver(ctx, inbox, after, true); err != nil {
		return fmt.Errorf("remember %s: %w", s.name, err)
	}
	quiet := time.NewTimer(silence)
	defer quiet.Stop()
	for {
		select {
		case <-done:
			return nil
		case <-signs:
			quiet.Reset(silence)
		case <-quiet.C:
			return fmt.Errorf("remember %s: %w: the consumer fell silent", s.name, ErrUnavailable)
		case <-ctx.Done():
			return fmt.Errorf("remember %s: %w", s.name, ctx.Err())
		}
	}
}
