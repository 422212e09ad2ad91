package eventlog

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema"
)

func TestReaderReadsFromAnyPosition(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 2000)...)
	r := s.NewReader()
	defer r.Close()
	for _, after := range []schema.Sequence{0, 1999, 1000, 1, 0} {
		if n := len(readAll(t, r, after, 2000)); n != 2000-int(after) {
			t.Fatalf("%d entries after %d", n, after)
		}
	}
}

func TestReaderReturnsNoMoreThanRequested(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 100)...)
	r := s.NewReader()
	defer r.Close()
	after := schema.Sequence(0)
	for after < 100 {
		entries, err := r.Read(testContext(t), after, 7, time.Second)
		if err != nil || len(entries) > 7 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		for _, e := range entries {
			if e.Sequence != after+1 {
				t.Fatalf("%d after %d", e.Sequence, after)
			}
			after = e.Sequence
		}
	}
}

func TestATimeoutWithoutEntriesIsNotAnError(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	r := s.NewReader()
	defer r.Close()
	begin := time.Now()
	entries, err := r.Read(testContext(t), 0, 10, 50*time.Millisecond)
	if err != nil || len(entries) != 0 || time.Since(begin) < 50*time.Millisecond {
		t.Fatal(entries, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Read(ctx, 0, 10, time.Minute); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

func TestReaderSeesWhatIsAppendedWhileItWaits(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	r := s.NewReader()
	defer r.Close()
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		for n := 1; n <= 200; n++ {
			if _, err := s.Append(testContext(t), []Message{message(n)}); err != nil {
				t.Error(err)
				return
			}
		}
	})
	if n := len(readAll(t, r, 0, 200)); n != 200 {
		t.Fatalf("%d entries", n)
	}
}

func TestReaderContinuesAfterARestartOfTheServer(t *testing.T) {
	server := enginetest.NATS(t)
	s := open(t, server, overTCP).Events()
	mustAppend(t, s, messages(1, 100)...)
	r := s.NewReader()
	defer r.Close()
	readAll(t, r, 0, 100)
	server.Restart(t)
	mustAppend(t, s, messages(101, 150)...)
	if n := len(readAll(t, r, 100, 150)); n != 50 {
		t.Fatalf("%d entries", n)
	}
}

func TestReaderHoldsABoundedNumberOfBytes(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	const size = 100 << 10
	for round := range 10 {
		batch := messages(round*100+1, round*100+100)
		for i := range batch {
			batch[i].Payload = make([]byte, size)
		}
		mustAppend(t, s, batch...)
	}
	r := s.NewReader()
	defer r.Close()
	if _, err := r.Read(testContext(t), 0, 1, time.Second); err != nil {
		t.Fatal(err)
	}
	// The server sends until it waits for a permit.
	deadline := time.Now().Add(patience)
	for waiting := false; !waiting; {
		if time.Now().After(deadline) {
			t.Fatal("the server never waits")
		}
		r.feed.mu.Lock()
		waiting = r.feed.permit != ""
		r.feed.mu.Unlock()
	}
	r.feed.mu.Lock()
	held := r.feed.bytes
	r.feed.mu.Unlock()
	if held > readBuffer+(33<<20) {
		t.Fatalf("%d bytes held", held)
	}
	if n := len(readAll(t, r, 1, 1000)); n != 999 {
		t.Fatalf("%d entries", n)
	}
}

func TestReaderThatMissesAMessageStartsAgain(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 10)...)
	r := s.NewReader()
	defer r.Close()
	readAll(t, r, 0, 10)
	r.feed.mu.Lock()
	r.feed.delivered++ // as if a message had been lost on the way
	r.feed.mu.Unlock()
	mustAppend(t, s, messages(11, 20)...)
	if n := len(readAll(t, r, 10, 20)); n != 10 {
		t.Fatalf("%d entries", n)
	}
}

func TestReaderStartsAgainWhenItsConsumerIsGone(t *testing.T) {
	b := open(t, enginetest.NATS(t))
	s := b.Events()
	mustAppend(t, s, messages(1, 10)...)
	r := s.NewReader()
	defer r.Close()
	readAll(t, r, 0, 10)
	stream, err := b.js.Stream(testContext(t), s.name)
	if err != nil {
		t.Fatal(err)
	}
	for name := range stream.ConsumerNames(testContext(t)).Name() {
		if _, err := b.conn.Request("$JS.API.CONSUMER.DELETE."+s.name+"."+name, nil, patience); err != nil {
			t.Fatal(err)
		}
	}
	mustAppend(t, s, messages(11, 20)...)
	if n := len(readAll(t, r, 10, 20)); n != 10 {
		t.Fatalf("%d entries", n)
	}
	if r.Restarts() == 0 {
		t.Fatal("the consumer was not deleted")
	}
}

func TestErasedMessagesAreGapsForTheReader(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 10)...)
	for _, at := range []schema.Sequence{4, 5, 4} {
		if err := s.Erase(testContext(t), at); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Get(testContext(t), 4); !errors.Is(err, ErrNotFound) {
		t.Fatalf("error %v", err)
	}
	if e, err := s.Get(testContext(t), 3); err != nil || string(e.Payload) != `{"id":"3"}` || e.ReceivedAt.IsZero() {
		t.Fatalf("entry %v %v", e, err)
	}
	entries := readAll(t, s.NewReader(), 0, 10)
	if len(entries) != 8 || entries[3].Sequence != 6 {
		t.Fatalf("%d entries", len(entries))
	}
	state, err := s.State(testContext(t))
	if err != nil || state.Deleted != 2 || state.Messages != 8 || state.Last != 10 || state.Created.IsZero() {
		t.Fatalf("state %+v %v", state, err)
	}
	deleted, err := s.Deleted(testContext(t))
	if err != nil || len(deleted) != 2 || deleted[0] != 4 || deleted[1] != 5 {
		t.Fatalf("deleted %v %v", deleted, err)
	}
}

func TestDeliveryIsReadFromBothFormsOfTheReplySubject(t *testing.T) {
	for _, reply := range []string{
		"$JS.ACK.S.C.1.7.3.1700000000000000000.0",
		"$JS.ACK.hub.hash.S.C.1.7.3.1700000000000000000.0",
		"$JS.ACK._.hash.S.C.1.7.3.1700000000000000000.0.random",
	} {
		sequence, delivered, taken, ok := parseDelivery(reply)
		if !ok || sequence != 7 || delivered != 3 || taken.UnixNano() != 1700000000000000000 {
			t.Errorf("%s: %d %d %v %v", reply, sequence, delivered, taken, ok)
		}
	}
	for _, reply := range []string{"", "$JS.ACK.S.C.1.7", "_INBOX.x", "$JS.ACK.S.C.1.x.3.1.0"} {
		if _, _, _, ok := parseDelivery(reply); ok {
			t.Errorf("%q is not a delivery", reply)
		}
	}
}
