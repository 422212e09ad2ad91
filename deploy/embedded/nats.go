package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Defaults and limits of the embedded NATS server.
const (
	// MaxBatch is the number of messages one atomic batch publish may hold: a whole request of
	// Parley's (10,000 events) and some bookkeeping messages. The server's own default is 1,000.
	MaxBatch = 10_240
	// MaxBatchesInFlight is the number of atomic batches that may be open at one moment on one stream. An open batch is a small
	// file store of its own on disk. The server's own default is 50.
	MaxBatchesInFlight = 256
	// MaxPayload is the maximum size of a message in bytes, including headers: ample for an event of 256 KiB.
	MaxPayload = 1 << 20
	// maxPending is how many bytes may wait for one connection before the server closes it. Each
	// reader of a log has up to 32 MiB in flight, and a role may have several readers on its
	// connection.
	maxPending = 256 << 20

	natsStartTimeout = 30 * time.Second
)

// NATSConfig configures the embedded NATS server.
type NATSConfig struct {
	// Dir holds the streams. It is created (0700) if it is missing.
	Dir string
	// Listen is the HOST:PORT for clients; port 0 picks a free one; empty is 127.0.0.1:0.
	Listen string
	// TLS, if given, is required of connections that come through a socket.
	TLS *tls.Config
	// Users are who may connect, inside the process too. Log is required.
	Users NATSUsers
	// SyncInterval is how often written messages are forced to disk. 0 forces each message, or each atomic batch, before it is
	// acknowledged; any other value may lose acknowledged messages of up to that interval if the
	// machine (not the process) crashes.
	SyncInterval time.Duration
	// MaxBatch and MaxBatchesInFlight replace the constants of the same name when they are not 0.
	MaxBatch, MaxBatchesInFlight int
	// MaxPayload replaces the constant of the same name when it is not 0.
	MaxPayload int32
	// MaxMemory limits streams kept in memory, in bytes; 0 is 64 MiB. Parley keeps none there.
	MaxMemory int64
	// Cluster makes the server one of a cluster; nil for a server that is alone.
	Cluster *NATSCluster
	// MonitorPort opens NATS's own HTTP monitoring on the host of Listen, without a password; 0 disables it.
	MonitorPort int
	// Logger receives the server's warnings and errors; nil discards them.
	Logger *slog.Logger
}

// NATS is an embedded server. It is restarted within this process when it can no longer write: see supervise.
type NATS struct {
	options *server.Options
	logger  *slog.Logger
	url     string

	users NATSUsers

	mu       sync.Mutex
	server   *server.Server
	gate     *gate
	failure  error // why it needs a restart; nil when healthy
	restarts uint64

	stop       sync.Once
	ending     context.Context
	end        context.CancelFunc
	supervised chan struct{} // closed when supervise has returned
}

// StartNATS starts a JetStream server in this process and returns when it accepts connections. It runs until Shutdown, not until
// ctx ends: ctx bounds the start only.
func StartNATS(ctx context.Context, config NATSConfig) (*NATS, error) {
	if config.Users.Log.Name == "" || config.Users.Log.Password == "" {
		return nil, errors.New("embedded nats: the user of the log and its password are required")
	}
	if config.Dir == "" {
		return nil, errors.New("embedded nats: Dir is required")
	}
	host, port, err := splitListen("NATS", config.Listen)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(config.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("embedded nats: %w", err)
	}
	// The server would only log that a port is taken, so it is checked here first.
	if port == 0 {
		port = server.RANDOM_PORT
	} else if err := checkPort(ctx, "NATS", host, port); err != nil {
		return nil, err
	}

	options := &server.Options{
		ServerName:         "parley-embedded",
		Host:               host,
		Port:               port,
		NoSigs:             true,
		MaxPayload:         orDefault(config.MaxPayload, MaxPayload),
		MaxPending:         maxPending,
		TLSConfig:          config.TLS,
		JetStream:          true,
		StoreDir:           config.Dir,
		SyncAlways:         config.SyncInterval == 0,
		SyncInterval:       config.SyncInterval,
		JetStreamMaxMemory: orDefault(config.MaxMemory, 64<<20),
		// The server's own limit would be three quarters of the free disk space at its start, and would not grow when space is freed. A
		// full disk is reported as such.
		JetStreamMaxStore:      1 << 50,
		DisableJetStreamBanner: true,
		JetStreamLimits: server.JSLimitOpts{
			MaxBatchSize:              orDefault(config.MaxBatch, MaxBatch),
			MaxBatchInflightPerStream: orDefault(config.MaxBatchesInFlight, MaxBatchesInFlight),
			MaxBatchInflightTotal:     4 * orDefault(config.MaxBatchesInFlight, MaxBatchesInFlight),
		},
	}
	if err := config.Cluster.join(ctx, options); err != nil {
		return nil, err
	}
	if config.MonitorPort != 0 {
		options.HTTPHost, options.HTTPPort = host, config.MonitorPort
	}
	n := &NATS{options: options, users: config.Users, logger: config.Logger, supervised: make(chan struct{})}
	if n.logger == nil {
		n.logger = slog.New(slog.DiscardHandler)
	}
	if err := n.launch(ctx); err != nil {
		return nil, err
	}
	n.options.Port = n.server.Addr().(*net.TCPAddr).Port // stays the same across restarts
	scheme := "nats://"
	if config.TLS != nil {
		scheme = "tls://"
	}
	n.url = scheme + net.JoinHostPort(host, strconv.Itoa(n.options.Port))
	n.ending, n.end = context.WithCancel(context.Background())
	go n.supervise()
	return n, nil
}

// launch starts a server and returns when it accepts connections. On an error no server is left running.
func (n *NATS) launch(ctx context.Context) error {
	options := n.options.Clone()
	var err error
	if options.Accounts, err = accounts(); err != nil {
		return err
	}
	// Checked here because the server calls a password in its own options a mistake.
	auth := &authenticator{users: n.users}
	options.CustomClientAuthentication = auth
	s, err := server.NewServer(options)
	if err != nil {
		return fmt.Errorf("embedded nats: %w", err)
	}
	auth.server = s
	log := &natsLog{logger: n.logger}
	s.SetLoggerV2(log, false, false, false)
	s.Start()
	err = waitReady(ctx, s, log)
	var g *gate
	if err == nil {
		g, err = openGate(s, n.users.Log)
	}
	if err != nil {
		s.Shutdown()
		s.WaitForShutdown()
		return err
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.server, n.gate, n.failure = s, g, nil
	return nil
}

// waitReady returns when connections are accepted and JetStream is up, or the reason why not.
func waitReady(ctx context.Context, s *server.Server, log *natsLog) error {
	deadline := time.Now().Add(natsStartTimeout)
	if d, ok := ctx.Deadline(); ok && d.Before(deadline) {
		deadline = d
	}
	for time.Now().Before(deadline) && ctx.Err() == nil && log.fatal() == "" {
		if s.ReadyForConnections(100*time.Millisecond) && s.JetStreamEnabled() {
			return nil
		}
	}
	if fatal := log.fatal(); fatal != "" {
		return fmt.Errorf("embedded nats: the server did not start: %s", fatal)
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("embedded nats: start: %w", err)
	}
	return fmt.Errorf("embedded nats: not ready within %s", natsStartTimeout)
}

// URL is the address for clients on this machine, without the credentials.
func (n *NATS) URL() string { return n.url }

// InProcess connects without a socket: nats.Connect("", nats.InProcessServer(n.InProcess()),
// nats.UserInfo(user, password)). A connection that reconnects finds the server that runs at that
// time.
func (n *NATS) InProcess() nats.InProcessConnProvider { return n }

// InProcessConn makes a connection without a socket.
func (n *NATS) InProcessConn() (net.Conn, error) { return n.current().InProcessConn() }

func (n *NATS) current() *server.Server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.server
}

// stopServer stops the running server.
func (n *NATS) stopServer() {
	n.mu.Lock()
	s, g := n.server, n.gate
	n.mu.Unlock()
	g.close()
	s.Shutdown()
	s.WaitForShutdown()
}

// Ready returns nil while the server accepts messages.
func (n *NATS) Ready() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch {
	case n.failure != nil:
		return n.failure
	case !n.server.Running():
		return errors.New("the NATS server is stopped")
	case !n.server.JetStreamEnabled():
		return errJetStreamOff
	}
	return nil
}

// Shutdown flushes the streams, closes every connection and waits until all is done. A second call waits for the first.
func (n *NATS) Shutdown() {
	n.stop.Do(func() {
		n.end()
		<-n.supervised
		n.stopServer()
	})
}
