package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/eventlog/lease"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/lead"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// projectFlags are the settings of the projector.
type projectFlags struct {
	retentionFlags
	Migrate     bool          `help:"Migrate the ClickHouse tables at start." group:"Projector" default:"true" negatable:""`
	StoreText   bool          `help:"Keep the text of messages in message_texts." group:"Projector"`
	BatchEvents int           `help:"Maximum number of events in a batch." file:"projector.batch.events" default:"40000"`
	BatchAge    time.Duration `help:"Maximum time to gather a batch." file:"projector.batch.age" default:"250ms"`
	CacheMB     int           `name:"cache-mb" help:"Memory for the events of live conversations, in MiB." file:"projector.cache-mb" default:"64"`
	StallAfter  time.Duration `help:"Time without progress after which /readyz reports the tables as stalled." group:"Projector" default:"30s"`
}

func (f *projectFlags) routes() []string { return nil }
func (f *projectFlags) parts() []readiness.Part {
	return []readiness.Part{{Name: engines.ClickHouse}, {Name: "projector"}}
}

// start brings the tables up to date and projects both logs into the live
// projection.
func (f *projectFlags) start(ctx context.Context, n *node) error {
	tables, err := n.engines.OpenTables(ctx, n.log)
	if err != nil {
		return err
	}
	n.OnStop("tables", func(context.Context) error { return tables.Close() })
	if !n.engines.OwnsClickHouse() {
		n.ready.Watch(engines.ClickHouse, tables.Ping)
	}
	tables.At = crash.Point("migrate")
	tables.Report = n.migration.progress
	ready := tables.Check
	if f.Migrate {
		ready = tables.Up
	}
	if err := n.migration.run(ctx, ready); err != nil {
		return err
	}
	lease, err := n.lease(ctx, projectorWork)
	if err != nil {
		return err
	}
	metrics := &renewed{Registerer: n.registry}
	logs := engines.LogsOf(n.broker, tables)
	leader := &lead.Leader{Tables: tables, Logger: n.log, Gaps: logs.Gap, Open: func(ctx context.Context, version uint32) (*projector.Projector, func(), error) {
		metrics.renew()
		return f.open(ctx, n, logs, version, lease.Check, metrics)
	}}
	n.Background("projector", func(ctx context.Context) error { return lease.Keep(ctx, leader.Run) })
	if err := sendWebhooks(ctx, n, logs); err != nil {
		return err
	}
	if err := publishHours(ctx, n, tables); err != nil {
		return err
	}
	f.run(n, tables)
	watchSizes(n, tables)
	keepsUp := n.progress(f.StallAfter, func(ctx context.Context) (schema.Sequence, error) {
		return history.Projected(ctx, tables, projector.LogEvents)
	})
	n.ready.Watch("projector", func(context.Context) error {
		if lease.Other() != "" { // which projects in place of this process
			return keepsUp.Ready()
		}
		return errors.Join(leader.Ready(), keepsUp.Ready())
	})
	n.ready.Note("projector", func() string {
		notes := []string{behind(leader.Behind()), setAside(leader.Aside()), rejected(leader.Rejected())}
		return strings.Join(slices.DeleteFunc(notes, func(note string) bool { return note == "" }), "; ")
	})
	return nil
}

// behind names conversations whose rows are behind.
func behind(list []projector.Behind) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("the rows of %s are behind, because their events are folded beside those of others: %s", counted(uint64(len(list)), "large conversation", "large conversations"), named(list))
}

// setAside names conversations that the projector has set aside.
func setAside(list []projector.Aside) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("%d conversations are set aside because ClickHouse cannot store their rows, mostly for lack of memory (parley quarantine list --log conversations): %s", len(list), named(list))
}

// rejected names conversations whose rows ClickHouse rejects.
func rejected(list []projector.Rejected) string {
	if len(list) == 0 {
		return ""
	}
	return fmt.Sprintf("ClickHouse rejects the rows of %s to be written again, so they stay as they are: %s", counted(uint64(len(list)), "conversation that is", "conversations that are"), named(list))
}

// named names the first of some conversations.
func named[C fmt.Stringer](list []C) string {
	const most = 10
	names := make([]string, 0, most)
	for _, c := range list[:min(most, len(list))] {
		names = append(names, c.String())
	}
	return strings.Join(names, ", ")
}

// projectorWork is the name of the lease on the projection: its holder writes the
// tables, and decides which version is live.
const projectorWork = "projector"

// commandLease is the projector's lease for a command, which writes the live version
// where no projector runs.
func commandLease(a *app, broker *eventlog.Broker) (*lease.Lease, error) {
	bucket, err := lease.Bucket(a.ctx, broker)
	if err != nil {
		return nil, err
	}
	return lease.New(bucket, projectorWork, "command-"+rand.Text()[:8], a.log, nil), nil
}

// open makes a projector for a version, which writes while allowed returns nil.
func (f *projectFlags) open(ctx context.Context, n *node, logs *history.Logs, version uint32, allowed func() error, metrics prometheus.Registerer) (*projector.Projector, func(), error) {
	options := sink.Options{Projection: version, StoreText: f.StoreText, Logger: n.log, Allowed: allowed}
	if crash := crash.Point("write"); crash != nil {
		options.After = func(stage sink.Stage) error { crash(string(stage)); return nil }
	}
	rows, err := sink.Open(ctx, logs.Tables.Conn(), options)
	if err != nil {
		return nil, nil, err
	}
	// A version that was made live again may be behind events that retention has since dropped.
	events, rejected, err := logs.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	release := func() { events.Close(); rejected.Close() }
	p, err := projector.New(projector.Config{
		Log: events, Rejected: rejected, Sink: rows, Archive: rows,
		BatchEvents: f.BatchEvents, BatchAge: f.BatchAge, CacheBytes: f.CacheMB << 20, StallAfter: f.StallAfter,
		Replaced: func(ctx context.Context, found *projector.ReplacedError) {
			f.disown(ctx, n, logs.Tables, version, found)
		},
		Advanced: func(position, complete schema.Sequence) { n.advances.Note(version, position, complete) },
		Logger:   n.log, Registerer: metrics,
	})
	return p, release, err
}

// disown makes the log refuse events if the live version was made from another one.
func (f *projectFlags) disown(ctx context.Context, n *node, t *tables.Tables, version uint32, found *projector.ReplacedError) {
	if live, err := t.Live(ctx); err != nil || live != version {
		return
	}
	stream := n.broker.Events()
	if found.Log == projector.LogRejected {
		stream = n.broker.Rejected()
	}
	if err := stream.Disown(ctx, found.Reason); err != nil {
		n.log.Warn("cannot mark the log as replaced", "stream", stream.Name(), "error", err)
	}
}

// renewed registers the metrics of successive projectors: those of the latest are shown.
type renewed struct {
	prometheus.Registerer
	mu   sync.Mutex
	held []prometheus.Collector
}

// Register records what renew unregisters later.
func (r *renewed) Register(c prometheus.Collector) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.held = append(r.held, c)
	return r.Registerer.Register(c)
}

// renew makes room for the metrics of the next projector.
func (r *renewed) renew() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, c := range r.held {
		r.Unregister(c)
	}
	r.held = nil
}

// projectCommand runs the projector alone.
type projectCommand struct {
	nodeFlags
	projectFlags
}

// Run serves until the process is asked to stop.
func (c *projectCommand) Run(a *app) error {
	return serveBeside(a, &c.nodeFlags, "project", &c.projectFlags)
}
