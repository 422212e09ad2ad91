package eventlog

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/schema"
)

// Remember reads the message ids of the last messages of the stream, so that duplicates of messages
// stored by another process, or by this one before a restart, are recognised. It may run
// concurrently with appends. count is at most [RememberedIDs]; reading 300,000 takes about a
// second.
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
	if err := s.readIDs(ctx, after, state.Last); err != nil {
		return fmt.Errorf("remember %s: %w", s.name, err)
	}
	return nil
}

// learn remembers the ids of messages stored above a sequence.
func (s *Stream) learn(ctx context.Context, above schema.Sequence) error {
	last, err := s.Last(ctx)
	if err != nil || last <= above {
		return err
	}
	if last > above+RememberedIDs {
		above = last - RememberedIDs
	}
	return s.readIDs(ctx, above, last)
}

// readIDs remembers the ids of the messages above a sequence, up to another one.
func (s *Stream) readIDs(ctx context.Context, after, last schema.Sequence) error {
	conn := s.broker.conn
	inbox := conn.NewInbox()
	done := make(chan struct{})
	signs := make(chan struct{}, 1)
	var delivered uint64
	finished := false
	finish := func() {
		if !finished {
			finished = true
			close(done)
		}
	}
	feed, err := conn.Subscribe(inbox, func(m *nats.Msg) {
		select {
		case signs <- struct{}{}:
		default:
		}
		at, number, _, ok := parseDelivery(m.Reply)
		if !ok {
			ask := m.Reply
			if ask == "" {
				ask = m.Header.Get("Nats-Consumer-Stalled")
			}
			switch {
			case ask != "":
				_ = conn.Publish(ask, nil) // requested again with the next heartbeat
			case m.Header.Get("Nats-Last-Consumer") == strconv.FormatUint(delivered, 10):
				finish() // no messages are left: the last ones were deleted
			}
			return
		}
		if at <= last {
			s.recent.add(m.Header.Get(headerMessageID), at)
		}
		if delivered = number; at >= last {
			finish()
		}
	})
	if err != nil {
		return classed(err)
	}
	defer func() { _ = feed.Unsubscribe() }()
	if err := feed.SetPendingLimits(-1, -1); err != nil { // bounded by flow control
		return classed(err)
	}
	if err := s.deliver(ctx, inbox, after, true); err != nil {
		return err
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
			return fmt.Errorf("%w: no heartbeat from the consumer", ErrUnavailable)
		case <-ctx.Done():
			return classed(ctx.Err())
		}
	}
}
