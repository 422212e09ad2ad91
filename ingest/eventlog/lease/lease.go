package lease

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/ingest/eventlog"
)

// Term is how long the lease of a dead holder keeps the others waiting.
const Term = 8 * time.Second

// bucketName is the bucket of all leases.
const bucketName = "PARLEY_LEASES"

// ErrLost means that this process does not hold the lease (any more).
var ErrLost = errors.New("the lease is held by another process, or cannot be renewed")

// Bucket opens the bucket of the leases.
func Bucket(ctx context.Context, broker *eventlog.Broker) (*eventlog.Bucket, error) {
	return broker.Bucket(ctx, bucketName, eventlog.BucketConfig{Description: "which process does what of parley"})
}

// record is the value of a lease.
type record struct {
	Holder string `json:"holder"` // empty: nobody
	Epoch  uint64 `json:"epoch"`  // of the latest holder
	Sign   uint64 `json:"sign"`   // a number that its holder raises
}

// Lease is a lease as one process sees it. Its methods may be called at any time;
// one Hold at a time.
type Lease struct {
	bucket    *eventlog.Bucket
	key, name string
	log       *slog.Logger
	held      prometheus.Gauge
	term      time.Duration

	mu    sync.Mutex
	last  record    // as it was read last
	epoch uint64    // of this process, 0 while it does not hold the lease
	until time.Time // when this process stops counting itself as the holder
}

// New creates a lease on work; name identifies this process. The registerer may be nil.
func New(bucket *eventlog.Bucket, work, name string, logger *slog.Logger, registerer prometheus.Registerer) *Lease {
	l := &Lease{
		bucket: bucket, key: work, name: name, log: logger.With("lease", work), term: Term,
		held: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "parley_lease_held", Help: "1 while this process holds the lease on a piece of work, 0 while it waits for it.",
			ConstLabels: prometheus.Labels{"lease": work},
		}),
	}
	if registerer != nil {
		registerer.MustRegister(l.held)
	}
	return l
}

// look is the interval at which waiting processes read the value, sign the interval at which the holder renews it.
func (l *Lease) look() time.Duration { return l.term / 16 }
func (l *Lease) sign() time.Duration { return l.term / 4 }

// Keep holds the lease whenever possible, and does the work while it holds it, until ctx ends,
// which is not an error, or the work fails.
func (l *Lease) Keep(ctx context.Context, do func(ctx context.Context) error) error {
	for {
		err := l.Hold(ctx, do)
		switch {
		case ctx.Err() != nil && (err == nil || errors.Is(err, ctx.Err())):
			return nil
		case !errors.Is(err, ErrLost):
			return err
		}
	}
}

// Hold waits for the lease, does the work once, and releases the lease. The work's
// context ends when the lease is lost; the lease is kept until the work has
// returned. The error is that of the work, or [ErrLost] when it ended because the
// lease was lost.
func (l *Lease) Hold(ctx context.Context, do func(ctx context.Context) error) error {
	if err := l.await(ctx); err != nil {
		return err
	}
	working, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	signing, end := context.WithCancel(context.WithoutCancel(ctx))
	var signs sync.WaitGroup
	signs.Go(func() {
		if err := l.keep(signing); err != nil {
			l.log.Warn("lost the lease", "error", err)
			lose(err)
		}
	})
	err := do(working)
	end()
	signs.Wait()
	if cause := context.Cause(working); errors.Is(cause, ErrLost) {
		return cause
	}
	l.release(context.WithoutCancel(ctx))
	return err
}

// Check returns nil while this process holds the lease, and ErrLost otherwise.
func (l *Lease) Check() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch == 0 || !time.Now().Before(l.until) {
		return ErrLost
	}
	return nil
}

// Other returns the name of the process that this one waits for; empty while this one holds the
// lease, and before the holder is known.
func (l *Lease) Other() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.epoch != 0 || l.last.Holder == l.name {
		return ""
	}
	return l.last.Holder
}

// await takes the lease as soon as that is possible.
func (l *Lease) await(ctx context.Context) error {
	ticks := time.NewTicker(l.look())
	defer ticks.Stop()
	var seen record
	var since time.Time
	for {
		now := time.Now()
		taken, found, err := l.take(ctx, func(r record) bool {
			return r.Holder == "" || r.Holder == l.name || r == seen && now.Sub(since) >= l.term
		})
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			l.log.Warn("the lease cannot be read", "error", err)
		case taken:
			l.note(found, found.Epoch, now.Add(l.term-l.sign()))
			l.log.Info("holds the lease", "epoch", found.Epoch, "name", l.name)
			return nil
		case found != seen:
			if found.Epoch != seen.Epoch {
				l.log.Info("waits for the lease", "holder", found.Holder, "epoch", found.Epoch)
			}
			seen, since = found, now
			l.note(found, 0, time.Time{})
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticks.C:
		}
	}
}

// take writes this process as the holder if the value is free. Like give, it waits for an answer no longer than until the next
// attempt: the server that was to answer may have died, and another one has taken its place.
func (l *Lease) take(ctx context.Context, free func(record) bool) (taken bool, found record, err error) {
	ctx, cancel := context.WithTimeout(ctx, l.sign())
	defer cancel()
	err = l.bucket.Update(ctx, l.key, func(before []byte) ([]byte, error) {
		if found, err = read(before); err != nil {
			return nil, err
		}
		if taken = free(found); !taken {
			return nil, nil
		}
		found = record{Holder: l.name, Epoch: found.Epoch + 1}
		return json.Marshal(found)
	})
	return taken && err == nil, found, err
}

// keep renews the lease until ctx ends, which is not an error, or the lease is lost.
func (l *Lease) keep(ctx context.Context) error {
	ticks := time.NewTicker(l.sign())
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		begun := time.Now()
		holds, err := l.give(ctx)
		switch {
		case ctx.Err() != nil:
			return nil
		case holds && (err == nil || errors.Is(err, eventlog.ErrFull)): // a log that takes no sign, because it is full, takes no other holder either
			l.note(l.last, l.epoch, begun.Add(l.term-l.sign()))
			if err != nil {
				l.log.Warn("the lease cannot be renewed", "error", err)
			}
		case err == nil || l.Check() != nil:
			l.note(record{}, 0, time.Time{})
			if err != nil {
				return fmt.Errorf("%w: %w", ErrLost, err)
			}
			return ErrLost
		default: // others may be able to write what this process cannot
			l.log.Warn("the lease cannot be read or written", "error", err)
		}
	}
}

// give renews the lease; holds reports whether the value still named this process.
func (l *Lease) give(ctx context.Context) (holds bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, min(l.sign(), time.Until(l.until)))
	defer cancel()
	err = l.bucket.Update(ctx, l.key, func(before []byte) ([]byte, error) {
		found, err := read(before)
		if holds = found.Holder == l.name && found.Epoch == l.epoch; !holds || err != nil {
			return nil, err
		}
		found.Sign++
		return json.Marshal(found)
	})
	return holds, err
}

// release lets another process take over immediately.
func (l *Lease) release(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, l.sign())
	defer cancel()
	epoch := l.epoch
	l.note(record{}, 0, time.Time{})
	err := l.bucket.Update(ctx, l.key, func(before []byte) ([]byte, error) {
		found, err := read(before)
		if err != nil || found.Holder != l.name || found.Epoch != epoch {
			return nil, err
		}
		return json.Marshal(record{Epoch: epoch})
	})
	if err != nil {
		l.log.Warn("the lease cannot be released; it expires", "error", err)
	}
}

func (l *Lease) note(found record, epoch uint64, until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.last, l.epoch, l.until = found, epoch, until
	l.held.Set(0)
	if epoch != 0 {
		l.held.Set(1)
	}
}

// read reads a value; nil if the lease was never held.
func read(value []byte) (r record, err error) {
	if value == nil {
		return r, nil
	}
	if err := json.Unmarshal(value, &r); err != nil {
		return r, fmt.Errorf("the value of the lease: %w", err)
	}
	return r, nil
}
