package eventlog

import (
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// TestOnlyTheReaderGetsPastAStoredStatus shows why the reader has a consumer of its own. To the
// client library a stored message without a payload and with a header Status is a message of the
// server's: its ordered consumers find a gap, ask for the message again, and never come past it; the
// one that pulls makes new consumers without a pause. As soon as this test fails, they can take the
// place of the reader's.
func TestOnlyTheReaderGetsPastAStoredStatus(t *testing.T) {
	b := open(t, enginetest.NATS(t))
	s := b.Events()
	mustAppend(t, s, message(1))
	odd := &nats.Msg{Subject: EventsSubject, Header: nats.Header{"Status": {"100"}}}
	if _, err := b.js.PublishMsg(testContext(t), odd); err != nil {
		t.Fatal(err)
	}
	mustAppend(t, s, message(2))

	r := s.NewReader()
	defer r.Close()
	if n := len(readAll(t, r, 0, at(3, 0))); n != 3 {
		t.Errorf("the reader: %d of 3 messages", n)
	}

	js, err := b.conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	push, err := js.SubscribeSync(">", nats.OrderedConsumer(), nats.BindStream(s.name), nats.DeliverAll())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = push.Unsubscribe() }()
	consumer, err := b.js.OrderedConsumer(testContext(t), s.name, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy})
	if err != nil {
		t.Fatal(err)
	}
	pull, err := consumer.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer pull.Stop()
	const long = 3 * time.Second // for a message that is there
	for name, next := range map[string]func() error{
		"push": func() error { _, err := push.NextMsg(patience); return err },
		"pull": func() error { _, err := pull.Next(jetstream.NextMaxWait(patience)); return err },
	} {
		if err := next(); err != nil {
			t.Errorf("%s: the message before it: %v", name, err)
		}
		more := make(chan error, 1)
		go func() { more <- next() }()
		select {
		case err := <-more:
			if err == nil {
				t.Errorf("%s: the library comes past it now", name)
			}
		case <-time.After(long):
		}
	}
}
