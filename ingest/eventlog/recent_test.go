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
	for n := range 3 * rememberRecords { // records of one
		mustAppend(t, first, message(n))
	}
	mustAppend(t, first, message(1000), message(1001))
	second := open(t, server).Events()
	if err := second.Remember(testContext(t), rememberRecords+2); err != nil {
		t.Fatal(err)
	}
	// The last 64 records hold one event too few, so 128 more are read.
	if n := len(second.recent.young); n != 3*rememberRecords+1 {
		t.Fatalf("%d ids remembered", n)
	}
	got := mustAppend(t, second, message(1001), message(2*rememberRecords), message(2000))
	if want := []Receipt{{at(3*rememberRecords+1, 1), true}, {at(2*rememberRecords+1, 0), true}, {at(3*rememberRecords+2, 0), false}}; !slices.Equal(got, want) {
		t.Fatalf("receipts %v, want %v", got, want)
	}
	if err := open(t, server).Rejected().Remember(testContext(t), 1000); err != nil {
		t.Fatal(err)
	}
}

// TestRefusedPayloadsOfAnotherProcessAreRecognised has ids that are hashes of what was refused.
func TestRefusedPayloadsOfAnotherProcessAreRecognised(t *testing.T) {
	server := enginetest.NATS(t)
	refused := schema.Rejected{Reason: "INVALID_JSON", Project: 7, Source: "/hook", Original: []byte("{")}
	sent := Message{ID: RefusedID(&refused), Payload: schema.EncodeRejected(refused), JSON: true}
	mustAppend(t, open(t, server).Rejected(), sent)
	second := open(t, server).Rejected()
	if err := second.Remember(testContext(t), 10); err != nil {
		t.Fatal(err)
	}
	if got := mustAppend(t, second, sent); got[0] != (Receipt{at(1, 0), true}) {
		t.Fatal(got)
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
	if got := mustAppend(t, s, messages(1, 10)...); !slices.Equal(got, receipts(1, 10)) {
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
	for n := 1; n <= 10; n++ {
		mustAppend(t, s, messages(10*n, 10*n+4)...)
	}
	if err := s.DropBefore(testContext(t), at(8, 3)); err != nil { // whole records only
		t.Fatal(err)
	}
	state, err := s.State(testContext(t))
	if err != nil || state.First != at(8, 0) || state.Last != at(11, 0)-1 {
		t.Fatalf("state %+v %v", state, err)
	}
	if entries := readAll(t, s.NewReader(), 0, at(10, 4)); len(entries) != 15 || entries[0].Sequence != at(8, 0) {
		t.Fatalf("%d entries", len(entries))
	}
}
