package porttest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

// LogSubject is a log under test, empty at first.
type LogSubject struct {
	Log    projector.Log
	Append func(t *testing.T, payloads ...[]byte)
	// Discard deletes an entry; nil if that cannot be done.
	Discard func(t *testing.T, sequence schema.Sequence)
}

// Logs tests an implementation of [projector.Log]. open makes one with a log of
// its own.
func Logs(t *testing.T, open func(t *testing.T) LogSubject) {
	t.Run("EmptyLogGivesNothingAndNoError", func(t *testing.T) {
		s := open(t)
		if last, err := s.Log.Last(t.Context()); last != 0 || err != nil {
			t.Errorf("last is %d, %v", last, err)
		}
		if entries, err := s.Log.Read(t.Context(), 0, 10, time.Millisecond); len(entries) != 0 || err != nil {
			t.Errorf("read %d entries, %v", len(entries), err)
		}
	})
	t.Run("EntriesComeInOrderEachOnce", func(t *testing.T) {
		s := open(t)
		s.Append(t, numbered(1, 100)...)
		for _, most := range []int{1, 7, 1000} {
			expect(t, read(t, s.Log, 0, most, 100), 1, 100)
		}
		if last, err := s.Log.Last(t.Context()); last != 100 || err != nil {
			t.Errorf("last is %d, %v", last, err)
		}
	})
	t.Run("ReadBeginsAnywhere", func(t *testing.T) {
		s := open(t)
		s.Append(t, numbered(1, 50)...)
		for _, after := range []schema.Sequence{30, 0, 49, 12} {
			expect(t, read(t, s.Log, after, 20, 50-int(after)), int(after)+1, 50)
		}
	})
	t.Run("ReadWaitsForTheFirst", func(t *testing.T) {
		s := open(t)
		s.Append(t, numbered(1, 3)...)
		read(t, s.Log, 0, 10, 3)
		go s.Append(t, numbered(4, 4)...)
		expect(t, read(t, s.Log, 3, 10, 1), 4, 4)
	})
	t.Run("GapsAreSkipped", func(t *testing.T) {
		s := open(t)
		if s.Discard == nil {
			return
		}
		s.Append(t, numbered(1, 5)...)
		s.Discard(t, 1)
		s.Discard(t, 3)
		entries := read(t, s.Log, 0, 10, 3)
		for i, want := range []schema.Sequence{2, 4, 5} {
			if entries[i].Sequence != want {
				t.Errorf("entry %d has sequence %d, want %d", i, entries[i].Sequence, want)
			}
		}
	})
	t.Run("ReadEndsWithItsContext", func(t *testing.T) {
		s := open(t)
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
		defer cancel()
		begun := time.Now()
		if entries, _ := s.Log.Read(ctx, 0, 10, time.Hour); len(entries) != 0 || time.Since(begun) > time.Minute {
			t.Errorf("read %d entries after %s", len(entries), time.Since(begun))
		}
	})
}

func numbered(from, to int) [][]byte {
	var payloads [][]byte
	for n := from; n <= to; n++ {
		payloads = append(payloads, fmt.Appendf(nil, "entry %d", n))
	}
	return payloads
}

// read reads on until it has so many entries, and copies them.
func read(t *testing.T, log projector.Log, after schema.Sequence, most, want int) []schema.Entry {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var all []schema.Entry
	for len(all) < want {
		entries, err := log.Read(ctx, after, most, time.Second)
		if err != nil {
			t.Fatalf("%d of %d entries: %v", len(all), want, err)
		}
		if len(entries) > most {
			t.Fatalf("%d entries, at most %d requested", len(entries), most)
		}
		for _, e := range entries {
			if e.Sequence <= after {
				t.Fatalf("entry %d after %d", e.Sequence, after)
			}
			after = e.Sequence
			e.Payload = append([]byte(nil), e.Payload...)
			all = append(all, e)
		}
	}
	return all
}

func expect(t *testing.T, entries []schema.Entry, from, to int) {
	t.Helper()
	if len(entries) != to-from+1 {
		t.Fatalf("%d entries, want %d to %d", len(entries), from, to)
	}
	for i, e := range entries {
		if int(e.Sequence) != from+i || string(e.Payload) != fmt.Sprintf("entry %d", from+i) || e.ReceivedAt.IsZero() {
			t.Fatalf("entry %d is %d %q at %s", from+i, e.Sequence, e.Payload, e.ReceivedAt)
		}
	}
}
