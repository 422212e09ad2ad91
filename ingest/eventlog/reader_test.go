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
	for from := 1; from <= 2000; from += 400 {
		mustAppend(t, s, messages(from, from+399)...)
	}
	all := receipts(1, 400, 400, 400, 400, 400)
	r := s.NewReader()
	defer r.Close()
	for _, from := range []int{0, 1999, 1000, 1, 400, 399, 401, 0} {
		after := schema.Sequence(0)
		if from > 0 {
			after = all[from-1].Sequence
		}
		if n := len(readAll(t, r, after, at(5, 399))); n != 2000-from {
			t.Fatalf("%d entries after %d", n, after)
		}
	}
	// Positions that no event has: at the end of a record, and beyond it.
	for after, want := range map[schema.Sequence]int{at(2, 0) - 1: 1600, at(1, 4000): 1600, at(1, 0) - 1: 2000, 5: 2000} {
		if n := len(readAll(t, r, after, at(5, 399))); n != want {
			t.Fatalf("%d entries after %d", n, after)
		}
	}
}

func TestReaderReturnsNoMoreThanRequested(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 60)...)
	mustAppend(t, s, messages(61, 100)...)
	r := s.NewReader()
	defer r.Close()
	want := receipts(1, 60, 40)
	for after := schema.Sequence(0); len(want) > 0; {
		entries, err := r.Read(testContext(t), after, 7, time.Second)
		if err != nil || len(entries) > 7 {
			t.Fatalf("%d entries, %v", len(entries), err)
		}
		for _, e := range entries {
			if e.Sequence != want[0].Sequence {
				t.Fatalf("%d after %d", e.Sequence, after)
			}
			after, want = e.Sequence, want[1:]
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
	if n := len(readAll(t, r, 0, at(200, 0))); n != 200 {
		t.Fatalf("%d entries", n)
	}
}

func TestReaderContinuesAfterARestartOfTheServer(t *testing.T) {
	server := enginetest.NATS(t)
	s := open(t, server, overTCP).Events()
	mustAppend(t, s, messages(1, 100)...)
	r := s.NewReader()
	defer r.Close()
	readAll(t, r, 0, at(1, 99))
	server.Restart(t)
	mustAppend(t, s, messages(101, 150)...)
	if n := len(readAll(t, r, at(1, 99), at(2, 49))); n != 50 {
		t.Fatalf("%d entries", n)
	}
}

func TestReaderHoldsABoundedNumberOfBytes(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	const size = 100 << 10
	for round := range 10 {
		batch := singles(round*100+1, round*100+100)
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
	if n := len(readAll(t, r, at(1, 0), at(1000, 0))); n != 999 {
		t.Fatalf("%d entries", n)
	}
}

func TestReaderThatMissesAMessageStartsAgain(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 10)...)
	r := s.NewReader()
	defer r.Close()
	readAll(t, r, 0, at(1, 9))
	r.feed.mu.Lock()
	r.feed.delivered++ // as if a message had been lost on the way
	r.feed.mu.Unlock()
	mustAppend(t, s, messages(11, 20)...)
	if n := len(readAll(t, r, at(1, 9), at(2, 9))); n != 10 {
		t.Fatalf("%d entries", n)
	}
}

func TestReaderStartsAgainWhenItsConsumerIsGone(t *testing.T) {
	b := open(t, enginetest.NATS(t))
	s := b.Events()
	mustAppend(t, s, messages(1, 10)...)
	r := s.NewReader()
	defer r.Close()
	readAll(t, r, 0, at(1, 9))
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
	if n := len(readAll(t, r, at(1, 9), at(2, 9))); n != 10 {
		t.Fatalf("%d entries", n)
	}
	if r.Restarts() == 0 {
		t.Fatal("the consumer was not deleted")
	}
}

func TestDeliveryIsReadFromBothFormsOfTheReplySubject(t *testing.T) {
	for _, reply := range []string{
		"$JS.ACK.S.C.1.7.3.1700000000000000000.5",
		"$JS.ACK.hub.hash.S.C.1.7.3.1700000000000000000.5",
		"$JS.ACK._.hash.S.C.1.7.3.1700000000000000000.5.random",
	} {
		p, ok := parseDelivery(reply)
		if !ok || p.number != 7 || p.delivered != 3 || p.at.UnixNano() != 1700000000000000000 || p.pending != 5 {
			t.Errorf("%s: %+v %v", reply, p, ok)
		}
	}
	for _, reply := range []string{"", "$JS.ACK.S.C.1.7", "_INBOX.x", "$JS.ACK.S.C.1.x.3.1.0"} {
		if _, ok := parseDelivery(reply); ok {
			t.Errorf("%q is not a delivery", reply)
		}
	}
}
