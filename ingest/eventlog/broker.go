package eventlog

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// Names of the streams and of their only subjects.
const (
	EventsStream    = "PARLEY_EVENTS"
	EventsSubject   = "parley.events.0"
	RejectedStream  = "PARLEY_REJECTED"
	RejectedSubject = "parley.rejected"
)

// DuplicateWindow is how long the server itself remembers message ids. Each message of that period
// costs about 150 bytes of the server's memory (90 MB at 50,000 messages a second), so it is short:
// slightly longer than an append waits for its answer, so that a lost answer can be resolved, and a
// duplicate sent through another process is recognised. See [Stream.Remember] for older messages.
const DuplicateWindow = answerTimeout + 2*time.Second

// leastPayload is the size of the largest message that Parley appends, with its headers: the first
// 512 KiB of a refused event, in base64, or an event of 256 KiB.
const leastPayload = schema.MaxRejectedBytes/3*4 + 64<<10

// Options locate the server of the log, and limit the log.
type Options struct {
	// URL is one address or several, separated by commas. User and Password may be empty if the URL
	// contains them, or the server requires none.
	URL, User, Password string
	// PrivateUser and PrivatePassword belong to a separate account for the buckets, which users of
	// the log cannot reach; empty if the buckets are in the log's account.
	PrivateUser, PrivatePassword string
	// Secret is the key with which sealed buckets are encrypted, [SecretBytes] random bytes that
	// are not kept on the server. Without it they are stored in clear text.
	Secret []byte
	// TLS, if given, encrypts the connection, also to an address with nats://. Addresses with tls:// are encrypted
	// without it, and so are connections to a server that requires it.
	TLS *tls.Config
	// InProcess connects to a server in this process instead of URL.
	InProcess nats.InProcessConnProvider
	// Name is shown in the server's list of connections.
	Name string
	// Logger receives messages about lost and restored connections; nil discards them.
	Logger *slog.Logger

	// MaxBytes and MaxAge limit the events stream. 0 keeps the stream's setting, unlimited for a
	// new one; MaxBytes below 0 removes the limit. A stream that has reached MaxBytes refuses new
	// messages ([ErrFull]); it never drops old ones to make room. MaxAge does drop old ones,
	// whether or not they were projected: [Stream.DropBefore] is the safe way.
	MaxBytes int64
	MaxAge   time.Duration
	// RejectedMaxBytes limits the stream of rejected events as MaxBytes does that of events.
	RejectedMaxBytes int64
	// Replicas is how many copies the streams and buckets have in a cluster; 0 keeps the setting, 1 for new ones.
	Replicas int
	// Compression stores the streams compressed (S2); see the package comment for the cost. It
	// applies only to new blocks.
	Compression bool
	// Observe does not change the streams: for roles that only read.
	Observe bool
	// Notes is a file, apart from the server's, that records which log was written, and its last
	// sequence. An older copy, or another log in its place, is recognised by it and accepts no
	// events. Processes may share it; empty for none.
	Notes string
	// Room, if given, returns an error while nothing new may be appended to the streams ([ErrFull]), because the disk would become full.
	Room func() error
	// At, if given, is called with "half" when half of an atomic batch has been
	// sent: a point for crash tests.
	At func(point string)
}

// Broker is a connection to the server that holds the log. It reconnects
// indefinitely. Safe for concurrent use.
type Broker struct {
	options Options
	log     *slog.Logger
	conn    *nats.Conn
	js      api

	// present lives as long as the current connection; readers and appends started under an earlier one start again.
	present atomic.Pointer[presence]

	events, rejected *Stream
	notes            notebook

	codec  *record.Codec
	vault  *Broker // the connection of the buckets: b itself, or one without streams
	sealer *sealer // nil without a secret

	stopKeeping context.CancelFunc // nil with Observe
	keeping     sync.WaitGroup
}

// Open connects, and creates or updates the streams. While no server answers or JetStream is not
// up, it retries until ctx ends; refused credentials and settings that the server cannot satisfy
// are immediate errors.
func Open(ctx context.Context, options Options) (*Broker, error) {
	b, err := newBroker(options)
	if err != nil {
		return nil, err
	}
	b.events = newStream(b, EventsStream, EventsSubject)
	b.rejected = newStream(b, RejectedStream, RejectedSubject)
	if err := b.connect(ctx); err != nil {
		return nil, fmt.Errorf("eventlog: connect: %w", err)
	}
	if err := b.openVault(ctx); err != nil {
		b.Close()
		return nil, fmt.Errorf("eventlog: connect to the buckets: %w", err)
	}
	for _, s := range b.streams() {
		if err := s.open(ctx); err != nil {
			b.Close()
			return nil, fmt.Errorf("eventlog: stream %s: %w", s.name, err)
		}
	}
	if err := Retry(ctx, func() error { return b.replicate(ctx) }); err != nil {
		b.Close()
		return nil, fmt.Errorf("eventlog: copies of the buckets: %w", err)
	}
	if !options.Observe {
		b.keep(ctx)
	}
	return b, nil
}

func newBroker(options Options) (*Broker, error) {
	b := &Broker{options: options, log: options.Logger, notes: notebook{path: options.Notes}}
	b.vault = b
	if b.log == nil {
		b.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if b.sealer, err = newSealer(options.Secret); err == nil {
		b.codec, err = record.NewCodec()
	}
	return b, err
}

// openVault connects to the account of the buckets, if it is a separate one.
func (b *Broker) openVault(ctx context.Context) error {
	options := b.options
	if options.PrivateUser == "" {
		return nil
	}
	options.User, options.Password, options.Name = options.PrivateUser, options.PrivatePassword, options.Name+" buckets"
	vault, err := newBroker(options)
	if err != nil {
		return err
	}
	if err := vault.connect(ctx); err != nil {
		return err
	}
	b.vault = vault
	return nil
}

// streams are the streams of the log; the connection of the buckets has none.
func (b *Broker) streams() []*Stream {
	if b.events == nil {
		return nil
	}
	return []*Stream{b.events, b.rejected}
}

// presence is one period of being connected: alive ends with it.
type presence struct {
	alive context.Context
	end   context.CancelFunc
}

func (b *Broker) arrive() {
	alive, end := context.WithCancel(context.Background())
	if before := b.present.Swap(&presence{alive, end}); before != nil {
		before.end()
	}
}

// link is a context that ends with the current connection.
func (b *Broker) link() context.Context { return b.present.Load().alive }

// bounded limits a request in time, and to the life of the connection: an answer lost with the
// connection never arrives.
func (b *Broker) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	release := context.AfterFunc(b.link(), cancel)
	return ctx, func() { release(); cancel() }
}

func (b *Broker) connect(ctx context.Context) error {
	b.arrive()
	o := b.options
	settings := []nats.Option{
		nats.Name(o.Name),
		nats.MaxReconnects(-1),
		nats.ReconnectWait(250 * time.Millisecond),
		nats.ReconnectJitter(250*time.Millisecond, 500*time.Millisecond),
		nats.PingInterval(5 * time.Second),
		nats.MaxPingsOutstanding(2),
		nats.Timeout(5 * time.Second),
		// Sending while disconnected fails immediately: a batch that waited in a buffer would be
		// stored after its sender was answered that it was not.
		nats.ReconnectBufSize(-1),
		nats.NoCallbacksAfterClientClose(),
		nats.ReconnectHandler(func(*nats.Conn) {
			b.arrive()
			b.log.Info("log reconnected")
			for _, s := range b.streams() {
				go s.recognise(b.link())
			}
		}),
		nats.ClosedHandler(func(*nats.Conn) { b.present.Load().end() }),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			b.present.Load().end()
			if err != nil {
				b.log.Warn("log disconnected", "error", err)
			}
		}),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			b.log.Warn("log connection error", "error", err)
		}),
	}
	if o.User != "" {
		settings = append(settings, nats.UserInfo(o.User, o.Password))
	}
	url := o.URL
	switch {
	case o.InProcess != nil:
		url = ""
		settings = append(settings, nats.InProcessServer(o.InProcess))
	case o.TLS != nil:
		settings = append(settings, nats.Secure(o.TLS))
	}
	err := Retry(ctx, func() (err error) {
		b.conn, err = nats.Connect(url, settings...)
		if errors.Is(err, nats.ErrAuthorization) || errors.Is(err, nats.ErrAuthExpired) || errors.Is(err, nats.ErrSecureConnWanted) || untrusted(err) {
			return err
		}
		if err != nil {
			return fmt.Errorf("%w: %w", ErrUnavailable, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	if largest := b.conn.MaxPayload(); largest < leastPayload {
		b.conn.Close()
		return fmt.Errorf("the server accepts messages of at most %d bytes and Parley needs %d: set its max_payload to 1MB or more", largest, leastPayload)
	}
	b.js.broker = b
	b.js.JetStream, err = jetstream.New(b.conn)
	return err
}

// untrusted reports whether a connection failed because of a certificate: the server's, or that of this client.
func untrusted(err error) bool {
	var server *tls.CertificateVerificationError
	var alert *net.OpError
	return errors.As(err, &server) || errors.As(err, &alert) && alert.Op == "remote error"
}

// Retry repeats do while it reports that the log is unavailable, until ctx ends; then it returns the last cause.
func Retry(ctx context.Context, do func() error) error {
	pause := time.NewTimer(0)
	defer pause.Stop()
	<-pause.C
	for {
		err := do()
		if err == nil || !errors.Is(err, ErrUnavailable) || ctx.Err() != nil {
			return err
		}
		pause.Reset(100 * time.Millisecond)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w (%w)", err, ctx.Err())
		case <-pause.C:
		}
	}
}

// Events is the log of accepted events.
func (b *Broker) Events() *Stream { return b.events }

// Rejected is the log of events refused at the edge; its payloads are [schema.Rejected].
func (b *Broker) Rejected() *Stream { return b.rejected }

// Damaged returns the first stream's damage, as far as it is known, or nil. A damaged log still accepts events.
func (b *Broker) Damaged() error {
	for _, s := range b.streams() {
		if err := s.damaged(); err != nil {
			return err
		}
	}
	return nil
}

// Ready returns why the log does not accept messages now, or nil: it is connected, and both streams
// answer and have a leader.
func (b *Broker) Ready() error {
	for _, connection := range []*Broker{b, b.vault} {
		if status := connection.conn.Status(); status != nats.CONNECTED {
			if last := connection.conn.LastError(); untrusted(last) {
				return fmt.Errorf("%w: connection is %s: %w", ErrUnavailable, status, last)
			}
			return fmt.Errorf("%w: connection is %s", ErrUnavailable, status)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	for _, s := range b.streams() {
		if err := s.ready(ctx); err != nil {
			return fmt.Errorf("stream %s: %w", s.name, err)
		}
	}
	return nil
}

// keep starts the goroutines that maintain the streams.
func (b *Broker) keep(ctx context.Context) {
	for _, s := range b.streams() {
		if _, err := s.Damage(ctx); err != nil {
			b.log.Warn("cannot check the log", "stream", s.name, "error", err)
		}
	}
	ctx, b.stopKeeping = context.WithCancel(context.WithoutCancel(ctx))
	for _, s := range b.streams() {
		b.keeping.Go(func() { s.keep(ctx) })
		b.keeping.Go(func() { s.scrub(ctx) })
	}
}

// Close ends the connection. Running appends and reads fail.
func (b *Broker) Close() {
	if b.stopKeeping != nil {
		b.stopKeeping()
		b.keeping.Wait()
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, s := range b.streams() {
		keeps := b.stopKeeping != nil || s.acknowledged.Load() > 0 // a command may have appended too
		if keeps && b.conn.IsConnected() && s.checked.Load() == b.present.Load() && s.foreignNow() == nil {
			s.noteReached(ctx)
		}
	}
	if b.conn != nil {
		b.conn.Close()
	}
	if b.vault != b {
		b.vault.conn.Close()
	}
}
