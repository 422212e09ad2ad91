package retention

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/schema"
)

// State is the state of a stream. First is above Last in a stream that is empty.
type State struct {
	First, Last     schema.Sequence
	Messages, Bytes uint64
	FirstTime       time.Time
}

// Stream is a stream of the log.
type Stream interface {
	// State returns the present state.
	State(ctx context.Context) (State, error)
	// Next returns the first entry after a sequence; found is false if there is
	// none.
	Next(ctx context.Context, after schema.Sequence) (entry schema.Entry, found bool, err error)
	// Skip returns a sequence so many messages after another.
	Skip(sequence schema.Sequence, messages uint64) schema.Sequence
	// DropBefore deletes everything below a sequence, but no message in part. A repeat changes
	// nothing.
	DropBefore(ctx context.Context, sequence schema.Sequence) error
}

// Config configures what is kept.
type Config struct {
	Log    string // name of the log, for messages and metrics
	Stream Stream
	// Stored returns the last sequence that the tables hold, and everything below.
	Stored func(ctx context.Context) (schema.Sequence, error)
	// Forget, if given, removes from the tables what the stream has dropped: all below
	// a sequence. A repeat changes nothing.
	Forget     func(ctx context.Context, before schema.Sequence) error
	MaxAge     time.Duration // 0 keeps entries of any age
	MaxBytes   int64         // 0 or less is no limit
	Interval   time.Duration // between checks
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: no metrics
}

// Retention drops entries. Its methods are not for concurrent use.
type Retention struct {
	Config
	dropped prometheus.Counter
	bytes   prometheus.Gauge

	forgotten schema.Sequence // all below is not in the tables
}

// New returns a retention.
func New(config Config) *Retention {
	of := prometheus.Labels{"log": config.Log}
	r := &Retention{
		Config:  config,
		dropped: prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_log_dropped_total", Help: "Messages that retention dropped from a stream.", ConstLabels: of}),
		bytes:   prometheus.NewGauge(prometheus.GaugeOpts{Name: "parley_log_stream_bytes", Help: "Size of a stream when retention last checked it.", ConstLabels: of}),
	}
	if config.Registerer != nil {
		config.Registerer.MustRegister(r.dropped, r.bytes)
	}
	return r
}

// Run checks the stream until ctx ends.
func (r *Retention) Run(ctx context.Context) error {
	ticks := time.NewTicker(max(r.Interval, 10*time.Millisecond))
	defer ticks.Stop()
	for {
		switch dropped, err := r.Drop(ctx); {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			r.Logger.Warn("retention failed", "log", r.Log, "error", err)
		case dropped > 0:
			r.dropped.Add(float64(dropped))
			r.Logger.Info("messages dropped from the stream", "log", r.Log, "messages", dropped)
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
	before, err := r.Stream.State(ctx)
	if err != nil {
		return 0, err
	}
	after, err := r.drop(ctx, before)
	if err != nil {
		return 0, err
	}
	r.bytes.Set(float64(after.Bytes))
	// What the process that dropped it did not come to is done here too.
	if r.Forget != nil && after.First > max(r.forgotten, 1) {
		if err := r.Forget(ctx, after.First); err != nil {
			return 0, err
		}
		r.forgotten = after.First
	}
	return before.Messages - min(before.Messages, after.Messages), nil
}

// drop returns what the stream holds afterwards.
func (r *Retention) drop(ctx context.Context, state State) (State, error) {
	if state.Messages == 0 {
		return state, nil
	}
	keep := state.First // the first sequence that stays
	if r.MaxAge > 0 {
		younger, err := r.younger(ctx, state, time.Now().Add(-r.MaxAge))
		if err != nil {
			return state, err
		}
		keep = max(keep, younger)
	}
	if most := r.most(); r.MaxBytes > 0 && state.Bytes > most {
		// An estimate by the mean size; the next check corrects it.
		excess := state.Bytes - most
		keep = max(keep, r.Stream.Skip(state.First, excess/max(1, state.Bytes/state.Messages)+1))
	}
	if keep <= state.First {
		return state, nil
	}
	position, err := r.Stored(ctx)
	if err != nil {
		return state, err
	}
	if keep = min(keep, position+1); keep <= state.First {
		return state, nil
	}
	if err := r.Stream.DropBefore(ctx, keep); err != nil {
		return state, err
	}
	return r.Stream.State(ctx)
}

// room is more than the largest request takes in a stream, which refuses one that
// does not fit.
const room = 32 << 20

// most is the size above which entries are dropped: 90 % of the limit, and less of a
// small one, to leave room for a request.
func (r *Retention) most() uint64 {
	return uint64(max(r.MaxBytes/2, min(r.MaxBytes/10*9, r.MaxBytes-room)))
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
