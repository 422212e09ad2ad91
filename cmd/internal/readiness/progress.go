package readiness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// Progress compares the position of the version that queries read with the end of the log,
// whichever process projects it and whatever the reason for a stall.
type Progress struct {
	// Position returns the position of the live version.
	Position func(context.Context) (schema.Sequence, error)
	// Last returns the highest sequence that the log has assigned, and Next the sequence of the
	// first entry after another, 0 for none: the last entries may have been deleted.
	Last func(context.Context) (schema.Sequence, error)
	Next func(context.Context, schema.Sequence) (schema.Sequence, error)
	// StallAfter is how long the position may stay the same while the log is ahead.
	StallAfter time.Duration

	mu       sync.Mutex
	position schema.Sequence
	since    time.Time // the position is the same, and the log ahead, no longer than since
	seen     bool      // both could be read once
	wrong    error
}

var errUncompared = errors.New("the tables have not been compared with the log yet")

// Run compares until the context ends.
func (p *Progress) Run(ctx context.Context) error {
	ticks := time.NewTicker(max(p.StallAfter/10, 50*time.Millisecond))
	defer ticks.Stop()
	p.mu.Lock()
	p.since = time.Now()
	p.mu.Unlock()
	for {
		p.compare(ctx)
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// compare makes one comparison. It reads the position first: the log cannot end below it.
func (p *Progress) compare(ctx context.Context) {
	asking, done := context.WithTimeout(ctx, max(p.StallAfter, time.Second))
	defer done()
	position, err := p.Position(asking)
	if err != nil {
		p.fail(fmt.Errorf("read the position of the tables: %w", err))
		return
	}
	last, err := p.Last(asking)
	if err != nil {
		p.fail(fmt.Errorf("read the end of the log: %w", err))
		return
	}
	if p.moves(position, last) {
		return
	}
	next, err := p.Next(asking, position)
	switch {
	case err != nil:
		p.stalled(fmt.Errorf("the tables are stalled at sequence %d: %w", position, err))
	case next == 0: // what follows was deleted
		p.note(position)
	default:
		p.stalled(fmt.Errorf("the tables are stalled at sequence %d although the log ends at %d", position, last))
	}
}

// moves reports whether the tables keep up with the log, as far as known.
func (p *Progress) moves(position, last schema.Sequence) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case position > last:
		p.seen = true
		p.wrong = fmt.Errorf("the tables are at sequence %d but the log ends at %d: it was truncated or replaced", position, last)
		return true
	case position == last, !p.seen, position != p.position:
		p.seen, p.position, p.since, p.wrong = true, position, time.Now(), nil
		return true
	}
	return time.Since(p.since) < p.StallAfter
}

func (p *Progress) note(position schema.Sequence) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.position, p.since, p.wrong = position, time.Now(), nil
}

func (p *Progress) stalled(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wrong = err
}

// fail records that nothing could be compared, which is tolerated for a while.
func (p *Progress) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.since) >= p.StallAfter {
		p.wrong = err
	}
}

// Ready returns the fault found by the last comparison, or nil.
func (p *Progress) Ready() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.wrong == nil && !p.seen {
		return errUncompared
	}
	return p.wrong
}
