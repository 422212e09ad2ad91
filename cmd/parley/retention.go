package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// retentionFlags bound the stream of events.
type retentionFlags struct {
	LogMaxAge   span `help:"Drop events from the stream that are older, e.g. 30d, once they are in the ClickHouse archive. 0 keeps all." group:"Log" default:"0s"`
	LogMaxBytes size `help:"Maximum size of the stream, e.g. 20GB. Above 90 %, the oldest archived events are dropped; a full stream answers senders 503. 0 keeps the current limit; \"unlimited\" removes it." group:"Log" default:"0"`
	LogEvery    span `name:"log-retention-every" help:"Interval between retention checks." file:"log.retention-interval" default:"30s"`
}

// bound sets what the stream itself refuses to grow above.
func (f *retentionFlags) bound(o *eventlog.Options) { o.MaxBytes = int64(f.LogMaxBytes) }

// size is a number of bytes that may be written with a unit: 500MB, 20GiB.
type size int64

// unlimited is the number of bytes that is no limit.
const unlimited size = -1

// UnmarshalText reads 1000000, 500MB or 20GiB.
func (b *size) UnmarshalText(text []byte) error {
	written := strings.TrimSpace(string(text))
	if written == "unlimited" {
		*b = unlimited
		return nil
	}
	factor := int64(1)
	for _, unit := range []struct {
		name  string
		bytes int64
	}{{"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {"TiB", 1 << 40}, {"KB", 1e3}, {"MB", 1e6}, {"GB", 1e9}, {"TB", 1e12}} {
		if number, ok := strings.CutSuffix(written, unit.name); ok {
			written, factor = strings.TrimSpace(number), unit.bytes
			break
		}
	}
	n, err := strconv.ParseInt(written, 10, 64)
	if err != nil || n < 0 || n > (1<<62)/factor {
		return fmt.Errorf("%q is not a number of bytes: write 1000000, 500MB or 20GiB", text)
	}
	*b = size(n * factor)
	return nil
}

// String writes the number of bytes.
func (b size) String() string {
	if b == unlimited {
		return "unlimited"
	}
	return strconv.FormatInt(int64(b), 10)
}

// retention drops events from the beginning of the stream that the archive of
// the live projection has: never one above the stored position.
type retention struct {
	events   *eventlog.Stream
	tables   *tables.Tables
	maxAge   time.Duration
	maxBytes int64
	every    time.Duration
	log      *slog.Logger
}

// wanted tells whether the flags bound anything.
func (f *retentionFlags) wanted() bool { return f.LogMaxAge > 0 || f.LogMaxBytes > 0 }

// run looks at the stream until ctx ends.
func (r *retention) run(ctx context.Context) error {
	ticks := time.NewTicker(max(r.every, 10*time.Millisecond))
	defer ticks.Stop()
	for {
		switch dropped, err := r.once(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			r.log.Warn("retention could not drop events from the stream", "error", err)
		case dropped > 0:
			r.log.Info("archived events dropped from the stream", "messages", dropped)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
	}
}

// once drops what may go and gives how many messages that were.
func (r *retention) once(ctx context.Context) (uint64, error) {
	state, err := r.events.State(ctx)
	if err != nil || state.Messages == 0 {
		return 0, err
	}
	keep := state.First // the first sequence that stays
	if r.maxAge > 0 {
		younger, err := r.younger(ctx, state, time.Now().Add(-r.maxAge))
		if err != nil {
			return 0, err
		}
		keep = max(keep, younger)
	}
	if most := r.maxBytes / 10 * 9; r.maxBytes > 0 && state.Bytes > uint64(most) {
		// An estimate by the mean size; the next look corrects it.
		excess := state.Bytes - uint64(most)
		keep = max(keep, state.First+schema.Sequence(excess/max(1, state.Bytes/state.Messages))+1)
	}
	if keep <= state.First {
		return 0, nil
	}
	position, err := history.Archived(ctx, r.tables)
	if err != nil {
		return 0, err
	}
	if keep = min(keep, position+1); keep <= state.First {
		return 0, nil
	}
	if err := r.events.DropBefore(ctx, keep); err != nil {
		return 0, err
	}
	after, err := r.events.State(ctx)
	if err != nil || after.Messages >= state.Messages {
		return 0, err
	}
	return state.Messages - after.Messages, nil
}

// younger is the first sequence that the stream took at or after a moment, one
// above the last where there is none. Sequences are in the order of time.
func (r *retention) younger(ctx context.Context, state eventlog.State, moment time.Time) (schema.Sequence, error) {
	if !state.FirstTime.Before(moment) {
		return state.First, nil
	}
	low, high := state.First, state.Last+1 // low is older
	for high-low > 1 {
		middle := low + (high-low)/2
		entry, err := r.events.Next(ctx, middle-1)
		switch {
		case errors.Is(err, eventlog.ErrNotFound):
			high = middle
		case err != nil:
			return 0, err
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
