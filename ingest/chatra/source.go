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

// Settle is how long a fragment waits for what it may have overtaken.
const Settle = 5 * time.Second

// mostWaiting bounds the payloads of a thread that wait, in bytes.
const mostWaiting = 256 << 10

// Webhook translates Chatra's webhooks. It remembers threads in a bucket.
type Webhook struct {
	Bucket *eventlog.Bucket
	Now    func() time.Time
	Settle time.Duration
	Logger *slog.Logger
}

// Verify lets everything through: Chatra signs nothing, the id in the path is
// the secret.
func (*Webhook) Verify(*webhook.Hook, http.Header, []byte) bool { return true }

// Translate makes events of one webhook, or lets it wait.
func (w *Webhook) Translate(ctx context.Context, hook *webhook.Hook, body []byte) (webhook.Translation, error) {
	p, of, err := read(body)
	if err != nil {
		return webhook.Translation{Kind: string(of)}, err
	}
	if of == "" {
		return webhook.Translation{Unsupported: "eventName: is none that Parley knows"}, nil
	}
	key := threadKey(hook, p.Client.ChatID)
	var events [][]byte
	var done []json.RawMessage
	err = w.change(ctx, key, func(t *thread) {
		events, done = nil, nil
		switch {
		case of == chatStarted && !p.Message.automatic():
			i := t.started(p.Message.at())
			events = write(hook, p, &t.Conversations[i], p.Messages, true, false)
		case of == chatTranscript:
			i, messages := t.ended(p.Messages)
			if i < 0 {
				return
			}
			c := &t.Conversations[i]
			for _, other := range t.Waiting {
				fragment, _, err := read(other.Payload)
				if err != nil || c.holds(first(fragment.Messages)) && c.holds(last(fragment.Messages)) {
					done = append(done, other.Payload)
				}
				if err == nil && c.holds(first(fragment.Messages)) && c.holds(last(fragment.Messages)) {
					messages = append(messages, fragment.Messages...)
				}
			}
			events = write(hook, p, c, ordered(messages), true, true)
		default: // a fragment, or the announcement of an automatic message
			if i := t.within(p.Messages); i >= 0 {
				events = write(hook, p, &t.Conversations[i], p.Messages, false, false)
				return
			}
			t.wait(compact(body), w.due(t))
		}
	})
	translated := webhook.Translation{Kind: string(of), Events: events}
	if len(done) > 0 {
		translated.After = func(ctx context.Context) error { return w.drop(ctx, key, done) }
	}
	return translated, err
}

// due is when a payload that comes now waits no longer.
func (w *Webhook) due(t *thread) schema.Timestamp {
	size := 0
	for _, other := range t.Waiting {
		size += len(other.Payload)
	}
	if size > mostWaiting {
		return schema.TimestampOf(w.Now())
	}
	return schema.TimestampOf(w.Now().Add(w.Settle))
}

// wait keeps a payload, once.
func (t *thread) wait(body []byte, due schema.Timestamp) {
	for _, other := range t.Waiting {
		if bytes.Equal(other.Payload, body) {
			return
		}
	}
	t.Waiting = append(t.Waiting, waiting{body, due})
}

// settle makes events of the payloads of a thread that have waited enough.
func (w *Webhook) settle(ctx context.Context, hook *webhook.Hook, key string) (webhook.Translation, error) {
	var events [][]byte
	var done []json.RawMessage
	err := w.change(ctx, key, func(t *thread) {
		events, done = nil, nil
		now := schema.TimestampOf(w.Now())
		type settled struct {
			*payload
			raw json.RawMessage
		}
		var due []settled
		for _, other := range t.Waiting {
			if other.Due > now {
				continue
			}
			if p, _, err := read(other.Payload); err == nil { // it was readable when it came
				due = append(due, settled{p, other.Payload})
			}
		}
		slices.SortStableFunc(due, func(a, b settled) int { return int(first(a.Messages) - first(b.Messages)) })
		for _, s := range due {
			c := &t.Conversations[t.continued(s.Messages)]
			begins := c.By == s.Messages[0].ID
			events = append(events, write(hook, s.payload, c, s.Messages, begins, false)...)
			done = append(done, s.raw)
		}
	})
	translated := webhook.Translation{Kind: string(chatFragment), Events: events}
	translated.After = func(ctx context.Context) error { return w.drop(ctx, key, done) }
	return translated, err
}

// drop forgets payloads that wait no longer.
func (w *Webhook) drop(ctx context.Context, key string, done []json.RawMessage) error {
	return w.change(ctx, key, func(t *thread) {
		t.Waiting = slices.DeleteFunc(t.Waiting, func(other waiting) bool {
			return slices.ContainsFunc(done, func(p json.RawMessage) bool { return bytes.Equal(p, other.Payload) })
		})
	})
}

// change reads a thread, changes it, and writes it unless somebody else did so
// meanwhile: then it begins again. What do comes to must depend on the thread
// alone.
func (w *Webhook) change(ctx context.Context, key string, do func(*thread)) error {
	for {
		var t thread
		before, revision, err := w.Bucket.Get(ctx, key)
		if err != nil && !errors.Is(err, eventlog.ErrNotFound) {
			return err
		}
		if err == nil {
			if err := json.Unmarshal(before, &t); err != nil {
				return err
			}
		}
		do(&t)
		after, err := json.Marshal(t)
		if err != nil {
			return err
		}
		if bytes.Equal(before, after) {
			return nil
		}
		if _, err = w.Bucket.Put(ctx, key, after, revision); !errors.Is(err, eventlog.ErrConflict) {
			return err
		}
	}
}

const threadPrefix = "chatra."

// threadKey names a thread of a hook.
func threadKey(hook *webhook.Hook, chat string) string {
	sum := sha256.Sum256([]byte(chat))
	return threadPrefix + hook.ID + "." + hex.EncodeToString(sum[:16])
}

// Door is where settled fragments go; *webhook.Server is one.
type Door interface {
	Hook(ctx context.Context, id string) (webhook.Hook, error)
	Deliver(ctx context.Context, id string, translated *webhook.Translation) error
}

// Run delivers what has waited enough, until ctx ends. Several processes may:
// what both deliver is one.
func (w *Webhook) Run(ctx context.Context, door Door) error {
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
			if err := w.deliver(ctx, door, key); err != nil && ctx.Err() == nil {
				w.Logger.Warn("fragments of a chat could not be taken in yet", "error", err)
			}
		}
	}
}

func (w *Webhook) deliver(ctx context.Context, door Door, key string) error {
	id, _, _ := strings.Cut(strings.TrimPrefix(key, threadPrefix), ".")
	hook, err := door.Hook(ctx, id)
	if errors.Is(err, webhook.ErrNotFound) {
		return w.Bucket.Delete(ctx, key) // its webhook was removed
	}
	if err != nil {
		return err
	}
	translated, err := w.settle(ctx, &hook, key)
	if err != nil {
		return err
	}
	return door.Deliver(ctx, id, &translated)
}
