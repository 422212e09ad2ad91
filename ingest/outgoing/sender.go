package outgoing

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/ingest/eventlog/lease"
	"github.com/parley-analytics/parley/schema"
)

// Log reads the log in order. Read returns up to most entries after a sequence and waits up to wait
// for the first; if nothing arrives, it returns none and no error. Payloads are valid until the
// next call. One goroutine at a time.
type Log interface {
	Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error)
	Close()
}

// Archive is the content of the tables. Position is the sequence of the log that they have reached;
// Recall returns all events of conversations, in log order, each once. Safe for concurrent use.
type Archive interface {
	Position(ctx context.Context) (schema.Sequence, error)
	Recall(ctx context.Context, keys []schema.ConversationKey) (map[schema.ConversationKey][]schema.Record, error)
}

// Config is what a Sender needs. Only Registerer may be nil.
type Config struct {
	Registry   *Registry
	Lease      *lease.Lease // one process of several sends
	Archive    Archive
	Open       func(ctx context.Context) (Log, error) // a log for one webhook
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Sender delivers the webhooks of a registry.
type Sender struct {
	Config
	deliveries *prometheus.CounterVec
}

// New returns a sender; Run sends.
func New(c Config) *Sender {
	s := &Sender{Config: c, deliveries: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "parley_outgoing_webhook_attempts_total", Help: "Attempts to deliver outgoing webhooks, by event and outcome: delivered, missed, failed (the last attempt), erased."},
		[]string{"event", "outcome"})}
	if c.Registerer != nil {
		c.Registerer.MustRegister(s.deliveries)
	}
	return s
}

// Run sends while this process holds the lease, until ctx ends; then it returns nil.
func (s *Sender) Run(ctx context.Context) error {
	return s.Lease.Keep(ctx, func(ctx context.Context) error {
		stop := s.start(ctx)
		<-ctx.Done()
		stop()
		return nil
	})
}

// start follows the registry; each webhook that is not paused gets a worker.
func (s *Sender) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	workers := make(map[string]func())
	go func() {
		defer close(done)
		err := s.Registry.bucket.Watch(ctx, hookPrefix, func(key string, value []byte) {
			id := strings.TrimPrefix(key, hookPrefix)
			if running := workers[id]; running != nil {
				running()
				delete(workers, id)
			}
			var hook Hook
			switch {
			case value == nil: // what a worker has queued since the removal
				if err := s.Registry.clear(ctx, id); err != nil && ctx.Err() == nil {
					s.Logger.Warn("cannot delete the queue of a removed webhook", "webhook", id, "error", err)
				}
			case json.Unmarshal(value, &hook) != nil || hook.ID != id:
				s.Logger.Error("cannot read an outgoing webhook", "webhook", id)
			case hook.Paused == "":
				workers[id] = s.work(ctx, &hook)
			}
		})
		if err != nil {
			s.Logger.Error("cannot watch the list of outgoing webhooks", "error", err)
		}
		for _, running := range workers {
			running()
		}
	}()
	return func() { cancel(); <-done }
}

// count records the outcome of an attempt.
func (s *Sender) count(d *Delivery, outcome string) {
	s.deliveries.WithLabelValues(string(d.Event), outcome).Inc()
}

// retrying repeats an operation that the log or the tables refuse temporarily.
func (s *Sender) retrying(ctx context.Context, what string, do func() error) error {
	for {
		err := do()
		if err == nil || ctx.Err() != nil {
			return ctx.Err()
		}
		s.Logger.Warn("outgoing webhooks are waiting", "for", what, "error", err)
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Second):
		}
	}
}

// recall returns the events of one conversation or customer.
func (s *Sender) recall(ctx context.Context, key schema.ConversationKey) ([]schema.Record, error) {
	found, err := s.Archive.Recall(ctx, []schema.ConversationKey{key})
	if err != nil {
		return nil, fmt.Errorf("recall: %w", err)
	}
	return found[key], nil
}
