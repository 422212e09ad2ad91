package engines

import (
	"context"
	"crypto/tls"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/cmd/internal/process"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/deploy/embedded"
)

// Embedded are the flags of the engines inside serve.
type Embedded struct {
	NATSListen     string `name:"nats-listen" help:"Address of the embedded NATS server; port 0 picks a free one (${default})." group:"Embedded engines" default:"127.0.0.1:4222" placeholder:"HOST:PORT"`
	ClickHouseHTTP string `name:"clickhouse-http" help:"Address of ClickHouse's HTTP interface for dashboards; port 0 picks a free one (${default})." group:"Embedded engines" default:"127.0.0.1:8123" placeholder:"HOST:PORT"`
	NATSClientCA   string `name:"nats-client-ca" help:"CA certificates (PEM). Clients of the embedded NATS server must present a certificate signed by one of them." group:"TLS" type:"path" placeholder:"FILE"`
	TableSettings
	LogSettings
}

// LogSettings are the flags of an embedded NATS server, in serve or alone.
type LogSettings struct {
	Sync string `help:"When the log is flushed to disk: always, before an event is accepted; interval, once a second." group:"Embedded engines" enum:"always,interval" default:"always"`
}

// TableSettings are the flags of an embedded ClickHouse, in serve or alone.
type TableSettings struct {
	ClickHouseMemory int64 `name:"clickhouse-memory" help:"Maximum memory of the embedded ClickHouse, in MiB. 0 means half of the machine's." group:"Embedded engines" default:"0"`
	KeepFree         int64 `name:"keep-free" help:"Space to keep free on the disk of the data directory, in MiB: below it, the embedded ClickHouse takes no rows; below twice as much, no events are accepted. 0 means 256, or 1 % of a smaller disk, at least 32." group:"Embedded engines" default:"0"`
	BIPersonalData   bool  `name:"bi-personal-data" help:"Also let the dashboards' user read names, addresses, texts and original events." group:"Embedded engines"`
}

// syncInterval is the part of the log that may be lost with --sync=interval if the machine (not the process) crashes.
const syncInterval = time.Second

// The names of the engines in readiness.
const (
	NATS       = "nats"       // the log takes events
	Damage     = "log"        // nothing of the log is lost
	ClickHouse = "clickhouse" // the tables can be reached
)

// Start starts the engines for which no server is named, both at the same time, and adds them to
// the process. It returns when the log is ready: ClickHouse starts in the background, so that it
// stops no events. An engine that has started is stopped with the process even if the other one fails.
// Their sockets have the certificate of the process, if there is one.
func (l *Location) Start(ctx context.Context, p *process.Process, own *Embedded, pair *certificate.Pair, ready *readiness.Checks) (*Engines, error) {
	e, err := l.named()
	if err != nil {
		return nil, err
	}
	natsTLS, err := natsListener(pair, certificate.File{Flag: "--nats-client-ca", Path: own.NATSClientCA})
	if err != nil {
		return nil, err
	}
	if pair != nil {
		e.own = &certificate.Connection{CertFile: pair.CertFile, Same: true}
	}
	credentials, err := embedded.LoadOrCreateCredentials(l.DataDir)
	if err != nil {
		return nil, err
	}
	if e.keyFile, e.Log.Secret, err = l.secretKey(); err != nil {
		return nil, err
	}
	kept, err := embedded.KeptFree(l.DataDir, own.KeepFree<<20)
	if err != nil {
		return nil, err
	}
	both, ctx := errgroup.WithContext(ctx)
	if l.NATSURL == "" {
		both.Go(func() (err error) {
			e.nats, err = own.LogSettings.start(ctx, p, l.DataDir, embedded.NATSConfig{Listen: own.NATSListen, TLS: natsTLS, Users: credentials.NATS})
			return err
		})
	}
	if l.ClickHouseURL == "" {
		both.Go(func() (err error) {
			e.clickHouse, err = embedded.LaunchClickHouse(ctx, own.TableSettings.config(p, l.DataDir, own.ClickHouseHTTP, credentials, pair))
			return err
		})
	}
	err = both.Wait()
	if e.nats != nil {
		p.OnStop("NATS", func(context.Context) error { e.nats.Shutdown(); return nil })
		e.Log.Room = func() error { return embedded.Room(l.DataDir, 2*kept) }
		e.Log.At = crash.Point("append")
		e.Log.URL, e.Log.InProcess = e.nats.URL(), e.nats.InProcess()
		e.Log.User, e.Log.Password = credentials.NATS.Log.Name, credentials.NATS.Log.Password
		e.Log.PrivateUser, e.Log.PrivatePassword = credentials.NATS.Private.Name, credentials.NATS.Private.Password
		e.publisher = credentials.NATS.Publisher
		if pair != nil {
			e.logTLS = &certificate.Connection{CertFile: pair.CertFile, KeyFile: pair.KeyFile, Same: true}
		}
	}
	if e.clickHouse != nil {
		p.OnStop("ClickHouse", e.clickHouse.Shutdown)
		ready.Watch(ClickHouse, func(context.Context) error { return e.clickHouse.Ready() })
		private := "http://" + e.clickHouse.PrivateAddr()
		e.Writer = serverOf(private, e.clickHouse.Writer())
		e.Reader = serverOf(private, e.clickHouse.Reader())
		e.bi, e.dashboards, e.tablesTLS = e.clickHouse.BI(), e.clickHouse.HTTPURL(), e.own
	}
	return e, err
}

// natsListener returns the TLS configuration of a NATS server; nil without a certificate.
func natsListener(pair *certificate.Pair, clientCA certificate.File) (*tls.Config, error) {
	if clientCA.Path == "" {
		return pair.Listener(), nil
	}
	return pair.ListenerFor(clientCA)
}

// start starts a NATS server on a data dir.
func (s *LogSettings) start(ctx context.Context, p *process.Process, dir string, config embedded.NATSConfig) (*embedded.NATS, error) {
	config.Dir, config.Logger = filepath.Join(dir, "nats"), p.Log
	if s.Sync == "interval" {
		config.SyncInterval = syncInterval
		p.Log.Warn("the log is flushed to disk at intervals: a machine crash loses the events since the last flush", "interval", syncInterval)
	}
	return embedded.StartNATS(ctx, config)
}

// config configures a ClickHouse on a data dir.
func (s *TableSettings) config(p *process.Process, dir, listen string, users embedded.Credentials, pair *certificate.Pair) embedded.ClickHouseConfig {
	return embedded.ClickHouseConfig{
		Dir:            filepath.Join(dir, "clickhouse"),
		Listen:         listen,
		TLS:            pair.Listener(),
		WriterPassword: users.Writer.Password,
		ReaderPassword: users.Reader.Password,
		BIPassword:     users.BI.Password,
		BIPersonalData: s.BIPersonalData,
		GuestsFile:     filepath.Join(dir, embedded.GuestsFile),
		MaxMemory:      s.ClickHouseMemory << 20,
		KeepFree:       s.KeepFree << 20,
		Logger:         p.Log,
	}
}

// BackupDir is the folder in which the embedded ClickHouse of a data dir makes and finds backups.
func BackupDir(dir string) string { return filepath.Join(dir, "clickhouse", "backups") }
