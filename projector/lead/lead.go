package lead

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/merge"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// Open makes a projector that writes a version; release frees what it uses. It is
// called again for every version.
type Open func(ctx context.Context, version uint32) (p *projector.Projector, release func(), err error)

// Leader projects the live version until it is stopped, and takes over the
// versions that are offered.
type Leader struct {
	Tables *tables.Tables
	Open   Open
	Logger *slog.Logger
	// Gaps returns the sequences that are lost permanently; nil for logs that have none.
	Gaps history.Gaps
	// Every is the interval between checks for an offer. Default: 250 ms.
	Every time.Duration

	next *run                       // follows the version that is offered
	goal map[string]schema.Sequence // position of the live version when next began

	mu      sync.Mutex
	current *run
}

// run is a running projector.
type run struct {
	version   uint32
	projector *projector.Projector
	stop      func() // ends it at the end of its batch, and waits for that
}

// end stops a run; nil is none.
func (r *run) end() {
	if r != nil {
		r.stop()
	}
}

func (l *Leader) start(ctx context.Context, version uint32) (*run, error) {
	p, release, err := l.Open(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("project version %d: %w", version, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	merger := &merge.Merger{Tables: l.Tables, Version: version, Progress: p.Progress, Logger: l.Logger, Live: func() bool {
		leading := l.leading()
		return leading != nil && leading.version == version
	}}
	go func() {
		defer close(done)
		defer release()
		var merging sync.WaitGroup
		defer merging.Wait()
		merging.Go(func() { merger.Run(ctx) })
		_ = p.Run(ctx) // nil: it ends with its context
	}()
	return &run{version, p, sync.OnceFunc(func() { cancel(); <-done })}, nil
}

// Run projects until the context ends, and returns nil then. It may be called
// again afterwards. It fails only when there is nothing to project into, or when
// the tables belong to a newer binary.
func (l *Leader) Run(ctx context.Context) error {
	defer func() {
		l.leading().end()
		l.next.end()
		l.lead(nil)
		l.next = nil
	}()
	every := l.Every
	if every <= 0 {
		every = 250 * time.Millisecond
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		all, err := l.Tables.Projections(ctx)
		if err == nil {
			err = l.follow(ctx, all)
		}
		var newer *clickhouse.NewerError
		if errors.As(err, &newer) || errors.Is(err, tables.ErrNoLive) { // a newer binary has taken over
			return err
		}
		if err != nil && ctx.Err() == nil {
			l.Logger.Warn("cannot follow the versions of the projection", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// follow projects the live version, which another process may have changed, and the offered one.
func (l *Leader) follow(ctx context.Context, all tables.Projections) error {
	live, err := all.Live()
	if err != nil {
		return err
	}
	if current := l.leading(); current == nil || current.version != live {
		return l.turnTo(ctx, live)
	}
	offered := all.Offered()
	if l.next != nil && l.next.version != offered {
		l.next.end()
		l.next = nil
	}
	if offered == 0 {
		return nil
	}
	if l.next == nil {
		if l.goal, err = l.Tables.Positions(ctx, live); err != nil {
			return err
		}
		if l.next, err = l.start(ctx, offered); err != nil {
			return errors.Join(err, l.Tables.Withdraw(ctx, offered, err.Error()))
		}
		l.Logger.Info("a new projection version is catching up", "version", offered)
	}
	return l.takeOver(ctx, l.next)
}

// turnTo projects the live version: at the beginning, and when another process has made one live.
func (l *Leader) turnTo(ctx context.Context, live uint32) error {
	l.leading().end()
	l.lead(nil)
	run := l.next
	l.next = nil
	if run == nil || run.version != live {
		run.end()
		var err error
		if run, err = l.start(ctx, live); err != nil {
			return err
		}
	}
	l.lead(run)
	l.Logger.Info("projecting the live version", "version", live)
	return nil
}

// near is how many sequences the next version may be behind when the current
// one is stopped for it: some records, about a batch. It has at most the time handover for them.
const (
	near     = 200 * schema.RecordEvents
	handover = 15 * time.Second
)

// takeOver makes next live if it is as far as the current version, which is stopped for the last
// step, so that a reader never sees an older projection. Before that, next must prove that its
// tables accept rows: it must have reached the position of the current version when next began. If
// it fails in the last step, the current version continues and the offer ends.
func (l *Leader) takeOver(ctx context.Context, next *run) error {
	current := l.leading()
	at, err := l.Tables.Positions(ctx, next.version)
	if err != nil {
		return err
	}
	for log, goal := range l.goal {
		if at[log] < goal {
			return history.Pass(ctx, l.Tables, l.Gaps, next.version)
		}
	}
	if !l.Tables.Reached(ctx, next.version, current.version, near) {
		return history.Pass(ctx, l.Tables, l.Gaps, next.version)
	}
	current.end()
	err = l.awaitReached(ctx, next, current.version)
	if err == nil {
		err = l.Tables.Swap(ctx, next.version, current.version)
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err == nil:
		l.lead(next)
		l.next = nil
		l.Logger.Info("switched to the rebuilt projection", "version", next.version, "before", current.version)
		return nil
	}
	next.end()
	l.next = nil
	l.lead(nil) // follow starts whichever version is live
	return errors.Join(err, l.Tables.Withdraw(ctx, next.version, err.Error()))
}

// awaitReached waits until next has reached the version that was stopped for it.
func (l *Leader) awaitReached(ctx context.Context, next *run, version uint32) error {
	ctx, cancel := context.WithTimeout(ctx, handover)
	defer cancel()
	for tries := 1; !l.Tables.Reached(ctx, next.version, version, 0); tries++ {
		if tries%100 == 0 {
			if err := history.Pass(ctx, l.Tables, l.Gaps, next.version); err != nil {
				l.Logger.Warn("cannot check the log for gaps", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it did not catch up within %v: %w", handover, cmp.Or(next.projector.Ready(), errBehind))
		case <-time.After(5 * time.Millisecond):
		}
	}
	return nil
}

var errBehind = errors.New("it is still behind")

func (l *Leader) lead(r *run) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.current = r
}

func (l *Leader) leading() *run {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.current
}

// Ready returns the readiness of the running projector, or an error before there is one.
func (l *Leader) Ready() error {
	if r := l.leading(); r != nil {
		return r.projector.Ready()
	}
	return fmt.Errorf("projection has not started")
}

// Rejected returns the conversations whose rows the running projector cannot make again.
func (l *Leader) Rejected() []projector.Rejected {
	if r := l.leading(); r != nil {
		return r.projector.Rejected()
	}
	return nil
}

// Behind returns the conversations whose rows are behind the position of the running projector.
func (l *Leader) Behind() []projector.Behind {
	if r := l.leading(); r != nil {
		return r.projector.Behind()
	}
	return nil
}

// Aside returns the conversations that the running projector has set aside.
func (l *Leader) Aside() []projector.Aside {
	if r := l.leading(); r != nil {
		return r.projector.Aside()
	}
	return nil
}
