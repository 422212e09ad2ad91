package retention

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// stream holds entries of 100 bytes; sequences may be missing.
type stream struct{ entries []schema.Entry }

func (s *stream) State(context.Context) (State, error) {
	if len(s.entries) == 0 {
		return State{First: 1}, nil
	}
	n := len(s.entries)
	return State{
		First: s.entries[0].Sequence, Last: s.entries[n-1].Sequence, FirstTime: s.entries[0].ReceivedAt,
		Messages: uint64(n), Bytes: uint64(100 * n),
	}, nil
}

func (s *stream) Next(_ context.Context, after schema.Sequence) (schema.Entry, bool, error) {
	for _, e := range s.entries {
		if e.Sequence > after {
			return e, true, nil
		}
	}
	return schema.Entry{}, false, nil
}

func (s *stream) Skip(sequence schema.Sequence, messages uint64) schema.Sequence {
	return sequence + schema.Sequence(messages)
}

func (s *stream) DropBefore(_ context.Context, sequence schema.Sequence) error {
	for len(s.entries) > 0 && s.entries[0].Sequence < sequence {
		s.entries = s.entries[1:]
	}
	return nil
}

// An entry an hour, with gaps: what is older than the age goes, whatever is
// missing in between.
func TestOnlyArchivedEventsThatAreTooOldOrTooManyAreDropped(t *testing.T) {
	for _, c := range []struct {
		name     string
		maxAge   time.Duration
		maxBytes int64
		archived schema.Sequence
		first    schema.Sequence // that is left
	}{
		{"nothing is asked for", 0, 0, 100, 1},
		{"too old", 30 * time.Hour, 0, 100, 71},
		{"too old, but not archived", 30 * time.Hour, 0, 40, 41},
		{"all too old", time.Minute, 0, 100, 101},
		{"none too old", 1000 * time.Hour, 0, 100, 1},
		{"too many bytes", 0, 9000, 100, 47},
		{"too many bytes, but nothing archived", 0, 9000, 0, 1},
		{"both", 30 * time.Hour, 9000, 100, 71},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &stream{}
			for n := schema.Sequence(1); n <= 100; n++ {
				if n%10 != 5 {
					s.entries = append(s.entries, schema.Entry{Sequence: n, ReceivedAt: time.Now().Add(-time.Duration(101-n)*time.Hour + time.Minute)})
				}
			}
			before := len(s.entries)
			r := New(Config{
				Stream: s, MaxAge: c.maxAge, MaxBytes: c.maxBytes, Interval: time.Minute, Logger: slog.New(slog.DiscardHandler),
				Stored: func(context.Context) (schema.Sequence, error) { return c.archived, nil },
			})
			dropped, err := r.Drop(t.Context())
			if err != nil || int(dropped) != before-len(s.entries) {
				t.Errorf("%s: %d dropped, %v", c.name, dropped, err)
			}
			first := schema.Sequence(101)
			if len(s.entries) > 0 {
				first = s.entries[0].Sequence
			}
			if first != c.first {
				t.Errorf("%s: begins at %d, want %d", c.name, first, c.first)
			}
			if dropped, err := r.Drop(t.Context()); c.maxBytes == 0 && (dropped != 0 || err != nil) {
				t.Errorf("%s: %d dropped again, %v", c.name, dropped, err)
			}
		})
	}
}

func TestRunDropsUntilItIsStopped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{[]schema.Entry{{Sequence: 1, ReceivedAt: time.Now()}, {Sequence: 2, ReceivedAt: time.Now().Add(time.Hour)}}}
		ctx, cancel := context.WithTimeout(t.Context(), 90*time.Minute)
		defer cancel()
		r := New(Config{
			Stream: s, MaxAge: time.Hour, Interval: time.Minute, Logger: slog.New(slog.DiscardHandler),
			Stored: func(context.Context) (schema.Sequence, error) { return 2, nil },
		})
		if err := r.Run(ctx); err != nil || len(s.entries) != 1 || s.entries[0].Sequence != 2 {
			t.Errorf("%v, %v", s.entries, err)
		}
	})
}

func TestTheTablesForgetWhatTheStreamHasDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &stream{}
		for n := schema.Sequence(1); n <= 10; n++ {
			s.entries = append(s.entries, schema.Entry{Sequence: n, ReceivedAt: time.Now()})
		}
		fails, forgotten := errors.New("the tables are away"), []schema.Sequence(nil)
		retention := func() *Retention {
			return New(Config{
				Stream: s, MaxBytes: 1000, Interval: time.Minute, Logger: slog.New(slog.DiscardHandler),
				Stored: func(context.Context) (schema.Sequence, error) { return 10, nil },
				Forget: func(_ context.Context, before schema.Sequence) error {
					if fails == nil {
						forgotten = append(forgotten, before)
					}
					return fails
				},
			})
		}
		if _, err := retention().Drop(t.Context()); !errors.Is(err, fails) {
			t.Error(err)
		}
		first := s.entries[0].Sequence
		if first == 1 {
			t.Fatal("nothing was dropped")
		}
		// The next process finds what this one has left, and does it once.
		fails = nil
		next := retention()
		for range 2 {
			if _, err := next.Drop(t.Context()); err != nil {
				t.Error(err)
			}
		}
		if len(forgotten) != 1 || forgotten[0] != first {
			t.Errorf("the stream begins at %d, the tables forget all below %v", first, forgotten)
		}
	})
}

func TestALimitLeavesRoomForARequest(t *testing.T) {
	for limit, want := range map[int64]uint64{10 << 30: 9 << 30, 100 << 20: 68 << 20, 2 << 20: 1 << 20} {
		if got := New(Config{MaxBytes: limit}).most(); got>>20 != want>>20 {
			t.Errorf("of %d MiB are used %d, want %d", limit>>20, got>>20, want>>20)
		}
	}
}
