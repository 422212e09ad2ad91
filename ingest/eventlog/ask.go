package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
)

// askAgain is how long a request that may be repeated waits for its answer before it is sent again. The server of a cluster that
// was to answer may have died with the request, and another one takes its place within seconds.
const askAgain = 2 * time.Second

// ask sends a request to the server's API that changes nothing, or nothing more when it is repeated.
func (b *Broker) ask(ctx context.Context, subject string, body []byte) (*nats.Msg, error) {
	ctx, cancel := b.bounded(ctx)
	defer cancel()
	first, stop := context.WithTimeout(ctx, askAgain)
	answer, err := b.conn.RequestWithContext(first, subject, body)
	stop()
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		answer, err = b.askUntilAnswered(ctx, subject, body)
	}
	return answer, classed(err)
}

// askUntilAnswered repeats a request until ctx ends. The answer to any of them counts, so that a slow server is heard too.
func (b *Broker) askUntilAnswered(ctx context.Context, subject string, body []byte) (*nats.Msg, error) {
	inbox := b.conn.NewInbox()
	answers, err := b.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answers.Unsubscribe() }()
	for {
		if err := b.conn.PublishRequest(subject, inbox, body); err != nil {
			return nil, err
		}
		next, stop := context.WithTimeout(ctx, askAgain)
		answer, err := answers.NextMsgWithContext(next)
		stop()
		if !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return answer, err
		}
	}
}

// which names a message of a stream.
type which struct {
	Sequence uint64 `json:"seq,omitempty"`
	Next     string `json:"next_by_subj,omitempty"` // the first with such a subject, from Sequence on
	Last     string `json:"last_by_subj,omitempty"` // the last with that subject
}

// kept is a message as a stream holds it.
type kept struct {
	Subject  string
	Sequence uint64
	Time     time.Time
	Header   nats.Header
	Data     []byte
}

// message reads a message of a stream; [ErrNotFound] if there is none. The stream's leader answers: a direct request may reach
// another copy, which lacks for a while what was acknowledged before.
func (b *Broker) message(ctx context.Context, stream string, w which) (*kept, error) {
	body, err := json.Marshal(w)
	if err != nil {
		return nil, err
	}
	answer, err := b.ask(ctx, "$JS.API.STREAM.MSG.GET."+stream, body)
	if err != nil {
		return nil, err
	}
	var found struct {
		Error   *apiError `json:"error"`
		Message struct {
			Subject  string    `json:"subject"`
			Sequence uint64    `json:"seq"`
			Header   []byte    `json:"hdrs"`
			Data     []byte    `json:"data"`
			Time     time.Time `json:"time"`
		} `json:"message"`
	}
	if err := json.Unmarshal(answer.Data, &found); err != nil {
		return nil, fmt.Errorf("message of %s: %w", stream, err)
	}
	if found.Error != nil {
		return nil, found.Error
	}
	m := &kept{Subject: found.Message.Subject, Sequence: found.Message.Sequence, Time: found.Message.Time, Data: found.Message.Data}
	if len(found.Message.Header) > 0 {
		if m.Header, err = nats.DecodeHeadersMsg(found.Message.Header); err != nil {
			return nil, fmt.Errorf("header of message %d of %s: %w", m.Sequence, stream, err)
		}
	}
	return m, nil
}

// deletes reports whether a message of a bucket says that its key was deleted or has expired.
func (m *kept) deletes() bool {
	return m.Header.Get("KV-Operation") != "" || m.Header.Get("Nats-Marker-Reason") != ""
}
