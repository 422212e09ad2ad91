package outgoing

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema"
)

const (
	// MaxPending is the maximum number of waiting deliveries of a webhook.
	MaxPending = 1000
	// MaxFailed is the maximum number of failed deliveries that are kept; the oldest are dropped.
	MaxFailed = 1000
	// MaxAge is how long a delivery is retried.
	MaxAge = 72 * time.Hour
)

// Delivery is an entry of the queue. It holds no personal data.
type Delivery struct {
	ID           string                `json:"id"` // the header webhook-id
	Hook         string                `json:"webhook"`
	Event        Kind                  `json:"event"`
	Conversation schema.ConversationID `json:"conversationId"`
	Sequence     schema.Sequence       `json:"sequence"` // of its event
	QueuedAt     time.Time             `json:"queuedAt"`
	Attempts     int                   `json:"attempts"`
	NextAt       time.Time             `json:"nextAt,omitzero"`
	LastStatus   int                   `json:"lastStatus,omitempty"` // of HTTP; 0 without an answer
	LastError    string                `json:"lastError,omitempty"`
	FailedAt     time.Time             `json:"failedAt,omitzero"`
}

// deliveryOf creates the entry of an occurrence. The same occurrence has the same id.
func deliveryOf(hook *Hook, conversation schema.ConversationID, o occurrence, now time.Time) *Delivery {
	id := fmt.Sprintf("msg_%s_%d_%d", strings.TrimPrefix(hook.ID, "out_"), o.sequence, slices.Index(Kinds(), o.kind))
	return &Delivery{ID: id, Hook: hook.ID, Event: o.kind, Conversation: conversation, Sequence: o.sequence, QueuedAt: now, NextAt: now}
}

func (d *Delivery) key() string { return deliveryPrefix + d.Hook + "." + d.ID }

// Failed reports whether no further attempt is scheduled.
func (d *Delivery) Failed() bool { return !d.FailedAt.IsZero() }

// compare orders deliveries in the order of sending.
func (d *Delivery) compare(other *Delivery) int {
	return cmp.Or(cmp.Compare(d.Sequence, other.Sequence), cmp.Compare(slices.Index(Kinds(), d.Event), slices.Index(Kinds(), other.Event)))
}

// pauses are the intervals between attempts; the last one repeats.
var pauses = []time.Duration{
	5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute,
	time.Hour, 3 * time.Hour, 6 * time.Hour, 12 * time.Hour, 24 * time.Hour,
}

// maxAfter limits how long a receiver can delay the next attempt.
const maxAfter = time.Hour

// missed records a failed attempt. The next one is not earlier than the receiver asked for.
func (d *Delivery) missed(status int, cause error, now time.Time) {
	pause := pauses[min(d.Attempts, len(pauses)-1)]
	if later, ok := errors.AsType[laterError](cause); ok {
		pause = max(pause, min(later.after, maxAfter))
	}
	d.Attempts++
	d.LastStatus, d.LastError = status, cause.Error()
	d.NextAt = now.Add(pause + rand.N(pause/5)) //nolint:gosec // jitter is not a secret
	if d.NextAt.After(d.QueuedAt.Add(MaxAge)) {
		d.FailedAt, d.NextAt = now, time.Time{}
	}
}

// again resets the schedule.
func (d *Delivery) again(now time.Time) {
	d.Attempts, d.QueuedAt, d.NextAt, d.FailedAt = 0, now, now, time.Time{}
}
