package webhook

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"sort"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// BucketName is the bucket of the hooks and of the state of sources. formerBucket held them before
// values were overwritten on disk.
const BucketName, formerBucket = "PARLEY_SOURCES", "PARLEY_WEBHOOKS"

// ErrNotFound means that the hook does not exist.
var ErrNotFound = errors.New("no such webhook")

// Hook is an address that a platform posts to.
type Hook struct {
	ID      string           `json:"id"` // 128 random bits in hexadecimal: a secret
	Source  string           `json:"source"`
	Project schema.ProjectID `json:"project"`
	// Secret signs the payloads; empty if they are not signed. It is stored in an encrypted bucket,
	// not hashed, because a signature cannot be checked with a hash.
	Secret  string    `json:"secret,omitempty"`
	AddedAt time.Time `json:"addedAt"`

	Currency string              `json:"currency,omitempty"` // of amounts without one
	Bots     []schema.OperatorID `json:"bots,omitempty"`     // operators that are bots
}

// Path returns the path to which the hook's payloads are posted.
func (h *Hook) Path() string { return Path + h.Source + "/" + h.ID }

// IsBot reports whether the hook's configuration names the operator a bot.
func (h *Hook) IsBot(operator schema.OperatorID) bool {
	for _, bot := range h.Bots {
		if bot == operator {
			return true
		}
	}
	return false
}

// Figures are the counters of a hook's deliveries.
type Figures struct {
	Deliveries  uint64    `json:"deliveries"`  // all, whatever the result
	Accepted    uint64    `json:"accepted"`    // events newly appended
	Duplicates  uint64    `json:"duplicates"`  // events that were known
	Unsupported uint64    `json:"unsupported"` // payloads kept in quarantine
	Failed      uint64    `json:"failed"`      // answered 4xx or 5xx
	LastAt      time.Time `json:"lastAt,omitzero"`
	LastError   string    `json:"lastError,omitempty"` // field and rule, never a value
	LastErrorAt time.Time `json:"lastErrorAt,omitzero"`
}

// add adds counts.
func (f *Figures) add(more *Figures) {
	f.Deliveries += more.Deliveries
	f.Accepted += more.Accepted
	f.Duplicates += more.Duplicates
	f.Unsupported += more.Unsupported
	f.Failed += more.Failed
	if more.LastAt.After(f.LastAt) {
		f.LastAt = more.LastAt
	}
	if more.LastErrorAt.After(f.LastErrorAt) {
		f.LastErrorAt, f.LastError = more.LastErrorAt, more.LastError
	}
}

// Registry keeps the hooks in a bucket shared by all roles.
type Registry struct{ bucket *eventlog.Bucket }

// NewRegistry keeps hooks in a bucket.
func NewRegistry(bucket *eventlog.Bucket) *Registry { return &Registry{bucket} }

// OpenRegistry keeps them in the bucket [BucketName].
func OpenRegistry(ctx context.Context, broker *eventlog.Broker) (*Registry, error) {
	// The state of sources contains personal data.
	bucket, err := broker.Bucket(ctx, BucketName, eventlog.BucketConfig{Description: "webhooks of parley, and what their sources remember", Overwrite: true, Sealed: true, Former: formerBucket})
	if err != nil {
		return nil, err
	}
	return NewRegistry(bucket), nil
}

// Bucket returns the bucket for the state of sources, under their own keys.
func (r *Registry) Bucket() *eventlog.Bucket { return r.bucket }

const hookPrefix, figuresPrefix = "hook.", "figures."

// Add assigns the hook an id and stores it.
func (r *Registry) Add(ctx context.Context, hook Hook) (Hook, error) {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	hook.ID = hex.EncodeToString(id[:])
	value, err := json.Marshal(hook)
	if err != nil {
		return Hook{}, err
	}
	_, err = r.bucket.Put(ctx, hookPrefix+hook.ID, value, 0)
	return hook, err
}

// Find reads one hook; ErrNotFound if there is none.
func (r *Registry) Find(ctx context.Context, id string) (Hook, error) {
	if !wellFormed(id) {
		return Hook{}, ErrNotFound
	}
	value, err := r.bucket.Get(ctx, hookPrefix+id)
	if errors.Is(err, eventlog.ErrNotFound) {
		return Hook{}, ErrNotFound
	}
	if err != nil {
		return Hook{}, err
	}
	var hook Hook
	if err := json.Unmarshal(value, &hook); err != nil {
		return Hook{}, fmt.Errorf("webhook %s…: %w", id[:4], err)
	}
	return hook, nil
}

// Remove deletes a hook and its figures; ErrNotFound if there is none.
func (r *Registry) Remove(ctx context.Context, id string) error {
	if _, err := r.Find(ctx, id); err != nil {
		return err
	}
	if err := r.bucket.Delete(ctx, hookPrefix+id); err != nil {
		return err
	}
	return r.bucket.Delete(ctx, figuresPrefix+id)
}

// Listed is a hook with its figures.
type Listed struct {
	Hook
	Figures
}

// List returns all hooks, oldest first.
func (r *Registry) List(ctx context.Context) ([]Listed, error) {
	hooks, err := r.bucket.List(ctx, hookPrefix)
	if err != nil {
		return nil, err
	}
	figures, err := r.bucket.List(ctx, figuresPrefix)
	if err != nil {
		return nil, err
	}
	var all []Listed
	for _, value := range hooks {
		var l Listed
		if err := json.Unmarshal(value, &l.Hook); err != nil {
			return nil, fmt.Errorf("webhooks: %w", err)
		}
		if counted, there := figures[figuresPrefix+l.ID]; there {
			if err := json.Unmarshal(counted, &l.Figures); err != nil {
				return nil, fmt.Errorf("webhooks: %w", err)
			}
		}
		all = append(all, l)
	}
	sort.Slice(all, func(i, j int) bool { return all[i].AddedAt.Before(all[j].AddedAt) })
	return all, nil
}

// count adds to the figures of a hook. Several processes may do so.
func (r *Registry) count(ctx context.Context, id string, more *Figures) error {
	return r.bucket.Update(ctx, figuresPrefix+id, func(before []byte) ([]byte, error) {
		var figures Figures
		if before != nil {
			if err := json.Unmarshal(before, &figures); err != nil {
				return nil, err
			}
		}
		figures.add(more)
		return json.Marshal(figures)
	})
}

// wellFormed reports whether an id has the right form.
func wellFormed(id string) bool {
	if len(id) != 32 {
		return false
	}
	for _, c := range id {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
