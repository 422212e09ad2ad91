package eventlog

import (
	"bytes"
	"errors"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema"
)

// TestReceiptsStayValidAcrossServerRestarts appends all the time while the
// server is restarted, so that answers are lost at any point of an append.
func TestReceiptsStayValidAcrossServerRestarts(t *testing.T) {
	server := enginetest.NATS(t, enginetest.SyncAlways())
	s := open(t, server, overTCP).Events()
	const workers, size = 4, 20
	var mu sync.Mutex
	progress := sync.NewCond(&mu)
	receipts := map[int]Receipt{} // by message number
	stop := make(chan struct{})
	var group sync.WaitGroup
	for worker := range workers {
		group.Go(func() {
			for round := 0; ; round++ {
				select {
				case <-stop:
					return
				default:
				}
				begin := worker*1_000_000 + round*size
				n := size
				if round%3 == 0 {
					n = 1
				}
				got, err := s.Append(testContext(t), messages(begin, begin+n-1))
				if errors.Is(err, ErrUnavailable) {
					continue
				}
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				for i, r := range got {
					receipts[begin+i] = r
				}
				progress.Broadcast()
				mu.Unlock()
				if err != nil {
					return
				}
			}
		})
	}
	for range 6 {
		mu.Lock()
		for before := len(receipts); len(receipts) < before+200 && !t.Failed(); {
			progress.Wait()
		}
		mu.Unlock()
		server.Restart(t)
	}
	close(stop)
	group.Wait()

	last, err := s.Last(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	places := map[string]schema.Sequence{}
	payloads := map[schema.Sequence][]byte{}
	for _, e := range readAll(t, s.NewReader(), 0, last) {
		if before, twice := places[string(e.Payload)]; twice {
			t.Fatalf("%s is stored as %d and as %d", e.Payload, before, e.Sequence)
		}
		places[string(e.Payload)] = e.Sequence
		payloads[e.Sequence] = e.Payload
	}
	for n, r := range receipts {
		if !bytes.Equal(payloads[r.Sequence], message(n).Payload) {
			t.Fatalf("message %d: receipt %+v, but the log holds %s", n, r, payloads[r.Sequence])
		}
		if r.Duplicate {
			t.Errorf("message %d, sent once, counts as a repeat", n)
		}
	}
	t.Logf("%d messages acknowledged, %d stored", len(receipts), len(places))
}
