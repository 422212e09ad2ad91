package eventlog

import (
	"bytes"
	"errors"
	"slices"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema"
)

func sequences(from, to schema.Sequence) []Receipt {
	var all []Receipt
	for s := from; s <= to; s++ {
		all = append(all, Receipt{Sequence: s})
	}
	return all
}

func TestAppendKeepsOrderAndBytes(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	if got := mustAppend(t, s, messages(1, 100)...); !slices.Equal(got, sequences(1, 100)) {
		t.Fatalf("receipts %v", got)
	}
	if got := mustAppend(t, s, message(101)); got[0].Sequence != 101 {
		t.Fatalf("receipt %v", got)
	}
	entries := readAll(t, s.NewReader(), 0, 101)
	for i, e := range entries {
		if e.Sequence != schema.Sequence(i+1) || !bytes.Equal(e.Payload, message(i+1).Payload) || e.ReceivedAt.IsZero() {
			t.Fatalf("entry %d: %d %s", i, e.Sequence, e.Payload)
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
	if got := mustAppend(t, s, messages(1, schema.MaxRequestEvents)...); !slices.Equal(got, sequences(1, schema.MaxRequestEvents)) {
		t.Fatal("receipts are not 1..10000")
	}
	if n := s.batchLimit.Load(); n != schema.MaxRequestEvents {
		t.Fatalf("batch limit %d: the request went in pieces", n)
	}
}

func TestAppendIsSplitIfTheServerAcceptsShortBatchesOnly(t *testing.T) {
	server := enginetest.NATS(t, func(c *embedded.NATSConfig) { c.MaxBatch = 100 })
	s := open(t, server).Events()
	if got := mustAppend(t, s, messages(1, 1050)...); !slices.Equal(got, sequences(1, 1050)) {
		t.Fatal("receipts are not 1..1050")
	}
	if n := s.batchLimit.Load(); n != 100 {
		t.Fatalf("batch limit %d", n)
	}
}

func TestDuplicateInsideACallHasTheReceiptOfTheFirst(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Events()
	got := mustAppend(t, s, message(1), message(2), message(1), message(3), message(1))
	want := []Receipt{{1, false}, {2, false}, {1, true}, {3, false}, {1, true}}
	if !slices.Equal(got, want) {
		t.Fatalf("receipts %v, want %v", got, want)
	}
}

func TestDuplicateOfEarlierMessagesIsRecognised(t *testing.T) {
	for name, forget := range map[string]bool{"in this process": false, "by the server": true} {
		t.Run(name, func(t *testing.T) {
			s := open(t, enginetest.NATS(t)).Events()
			mustAppend(t, s, messages(1, 10)...)
			if forget {
				s.recent.forget()
			}
			got := mustAppend(t, s, message(11), message(4), message(12), message(7))
			want := []Receipt{{11, false}, {4, true}, {12, false}, {7, true}}
			if !slices.Equal(got, want) {
				t.Fatalf("receipts %v, want %v", got, want)
			}
			if forget {
				s.recent.forget()
			}
			if got := mustAppend(t, s, message(12)); got[0] != (Receipt{12, true}) {
				t.Fatalf("receipt %v", got)
			}
			if forget {
				s.recent.forget()
			}
			got = mustAppend(t, s, messages(1, 12)...)
			for _, r := range got {
				if !r.Duplicate {
					t.Fatalf("receipts %v", got)
				}
			}
			state, err := s.State(testContext(t))
			if err != nil || state.Messages != 12 {
				t.Fatalf("state %+v %v", state, err)
			}
		})
	}
}

func TestMessagesWithoutIDAreNeverDuplicates(t *testing.T) {
	s := open(t, enginetest.NATS(t)).Rejected()
	same := Message{Payload: []byte("x")}
	if got := mustAppend(t, s, same, same, same); !slices.Equal(got, sequences(1, 3)) {
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

func TestFullStreamStoresNothingOfABatch(t *testing.T) {
	server := enginetest.NATS(t)
	s := open(t, server, func(o *Options) { o.MaxBytes = 64 << 10 }).Events()
	big := func(n int) Message { m := message(n); m.Payload = make([]byte, 10<<10); return m }
	mustAppend(t, s, big(1), big(2), big(3))
	if _, err := s.Append(testContext(t), []Message{big(4), big(5), big(6), big(7)}); !errors.Is(err, ErrFull) {
		t.Fatalf("error %v", err)
	}
	state, err := s.State(testContext(t))
	if err != nil || state.Messages != 3 || state.First != 1 {
		t.Fatalf("state %+v %v", state, err)
	}
	mustAppend(t, s, big(4), big(5))
	if _, err := s.Append(testContext(t), []Message{big(6), big(7)}); !errors.Is(err, ErrFull) {
		t.Fatalf("error %v", err)
	}
	// With more room the same messages go in.
	open(t, server, func(o *Options) { o.MaxBytes = 1 << 20 })
	if got := mustAppend(t, s, big(6), big(7)); !slices.Equal(got, sequences(6, 7)) {
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
	if got := mustAppend(t, s, messages(490, 510)...); got[0] != (Receipt{490, true}) || got[20] != (Receipt{510, false}) {
		t.Fatalf("receipts %v", got)
	}
	if n := len(readAll(t, s.NewReader(), 0, 510)); n != 510 {
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
	if got := mustAppend(t, b.Events(), messages(1, 4)...); got[3].Sequence != 4 {
		t.Fatalf("receipts %v", got)
	}
}
