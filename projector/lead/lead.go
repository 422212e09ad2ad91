package lead

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/tables"
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
	// Gaps returns the sequences that are lost for good; nil for logs that have none.
	Gaps history.Gaps
	// Every is how often it looks for an offer. Default: 250 ms.
	Every time.Duration

	mu      sync.Mutex
	current *run
}

// run is a running projector.
type run struct {
	version   uint32
	projector *projector.Projector
	stop      func() // ends it at the end of its batch, and waits for that
}

func (l *Leader) start(ctx context.Context, version uint32) (*run, error) {
	p, release, err := l.Open(ctx, version)
	if err != nil {
		return nil, fmt.Errorf("project version %d: %w", version, err)
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer release()
		_ = p.Run(ctx) // nil: it ends with its context
	}()
	return &run{version, p, sync.OnceFunc(func() { cancel(); <-done })}, nil
}

// Run projects until the context ends, and returns nil then. It fails only when
// there is nothing to project into, an error at its beginning, or when the tables
// belong to a newer binary.
func (l *Leader) Run(ctx context.Context) error {
	live, err := l.Tables.Live(ctx)
	if err != nil {
		return err
	}
	current, err := l.start(ctx, live)
	if err != nil {
		return err
	}
	l.lead(current)
	defer func() { l.leading().stop() }()

	every := l.Every
	if every <= 0 {
		every = 250 * time.Millisecond
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	var next *run
	defer func() {
		if next != nil {
			next.stop()
		}
	}()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		offered, err := l.offered(ctx)
		var newer *clickhouse.NewerError
		if errors.As(err, &newer) { // a newer binary has taken over
			return err
		}
		if err != nil {
			l.Logger.Warn("cannot check for a new projection version", "error", err)
			continue
		}
		if next != nil && next.version != offered {
			next.stop()
			next = nil
		}
		if offered == 0 {
			continue
		}
		if next == nil {
			if next, err = l.start(ctx, offered); err != nil {
				l.Logger.Warn("cannot project the new version", "error", err)
				continue
			}
			l.Logger.Info("a new projection version is catching up", "version", offered)
		}
		if taken, err := l.takeOver(ctx, next); err != nil {
			l.Logger.Warn("the new projection version was not made live", "version", offered, "error", err)
		} else if taken {
			next = nil
		}
	}
}

// near is how many sequences the next version may be behind when the current
// one is stopped for it: about a batch.
const near = 20_000

// takeOver makes next live if it is as far as the current version, which is
// stopped for the last step, so that a reader never sees the projection go back.
func (l *Leader) takeOver(ctx context.Context, next *run) (bool, error) {
	current := l.leading()
	if !l.Tables.Reached(ctx, next.version, current.version, near) {
		return false, history.Pass(ctx, l.Tables, l.Gaps, next.version)
	}
	current.stop()
	for tries := 1; !l.Tables.Reached(ctx, next.version, current.version, 0); tries++ {
		if tries%100 == 0 {
			if err := history.Pass(ctx, l.Tables, l.Gaps, next.version); err != nil {
				l.Logger.Warn("cannot check the log for gaps", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return false, nil
		case <-time.After(5 * time.Millisecond):
		}
	}
	if err := l.Tables.Swap(ctx, next.version); err != nil {
		again, startErr := l.start(ctx, current.version)
		if startErr != nil {
			return false, fmt.Errorf("%w; then: %w", err, startErr)
		}
		l.lead(again)
		return false, err
	}
	l.lead(next)
	l.Logger.Info("switched to the rebuilt projection", "version", next.version, "before", current.version)
	return true, nil
}

func (l *Leader) offered(ctx context.Context) (uint32, error) {
	all, err := l.Tables.Projections(ctx)
	if err != nil {
		return 0, err
	}
	for _, p := range all {
		if p.State == tables.Offered {
			return p.Version, nil
		}
	}
	return 0, nil
}

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

// Ready returns that of the running projector; an error before there is one.
func (l *Leader) Ready() error {
	if r := l.leading(); r != nil {
		return r.projector.Ready()
	}
	return fmt.Errorf("projection has not started")
}
