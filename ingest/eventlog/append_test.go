package eventlog

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema"
)

func TestAppendKeepsOrderAndBytes(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	if got := mustAppend(t, s, messages(1, 100)...); !slices.Equal(got, receipts(1, 100)) {
		t.Fatalf("receipts %v", got)
	}
	if got := mustAppend(t, s, message(101)); got[0].Sequence != at(2, 0) {
		t.Fatalf("receipt %v", got)
	}
	entries := readAll(t, s.NewReader(), 0, at(2, 0))
	if len(entries) != 101 || entries[99].Through != at(2, 0)-1 {
		t.Fatalf("%d entries, through %d", len(entries), entries[99].Through)
	}
	for i, e := range entries {
		if want := receipts(1, 100, 1)[i].Sequence; e.Sequence != want || !bytes.Equal(e.Payload, message(i+1).Payload) || e.ReceivedAt.IsZero() {
			t.Fatalf("entry %d: %d %s", i, e.Sequence, e.Payload)
		}
	}
}

// TestPayloadsThatAreNotKnownToBeJSONHaveARecordOfTheirOwn keeps their bytes, and the order.
func TestPayloadsThatAreNotKnownToBeJSONHaveARecordOfTheirOwn(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	odd := Message{Payload: []byte("no\n\"JSON")}
	large := message(5)
	large.Payload = fmt.Appendf(nil, `{"x":%q}`, strings.Repeat("x", 990_000))
	sent := []Message{message(1), message(2), odd, message(3), large, message(6), odd}
	if got, want := mustAppend(t, s, sent...), receipts(1, 2, 1, 1, 1, 1, 1); !slices.Equal(got, want) {
		t.Fatalf("receipts %v, want %v", got, want)
	}
	for i, e := range readAll(t, s.NewReader(), 0, at(6, 0)) {
		if !bytes.Equal(e.Payload, sent[i].Payload) {
			t.Errorf("entry %d holds other bytes", i)
		}
	}
}

func TestAppendOfNothingSucceeds(t *testing.T) {
	if got := mustAppend(t, open(t, enginetest.NATS(t)).Events()); len(got) != 0 {
		t.Fatal(got)
	}
}

func TestAppendStoresAWholeRequestAtOnce(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	if got := mustAppend(t, s, messages(1, schema.MaxRequestEvents)...); !slices.Equal(got, receipts(1, 4096, 4096, 1808)) {
		t.Fatalf("%d receipts, to %v", len(got), got[len(got)-1])
	}
	if entries := readAll(t, s.NewReader(), 0, at(3, 1807)); len(entries) != schema.MaxRequestEvents {
		t.Fatalf("%d entries", len(entries))
	}
}

func TestDuplicateInsideACallHasTheReceiptOfTheFirst(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	got := mustAppend(t, s, message(1), message(2), message(1), message(3), message(1))
	want := []Receipt{{at(1, 0), false}, {at(1, 1), false}, {at(1, 0), true}, {at(1, 2), false}, {at(1, 0), true}}
	if !slices.Equal(got, want) {
		t.Fatalf("receipts %v, want %v", got, want)
	}
}

func TestDuplicateOfEarlierMessagesIsRecognised(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	mustAppend(t, s, messages(1, 10)...)
	got := mustAppend(t, s, message(11), message(4), message(12), message(7))
	want := []Receipt{{at(2, 0), false}, {at(1, 3), true}, {at(2, 1), false}, {at(1, 6), true}}
	if !slices.Equal(got, want) {
		t.Fatalf("receipts %v, want %v", got, want)
	}
	for _, r := range mustAppend(t, s, messages(1, 12)...) {
		if !r.Duplicate {
			t.Fatalf("receipt %v", r)
		}
	}
	state, err := s.State(testContext(t))
	if err != nil || state.Messages != 2 || state.First != at(1, 0) || state.Last != at(3, 0)-1 {
		t.Fatalf("state %+v %v", state, err)
	}
}

func TestMessagesWithoutIDAreNeverDuplicates(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Rejected()
	same := Message{Payload: []byte("x")}
	if got := mustAppend(t, s, same, same, same); !slices.Equal(got, receipts(1, 1, 1, 1)) {
		t.Fatalf("receipts %v", got)
	}
}

func TestAppendsAtTheSameTimeAreNeverMixed(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	var group sync.WaitGroup
	for worker := range 8 {
		group.Go(func() {
			for round := range 10 {
				begin := worker*10_000 + round*100
				receipts, err := s.Append(testContext(t), messages(begin, begin+49))
				if err != nil {
					t.Error(err)
					return
				}
				for i, r := range receipts {
					if r.Sequence != receipts[0].Sequence+schema.Sequence(i) || r.Duplicate {
						t.Errorf("receipts %v", receipts)
						return
					}
				}
			}
		})
	}
	group.Wait()
}

// TestNothingNewIsAppendedWithoutRoom leaves no room on the disk and then some: only events that the log has are accepted meanwhile.
func TestNothingNewIsAppendedWithoutRoom(t *testing.T) {
	var full error
	s := open(t, enginetest.NATS(t), func(o *Options) { o.Room = func() error { return full } }).Events()
	mustAppend(t, s, message(1))
	full = errors.New("a full disk")
	if _, err := s.Append(testContext(t), []Message{message(1), message(2)}); !errors.Is(err, ErrFull) || !errors.Is(err, full) {
		t.Errorf("error %v", err)
	}
	if got, err := s.Append(testContext(t), []Message{message(1)}); err != nil || !got[0].Duplicate {
		t.Errorf("a duplicate: %v, %v", got, err)
	}
	state, err := s.State(testContext(t))
	if err != nil || state.Messages != 1 {
		t.Errorf("state %+v %v", state, err)
	}
	full = nil
	mustAppend(t, s, message(2))
}

func TestFullStreamStoresNothingOfABatch(t *testing.T) {
	server := enginetest.NATS(t)
	s := open(t, server, func(o *Options) { o.MaxBytes = 64 << 10 }).Events()
	big := func(n int) Message { return Message{ID: message(n).ID, Payload: make([]byte, 10<<10)} }
	mustAppend(t, s, big(1), big(2), big(3))
	if _, err := s.Append(testContext(t), []Message{big(4), big(5), big(6), big(7)}); !errors.Is(err, ErrFull) {
		t.Fatalf("error %v", err)
	}
	state, err := s.State(testContext(t))
	if err != nil || state.Messages != 3 || state.First != at(1, 0) {
		t.Fatalf("state %+v %v", state, err)
	}
	mustAppend(t, s, big(4), big(5))
	if _, err := s.Append(testContext(t), []Message{big(6), big(7)}); !errors.Is(err, ErrFull) {
		t.Fatalf("error %v", err)
	}
	// With more room the same messages go in.
	open(t, server, func(o *Options) { o.MaxBytes = 1 << 20 })
	if got := mustAppend(t, s, big(6), big(7)); !slices.Equal(got, receipts(6, 1, 1)) {
		t.Fatalf("receipts %v", got)
	}
	if _, err := s.Append(testContext(t), []Message{{ID: message(8).ID, Payload: make([]byte, 2<<20)}}); !errors.Is(err, ErrTooLarge) {
		t.Fatalf("error %v", err)
	}
}

func TestRestartKeepsAppendedMessages(t *testing.T) {
	server := enginetest.NATS(t, enginetest.SyncAlways())
	b := open(t, server, overTCP)
	s := b.Events()
	mustAppend(t, s, messages(1, 500)...)
	server.Restart(t)
	if got := mustAppend(t, s, messages(490, 510)...); got[0] != (Receipt{at(1, 489), true}) || got[20] != (Receipt{at(2, 9), false}) {
		t.Fatalf("receipts %v", got)
	}
	if n := len(readAll(t, s.NewReader(), 0, at(2, 9))); n != 510 {
		t.Fatalf("%d entries", n)
	}
	if err := b.Ready(); err != nil {
		t.Fatal(err)
	}
}

func TestAppendWaitsForAServerThatComesBack(t *testing.T) {
	server := enginetest.NATS(t)
	b := open(t, server, overTCP)
	server.Stop()
	done := make(chan error, 1)
	go func() {
		_, err := b.Events().Append(testContext(t), messages(1, 3))
		done <- err
	}()
	for b.Ready() == nil {
		select {
		case err := <-done:
			t.Fatalf("appended to a stopped server: %v", err)
		default:
		}
	}
	server.Restart(t)
	if err := <-done; err != nil && !errors.Is(err, ErrUnavailable) {
		t.Fatal(err)
	}
	mustAppend(t, b.Events(), messages(1, 4)...)
	for i, n := range count(t, b.Events(), messages(1, 4)) {
		if n != 1 {
			t.Fatalf("message %d is stored %d times", i+1, n)
		}
	}
}
