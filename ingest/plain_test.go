package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

const publicSubject = "parley.publish." + conversation

// takeIn lets the rig's server take in what plain clients publish, and gives
// the connection of one.
func (r *rig) takeIn() *nats.Conn {
	r.t.Helper()
	inbox, err := r.broker.Inbox()
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.server.TakeIn(ctx, inbox) }()
	r.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			r.t.Error(err)
		}
	})
	conn, err := nats.Connect(r.nats.URL, nats.UserInfo(r.nats.User, r.nats.Password))
	if err != nil {
		r.t.Fatal(err)
	}
	r.t.Cleanup(conn.Close)
	return conn
}

// TestBurstOfPlainMessagesDelaysNoOtherSender publishes 30,000 events without waiting
// for an answer, on a server that syncs always.
func TestBurstOfPlainMessagesDelaysNoOtherSender(t *testing.T) {
	r := newRigOn(t, enginetest.NATS(t, enginetest.SyncAlways()))
	conn := r.takeIn()
	const burst = 30_000
	begin := time.Now()
	for i := range burst {
		if err := conn.Publish(publicSubject, []byte(event(fmt.Sprint("burst", i)))); err != nil {
			t.Fatal(err)
		}
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	r.expect(r.lines(event("beside")), 202, 1, 0)
	if took := time.Since(begin); took > 10*time.Second {
		t.Errorf("a request beside the burst was answered after %v", took)
	}
	reader := r.broker.Events().NewReader()
	defer reader.Close()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	seen := map[string]bool{}
	first := time.Duration(0)
	for at := uint64(0); len(seen) < burst+1; {
		entries, err := reader.Read(ctx, schema.Sequence(at), 1000, time.Second)
		if err != nil {
			t.Fatalf("%d of %d events read: %v", len(seen), burst+1, err)
		}
		for _, e := range entries {
			if first == 0 {
				first = time.Since(begin)
			}
			at = uint64(e.Sequence)
			var one struct{ ID string }
			if err := json.Unmarshal(e.Payload, &one); err != nil || seen[one.ID] {
				t.Fatalf("event %q: %v", one.ID, err)
			}
			seen[one.ID] = true
		}
	}
	t.Logf("first event readable after %v, all after %v", first, time.Since(begin))
}

func TestPlainClientIsAnsweredAsJetStreamDoes(t *testing.T) {
	r := newRig(t)
	conn := r.takeIn()
	js, err := conn.JetStream()
	if err != nil {
		t.Fatal(err)
	}
	r.expect(r.lines(event("1")), 202, 1, 0)
	for i, c := range []struct {
		payload   string
		sequence  uint64
		duplicate bool
	}{{event("2"), 2, false}, {event("1"), 1, true}, {event("2"), 2, true}, {"hello", 3, false}, {"", 4, false}, {"hello", 5, false}} { // records of one
		ack, err := js.Publish(publicSubject, []byte(c.payload), nats.ExpectStream(eventlog.EventsStream), nats.MsgId("same"))
		if err != nil || ack.Sequence != c.sequence*schema.RecordEvents || ack.Duplicate != c.duplicate || ack.Stream != eventlog.EventsStream {
			t.Fatalf("%d: %+v, %v", i, ack, err)
		}
	}
	// What would not hold is refused, not promised.
	for _, option := range []nats.PubOpt{nats.ExpectLastSequence(5), nats.ExpectLastMsgId("x"), nats.ExpectStream("OTHER"), nats.ExpectLastSequencePerSubject(0)} {
		var refused *nats.APIError
		if ack, err := js.Publish(publicSubject, []byte(event("3")), option); !errors.As(err, &refused) {
			t.Fatalf("%+v, %v", ack, err)
		}
	}
	// No header marks an event as something else.
	marked := nats.NewMsg(publicSubject)
	marked.Data = []byte(event("4"))
	for _, name := range []string{"Status", "Parley-Lost", "Parley-Sum"} {
		marked.Header.Set(name, "100")
	}
	if ack, err := js.PublishMsg(marked); err != nil || ack.Sequence != 6*schema.RecordEvents {
		t.Fatal(ack, err)
	}
	entries := stored(t, r.broker.Events())
	if len(entries) != 6 || string(entries[5].Payload) != event("4") {
		t.Fatalf("%d entries", len(entries))
	}
}

func TestPlainClientLearnsThatTheLogIsFull(t *testing.T) {
	r := newRig(t, func(c *Config) { c.Events = &refusingLog{err: eventlog.ErrFull} })
	js, err := r.takeIn().JetStream()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(publicSubject, []byte(event("1"))); err == nil || !strings.Contains(err.Error(), "the log is full") {
		t.Fatal(err)
	}
}
