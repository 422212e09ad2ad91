package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/cmd/internal/process"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/sink"
)

// serverFlags name engines that run elsewhere. Passwords come from files or in
// the URL from the environment, so that no process list shows them.
type serverFlags struct {
	NATSURL                string `name:"nats-url" help:"NATS server to use, nats://HOST:PORT (several with commas)." group:"Servers" placeholder:"URL"`
	NATSUser               string `name:"nats-user" help:"User of the NATS server." group:"Servers" placeholder:"NAME"`
	NATSPasswordFile       string `name:"nats-password-file" help:"File with the password of that user." group:"Servers" type:"path" placeholder:"FILE"`
	PrivateUser            string `name:"nats-private-user" help:"NATS user of a separate account for credentials, secrets and leases; defaults to the log's account." group:"Servers" placeholder:"NAME"`
	PrivatePasswordFile    string `name:"nats-private-password-file" help:"File with the password of that user." group:"Servers" type:"path" placeholder:"FILE"`
	SecretKeyFile          string `name:"secret-key-file" help:"File (mode 600) with the key that seals secrets kept in NATS: 32 random bytes in base64, the same for every role. Defaults to secret.key in the data dir, which is created." group:"Servers" type:"path" placeholder:"FILE"`
	ClickHouseURL          string `name:"clickhouse-url" help:"ClickHouse server to use, http://HOST:PORT or clickhouse://HOST:PORT." group:"Servers" placeholder:"URL"`
	ClickHouseUser         string `name:"clickhouse-user" help:"User that owns the tables." group:"Servers" placeholder:"NAME"`
	ClickHousePasswordFile string `name:"clickhouse-password-file" help:"File with the password of that user." group:"Servers" type:"path" placeholder:"FILE"`
	ReaderUser             string `name:"clickhouse-reader-user" help:"User for queries. Defaults to --clickhouse-user." group:"Servers" placeholder:"NAME"`
	ReaderPasswordFile     string `name:"clickhouse-reader-password-file" help:"File with the password of that user." group:"Servers" type:"path" placeholder:"FILE"`
}

// check refuses the user of a server that is not named, and the password of a
// user that is not.
func (f *serverFlags) check() error {
	for _, c := range []struct{ given, flag, missing, needs string }{
		{f.NATSUser, "--nats-user", f.NATSURL, "--nats-url"},
		{f.NATSPasswordFile, "--nats-password-file", f.NATSUser, "--nats-user"},
		{f.PrivateUser, "--nats-private-user", f.NATSURL, "--nats-url"},
		{f.PrivatePasswordFile, "--nats-private-password-file", f.PrivateUser, "--nats-private-user"},
		{f.ClickHouseUser, "--clickhouse-user", f.ClickHouseURL, "--clickhouse-url"},
		{f.ClickHousePasswordFile, "--clickhouse-password-file", f.ClickHouseUser, "--clickhouse-user"},
		{f.ReaderUser, "--clickhouse-reader-user", f.ClickHouseURL, "--clickhouse-url"},
		{f.ReaderPasswordFile, "--clickhouse-reader-password-file", f.ReaderUser, "--clickhouse-reader-user"},
	} {
		if c.given != "" && c.missing == "" {
			return fmt.Errorf("%s needs %s", c.flag, c.needs)
		}
	}
	return nil
}

// embeddedFlags say how the engines inside serve run.
type embeddedFlags struct {
	NATSListen       string `name:"nats-listen" help:"Address of the embedded NATS server; port 0 picks a free one (${default})." group:"Embedded engines" default:"127.0.0.1:4222" placeholder:"HOST:PORT"`
	ClickHouseHTTP   string `name:"clickhouse-http" help:"Address of ClickHouse's HTTP interface for dashboards; port 0 picks a free one (${default})." group:"Embedded engines" default:"127.0.0.1:8123" placeholder:"HOST:PORT"`
	ClickHouseMemory int64  `name:"clickhouse-memory" help:"Maximum memory of the embedded ClickHouse, in MiB. 0 is half of the machine's." group:"Embedded engines" default:"0"`
	Sync             string `help:"When the log is flushed to disk: always, before an event is accepted; interval, once a second." group:"Embedded engines" enum:"always,interval" default:"always"`
	BIPersonalData   bool   `name:"bi-personal-data" help:"Also let the dashboards' user read names, addresses, texts and original events." group:"Embedded engines"`
}

// syncInterval is how much of the log may be lost with --sync=interval when the
// machine (not the process) dies.
const syncInterval = time.Second

// engines say how to reach the two engines, wherever they run.
type engines struct {
	log            eventlog.Options
	keyFile        string // of the key that secrets are sealed with
	publisher      embedded.User
	writer, reader sink.Server
	bi             embedded.User // of the embedded ClickHouse only
	biURL          string        // where dashboards connect
	clickHouse     *embedded.ClickHouse
	nats           *embedded.NATS
}

// logReady tells why the log takes nothing now; the server's own reason comes
// before that of the connection to it.
func (e *engines) logReady(broker *eventlog.Broker) error {
	if e.nats != nil {
		if err := e.nats.Ready(); err != nil {
			return err
		}
	}
	return broker.Ready()
}

// startEngines starts those engines that no flag names a server for, both at
// once, and adds them to the process.
func startEngines(ctx context.Context, p *process.Process, dir string, servers *serverFlags, own *embeddedFlags, ready *readiness.Checks) (*engines, error) {
	credentials, err := embedded.LoadOrCreateCredentials(dir)
	if err != nil {
		return nil, err
	}
	e := &engines{}
	if err := e.useServers(dir, servers); err != nil {
		return nil, err
	}
	keyFile, secret, err := servers.secretKey(dir)
	if err != nil {
		return nil, err
	}
	both, ctx := errgroup.WithContext(ctx)
	if servers.NATSURL == "" {
		both.Go(func() (err error) {
			e.nats, err = startNATS(ctx, p, dir, own, credentials.NATS)
			return err
		})
	}
	if servers.ClickHouseURL == "" {
		both.Go(func() (err error) {
			e.clickHouse, err = embedded.StartClickHouse(ctx, embedded.ClickHouseConfig{
				Dir:            filepath.Join(dir, "clickhouse"),
				Listen:         own.ClickHouseHTTP,
				WriterPassword: credentials.Writer.Password,
				ReaderPassword: credentials.Reader.Password,
				BIPassword:     credentials.BI.Password,
				BIPersonalData: own.BIPersonalData,
				MaxMemory:      own.ClickHouseMemory << 20,
				Logger:         p.Log,
			})
			return err
		})
	}
	err = both.Wait()
	e.keyFile = keyFile
	// What has started is stopped even when the other has not.
	if e.nats != nil {
		p.OnStop("NATS", func(context.Context) error { e.nats.Shutdown(); return nil })
		e.log = eventlog.Options{
			At: crash.Point("append"), Secret: secret,
			URL: e.nats.URL(), InProcess: e.nats.InProcess(),
			User: credentials.NATS.Log.Name, Password: credentials.NATS.Log.Password,
			PrivateUser: credentials.NATS.Private.Name, PrivatePassword: credentials.NATS.Private.Password,
		}
		e.publisher = credentials.NATS.Publisher
	}
	if e.clickHouse != nil {
		p.OnStop("ClickHouse", e.clickHouse.Shutdown)
		ready.Watch(partClickHouse, func(context.Context) error { return e.clickHouse.Ready() })
		private := "http://" + e.clickHouse.PrivateAddr()
		e.writer = serverOf(private, e.clickHouse.Writer())
		e.reader = serverOf(private, e.clickHouse.Reader())
		e.bi, e.biURL = e.clickHouse.BI(), e.clickHouse.HTTPURL()
	}
	return e, err
}

func startNATS(ctx context.Context, p *process.Process, dir string, own *embeddedFlags, users embedded.NATSUsers) (*embedded.NATS, error) {
	config := embedded.NATSConfig{
		Dir: filepath.Join(dir, "nats"), Listen: own.NATSListen,
		Users: users, Logger: p.Log,
	}
	if own.Sync == "interval" {
		config.SyncInterval = syncInterval
		p.Log.Warn("the log is flushed to disk at intervals: a machine crash loses the events since the last flush", "interval", syncInterval)
	}
	return embedded.StartNATS(ctx, config)
}

func serverOf(address string, user embedded.User) sink.Server {
	return sink.Server{URL: address, User: user.Name, Password: user.Password, Transport: embedded.Transport}
}

// useServers takes over what the flags say.
func (e *engines) useServers(dir string, f *serverFlags) error {
	if f.NATSURL != "" {
		password, err := passwordFile("--nats-password-file", f.NATSPasswordFile)
		if err != nil {
			return err
		}
		private, err := passwordFile("--nats-private-password-file", f.PrivatePasswordFile)
		if err != nil {
			return err
		}
		_, secret, err := f.secretKey(dir)
		if err != nil {
			return err
		}
		e.log = eventlog.Options{
			URL: f.NATSURL, User: f.NATSUser, Password: password,
			PrivateUser: f.PrivateUser, PrivatePassword: private, Secret: secret, At: crash.Point("append"),
		}
	}
	if f.ClickHouseURL == "" {
		return nil
	}
	password, err := passwordFile("--clickhouse-password-file", f.ClickHousePasswordFile)
	if err != nil {
		return err
	}
	e.writer = sink.Server{URL: f.ClickHouseURL, User: f.ClickHouseUser, Password: password}
	e.reader = e.writer
	if f.ReaderUser != "" {
		if password, err = passwordFile("--clickhouse-reader-password-file", f.ReaderPasswordFile); err != nil {
			return err
		}
		e.reader = sink.Server{URL: f.ClickHouseURL, User: f.ReaderUser, Password: password}
	}
	e.biURL = withoutCredentials(f.ClickHouseURL)
	return nil
}

// logBeside is the log that the flags name, or else that of the serve that runs
// on dir.
func logBeside(dir string, f *serverFlags) (*engines, error) {
	e := &engines{}
	if err := e.useServers(dir, f); err != nil || f.NATSURL != "" {
		return e, err
	}
	if _, err := runningEndpoints(dir); err != nil {
		return nil, err
	}
	var err error
	e.log, err = readLogAccess(dir)
	return e, err
}

// enginesBeside are the engines that the flags name, or else those of the serve
// that runs on dir.
func enginesBeside(dir string, f *serverFlags) (*engines, error) {
	e, err := logBeside(dir, f)
	if err != nil || f.ClickHouseURL != "" {
		return e, err
	}
	running, err := runningEndpoints(dir)
	if err != nil {
		return nil, err
	}
	e.writer = serverOf(running.ClickHouse.HTTP, running.ClickHouse.Writer)
	e.reader = e.writer
	if credentials, err := embedded.LoadCredentials(dir); err == nil && credentials.Writer == running.ClickHouse.Writer {
		e.reader = serverOf(running.ClickHouse.HTTP, credentials.Reader)
	}
	e.biURL, e.bi = running.ClickHouse.HTTP, running.ClickHouse.BI
	return e, nil
}

// passwordFile reads a password; none is given with an empty path.
func passwordFile(flag, path string) (string, error) {
	if path == "" {
		return "", nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %s does not exist", flag, path)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", flag, err)
	}
	return strings.TrimRight(string(content), "\r\n"), nil
}

// withoutCredentials is an address that may be shown.
func withoutCredentials(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	u.User, u.RawQuery = nil, ""
	return u.String()
}
