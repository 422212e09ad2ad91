package engines

import (
	"context"
	"log/slog"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/query/store"
)

// Engines hold how to connect to the log and the tables, wherever they run.
type Engines struct {
	Log    eventlog.Options // without what differs between processes
	Writer sink.Server      // the user that owns the tables
	Reader sink.Server      // the user for queries

	keyFile    string                  // of the key that secrets are sealed with
	publisher  embedded.User           // of the embedded NATS only
	bi         embedded.User           // of the embedded ClickHouse only
	dashboards string                  // where dashboards connect
	own        *certificate.Connection // to the listeners of this process; nil without TLS
	logTLS     *certificate.Connection // of other processes to the log
	tablesTLS  *certificate.Connection // of other processes to the tables
	clickHouse *embedded.ClickHouse
	nats       *embedded.NATS
}

// LogReady reports why the log does not accept messages now; the server's own reason takes
// precedence over that of the connection.
func (e *Engines) LogReady(broker *eventlog.Broker) error {
	if e.nats != nil {
		if err := e.nats.Ready(); err != nil {
			return err
		}
		if err := e.Log.Room(); err != nil {
			return err
		}
	}
	return broker.Ready()
}

// OwnsClickHouse reports whether ClickHouse was started by this process, which then
// checks its readiness.
func (e *Engines) OwnsClickHouse() bool { return e.clickHouse != nil }

// Register adds the metrics of the engines that this process has started.
func (e *Engines) Register(r prometheus.Registerer) {
	restarts := func(engine string, count func() uint64) {
		r.MustRegister(prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name: "parley_engine_restarts_total", Help: "Restarts of an embedded engine that had ended or could not write, failed ones included.",
			ConstLabels: prometheus.Labels{"engine": engine},
		}, func() float64 { return float64(count()) }))
	}
	if e.nats != nil {
		restarts(NATS, e.nats.Restarts)
	}
	if e.clickHouse != nil {
		restarts(ClickHouse, e.clickHouse.Restarts)
	}
}

// OwnsLog reports whether the log is in a data dir that this process has locked.
func (e *Engines) OwnsLog() bool { return e.nats != nil }

// OpenLog opens the log for a process, whose name appears in NATS. The streams are limited
// to so many bytes: see [eventlog.Options].
func (e *Engines) OpenLog(ctx context.Context, name string, logger *slog.Logger, events, rejected int64) (*eventlog.Broker, error) {
	options := e.Log
	options.Name, options.Logger, options.MaxBytes, options.RejectedMaxBytes = "parley "+name, logger, events, rejected
	return eventlog.Open(ctx, options)
}

// Observe opens the log for a command, which does not change the settings of the streams. The logger may be nil.
func (e *Engines) Observe(ctx context.Context, name string, logger *slog.Logger) (*eventlog.Broker, error) {
	options := e.Log
	options.Name, options.Observe, options.Logger = "parley "+name, true, logger
	return eventlog.Open(ctx, options)
}

// Dial connects to ClickHouse as the owner of the tables, if it is reachable now.
func (e *Engines) Dial(ctx context.Context) (*tables.Tables, error) { return sink.Dial(ctx, e.Writer) }

// DialReader is [Engines.Dial] as the user for queries.
func (e *Engines) DialReader(ctx context.Context) (*tables.Tables, error) {
	return sink.Dial(ctx, e.Reader)
}

// OpenTables is like [Engines.Dial], but waits for a server that does not answer yet. Wrong
// credentials are an immediate error.
func (e *Engines) OpenTables(ctx context.Context, logger *slog.Logger) (*tables.Tables, error) {
	pause := time.Second
	if e.OwnsClickHouse() {
		pause = 20 * time.Millisecond
	}
	return backoff.Retry(ctx, func() (*tables.Tables, error) {
		if e.OwnsClickHouse() { // whose supervisor logs why it does not run
			if err := e.clickHouse.Ready(); err != nil {
				return nil, err
			}
		}
		tables, err := e.Dial(ctx)
		if sink.WrongCredentials(err) {
			return nil, backoff.Permanent(err)
		}
		if err != nil {
			logger.Warn("ClickHouse does not answer yet; retrying", "error", err)
		}
		return tables, err
	}, backoff.WithBackOff(backoff.NewConstantBackOff(pause)), backoff.WithMaxElapsedTime(0))
}

// OpenStore prepares queries of the tables, as the user for queries; limits apply to each statement.
func (e *Engines) OpenStore(limits store.Config) (*store.Store, error) {
	limits.URL, limits.User, limits.Password, limits.Transport = e.Reader.URL, e.Reader.User, e.Reader.Password, e.Reader.Transport
	limits.TLS = e.Reader.TLS
	return store.Open(limits)
}
