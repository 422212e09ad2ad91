package eventlog

import (
	"strings"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// A server whose disk is full answers appends with errors of several kinds, while its streams look healthy.
func TestServerThatRefusesMessagesIsNotReady(t *testing.T) {
	b := open(t, enginetest.NATS(t))
	s := b.Events()
	if err := b.Ready(); err != nil {
		t.Fatal(err)
	}
	atomicBatches := func(allowed bool) {
		stream, err := b.js.Stream(testContext(t), EventsStream)
		if err != nil {
			t.Fatal(err)
		}
		config := stream.CachedInfo().Config
		config.AllowAtomicPublish = allowed
		if _, err := b.js.UpdateStream(testContext(t), config); err != nil {
			t.Fatal(err)
		}
	}
	atomicBatches(false)
	if _, err := s.Append(testContext(t), singles(1, 3)); err == nil {
		t.Fatal("a batch was stored")
	}
	if err := b.Ready(); err == nil || !strings.Contains(err.Error(), "the server does not store messages: ") {
		t.Errorf("ready says %v", err)
	}
	atomicBatches(true)
	if _, err := s.Append(testContext(t), singles(1, 3)); err != nil {
		t.Fatal(err)
	}
	if err := b.Ready(); err != nil {
		t.Errorf("after an append was stored: %v", err)
	}
}
