package outgoing

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// Kind is the kind of a delivery.
type Kind string

// The kinds, in the order in which those of one event are sent. The first three have Chatra's names and payloads.
const (
	ChatStarted    Kind = "chatStarted"
	ChatFragment   Kind = "chatFragment"
	ChatTranscript Kind = "chatTranscript"

	ConversationClosed    Kind = "conversationClosed"
	SatisfactionLow       Kind = "satisfactionLow"
	WaitExceeded          Kind = "waitExceeded"
	FirstResponseExceeded Kind = "firstResponseExceeded"
	DurationExceeded      Kind = "durationExceeded"
)

// Kinds lists all of them. The place of a kind is part of the ids of deliveries: new ones come at the end.
func Kinds() []Kind {
	return []Kind{ChatStarted, ChatFragment, ChatTranscript, ConversationClosed, SatisfactionLow, WaitExceeded, FirstResponseExceeded, DurationExceeded}
}

// chat reports whether the kind is one of Chatra's.
func (k Kind) chat() bool { return k == ChatStarted || k == ChatFragment || k == ChatTranscript }

// MaxHooks is the maximum number of webhooks.
const MaxHooks = 32

// The keys of the bucket are these prefixes followed by the id of the webhook and, for deliveries,
// the id of the delivery.
const (
	bucketName     = "PARLEY_OUTGOING"
	hookPrefix     = "hook."
	positionPrefix = "position."
	deliveryPrefix = "delivery."
	retryPrefix    = "retry."
)

// ErrNotFound means that there is no such webhook or delivery.
var ErrNotFound = errors.New("there is no such webhook or delivery")

// Hook is an address that webhooks are posted to.
type Hook struct {
	ID      string           `json:"id"`
	Project schema.ProjectID `json:"project"`
	URL     string           `json:"url"`
	Events  []Kind           `json:"events"`
	Thresholds
	// Secret signs the payloads: whsec_ and the key in base64.
	Secret       string    `json:"secret"`
	AllowPrivate bool      `json:"allowPrivate,omitempty"`
	AddedAt      time.Time `json:"addedAt"`
	// Paused is the reason why nothing is sent; empty for an active webhook.
	Paused string `json:"paused,omitempty"`
}

// check validates what an operator has entered.
func (h *Hook) check() error {
	u, err := url.Parse(h.URL)
	switch {
	case err != nil || u.Host == "" || len(h.URL) > 2048:
		return errors.New("url: must be an absolute URL of at most 2048 bytes")
	case u.User != nil:
		return errors.New("url: must not contain credentials; receivers check the signature instead")
	case u.Scheme != "https" && (u.Scheme != "http" || !h.AllowPrivate):
		return errors.New("url: must begin with https:// (http:// only together with --allow-private)")
	case len(h.Events) == 0:
		return errors.New("event: at least one is required")
	}
	return h.Thresholds.check(h.Events)
}

// key returns the key of signatures.
func (h *Hook) key() ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.TrimPrefix(h.Secret, "whsec_"))
}

// Registry keeps webhooks and their queues in a bucket shared by all roles.
type Registry struct{ bucket *eventlog.Bucket }

// OpenRegistry opens the bucket.
func OpenRegistry(ctx context.Context, broker *eventlog.Broker) (*Registry, error) {
	bucket, err := broker.Bucket(ctx, bucketName, eventlog.BucketConfig{
		Description: "outgoing webhooks of parley: addresses, secrets, positions and queues", Sealed: true,
	})
	return &Registry{bucket}, err
}

// Add assigns the webhook an id and a secret. It sends what comes after a position of the log.
func (r *Registry) Add(ctx context.Context, hook Hook, position schema.Sequence) (Hook, error) {
	if err := hook.check(); err != nil {
		return Hook{}, err
	}
	all, err := r.Hooks(ctx)
	if err != nil {
		return Hook{}, err
	}
	if len(all) >= MaxHooks {
		return Hook{}, fmt.Errorf("there are %d outgoing webhooks, the maximum: remove one", len(all))
	}
	var random [8 + 32]byte
	_, _ = rand.Read(random[:]) // never fails
	hook.ID = "out_" + hex.EncodeToString(random[:8])
	hook.Secret = "whsec_" + base64.StdEncoding.EncodeToString(random[8:])
	if err := r.put(ctx, positionPrefix+hook.ID, position); err != nil {
		return Hook{}, err
	}
	return hook, r.put(ctx, hookPrefix+hook.ID, hook)
}

// put writes a value unconditionally.
func (r *Registry) put(ctx context.Context, key string, value any) error {
	encoded, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return r.bucket.Update(ctx, key, func([]byte) ([]byte, error) { return encoded, nil })
}

// create adds a delivery to the queue, unless it exists.
func (r *Registry) create(ctx context.Context, d *Delivery) error {
	encoded, err := json.Marshal(d)
	if err != nil {
		return err
	}
	return r.bucket.Update(ctx, d.key(), func(before []byte) ([]byte, error) {
		if before != nil {
			return before, nil
		}
		return encoded, nil
	})
}

// get reads a value; [ErrNotFound] if there is none.
func (r *Registry) get(ctx context.Context, key string, into any) error {
	value, err := r.bucket.Get(ctx, key)
	if errors.Is(err, eventlog.ErrNotFound) {
		return ErrNotFound
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(value, into)
}

// wellFormed reports whether text can be an id, and therefore a part of a key.
func wellFormed(id string) bool {
	return id != "" && strings.Trim(id, "abcdefghijklmnopqrstuvwxyz0123456789_") == ""
}

// Hook reads one webhook; [ErrNotFound] if there is none.
func (r *Registry) Hook(ctx context.Context, id string) (hook Hook, err error) {
	if !wellFormed(id) {
		return Hook{}, ErrNotFound
	}
	err = r.get(ctx, hookPrefix+id, &hook)
	return hook, err
}

// Hooks lists the webhooks, oldest first.
func (r *Registry) Hooks(ctx context.Context) ([]Hook, error) {
	all, err := list[Hook](ctx, r, hookPrefix)
	slices.SortFunc(all, func(a, b Hook) int { return cmp.Or(a.AddedAt.Compare(b.AddedAt), strings.Compare(a.ID, b.ID)) })
	return all, err
}

func list[T any](ctx context.Context, r *Registry, prefix string) ([]T, error) {
	values, err := r.bucket.List(ctx, prefix)
	if err != nil {
		return nil, err
	}
	all := make([]T, 0, len(values))
	for key, value := range values {
		var one T
		if err := json.Unmarshal(value, &one); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		all = append(all, one)
	}
	return all, nil
}

// Pause stops a webhook for a reason; an empty one resumes it where it stopped.
func (r *Registry) Pause(ctx context.Context, id, reason string) error {
	if !wellFormed(id) {
		return ErrNotFound
	}
	return r.bucket.Update(ctx, hookPrefix+id, func(before []byte) ([]byte, error) {
		if before == nil {
			return nil, ErrNotFound
		}
		var hook Hook
		if err := json.Unmarshal(before, &hook); err != nil {
			return nil, err
		}
		hook.Paused = reason
		return json.Marshal(hook)
	})
}

// Remove deletes a webhook with its queue.
func (r *Registry) Remove(ctx context.Context, id string) error {
	if _, err := r.Hook(ctx, id); err != nil {
		return err
	}
	if err := r.bucket.Delete(ctx, hookPrefix+id); err != nil {
		return err
	}
	return r.clear(ctx, id)
}

// clear deletes everything that belongs to a removed webhook.
func (r *Registry) clear(ctx context.Context, id string) error {
	if err := r.bucket.Delete(ctx, positionPrefix+id); err != nil {
		return err
	}
	for _, prefix := range []string{deliveryPrefix + id + ".", retryPrefix + id + "."} {
		values, err := r.bucket.List(ctx, prefix)
		if err != nil {
			return err
		}
		for key := range values {
			if err := r.bucket.Delete(ctx, key); err != nil {
				return err
			}
		}
	}
	return nil
}

// Position returns the position of the webhook in the log.
func (r *Registry) Position(ctx context.Context, id string) (position schema.Sequence, err error) {
	err = r.get(ctx, positionPrefix+id, &position)
	return position, err
}

// Queue lists the undelivered entries of a webhook, oldest first.
func (r *Registry) Queue(ctx context.Context, id string) ([]Delivery, error) {
	if !wellFormed(id) {
		return nil, ErrNotFound
	}
	all, err := list[Delivery](ctx, r, deliveryPrefix+id+".")
	slices.SortFunc(all, func(a, b Delivery) int { return a.compare(&b) })
	return all, err
}

// Status is how far a webhook is.
type Status struct {
	Position        schema.Sequence // followed so far
	Queue           []Delivery      // not delivered yet, oldest first
	Pending, Failed int             // of Queue
	// LastStatus and LastError are of the latest entry in Queue that failed an attempt.
	LastStatus int
	LastError  string
}

// Status returns how far a webhook is.
func (r *Registry) Status(ctx context.Context, id string) (s Status, err error) {
	if s.Position, err = r.Position(ctx, id); err != nil {
		return s, err
	}
	if s.Queue, err = r.Queue(ctx, id); err != nil {
		return s, err
	}
	for i := range s.Queue {
		d := &s.Queue[i]
		if d.Failed() {
			s.Failed++
		} else {
			s.Pending++
		}
		if d.LastError != "" {
			s.LastStatus, s.LastError = d.LastStatus, d.LastError
		}
	}
	return s, nil
}

// HookOf returns the id of the webhook that a delivery belongs to; the id itself
// where it is not a delivery's.
func HookOf(id string) string {
	rest, delivery := strings.CutPrefix(id, "msg_")
	if !delivery {
		return id
	}
	name, _, _ := strings.Cut(rest, "_")
	return "out_" + name
}

// Retry requests an immediate attempt of one delivery, or of all in a webhook's queue, and returns
// their number. The three days begin again.
func (r *Registry) Retry(ctx context.Context, id string) (int, error) {
	hook := HookOf(id)
	if _, err := r.Hook(ctx, hook); err != nil {
		return 0, err
	}
	queue, err := r.Queue(ctx, hook)
	if err != nil {
		return 0, err
	}
	asked := 0
	for _, d := range queue {
		if id != hook && d.ID != id {
			continue
		}
		if err := r.put(ctx, retryPrefix+hook+"."+d.ID, d.ID); err != nil {
			return asked, err
		}
		asked++
	}
	if asked == 0 && id != hook {
		return 0, ErrNotFound
	}
	return asked, nil
}
