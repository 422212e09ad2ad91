package embedded

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

const (
	// clickHouseStartTimeout bounds the start of a child: reading its tables can take a while.
	clickHouseStartTimeout = 2 * time.Minute
	// predecessorTimeout bounds the wait for the child of a killed parley, which may still be closing its tables.
	predecessorTimeout = orphanGrace + 15*time.Second
	// stopTimeout is how long the child may take to stop cleanly before it is killed.
	stopTimeout = 20 * time.Second
)

// ClickHouseConfig configures the embedded ClickHouse.
type ClickHouseConfig struct {
	// Dir holds the tables and the generated configuration. It is created (0700) if it is missing.
	Dir string
	// Lib is the library to load; empty finds it: see FindLibrary.
	Lib string
	// StampDir is where the check of Lib is recorded, so that the next start need not read all of it; empty is Dir.
	StampDir string
	// Listen is the HOST:PORT of the HTTP interface for dashboards; port 0 picks a free one; empty is 127.0.0.1:0.
	Listen string
	// TLS, if given, is required of connections to the HTTP interface.
	TLS *tls.Config
	// Native also opens the native protocol on loopback. User default, who may start and stop
	// listeners, can log in there without a password, so it is only for tests of code that runs
	// against a remote ClickHouse.
	Native bool
	// Passwords of WriterUser, ReaderUser and BIUser. None may be empty.
	WriterPassword, ReaderPassword, BIPassword string
	// BIPersonalData also lets the BI users read the views with personal data and original bytes.
	BIPersonalData bool
	// GuestsFile is the file with the BI users of some projects; empty is none. A change of it
	// takes effect within seconds: ClickHouse reads users at its start, so it is restarted.
	GuestsFile string
	// MaxMemory is the maximum memory of ClickHouse, in bytes; 0 is half of what this process may
	// use, 512 MiB to 32 GiB.
	MaxMemory int64
	// KeepFree is the space on the disk of Dir, in bytes, below which inserts are refused; 0 is what KeptFree says.
	KeepFree int64
	// Logger receives messages for the operator; nil discards them.
	Logger *slog.Logger
	// OnStateChange is called with nil when ClickHouse becomes ready and with the cause when it is no longer ready, one call at a
	// time. It must not block.
	OnStateChange func(error)
}

// ClickHouse is a supervised ClickHouse process and its front.
type ClickHouse struct {
	config  ClickHouseConfig
	library string
	files   files
	guests  stamp // of the file that files was written from
	port    *heldPort
	native  *heldPort // nil if not requested
	lock    *os.File
	log     *slog.Logger
	front   *front

	stopping context.Context
	stop     context.CancelFunc
	done     chan struct{}

	mu       sync.Mutex
	state    error // why it is not ready, nil when it is
	accounts []account
	pid      int
	restarts uint64
	hard     chan struct{} // closed to kill the child without waiting longer
	once     sync.Once
}

// StartClickHouse starts the child process and the front and returns when both answer. It runs until Shutdown, not until ctx ends:
// ctx bounds the start only. A child that dies later is restarted on the same port.
func StartClickHouse(ctx context.Context, config ClickHouseConfig) (*ClickHouse, error) {
	c, err := newClickHouse(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("embedded clickhouse: %w", err)
	}
	first := make(chan error, 1) // the outcome of the first start
	go c.supervise(ctx, first)
	if err := <-first; err != nil {
		<-c.done
		c.front.close()
		return nil, fmt.Errorf("embedded clickhouse: %w", err)
	}
	return c, nil
}

// LaunchClickHouse is like StartClickHouse, but returns once the setup is right: the child process is started in the background, and
// again, at growing intervals, when it does not start. Ready reports its state.
func LaunchClickHouse(ctx context.Context, config ClickHouseConfig) (*ClickHouse, error) {
	c, err := newClickHouse(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("embedded clickhouse: %w", err)
	}
	go c.supervise(c.stopping, nil)
	return c, nil
}

func newClickHouse(ctx context.Context, config ClickHouseConfig) (*ClickHouse, error) {
	if config.Dir == "" {
		return nil, errors.New("the setting Dir is required")
	}
	if config.WriterPassword == "" || config.ReaderPassword == "" || config.BIPassword == "" {
		return nil, errors.New("the settings WriterPassword, ReaderPassword and BIPassword are required")
	}
	dir, err := filepath.Abs(config.Dir)
	if err != nil {
		return nil, err
	}
	config.Dir = dir
	config.MaxMemory = orDefault(config.MaxMemory, defaultMaxMemory())
	c := &ClickHouse{config: config, log: config.Logger, state: errors.New("starting"), done: make(chan struct{}), hard: make(chan struct{})}
	if c.log == nil {
		c.log = slog.New(slog.DiscardHandler)
	}
	c.log = c.log.With("engine", "clickhouse")

	if c.library, err = FindLibrary(config.Lib); err != nil {
		return nil, err
	}
	host, port, err := splitListen("ClickHouse HTTP", config.Listen)
	if err != nil {
		return nil, err
	}
	if err := c.readUsers(); err != nil {
		return nil, err
	}
	if err := VerifyLibrary(c.library, orDefault(config.StampDir, dir)); err != nil {
		return nil, err
	}
	listener, err := c.bind(ctx, host, port)
	if err != nil {
		c.free()
		return nil, err
	}
	if config.TLS != nil {
		listener = tls.NewListener(listener, config.TLS)
	}
	c.front = startFront(listener, c.PrivateAddr, c.known, newBI(config.MaxMemory), c.Ready, c.log)
	c.stopping, c.stop = context.WithCancel(context.Background())
	return c, nil
}

// readUsers reads the file of BI users and writes the configuration of the next child.
func (c *ClickHouse) readUsers() error {
	stamp := stampOf(c.config.GuestsFile)
	var guests []Guest
	if c.config.GuestsFile != "" {
		var err error
		if guests, err = readGuests(c.config.GuestsFile); err != nil {
			return err
		}
	}
	accounts := c.config.accounts(guests)
	written, err := writeConfig(c.config, guests, accounts)
	if err != nil {
		return err
	}
	c.files, c.guests = written, stamp
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accounts = accounts
	return nil
}

// known are the accounts of the front.
func (c *ClickHouse) known() []account {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.accounts
}

// stamp tells versions of a file apart.
type stamp struct {
	modified time.Time
	inode    uint64
}

// stampOf returns the stamp of a file, zero if there is none.
func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.ModTime(), info.Sys().(*syscall.Stat_t).Ino} // as os.Stat returns it on Linux and macOS
}

// bind reserves the ports, and opens that of the front.
func (c *ClickHouse) bind(ctx context.Context, host string, port int) (listener net.Listener, err error) {
	if c.port, err = holdPort(); err != nil {
		return nil, err
	}
	if c.config.Native {
		if c.native, err = holdPort(); err != nil {
			return nil, err
		}
	}
	return listenOn(ctx, "ClickHouse HTTP", host, port)
}

// free releases what newClickHouse acquired, except the front.
func (c *ClickHouse) free() {
	c.lock.Close()
	for _, p := range []*heldPort{c.port, c.native} {
		if p != nil {
			p.release()
		}
	}
}

// waitForPredecessor acquires the lock that each child inherits. It is free only when no child uses Dir, not even one whose parent
// was just killed.
func (c *ClickHouse) waitForPredecessor(ctx context.Context) (*os.File, error) {
	lock, err := os.OpenFile(filepath.Join(c.config.Dir, "child.lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, predecessorTimeout)
	defer cancel()
	for logged := false; ; logged = true {
		err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return lock, nil
		}
		if !logged {
			c.log.Warn("waiting for a previous ClickHouse to release the data directory", "dir", c.config.Dir)
		}
		if pause(ctx, 50*time.Millisecond) != nil {
			lock.Close()
			return nil, fmt.Errorf("another ClickHouse is using %s: stop it, or use another data directory", c.config.Dir)
		}
	}
}

// HTTPURL is the address of the front, for dashboards: http://HOST:PORT, or https with TLS.
func (c *ClickHouse) HTTPURL() string {
	if c.config.TLS != nil {
		return "https://" + c.front.address
	}
	return "http://" + c.front.address
}

// PrivateAddr is the HOST:PORT of the child's own HTTP interface, for this process only. It stays
// the same across restarts. Only well-formed requests may go there: a malformed one ends the child.
func (c *ClickHouse) PrivateAddr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.port.number))
}

// NativeAddr is the HOST:PORT of the native protocol; only with Native.
func (c *ClickHouse) NativeAddr() string {
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(c.native.number))
}

// Writer may do everything inside the databases parley and parley_….
func (c *ClickHouse) Writer() User { return User{WriterUser, c.config.WriterPassword} }

// Reader may read the databases parley and parley_….
func (c *ClickHouse) Reader() User { return User{ReaderUser, c.config.ReaderPassword} }

// BI may read the views for dashboards in database parley.
func (c *ClickHouse) BI() User { return User{BIUser, c.config.BIPassword} }

// BackupDir is the folder to which names in BACKUP … TO File('NAME') and RESTORE … FROM File('NAME') are relative.
func (c *ClickHouse) BackupDir() string { return filepath.Join(c.config.Dir, "backups") }

// Ready returns nil while ClickHouse answers, and otherwise why it does not.
func (c *ClickHouse) Ready() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

// PID is the process id of the child, 0 while there is none.
func (c *ClickHouse) PID() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.pid
}

// Restarts is how often the child was started again, or that was tried, because it had ended or did not start.
func (c *ClickHouse) Restarts() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.restarts
}

// Done is closed when the child has ended and is not restarted, after Shutdown.
func (c *ClickHouse) Done() <-chan struct{} { return c.done }

// Shutdown closes the front, lets the child end cleanly and waits for it. The child is killed when ctx ends, or after 20 seconds;
// then it returns an error. No data is lost: written parts are complete files. Later calls wait for the first.
func (c *ClickHouse) Shutdown(ctx context.Context) error {
	c.front.close()
	c.stop()
	select {
	case <-c.done:
		return nil
	case <-ctx.Done():
	case <-time.After(stopTimeout):
	}
	c.once.Do(func() { close(c.hard) })
	<-c.done
	return errors.New("embedded clickhouse: ClickHouse did not stop within the timeout and was killed")
}

// setState stores a change and reports it. Only the supervisor calls it.
func (c *ClickHouse) setState(state error) {
	c.mu.Lock()
	changed := (c.state == nil) != (state == nil)
	c.state = state
	c.mu.Unlock()
	if changed && c.config.OnStateChange != nil {
		c.config.OnStateChange(state)
	}
}

// pause waits for d, or returns the error of ctx when that ends first.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
