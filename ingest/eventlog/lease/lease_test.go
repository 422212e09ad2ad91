package lease

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const patience = 2 * time.Minute

// rig is a bucket with leases on one piece of work.
type rig struct {
	*testing.T
	broker *eventlog.Broker
	bucket *eventlog.Bucket
	server *enginetest.NATSServer
}

func newRig(t *testing.T) *rig {
	t.Helper()
	server := enginetest.NATS(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	broker, err := eventlog.Open(ctx, eventlog.Options{URL: server.URL, User: server.User, Password: server.Password, InProcess: server.InProcess, Name: t.Name()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	bucket, err := Bucket(ctx, broker)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{t, broker, bucket, server}
}

// lease is that of one process, with a short term.
func (r *rig) lease(name string) *Lease {
	l := New(r.bucket, "work", name, slog.New(slog.DiscardHandler), nil)
	l.term = 800 * time.Millisecond
	return l
}

// holding is a lease that is kept.
type holding struct {
	*Lease
	begun chan uint64 // the epoch of each time the work begins
	ended chan error  // of the context, each time the work ends
	stop  func()
}

func (r *rig) keep(l *Lease) *holding {
	h := &holding{l, make(chan uint64, 10), make(chan error, 10), nil}
	ctx, cancel := context.WithCancel(r.Context())
	done := make(chan struct{})
	go func() {
		defer close(done)
		err := l.Keep(ctx, func(ctx context.Context) error {
			h.begun <- l.epoch
			<-ctx.Done()
			h.ended <- context.Cause(ctx)
			return nil
		})
		if err != nil {
			r.Error(err)
		}
	}()
	h.stop = func() { cancel(); <-done }
	r.Cleanup(h.stop)
	return h
}

func next[V any](t *testing.T, from chan V, what string) V {
	t.Helper()
	select {
	case v := <-from:
		return v
	case <-time.After(patience):
		t.Fatalf("%s did not come", what)
		panic("unreachable")
	}
}

// put writes a value as another process would.
func (r *rig) put(value record) {
	r.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		r.Fatal(err)
	}
	if err := r.bucket.Update(r.Context(), "work", func([]byte) ([]byte, error) { return text, nil }); err != nil {
		r.Fatal(err)
	}
}

func TestWhoWaitsTakesOverWhenTheHolderStops(t *testing.T) {
	r := newRig(t)
	first := r.keep(r.lease("first"))
	epoch := next(t, first.begun, "the first one")
	second := r.keep(r.lease("second"))
	for deadline := time.Now().Add(patience); second.Other() != "first"; <-time.After(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the second one waits for %q", second.Other())
		}
	}
	if err := second.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("the second one, which waits: %v", err)
	}
	if err := first.Check(); err != nil {
		t.Errorf("the first one, which holds it: %v", err)
	}
	first.stop()
	if got := next(t, second.begun, "the second one"); got != epoch+1 {
		t.Errorf("epoch %d after %d", got, epoch)
	}
	if err := first.Check(); !errors.Is(err, ErrLost) {
		t.Errorf("the first one, which has stopped: %v", err)
	}
}

func TestWhoWaitsTakesOverFromTheDead(t *testing.T) {
	r := newRig(t)
	r.put(record{Holder: "dead", Epoch: 7, Sign: 3})
	h := r.keep(r.lease("heir"))
	if got := next(t, h.begun, "the heir"); got != 8 {
		t.Errorf("epoch %d", got)
	}
	if most := Term + New(r.bucket, "work", "", slog.New(slog.DiscardHandler), nil).look(); most > 9*time.Second {
		t.Errorf("it takes %v to take over", most)
	}
}

func TestTheLivingAreNotReplaced(t *testing.T) {
	r := newRig(t)
	first := r.keep(r.lease("first"))
	next(t, first.begun, "the first one")
	second := r.keep(r.lease("second"))
	value := func() (v record) {
		text, err := r.bucket.Get(t.Context(), "work")
		if err == nil {
			err = json.Unmarshal(text, &v)
		}
		if err != nil {
			t.Error(err)
		}
		return v
	}
	// Twelve signs are three terms.
	for deadline := time.Now().Add(patience); value().Sign < 12; <-time.After(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the value is %+v", value())
		}
	}
	if v := value(); v.Holder != "first" || v.Epoch != 1 || len(second.begun) > 0 {
		t.Errorf("the value is %+v, the second one began %d times", v, len(second.begun))
	}
}

func TestAProcessOfTheSameNameTakesOverImmediately(t *testing.T) {
	r := newRig(t)
	r.put(record{Holder: "serve", Epoch: 2})
	l := r.lease("serve")
	l.term = time.Hour
	ended := make(chan error, 1)
	go func() { ended <- l.Hold(r.Context(), func(context.Context) error { return l.Check() }) }()
	if err := next(t, ended, "its work"); err != nil {
		t.Error(err)
	}
}

func TestAHolderThatWasReplacedStops(t *testing.T) {
	r := newRig(t)
	h := r.keep(r.lease("slow"))
	next(t, h.begun, "the work")
	r.put(record{Holder: "other", Epoch: 9})
	if err := next(t, h.ended, "the end of its work"); !errors.Is(err, ErrLost) {
		t.Errorf("the context ended with %v", err)
	}
	if got := next(t, h.begun, "its next turn, when the other is dead"); got != 10 {
		t.Errorf("epoch %d", got)
	}
}

func TestAnIsolatedHolderStops(t *testing.T) {
	r := newRig(t)
	l := r.lease("cut off")
	begun, ended := make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- l.Hold(r.Context(), func(ctx context.Context) error {
			close(begun)
			<-ctx.Done()
			return l.Check()
		})
	}()
	<-begun
	r.broker.Close()
	if err := next(t, ended, "the end"); !errors.Is(err, ErrLost) || l.Check() == nil {
		t.Errorf("it ended with %v, and then %v", err, l.Check())
	}
}

// adapt changes how the server keeps the leases.
func (r *rig) adapt(change func(*jetstream.StreamConfig)) {
	r.Helper()
	conn, err := nats.Connect(r.server.URL, r.server.Options()...)
	if err != nil {
		r.Fatal(err)
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		r.Fatal(err)
	}
	stream, err := js.Stream(r.Context(), "KV_"+bucketName)
	if err != nil {
		r.Fatal(err)
	}
	config := stream.CachedInfo().Config
	change(&config)
	if _, err := js.UpdateStream(r.Context(), config); err != nil {
		r.Fatal(err)
	}
}

// TestAHolderThatCannotWriteStops has a log that this process can read only: another one may be able to write that it holds the lease.
func TestAHolderThatCannotWriteStops(t *testing.T) {
	r := newRig(t)
	h := r.keep(r.lease("silent"))
	next(t, h.begun, "the work")
	r.adapt(func(c *jetstream.StreamConfig) { c.Subjects = []string{"elsewhere.>"} })
	if err := next(t, h.ended, "the end of its work"); !errors.Is(err, ErrLost) {
		t.Errorf("the context ended with %v", err)
	}
}

// TestAHolderStaysWhileTheLogIsFull has a log that takes no other holder either.
func TestAHolderStaysWhileTheLogIsFull(t *testing.T) {
	r := newRig(t)
	h := r.keep(r.lease("stays"))
	next(t, h.begun, "the work")
	r.adapt(func(c *jetstream.StreamConfig) { c.MaxBytes = 1 })
	select {
	case err := <-h.ended:
		t.Errorf("it has stopped: %v", err)
	case <-time.After(3 * h.term):
	}
}

func TestTheErrorOfTheWorkIsReturned(t *testing.T) {
	r := newRig(t)
	wrong := errors.New("wrong")
	for range 2 { // the first one has released it
		if err := r.lease("worker").Keep(t.Context(), func(context.Context) error { return wrong }); !errors.Is(err, wrong) {
			t.Error(err)
		}
	}
}
