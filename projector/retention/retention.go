package retention

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// State is the state of a stream. First is Last+1 in a stream that is empty.
type State struct {
	First, Last     schema.Sequence
	Messages, Bytes uint64
	FirstTime       time.Time
}

// Stream is the stream of events.
type Stream interface {
	// State returns the present state.
	State(ctx context.Context) (State, error)
	// Next returns the first entry after a sequence; found is false if there is
	// none.
	Next(ctx context.Context, after schema.Sequence) (entry schema.Entry, found bool, err error)
	// DropBefore deletes everything below a sequence. A repeat changes nothing.
	DropBefore(ctx context.Context, sequence schema.Sequence) error
}

// Config configures what is kept.
type Config struct {
	Stream Stream
	// Archived returns the last sequence that the archive holds, and everything below.
	Archived func(ctx context.Context) (schema.Sequence, error)
	MaxAge   time.Duration // 0 keeps events of any age
	MaxBytes int64         // events are dropped from 90 % of it on; 0 or less is no limit
	Interval time.Duration // between checks
	Logger   *slog.Logger
}

// Retention drops events. Its methods are not for concurrent use.
type Retention struct{ Config }

// New returns a retention.
func New(config Config) *Retention { return &Retention{config} }

// Run checks the stream until ctx ends.
func (r *Retention) Run(ctx context.Context) error {
	ticks := time.NewTicker(max(r.Interval, 10*time.Millisecond))
	defer ticks.Stop()
	for {
		switch dropped, err := r.Drop(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			r.Logger.Warn("retention could not drop events from the stream", "error", err)
		case dropped > 0:
			r.Logger.Info("archived events dropped from the stream", "messages", dropped)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// Drop drops what may be dropped now and returns the number of messages.
func (r *Retention) Drop(ctx context.Context) (uint64, error) {
	state, err := r.Stream.State(ctx)
	if err != nil || state.Messages == 0 {
		return 0, err
	}
	keep := state.First // the first sequence that stays
	if r.MaxAge > 0 {
		younger, err := r.younger(ctx, state, time.Now().Add(-r.MaxAge))
		if err != nil {
			return 0, err
		}
		keep = max(keep, younger)
	}
	if most := r.MaxBytes / 10 * 9; r.MaxBytes > 0 && state.Bytes > uint64(most) {
		// An estimate from the mean size; the next check corrects it.
		excess := state.Bytes - uint64(most)
		keep = max(keep, state.First+schema.Sequence(excess/max(1, state.Bytes/state.Messages))+1)
	}
	if keep <= state.First {
		return 0, nil
	}
	position, err := r.Archived(ctx)
	if err != nil {
		return 0, err
	}
	if keep = min(keep, position+1); keep <= state.First {
		return 0, nil
	}
	if err := r.Stream.DropBefore(ctx, keep); err != nil {
		return 0, err
	}
	after, err := r.Stream.State(ctx)
	if err != nil || after.Messages >= state.Messages {
		return 0, err
	}
	return state.Messages - after.Messages, nil
}

// younger returns the first sequence received at or after a moment, one above the
// last if there is none. Sequences are in the order of time.
func (r *Retention) younger(ctx context.Context, state State, moment time.Time) (schema.Sequence, error) {
	if !state.FirstTime.Before(moment) {
		return state.First, nil
	}
	low, high := state.First, state.Last+1 // low is older
	for high-low > 1 {
		middle := low + (high-low)/2
		entry, found, err := r.Stream.Next(ctx, middle-1)
		switch {
		case err != nil:
			return 0, err
		case !found:
			high = middle
		case entry.ReceivedAt.Before(moment):
			low = max(low+1, entry.Sequence)
			if low >= high {
				return high, nil
			}
		default:
			high = middle
		}
	}
	return high, nil
}
