package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// migration brings the tables up to date before the roles on them start. A failure is retried:
// meanwhile the process accepts events.
type migration struct {
	log      *slog.Logger
	steps    prometheus.Gauge
	ratio    prometheus.Gauge
	failures prometheus.Counter

	mu    sync.Mutex
	state error     // why the tables cannot be used yet
	noted time.Time // of the latest log line
}

// migrationLogEvery is the minimum time between log lines about the progress.
const migrationLogEvery = 5 * time.Second

func newMigration(log *slog.Logger, registry *prometheus.Registry) *migration {
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "parley", Subsystem: "migration", Name: name, Help: help})
	}
	m := &migration{
		log: log, state: errors.New("waiting for ClickHouse"), noted: time.Now(),
		steps: gauge("pending_steps", "Statements that migrate the ClickHouse tables and are not applied yet."),
		ratio: gauge("step_ratio", "Part of the current statement that is applied, 0 to 1."),
		failures: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: "parley", Subsystem: "migration", Name: "failures_total", Help: "Failed attempts to migrate the ClickHouse tables.",
		}),
	}
	registry.MustRegister(m.steps, m.ratio, m.failures)
	return m
}

// waiting returns why the tables cannot be used yet.
func (m *migration) waiting(context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// progress records how far the migration is.
func (m *migration) progress(p tables.MigrationProgress) {
	m.steps.Set(float64(p.Steps))
	m.ratio.Set(p.Done)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.state = fmt.Errorf("migrating the ClickHouse tables: %s, %.0f %%, %d statements to apply", p.Step, 100*p.Done, p.Steps)
	if time.Since(m.noted) >= migrationLogEvery {
		m.noted = time.Now()
		m.log.Info("migrating the ClickHouse tables", "statement", p.Step, "percent", int(100*p.Done), "statements", p.Steps)
	}
}

// run calls ready until it succeeds. It gives up only when the tables belong to a newer binary.
func (m *migration) run(ctx context.Context, ready func(context.Context) error) error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 200*time.Millisecond, 30*time.Second
	for {
		err := ready(ctx)
		var newer *clickhouse.NewerError
		if err == nil || errors.As(err, &newer) || ctx.Err() != nil {
			m.steps.Set(0)
			m.ratio.Set(0)
			return err
		}
		m.failures.Inc()
		wait := pause.NextBackOff()
		m.log.Error("the ClickHouse tables cannot be used yet; retrying", "error", err, "in", wait.Round(time.Millisecond))
		m.mu.Lock()
		m.state = publicReason(err)
		m.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
	}
}

// publicReason is why the tables cannot be used, without what ClickHouse quotes.
func publicReason(err error) error {
	var pending *clickhouse.PendingError
	var failed *tables.MigrationError
	switch {
	case errors.As(err, &pending):
		return pending
	case errors.As(err, &failed):
		return fmt.Errorf("the migration of the ClickHouse tables failed at %s and is retried; see the log", failed.Step)
	}
	return errors.New("the ClickHouse tables cannot be read; retrying, see the log")
}
