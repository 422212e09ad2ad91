package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/memory"
	"github.com/parley-analytics/parley/cmd/internal/process"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/cmd/internal/status"
	"github.com/parley-analytics/parley/cmd/internal/web"
	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/eventlog/lease"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/store"
)

// role is a part of the pipeline that a process runs. It has the routes that it opens and the parts
// that /readyz reports for it, with what each is needed for (engines.ClickHouse among them means
// that it needs that engine); start adds what it runs to the process and returns when it works.
type role interface {
	routes() []string
	parts() []readiness.Part
	start(ctx context.Context, n *node) error
}

// logBound is a role that limits the streams; see [eventlog.Options].
type logBound interface {
	maxLogBytes() (events, rejected int64)
}

// node is a long-running process, with what its roles share.
type node struct {
	*process.Process
	name      string // of the command
	log       *slog.Logger
	registry  *prometheus.Registry
	ready     *readiness.Checks
	web       *web.Server
	engines   *engines.Engines
	broker    *eventlog.Broker
	access    auth.Config       // what its flags configure
	pair      *certificate.Pair // of the listeners; nil without TLS
	directory *auth.Directory
	store     auth.Store // the bucket of the directory's records
	authority *auth.Authority
	edge      *ingest.Server // takes in events; see entrance
	advances  store.Advances // of the projectors in this process
	migration *migration
	// live reports which tables answer queries and their position; nil without the query role.
	live func(context.Context) (query.Live, error)
}

// nodeFlags are the flags of every long-running process.
type nodeFlags struct {
	engines.Location
	accessFlags
	certificate.Flags
	Listen      string `help:"Address of the HTTP server; port 0 picks a free one (${default})." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
	DebugListen string `help:"Address of the pprof server (unauthenticated). Disabled by default." placeholder:"HOST:PORT"`
	Memory      int64  `help:"Soft memory limit of parley itself, in MiB, without the embedded ClickHouse. GOMEMLIMIT takes precedence." default:"384"`
}

// Help says where the other settings are.
func (nodeFlags) Help() string {
	return "Further settings, such as the limits of queries, are in the settings file (--config). `parley config print` lists all of them with their values and sources."
}

// authRoutes are the routes of every process that checks credentials.
func authRoutes() []string {
	return []string{"/oauth2/token", "/oauth2/revoke", "/_authenticated", auth.SessionPath}
}

// commonRoutes are the routes of every process.
func commonRoutes() []string { return append(authRoutes(), status.Path) }

// newNode binds HTTP for the roles. From here on the caller shuts the process down.
func newNode(a *app, f *nodeFlags, roles ...role) (*node, error) {
	if err := f.Check(); err != nil {
		return nil, err
	}
	access, err := f.accessFlags.config()
	if err != nil {
		return nil, err
	}
	pair, err := f.Flags.Load(a.log)
	if err != nil {
		return nil, err
	}
	n := &node{Process: process.New(a.log), log: a.log, registry: prometheus.NewRegistry(), access: access, pair: pair}
	n.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if pair != nil {
		n.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "parley_certificate_expiry_timestamp_seconds", Help: "Time at which the certificate of the listeners expires, in seconds since 1970.",
		}, func() float64 { return float64(pair.Expires().Unix()) }))
	}
	parts := []readiness.Part{{Name: engines.NATS}, {Name: engines.Damage}}
	var routes []string
	for _, r := range roles {
		parts = append(parts, r.parts()...)
		routes = append(routes, r.routes()...)
	}
	n.ready = readiness.New(parts...)
	server, err := web.Listen(a.ctx, n.Process, f.Listen, pair.Listener(), n.ready, n.registry, append(routes, commonRoutes()...)...)
	if err != nil {
		return nil, err
	}
	n.web = server
	memory.SetLimit(f.Memory)
	n.Background("memory", memory.ReturnSpare)
	if f.DebugListen != "" {
		if err := web.ServeProfiles(a.ctx, n.Process, f.DebugListen, pair.Listener()); err != nil {
			n.web.Drain(n.log)
			return nil, errors.Join(err, n.Shutdown())
		}
	}
	return n, nil
}

// connect opens the log and the credentials on it.
func (n *node) connect(ctx context.Context, name string, roles []role) error {
	var events, rejected int64
	for _, r := range roles {
		if b, can := r.(logBound); can {
			events, rejected = b.maxLogBytes()
		}
	}
	broker, err := n.engines.OpenLog(ctx, name, n.log, events, rejected)
	if err != nil {
		return err
	}
	n.name, n.broker = name, broker
	n.OnStop("log", func(context.Context) error { broker.Close(); return nil })
	n.ready.Watch(engines.NATS, func(context.Context) error { return n.engines.LogReady(broker) })
	n.ready.Watch(engines.Damage, func(context.Context) error { return broker.Damaged() })
	err = eventlog.Retry(ctx, func() (err error) {
		n.directory, n.store, err = loadDirectory(ctx, broker)
		return err
	})
	if err != nil {
		return err
	}
	config := n.access
	config.Directory, config.Logger, config.Metrics = n.directory, n.log, n.registry
	if n.authority, err = auth.New(config); err != nil {
		return err
	}
	n.Background("expired logins", n.authority.Run)
	mux := http.NewServeMux()
	n.authority.Routes(mux)
	for _, path := range authRoutes() {
		n.web.Open(path, mux)
	}
	n.web.Open(status.Path, &status.Handler{Administrators: n.authority, Metrics: n.registry, Ready: n.ready, Logger: n.log, Now: time.Now})
	return nil
}

// lease makes the lease on work that one process at a time does. The serve whose
// data dir holds the log has the same name after a restart, and takes over from
// itself at once; any other process has a name of its own.
func (n *node) lease(ctx context.Context, work string) (*lease.Lease, error) {
	name := n.name
	if !n.engines.OwnsLog() {
		host, _ := os.Hostname() // part of the name, if it is known
		name = fmt.Sprintf("%s@%s-%s", n.name, host, rand.Text()[:8])
	}
	var bucket *eventlog.Bucket
	err := eventlog.Retry(ctx, func() (err error) {
		bucket, err = lease.Bucket(ctx, n.broker)
		return err
	})
	if err != nil {
		return nil, err
	}
	return lease.New(bucket, work, name, n.log, n.registry), nil
}

// adminKeyName is the file of the data dir with the first key.
const adminKeyName = "admin-key.json"

// writeAdminKey writes the first key of a data dir into it, if it has none.
func (n *node) writeAdminKey(ctx context.Context, dir string, fresh bool) error {
	path := filepath.Join(dir, adminKeyName)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	var key auth.Key
	var made bool
	err := eventlog.Retry(ctx, func() (err error) {
		key, made, err = n.directory.AddFirstKey(ctx, "first key of "+filepath.Base(dir), fresh)
		return err
	})
	if err != nil || !made {
		return err
	}
	return engines.WritePrivately(path, key)
}
