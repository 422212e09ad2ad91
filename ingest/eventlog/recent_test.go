package eventlog

import (
	"slices"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema"
)

func TestTheLastIDsAreRemembered(t *testing.T) {
	r := newRecent(100)
	for n := 1; n <= 1000; n++ {
		r.add(message(n).ID, schema.Sequence(n))
	}
	for n := 901; n <= 1000; n++ {
		if at, known := r.find(message(n).ID); !known || at != schema.Sequence(n) {
			t.Fatalf("%d is forgotten", n)
		}
	}
	if len(r.young)+len(r.old) > 200 {
		t.Fatalf("%d ids held", len(r.young)+len(r.old))
	}
	for _, id := range []string{"", "short", "!!!!!!!!!!!!!!!!!!!!!!"} {
		r.add(id, 1)
		if _, known := r.find(id); known {
			t.Fatalf("%q is remembered", id)
		}
	}
}

func TestRememberRecognisesWhatAnotherProcessStored(t *testing.T) {
	server := enginetest.NATS(t)
	first := open(t, server).Events()
	mustAppend(t, first, messages(1, 5000)...)
	second := open(t, server).Events()
	if err := second.Remember(testContext(t), 1000); err != nil {
		t.Fatal(err)
	}
	if n := len(second.recent.young); n != 1000 {
		t.Fatalf("%d ids remembered", n)
	}
	if at, known := second.recent.find(message(4001).ID); !known || at != 4001 {
		t.Fatalf("sequence %d", at)
	}
	if err := open(t, server).Rejected().Remember(testContext(t), 1000); err != nil {
		t.Fatal(err)
	}
}

func TestAnotherLogAtTheSameAddressIsDetected(t *testing.T) {
	b := open(t, enginetest.NATS(t))
	s := b.Events()
	mustAppend(t, s, messages(1, 10)...)
	s.recognise(testContext(t))
	if _, known := s.recent.find(message(1).ID); !known {
		t.Fatal("the same log was forgotten")
	}
	stream, err := b.js.Stream(testContext(t), s.name)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	if err := b.js.DeleteStream(testContext(t), s.name); err != nil {
		t.Fatal(err)
	}
	if _, err := b.js.CreateStream(testContext(t), config); err != nil {
		t.Fatal(err)
	}
	s.recognise(testContext(t))
	if got := mustAppend(t, s, messages(1, 10)...); !slices.Equal(got, sequences(1, 10)) {
		t.Fatalf("receipts %v", got)
	}
}

func TestSettingsOfTheOperatorStay(t *testing.T) {
	server := enginetest.NATS(t)
	b := open(t, server, func(o *Options) { o.MaxBytes = 1 << 20 })
	stream, err := b.js.Stream(testContext(t), EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	config := stream.CachedInfo().Config
	config.MaxMsgs, config.Discard = 1000, jetstream.DiscardOld
	if _, err := b.js.UpdateStream(testContext(t), config); err != nil {
		t.Fatal(err)
	}
	open(t, server)
	if stream, err = b.js.Stream(testContext(t), EventsStream); err != nil {
		t.Fatal(err)
	}
	config = stream.CachedInfo().Config
	if config.MaxMsgs != 1000 || config.MaxBytes != 1<<20 || config.Discard != jetstream.DiscardNew {
		t.Fatalf("config %+v", config)
	}
}

func TestDropBeforeMakesRoom(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 10)...)
	if err := s.DropBefore(testContext(t), 8); err != nil {
		t.Fatal(err)
	}
	state, err := s.State(testContext(t))
	if err != nil || state.First != 8 || state.Last != 10 {
		t.Fatalf("state %+v %v", state, err)
	}
	if entries := readAll(t, s.NewReader(), 0, 10); len(entries) != 3 {
		t.Fatalf("%d entries", len(entries))
	}
}
