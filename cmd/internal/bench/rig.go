package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/eventlog/lease"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/replay"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// rig is the engines on an empty directory, and our roles' ways to them.
type rig struct {
	bench       *bench
	dir         string
	credentials embedded.Credentials
	nats        *embedded.NATS
	broker      *eventlog.Broker

	clickHouse *embedded.ClickHouse
	tape       *tape // of what the writer sends
	tables     *tables.Tables
	next       uint32 // version of the next projection
}

// engine is what a rig can have.
type engine int

const (
	natsOnly engine = iota
	bothEngines
)

// start makes a rig; close has to be called however far it came.
func (b *bench) start(ctx context.Context, which engine) (*rig, error) {
	r := &rig{bench: b, tape: &tape{}, next: 2}
	dir, err := os.MkdirTemp("", "parley-bench-")
	if err != nil {
		return r, err
	}
	r.dir = dir
	if r.credentials, err = embedded.LoadOrCreateCredentials(dir); err != nil {
		return r, err
	}
	if err := r.startNATS(ctx); err != nil {
		return r, err
	}
	if which == natsOnly {
		return r, nil
	}
	r.clickHouse, err = embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{
		Dir:            filepath.Join(dir, "clickhouse"),
		WriterPassword: r.credentials.Writer.Password,
		ReaderPassword: r.credentials.Reader.Password,
		BIPassword:     r.credentials.BI.Password,
		Logger:         b.log,
	})
	if err != nil {
		return r, err
	}
	r.tables, err = sink.Dial(ctx, sink.Server{
		URL: "http://" + r.clickHouse.PrivateAddr(), User: r.credentials.Writer.Name, Password: r.credentials.Writer.Password,
		Transport: r.tape.transport,
	})
	if err != nil {
		return r, err
	}
	return r, r.tables.Up(ctx)
}

func (r *rig) startNATS(ctx context.Context) error {
	users := r.credentials.NATS
	var err error
	r.nats, err = embedded.StartNATS(ctx, embedded.NATSConfig{Dir: filepath.Join(r.dir, "nats"), Users: users, Logger: r.bench.log})
	if err != nil {
		return err
	}
	r.broker, err = eventlog.Open(ctx, eventlog.Options{
		URL: r.nats.URL(), InProcess: r.nats.InProcess(), User: users.Log.Name, Password: users.Log.Password, Logger: r.bench.log,
		PrivateUser: users.Private.Name, PrivatePassword: users.Private.Password,
	})
	return err
}

func (r *rig) stopNATS() {
	if r.broker != nil {
		r.broker.Close()
	}
	if r.nats != nil {
		r.nats.Shutdown()
	}
	r.broker, r.nats = nil, nil
}

func (r *rig) close() {
	if r.tables != nil {
		_ = r.tables.Close()
	}
	if r.clickHouse != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
		_ = r.clickHouse.Shutdown(ctx)
		cancel()
	}
	r.stopNATS()
	if r.dir != "" {
		_ = os.RemoveAll(r.dir)
	}
}

// version makes the tables of another projection.
func (r *rig) version(ctx context.Context) (uint32, error) {
	version := r.next
	r.next++
	return version, r.tables.Create(ctx, version)
}

// open makes a projector for a version, as `parley serve` does.
func (r *rig) open(ctx context.Context, version uint32, cache int) (*projector.Projector, func(), error) {
	tables, err := sink.Open(ctx, r.tables.Conn(), sink.Options{Projection: version, Logger: r.bench.log})
	if err != nil {
		return nil, nil, err
	}
	reader := r.broker.Events().NewReader()
	p, err := projector.New(projector.Config{
		Log: reader, Sink: tables, Archive: tables, CacheBytes: cache, BatchEvents: r.bench.batch, Logger: r.bench.log,
	})
	return p, reader.Close, err
}

// catchUp projects the whole log into a version and returns how long it took.
func (r *rig) catchUp(ctx context.Context, version uint32, cache int) (time.Duration, error) {
	last, err := r.broker.Events().Last(ctx)
	if err != nil {
		return 0, err
	}
	p, release, err := r.open(ctx, version, cache)
	if err != nil {
		return 0, err
	}
	defer release()
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	began := time.Now()
	go func() {
		defer close(done)
		_ = p.Run(running) // nil: it ends with its context
	}()
	defer func() { stop(); <-done }()
	ticks := time.NewTicker(2 * time.Millisecond)
	defer ticks.Stop()
	for p.Progress().Position < last {
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-ticks.C:
		}
	}
	return time.Since(began), nil
}

// replay rebuilds the projection beside the live one and swaps.
func (r *rig) replay(ctx context.Context) (build, whole time.Duration, err error) {
	leases, err := lease.Bucket(ctx, r.broker)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	work := replay.Rebuild{
		Tables: r.tables, Lease: lease.New(leases, "projector", "bench", slog.New(slog.DiscardHandler), nil),
		Open: func(ctx context.Context, version uint32) (*projector.Projector, func(), error) {
			r.next = max(r.next, version+1)
			return r.open(ctx, version, 0)
		},
		Ends: func(ctx context.Context) (map[string]schema.Sequence, error) {
			last, err := r.broker.Events().Last(ctx)
			return map[string]schema.Sequence{projector.LogEvents: last}, err
		},
		Patience: time.Millisecond,
		At: func(point string) {
			if point == "built" {
				build = time.Since(began)
			}
		},
	}
	done, err := work.Replay(ctx)
	whole = time.Since(began)
	switch {
	case err != nil:
	case done.Report.Differing > 0:
		err = fmt.Errorf("the replayed version differs from the live one in %d rows", done.Report.Differing)
	case build == 0:
		err = errors.New("the replay did not report when the build was complete")
	}
	return build, whole, err
}
