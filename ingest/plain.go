package ingest

import (
	"context"
	"errors"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// plainRetry is the pause before events of NATS publishers are appended again.
const plainRetry = 250 * time.Millisecond

// TakeIn appends what NATS publishers send until ctx ends, then what has arrived by then. Many are
// combined into one append, next to those of POST /v1/events. The projector validates them: an
// invalid one goes to quarantine.
func (s *Server) TakeIn(ctx context.Context, inbox *eventlog.Inbox) error {
	stop := context.AfterFunc(ctx, inbox.Close)
	defer stop()
	for {
		published, err := inbox.Take(context.WithoutCancel(ctx), s.events.limit)
		if err != nil || len(published) == 0 {
			return err
		}
		if !s.enter() {
			return stopping()
		}
		s.keep(ctx, published)
		s.leave()
	}
}

// keep appends publications and answers them. While the log is unavailable it
// keeps retrying until ctx ends: a client that does not wait for an answer
// sends them only once.
func (s *Server) keep(ctx context.Context, published []eventlog.Publication) {
	messages := make([]eventlog.Message, len(published))
	for i := range published {
		payload := published[i].Payload
		messages[i] = eventlog.Message{ID: randomID(), Payload: payload}
		if event, refusal := schema.Decode(payload, s.now()); refusal == nil {
			if event.Marked() {
				payload = schema.Unmarked(payload)
			}
			messages[i] = eventlog.Message{ID: eventlog.MessageID(event.Key()), Payload: payload, JSON: true, Time: event.Time.Time()}
		}
	}
	receipts, err := s.events.append(messages)
	for errors.Is(err, eventlog.ErrUnavailable) && waited(ctx, plainRetry) {
		receipts, err = s.events.append(messages)
	}
	if errors.Is(err, eventlog.ErrTooLarge) && len(published) > 1 { // one of them
		s.keep(ctx, published[:len(published)/2])
		s.keep(ctx, published[len(published)/2:])
		return
	}
	if err != nil {
		s.log.Warn("events of a NATS client were rejected", "events", len(published), "error", err)
		for i := range published {
			published[i].Refuse(err)
		}
		return
	}
	for i := range published {
		published[i].Accept(receipts[i])
		if receipts[i].Duplicate {
			s.metrics.duplicates.Inc()
		} else {
			s.metrics.accepted.Inc()
		}
	}
}

// waited reports whether ctx is still active after a pause.
func waited(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
