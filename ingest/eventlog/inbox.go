package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"github.com/nats-io/nats.go"
)

const (
	// PublicSubject is the subject on which any NATS client may publish events; the wildcard is the
	// conversation's id.
	PublicSubject = "parley.publish.*"
	// publicQueue is the queue group of the receivers: each message goes to one of them.
	publicQueue = "parley-ingest"
	// InboxBytes limits the size of waiting messages in an inbox.
	InboxBytes = 64 << 20

	// headerRequestInfo is what the server adds to a message from another account.
	headerRequestInfo = "Nats-Request-Info"

	codeBadRequest  = 10003
	codeWrongStream = 10060
	codeUnavailable = 10008
)

// Publication is a message of a NATS client on [PublicSubject]. Payload is in the structured form
// of CloudEvents, if it is an event.
type Publication struct {
	Payload []byte

	conn  *nats.Conn
	reply string
}

// Inbox holds what NATS clients have published until it is taken.
type Inbox struct {
	feed *nats.Subscription
	log  *slog.Logger

	mu      sync.Mutex
	dropped int // since Take last reported them
	waiting []Publication
	bytes   int
	closed  bool
	arrived chan struct{} // holds one sign
}

// Inbox starts receiving. With several inboxes on one server, each message goes to one of them.
func (b *Broker) Inbox() (*Inbox, error) {
	i := &Inbox{log: b.log, arrived: make(chan struct{}, 1)}
	var err error
	if i.feed, err = b.conn.QueueSubscribe(PublicSubject, publicQueue, func(m *nats.Msg) { i.receive(b.conn, m) }); err != nil {
		return nil, fmt.Errorf("eventlog: inbox: %w", classed(err))
	}
	if err = i.feed.SetPendingLimits(-1, -1); err == nil { // bounded here
		err = b.conn.Flush()
	}
	if err != nil {
		i.Close()
		return nil, fmt.Errorf("eventlog: inbox: %w", classed(err))
	}
	return i, nil
}

func (i *Inbox) receive(conn *nats.Conn, m *nats.Msg) {
	p := Publication{Payload: structuredOf(m.Header, m.Data), conn: conn, reply: m.Reply}
	if m.Reply != "" {
		if refused := unsupported(m.Header); refused != nil {
			p.answer(&pubAck{Error: refused})
			return
		}
	}
	size := len(p.Payload) + entryOverhead
	i.mu.Lock()
	full := i.closed || i.bytes+size > InboxBytes
	if !full {
		i.waiting, i.bytes = append(i.waiting, p), i.bytes+size
	} else {
		i.dropped++
	}
	i.mu.Unlock()
	if full {
		p.answer(&pubAck{Error: &apiError{Code: codeTooManyRequests, Status: 429, Description: "too many events at once: publish again"}})
		return
	}
	i.sign()
}

func (i *Inbox) sign() {
	select {
	case i.arrived <- struct{}{}:
	default:
	}
}

// unsupported refuses headers that request JetStream features which the public subject does not support.
func unsupported(header nats.Header) *apiError {
	for name, values := range header {
		switch {
		case !strings.HasPrefix(strings.ToLower(name), "nats-"), strings.EqualFold(name, nats.MsgIdHdr), name == headerRequestInfo:
		case strings.EqualFold(name, nats.ExpectedStreamHdr):
			if !slices.Equal(values, []string{EventsStream}) {
				return &apiError{Code: codeWrongStream, Status: 400, Description: "expected stream does not match: it is " + EventsStream}
			}
		default:
			return &apiError{Code: codeBadRequest, Status: 400, Description: "headers Nats-… other than Nats-Msg-Id and Nats-Expected-Stream are not supported on " + PublicSubject}
		}
	}
	return nil
}

// Take waits for publications and returns up to most of them, in order. It returns none, and no
// error, once the inbox is closed and empty.
func (i *Inbox) Take(ctx context.Context, most int) ([]Publication, error) {
	for {
		i.mu.Lock()
		n := min(most, len(i.waiting))
		taken := slices.Clone(i.waiting[:n])
		for _, p := range taken {
			i.bytes -= len(p.Payload) + entryOverhead
		}
		if i.waiting = i.waiting[n:]; len(i.waiting) == 0 {
			i.waiting = nil
		}
		closed, dropped := i.closed, i.dropped
		i.dropped = 0
		i.mu.Unlock()
		if dropped > 0 {
			i.log.Warn("published events were rejected: too many at once", "events", dropped)
		}
		if n > 0 || closed {
			return taken, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-i.arrived:
		}
	}
}

// Close stops receiving. Waiting publications can still be taken.
func (i *Inbox) Close() {
	_ = i.feed.Unsubscribe() // fails if the connection has ended
	i.mu.Lock()
	i.closed = true
	i.mu.Unlock()
	i.sign()
}

// pubAck is JetStream's answer to a publication.
type pubAck struct {
	Error     *apiError `json:"error,omitempty"`
	Stream    string    `json:"stream,omitempty"`
	Sequence  uint64    `json:"seq,omitempty"`
	Duplicate bool      `json:"duplicate,omitempty"`
}

// Accept answers like JetStream: the event is on disk.
func (p *Publication) Accept(r Receipt) {
	p.answer(&pubAck{Stream: EventsStream, Sequence: uint64(r.Sequence), Duplicate: r.Duplicate})
}

// Refuse answers that the event was not stored. If that is unknown there is no answer, as if
// JetStream's answer was lost.
func (p *Publication) Refuse(err error) {
	if errors.Is(err, ErrUnknownOutcome) {
		return
	}
	refused := &apiError{Code: codeUnavailable, Status: 503, Description: "the log is unavailable"}
	switch {
	case errors.Is(err, ErrFull):
		refused = &apiError{Code: codeStoreFailed, Status: 503, Description: "the log is full"}
	case errors.Is(err, ErrForeign):
		refused = &apiError{Code: codeUnavailable, Status: 503, Description: ErrForeign.Error()}
	case errors.Is(err, ErrTooLarge):
		refused = &apiError{Code: codeBadRequest, Status: 413, Description: "the event is larger than the server accepts"}
	}
	p.answer(&pubAck{Error: refused})
}

func (p *Publication) answer(answer *pubAck) {
	if p.reply == "" {
		return
	}
	if body, err := json.Marshal(answer); err == nil {
		_ = p.conn.Publish(p.reply, body) // the publisher asks again if this is lost
	}
}
