package ingest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

func TestRestartOfTheLogKeepsAcceptedEvents(t *testing.T) {
	r := newRigOn(t, enginetest.NATS(t, enginetest.SyncAlways()))
	for i := range 20 {
		r.expect(r.lines(event(fmt.Sprint(i))), 202, 1, 0)
		if i%7 == 3 {
			r.nats.Restart(t)
		}
	}
	if n := len(stored(t, r.broker.Events())); n != 20 {
		t.Fatalf("%d events stored", n)
	}
}

func TestUnavailableLogIs503AndRecovers(t *testing.T) {
	r := newRig(t, func(c *Config) { c.AppendTimeout = 200 * time.Millisecond })
	r.nats.Stop()
	// Until the connection is known to be gone, an append may have been sent: its outcome is unknown.
	a := r.lines(event("1"))
	for deadline := time.Now().Add(patience); a.status == 504 && time.Now().Before(deadline); a = r.lines(event("1")) {
		if a.Problem.Error != "UNKNOWN_OUTCOME" {
			t.Fatal(a.status, a.body)
		}
	}
	if a.status != 503 || a.header.Get("Retry-After") == "" || a.Problem.Error != "log_unavailable" {
		t.Fatal(a.status, a.body)
	}
	r.nats.Restart(t)
	deadline := time.Now().Add(patience)
	for a = r.lines(event("1")); a.status == 503 || a.status == 504; a = r.lines(event("1")) {
		if time.Now().After(deadline) {
			t.Fatal("the log does not come back")
		}
	}
	if a.status != 202 || a.Accepted+a.Duplicates != 1 {
		t.Fatal(a.status, a.body)
	}
	if n := len(stored(t, r.broker.Events())); n != 1 {
		t.Fatalf("%d events stored", n)
	}
}

func TestFullLogIs503AndNothingIsStored(t *testing.T) {
	nats := enginetest.NATS(t)
	limit := func(bytes int64) {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		b, err := eventlog.Open(ctx, eventlog.Options{URL: nats.URL, User: nats.User, Password: nats.Password, MaxBytes: bytes})
		if err != nil {
			t.Fatal(err)
		}
		b.Close()
	}
	limit(4 << 10)
	r := newRigOn(t, nats)
	r.expect(r.lines(event("1")), 202, 1, 0)
	var lines []string
	for range 40 { // a log compresses what repeats
		lines = append(lines, event("many-"+rand.Text()+rand.Text()+rand.Text()+rand.Text()+rand.Text()+rand.Text()))
	}
	a := r.lines(lines...)
	if a.status != 503 || a.header.Get("Retry-After") == "" || a.Problem.Error != "log_full" {
		t.Fatal(a.status, a.body)
	}
	r.expect(r.lines(event("2"), event("1")), 202, 1, 1)
	if n := len(stored(t, r.broker.Events())); n != 2 {
		t.Fatalf("%d events stored", n)
	}
	limit(1 << 20)
	r.expect(r.lines(lines...), 202, 40, 0)
}

func TestSenderThatDisconnectsDoesNotCancelTheAppend(t *testing.T) {
	gate := &gatedLog{begun: make(chan struct{}), open: make(chan struct{})}
	r := newRig(t, func(c *Config) { gate.Log, c.Events = c.Events, gate })
	ctx, leave := context.WithCancel(context.Background())
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.http.URL+Path, strings.NewReader(event("1")))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", typeLines)
	request.Header.Set("X-Api-Id", "sender")
	left := make(chan error, 1)
	go func() { _, err := http.DefaultClient.Do(request); left <- err }()
	<-gate.begun
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	close(gate.open)
	r.server.Close() // waits for the append
	if n := len(stored(t, r.broker.Events())); n != 1 {
		t.Fatalf("%d events stored", n)
	}
}

// gatedLog holds the first append up.
type gatedLog struct {
	Log
	begun, open chan struct{}
	passed      bool
}

func (g *gatedLog) Append(ctx context.Context, messages []eventlog.Message) ([]eventlog.Receipt, error) {
	if !g.passed {
		g.passed = true
		close(g.begun)
		<-g.open
	}
	return g.Log.Append(ctx, messages)
}

// slowLog takes a while, and remembers the sizes of its appends. It refuses
// messages without a payload.
type slowLog struct {
	sizes []int
	last  schema.Sequence
}

func (l *slowLog) Append(_ context.Context, messages []eventlog.Message) ([]eventlog.Receipt, error) {
	time.Sleep(5 * time.Millisecond) // under synctest: of its clock
	l.sizes = append(l.sizes, len(messages))
	for _, m := range messages {
		if m.Payload == nil {
			return nil, eventlog.ErrTooLarge
		}
	}
	receipts := make([]eventlog.Receipt, len(messages))
	for i := range receipts {
		l.last++
		receipts[i].Sequence = l.last
	}
	return receipts, nil
}

func TestEventsThatArriveDuringAnAppendJoinTheNext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &slowLog{}
		g := newGroup(log, 100, time.Second, newMetrics(nil).events)
		begin := time.Now()
		one := func(n int, refused bool) {
			messages := make([]eventlog.Message, n)
			for i := range messages {
				messages[i].Payload = []byte{}
			}
			if refused {
				messages[0].Payload = nil
			}
			receipts, err := g.append(messages)
			if refused != (err != nil) || !refused && len(receipts) != n {
				t.Errorf("%d receipts, %v", len(receipts), err)
			}
		}
		go one(3, false)
		synctest.Wait()
		for range 10 {
			go one(9, false)
		}
		synctest.Wait() // so that the long one comes last
		go one(250, false)
		synctest.Wait()
		g.append(nil)
		time.Sleep(time.Second)
		synctest.Wait()
		slices.Sort(log.sizes[1:])
		if !slices.Equal(log.sizes, []int{3, 90, 250}) {
			t.Errorf("appends of %v", log.sizes)
		}
		if log.last != 343 || time.Since(begin) != time.Second {
			t.Errorf("%d stored after %v", log.last, time.Since(begin))
		}

		// One that is refused does not take the others of its batch along.
		log.sizes = nil
		go one(1, false)
		synctest.Wait()
		for range 3 {
			go one(2, false)
		}
		go one(5, true)
		time.Sleep(time.Second)
		synctest.Wait()
		if !slices.Equal(slices.Sorted(slices.Values(log.sizes)), []int{1, 2, 2, 2, 5, 11}) {
			t.Errorf("appends of %v", log.sizes)
		}
		g.close()
	})
}
