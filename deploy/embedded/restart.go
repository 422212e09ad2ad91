package embedded

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/nats-io/nats-server/v2/server"
)

const (
	// healthInterval is the interval between checks for write errors.
	healthInterval = time.Second
	// roomToRestart is the free space on disk, in bytes, that a restart requires.
	roomToRestart = 16 << 20
)

var errJetStreamOff = errors.New("the log accepts no messages: JetStream is disabled")

// supervise watches the server until Shutdown and restarts it after a failed write. After one failed write (a full disk, for
// example) nats-server 2.15.2 refuses every message for that stream until it is restarted, even when space has been freed. The
// restart happens as soon as a file can be written. Connections reconnect; the disk holds what was
// acknowledged, and perhaps one more message whose sender got no answer.
func (n *NATS) supervise() {
	defer close(n.supervised)
	delay := backoff.NewExponentialBackOff()
	delay.InitialInterval, delay.MaxInterval = firstRestart, slowestStart
	wait := healthInterval
	for pause(n.ending, wait) == nil {
		wait = healthInterval
		cause := unhealthy(n.current())
		if cause == nil {
			delay.Reset()
			continue
		}
		n.fail(cause)
		if err := tryWriting(n.options.StoreDir); err != nil {
			n.fail(fmt.Errorf("%w; it restarts once files can be written: %w", cause, err))
			continue
		}
		n.logger.Warn("restarting the NATS server", "engine", "nats", "cause", cause)
		n.mu.Lock()
		n.restarts++
		n.mu.Unlock()
		n.stopServer()
		if err := n.launch(n.ending); err != nil {
			n.fail(fmt.Errorf("%w; then: %w", cause, err))
			wait = delay.NextBackOff()
			continue
		}
		n.logger.Warn("the NATS server has restarted", "engine", "nats")
	}
}

// Restarts is how often the server was started again, or that was tried, because it could not write.
func (n *NATS) Restarts() uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.restarts
}

// fail stores why the server needs a restart, and logs the first failure.
func (n *NATS) fail(cause error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.failure == nil {
		n.logger.Error("the NATS server cannot write and needs a restart", "engine", "nats", "error", cause)
	}
	n.failure = cause
}

// unhealthy returns why a server accepts no messages; nil if it does, or if a restart would not help.
func unhealthy(s *server.Server) error {
	if !s.Running() {
		return errors.New("the NATS server has stopped")
	}
	if !s.JetStreamEnabled() {
		return errJetStreamOff
	}
	for _, e := range s.Healthz(&server.HealthzOptions{Details: true}).Errors {
		if e.Type == server.HealthzErrorStream && strings.Contains(e.Error, "write error") {
			return fmt.Errorf("the log accepts no messages after a failed write: %s", e.Error)
		}
	}
	return nil
}

// tryWriting checks whether a file of that size can be synced to disk.
func tryWriting(dir string) error {
	path := filepath.Join(dir, "room.probe")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = file.Write(make([]byte, roomToRestart))
	if err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if removed := os.Remove(path); err == nil {
		err = removed
	}
	return err
}
