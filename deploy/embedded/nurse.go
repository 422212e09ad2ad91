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
	// healthInterval is how often the server is asked for write errors.
	healthInterval = time.Second
	// roomToRestart is what has to fit onto the disk before the server is started again.
	roomToRestart = 16 << 20
)

var errJetStreamOff = errors.New("the log accepts no messages: JetStream is disabled")

// nurse looks after the server until Shutdown. After one failed write, of a full disk for example, nats-server 2.15.2 refuses
// everything for that stream until it is started again, long after there is room. So that is done here, as soon as a file can be
// written. Connections reconnect; what is on disk is what was acknowledged, and perhaps a message more whose sender was told
// nothing.
func (n *NATS) nurse() {
	defer close(n.nursed)
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
		n.ail(cause)
		if err := tryWriting(n.options.StoreDir); err != nil {
			n.ail(fmt.Errorf("%w; it restarts once files can be written: %w", cause, err))
			continue
		}
		n.logger.Warn("restarting the NATS server", "engine", "nats", "cause", cause)
		n.stopServer()
		if err := n.launch(n.ending); err != nil {
			n.ail(fmt.Errorf("%w; then: %w", cause, err))
			wait = delay.NextBackOff()
			continue
		}
		n.logger.Warn("the NATS server has restarted", "engine", "nats")
	}
}

// ail notes why the server is to be started again, and says so the first time.
func (n *NATS) ail(cause error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.sick == nil {
		n.logger.Error("the NATS server cannot write and needs a restart", "engine", "nats", "error", cause)
	}
	n.sick = cause
}

// unhealthy tells why a server takes nothing; nil where it does, or where starting it again would not help.
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

// tryWriting finds out whether a file of some size can be forced to disk.
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
