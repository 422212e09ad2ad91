package canary

import (
	"context"
	"crypto/rand"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Log is the log of events: an *eventlog.Stream.
type Log interface {
	Append(ctx context.Context, messages []eventlog.Message) ([]eventlog.Receipt, error)
	Erase(ctx context.Context, sequences ...schema.Sequence) error
}

// Tables wait until queries see everything up to a sequence: a *store.Store.
type Tables interface {
	Await(ctx context.Context, sequence schema.Sequence) (query.Live, error)
}

const (
	// retryAfter is the pause after a step that failed.
	retryAfter = time.Second
	// eraseWithin bounds the removal of a canary when the process stops.
	eraseWithin = 5 * time.Second
)

// Canaries sends one canary after the other. It is a [prometheus.Collector].
type Canaries struct {
	Log    Log
	Tables Tables
	Every  time.Duration
	Logger *slog.Logger

	mu   sync.Mutex
	sent time.Time     // when the current one was first offered to the log; zero when there is none
	took time.Duration // of the latest; 0 before the first
}

var freshness = prometheus.NewDesc("parley_freshness_seconds",
	"Time from accepting an event until queries see it, measured by the latest canary; grows while the current one is not visible.", nil, nil)

// Describe implements prometheus.Collector.
func (c *Canaries) Describe(to chan<- *prometheus.Desc) { to <- freshness }

// Collect implements prometheus.Collector. There is no value before the first canary.
func (c *Canaries) Collect(to chan<- prometheus.Metric) {
	if measured := c.measured(); measured > 0 {
		to <- prometheus.MustNewConstMetric(freshness, prometheus.GaugeValue, measured.Seconds())
	}
}

func (c *Canaries) measured() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sent.IsZero() {
		return c.took
	}
	return max(c.took, time.Since(c.sent))
}

// Run sends canaries until ctx ends.
func (c *Canaries) Run(ctx context.Context) error {
	ticks := time.NewTicker(c.Every)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
			c.send(ctx)
		}
	}
}

// send sends one canary and waits until it is visible, as long as it takes.
func (c *Canaries) send(ctx context.Context) {
	began := time.Now()
	c.note(began, 0)
	id := rand.Text()
	canary := []eventlog.Message{{ID: eventlog.MessageID(schema.CanaryKey(id)), Payload: schema.Canary(id, began), Time: began}}
	var at schema.Sequence
	if !c.retry(ctx, "accepted", func() error {
		receipts, err := c.Log.Append(ctx, canary)
		if err == nil {
			at = receipts[0].Sequence
		}
		return err
	}) {
		return
	}
	if c.retry(ctx, "visible", func() error {
		_, err := c.Tables.Await(ctx, at)
		return err
	}) {
		c.note(time.Time{}, time.Since(began))
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), eraseWithin)
	defer cancel()
	if err := c.Log.Erase(ctx, at); err != nil {
		c.Logger.Warn("a canary stays in the log", "sequence", at, "error", err)
	}
}

// note sets when the current canary was sent, and what it took; what the one before took stays until then.
func (c *Canaries) note(sent time.Time, took time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sent = sent
	if took > 0 {
		c.took = took
	}
}

// retry repeats a step until it succeeds, and reports false if ctx ends before.
func (c *Canaries) retry(ctx context.Context, step string, do func() error) bool {
	for logged := false; ; logged = true {
		err := do()
		if err == nil {
			return true
		}
		if ctx.Err() != nil {
			return false
		}
		if !logged {
			c.Logger.Warn("a canary is not "+step+" yet", "error", err)
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(retryAfter):
		}
	}
}
