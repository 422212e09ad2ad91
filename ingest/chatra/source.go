package chatra

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

// Settle is how long a fragment waits for payloads that it may have overtaken.
const Settle = 5 * time.Second

// Webhook translates Chatra's webhooks. It remembers threads in a bucket.
type Webhook struct {
	Bucket *eventlog.Bucket
	Now    func() time.Time
	Settle time.Duration
	Logger *slog.Logger
}

// Verify accepts everything: Chatra does not sign, and the id in the path is the secret.
func (*Webhook) Verify(*webhook.Hook, http.Header, []byte) bool { return true }

// Translate creates the events of one webhook, or stores it to wait.
func (w *Webhook) Translate(ctx context.Context, hook *webhook.Hook, body []byte) (webhook.Translation, error) {
	p, fault := read(body, w.Now())
	if p == nil {
		return webhook.Translation{Refused: fault}, nil
	}
	translated := webhook.Translation{Kind: string(p.kind), Refused: fault}
	key := threadKey(hook, p.chat)
	var done []json.RawMessage
	err := w.change(ctx, key, func(t *thread) {
		translated.Events, translated.Refused, done = nil, fault, nil
		if p.kind == chatStarted && p.messages[0].personal() {
			c := t.started(first(p.messages))
			s := make(shares)
			s.add(c, p, p.messages, true)
			translated.Events = s.write(hook, t)
			return
		}
		if raw := compact(body); t.room(len(raw)) {
			t.wait(raw, schema.TimestampOf(w.Now().Add(w.Settle)))
			return
		}
		// It is too large to wait: it is processed with everything that is waiting.
		payloads := []*payload{p}
		for _, other := range t.Waiting {
			done = append(done, other.Payload)
			if waited, _ := read(other.Payload, w.Now()); waited != nil {
				payloads = append(payloads, waited)
			}
		}
		s, unanswered := t.take(payloads)
		translated.Events = s.write(hook, t)
		if slices.Contains(unanswered, p) && fault == nil {
			translated.Refused = errUnanswered
		}
	})
	if errors.Is(err, eventlog.ErrTooLarge) {
		translated.Events, translated.Refused = nil, &schema.Error{
			Code: schema.CodeTooLarge, Rule: "the stored state of the chat exceeds the maximum message size of the NATS server (max_payload)",
		}
		return translated, nil
	}
	if len(done) > 0 {
		translated.After = func(ctx context.Context) error { return w.drop(ctx, key, done) }
	}
	return translated, err
}

// errUnanswered is the reason why a fragment without a conversation is kept in quarantine.
var errUnanswered = &schema.Error{
	Code: schema.CodeUnsupported, Field: "messages", Rule: "automatic messages without an answer do not start a conversation",
}

// settled is the result of a thread's payloads that have waited long enough.
type settled struct {
	translated webhook.Translation
	unanswered []json.RawMessage
}

// settle processes the waiting payloads of a thread together once the first of them has waited long enough.
func (w *Webhook) settle(ctx context.Context, hook *webhook.Hook, key string) (settled, error) {
	var out settled
	var done []json.RawMessage
	err := w.change(ctx, key, func(t *thread) {
		out, done = settled{translated: webhook.Translation{Kind: string(chatFragment)}}, nil
		now := schema.TimestampOf(w.Now())
		if !slices.ContainsFunc(t.Waiting, func(other waiting) bool { return other.Due <= now }) {
			return
		}
		var payloads []*payload
		raws := make(map[*payload]json.RawMessage)
		for _, other := range t.Waiting {
			done = append(done, other.Payload)
			if p, _ := read(other.Payload, w.Now()); p != nil { // it was readable when it arrived
				payloads = append(payloads, p)
				raws[p] = other.Payload
			}
		}
		s, unanswered := t.take(payloads)
		out.translated.Events = s.write(hook, t)
		for _, p := range unanswered {
			out.unanswered = append(out.unanswered, raws[p])
		}
	})
	out.translated.After = func(ctx context.Context) error { return w.drop(ctx, key, done) }
	return out, err
}

// drop removes payloads that no longer wait.
func (w *Webhook) drop(ctx context.Context, key string, done []json.RawMessage) error {
	return w.change(ctx, key, func(t *thread) { t.drop(done) })
}

// change updates a thread with do; see [eventlog.Bucket.Update].
func (w *Webhook) change(ctx context.Context, key string, do func(*thread)) error {
	return w.Bucket.Update(ctx, key, func(before []byte) ([]byte, error) {
		var t thread
		if before != nil {
			if err := json.Unmarshal(before, &t); err != nil {
				w.Logger.Error("the stored state of a chat is unreadable; continuing without it", "error", err)
				t = thread{}
			}
		}
		do(&t)
		return t.encode()
	})
}

// compact returns a payload on one line, as it is stored while it waits.
func compact(body []byte) []byte {
	var out bytes.Buffer
	_ = json.Compact(&out, body) // it was read
	return out.Bytes()
}

const threadPrefix = "chatra."

// threadKey returns the key of a thread of a hook.
func threadKey(hook *webhook.Hook, chat string) string {
	sum := sha256.Sum256([]byte(chat))
	return threadPrefix + hook.ID + "." + hex.EncodeToString(sum[:16])
}

// Deliverer accepts settled fragments; *webhook.Server is one.
type Deliverer interface {
	Hook(ctx context.Context, id string) (webhook.Hook, error)
	Deliver(ctx context.Context, id string, translated *webhook.Translation, payload []byte) error
}

// Run delivers payloads that have waited long enough, until ctx ends. Several processes may run it:
// their deliveries are duplicates.
func (w *Webhook) Run(ctx context.Context, deliverer Deliverer) error {
	var mu sync.Mutex
	due := make(map[string]schema.Timestamp)
	var watching sync.WaitGroup
	var watched error
	watching.Go(func() {
		watched = w.Bucket.Watch(ctx, threadPrefix, func(key string, value []byte) {
			var t thread
			mu.Lock()
			defer mu.Unlock()
			delete(due, key)
			if value == nil || json.Unmarshal(value, &t) != nil {
				return
			}
			for _, other := range t.Waiting {
				if at, known := due[key]; !known || other.Due < at {
					due[key] = other.Due
				}
			}
		})
	})
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			watching.Wait()
			return watched
		case <-tick.C:
		}
		now := schema.TimestampOf(w.Now())
		mu.Lock()
		var ready []string
		for key, at := range due {
			if at <= now {
				ready = append(ready, key)
			}
		}
		mu.Unlock()
		for _, key := range ready {
			if err := w.deliver(ctx, deliverer, key); err != nil && ctx.Err() == nil {
				w.Logger.Warn("parts of a chat could not be processed; retrying", "error", err)
			}
		}
	}
}

func (w *Webhook) deliver(ctx context.Context, deliverer Deliverer, key string) error {
	id, _, _ := strings.Cut(strings.TrimPrefix(key, threadPrefix), ".")
	hook, err := deliverer.Hook(ctx, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return w.Bucket.Delete(ctx, key) // its webhook was removed
	}
	if err != nil {
		return err
	}
	out, err := w.settle(ctx, &hook, key)
	if err != nil {
		return err
	}
	for _, payload := range out.unanswered {
		if err := deliverer.Deliver(ctx, id, &webhook.Translation{Refused: errUnanswered}, payload); err != nil {
			return err
		}
	}
	return deliverer.Deliver(ctx, id, &out.translated, nil)
}
