package history

import (
	"context"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Archive is the log of events in a version's archive: accepted events, without duplicates and
// without quarantined ones. It replaces the stream for events that the stream no longer holds. It
// is a [projector.Log].
type Archive struct {
	tables  *tables.Tables
	version uint32

	reading *tables.Archive
	at      schema.Sequence // the last one given out of reading
}

var _ projector.Log = (*Archive)(nil)

// NewArchive reads the archive of a version.
func NewArchive(t *tables.Tables, version uint32) *Archive {
	return &Archive{tables: t, version: version}
}

// Read returns the archived events after a sequence. At the end of the archive it waits only for
// the time, not for events.
func (a *Archive) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	if a.reading == nil || a.at != after {
		a.Close()
		reading, err := a.tables.Archive(ctx, a.version, after)
		if err != nil {
			return nil, err
		}
		a.reading, a.at = reading, after
	}
	entries, err := a.reading.Read(most)
	if err != nil {
		return nil, err
	}
	if len(entries) > 0 {
		a.at = entries[len(entries)-1].End()
		return entries, nil
	}
	a.Close() // more may have arrived by the next call
	select {
	case <-ctx.Done():
	case <-time.After(wait):
	}
	return nil, nil
}

// Last returns the highest archived sequence, 0 for an empty archive.
func (a *Archive) Last(ctx context.Context) (schema.Sequence, error) {
	return a.tables.LastEvent(ctx, a.version)
}

// Close ends reading; Read starts it again.
func (a *Archive) Close() {
	if a.reading != nil {
		a.reading.Close()
		a.reading = nil
	}
}

// Projected is the sequence up to which the live version has stored a log: its
// events in the archive, rejected ones in quarantine. Retention may drop these from
// the stream.
func Projected(ctx context.Context, t *tables.Tables, log string) (schema.Sequence, error) {
	live, err := t.Live(ctx)
	if err != nil {
		return 0, err
	}
	at, err := t.Positions(ctx, live)
	return at[log], err
}
