package eventlog

import (
	"errors"
	"strconv"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// mark sets the version of a stream as another binary would.
func mark(t *testing.T, b *Broker, stream, version string) {
	t.Helper()
	s, err := b.js.Stream(testContext(t), stream)
	if err != nil {
		t.Fatal(err)
	}
	config := s.CachedInfo().Config
	config.Metadata[versionKey] = version
	if _, err := b.js.UpdateStream(testContext(t), config); err != nil {
		t.Fatal(err)
	}
}

func TestLogOfANewerBinaryIsNotChanged(t *testing.T) {
	server := enginetest.NATS(t)
	b := open(t, server, overTCP)
	mustAppend(t, b.Events(), message(1))
	open(t, server) // the same version
	for _, stream := range []string{EventsStream, RejectedStream} {
		mark(t, b, stream, strconv.Itoa(Version+1))
		for _, observe := range []bool{false, true} {
			_, err := Open(testContext(t), Options{URL: server.URL, User: server.User, Password: server.Password, Observe: observe})
			var newer *NewerError
			if !errors.As(err, &newer) || newer.Stream != stream || strings.Contains(err.Error(), "\n") || !strings.Contains(err.Error(), "run the newer parley") {
				t.Errorf("%s: %v", stream, err)
			}
		}
		mark(t, b, stream, strconv.Itoa(Version))
	}
	// One that was upgraded while the connection was away takes nothing.
	mark(t, b, EventsStream, strconv.Itoa(Version+1))
	server.Restart(t)
	if _, err := b.Events().Append(testContext(t), messages(2, 2)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("appended to a newer log: %v", err)
	}
	if err := b.Ready(); err == nil {
		t.Error("ready on a newer log")
	}
}
