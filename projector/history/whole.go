package history

import (
	"context"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Stream is a log that may have dropped its beginning and single entries.
//
// First is the lowest sequence it may still hold; it only ever grows. Next is
// the sequence of the first entry after another, 0 if there is none.
type Stream interface {
	projector.Log
	First(ctx context.Context) (schema.Sequence, error)
	Next(ctx context.Context, after schema.Sequence) (schema.Sequence, error)
}

// Whole is the log of events from its beginning: dropped events from the archive, all others from
// the stream. It is a [projector.Log].
//
// The archive must hold everything below the stream's first entry; retention ensures that. Dropped
// entries that are in no archive (duplicates, and quarantined ones) are missing here too.
type Whole struct {
	stream  Stream
	archive *Archive // nil if nothing is ever dropped

	at      schema.Sequence // last entry returned from the stream
	flowing bool
}

var (
	_ projector.Log        = (*Whole)(nil)
	_ projector.Identified = (*Whole)(nil)
)

// NewWhole combines the archive of a version with a stream.
func NewWhole(stream Stream, t *tables.Tables, version uint32) *Whole {
	return &Whole{stream: stream, archive: NewArchive(t, version)}
}

// NewRest returns a log of which nothing is archived.
func NewRest(stream Stream) *Whole { return &Whole{stream: stream} }

// Read returns the entries after a sequence: see [projector.Log]. If a stream drops entries while
// it is read, the gap reveals it, and the missing entries are read from the archive.
func (w *Whole) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	for {
		if !w.flowing || w.at != after {
			first, err := w.stream.First(ctx)
			if err != nil {
				return nil, err
			}
			if w.archive != nil && first > after+1 {
				entries, err := w.archived(ctx, after, first, most)
				if err != nil || len(entries) > 0 {
					return entries, err
				}
				after = first - 1
			}
			w.flowing, w.at = true, after
		}
		entries, err := w.stream.Read(ctx, after, most, wait)
		if err != nil || len(entries) == 0 {
			w.flowing = false
			return nil, err
		}
		if w.archive != nil && gap(after, entries) {
			first, err := w.stream.First(ctx)
			if err != nil {
				return nil, err
			}
			if first > after+1 { // dropped meanwhile, perhaps
				w.flowing = false
				continue
			}
		}
		w.at = entries[len(entries)-1].End()
		return entries, nil
	}
}

// gap reports whether sequences are missing after one and between entries.
func gap(after schema.Sequence, entries []schema.Entry) bool {
	for i := range entries {
		if entries[i].Sequence != after+1 {
			return true
		}
		after = entries[i].End()
	}
	return false
}

// archived returns archived entries between two sequences, both left out.
func (w *Whole) archived(ctx context.Context, after, before schema.Sequence, most int) ([]schema.Entry, error) {
	entries, err := w.archive.Read(ctx, after, most, 0)
	if err != nil {
		return nil, err
	}
	for i, e := range entries {
		if e.Sequence >= before {
			return entries[:i], nil
		}
	}
	return entries, nil
}

// Last returns the highest sequence ever assigned.
func (w *Whole) Last(ctx context.Context) (schema.Sequence, error) { return w.stream.Last(ctx) }

// Identity returns that of the stream: see [projector.Identified].
func (w *Whole) Identity() string {
	if stream, can := w.stream.(projector.Identified); can {
		return stream.Identity()
	}
	return ""
}

// Get returns an entry of the stream: see [projector.Identified].
func (w *Whole) Get(ctx context.Context, sequence schema.Sequence) (schema.Entry, error) {
	if stream, can := w.stream.(projector.Identified); can {
		return stream.Get(ctx, sequence)
	}
	return schema.Entry{}, schema.ErrNotFound
}

// Gap returns the sequence up to which no entry follows another: that one itself if the next entry
// follows immediately. A reader that has everything up to after has everything up to there.
func (w *Whole) Gap(ctx context.Context, after schema.Sequence) (schema.Sequence, error) {
	last, err := w.stream.Last(ctx) // first, so that Next finds entries appended meanwhile
	if err != nil || last <= after {
		return after, err
	}
	if w.archive != nil {
		archived, err := w.archive.tables.NextEvent(ctx, w.archive.version, after)
		if err != nil {
			return after, err
		}
		first, err := w.stream.First(ctx)
		if err != nil {
			return after, err
		}
		if archived > 0 && archived < first {
			return archived - 1, nil
		}
	}
	next, err := w.stream.Next(ctx, after)
	switch {
	case err != nil:
		return after, err
	case next == 0:
		return last, nil
	default:
		return next - 1, nil
	}
}

// Begins returns the first sequence that the stream itself may hold.
func (w *Whole) Begins(ctx context.Context) (schema.Sequence, error) { return w.stream.First(ctx) }

// Close ends both readers; Read starts them again.
func (w *Whole) Close() {
	w.flowing = false
	if w.archive != nil {
		w.archive.Close()
	}
	w.stream.Close()
}
