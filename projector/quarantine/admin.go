package quarantine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Eraser overwrites entries of a log. Missing ones are not an error.
type Eraser interface {
	Erase(ctx context.Context, sequences ...schema.Sequence) error
}

// Appender appends events to the log of events. They are on disk when it returns; after an error it
// can be called again with the same events. A known key is not an error.
type Appender interface {
	Append(ctx context.Context, events []Admitted) error
}

// Admitted is an event that is valid now.
type Admitted struct {
	Key      schema.EventKey
	Original []byte
	// Again means that the log of events already holds this event, so that it must not be treated
	// as its own duplicate.
	Again bool
}

// Admin replays and purges entries. The caller ensures that no replay or verify of the projection
// runs at the same time.
type Admin struct {
	Tables *tables.Tables
	Logs   map[string]Eraser // by the name of the log
	Events Appender
	Clock  func() time.Time
	// Done, if given, is called with the number of entries that are done since the
	// last call.
	Done func(n int)
}

// Refusal is an entry that is still refused.
type Refusal struct {
	Entry tables.Quarantined
	Why   *schema.Error
}

// portion is the number of entries processed at a time.
const portion = 500

// Judge returns which entries the edge would accept now. Entries must include their originals.
func (a *Admin) Judge(entries []tables.Quarantined) (pass []tables.Quarantined, refused []Refusal) {
	for _, e := range entries {
		if _, why := schema.Decode(e.Original, a.Clock()); why != nil {
			refused = append(refused, Refusal{e, why})
		} else {
			pass = append(pass, e)
		}
	}
	return pass, refused
}

// Replay submits entries again and removes those that pass from quarantine. Entries must include
// their originals. It returns how many passed.
func (a *Admin) Replay(ctx context.Context, entries []tables.Quarantined) (replayed int, refused []Refusal, err error) {
	for some := range slices.Chunk(entries, portion) {
		pass, still := a.Judge(some)
		refused = append(refused, still...)
		events := make([]Admitted, len(pass))
		for i, e := range pass {
			event, _ := schema.Decode(e.Original, a.Clock())
			events[i] = Admitted{Key: event.Key(), Original: schema.MarkReleased(e.Original), Again: e.Log == "events"}
		}
		if len(events) > 0 {
			if err := a.Events.Append(ctx, events); err != nil {
				return replayed, refused, fmt.Errorf("replay %d entries: %w", len(events), err)
			}
		}
		if err := a.remove(ctx, pass); err != nil {
			return replayed, refused, err
		}
		replayed += len(pass)
		a.done(len(some))
	}
	return replayed, refused, nil
}

// Purge permanently removes entries from quarantine: from their log and from the tables.
func (a *Admin) Purge(ctx context.Context, entries []tables.Quarantined) error {
	for some := range slices.Chunk(entries, portion) {
		if err := a.remove(ctx, some); err != nil {
			return err
		}
		a.done(len(some))
	}
	return nil
}

func (a *Admin) done(n int) {
	if a.Done != nil {
		a.Done(n)
	}
}

// remove erases entries in their logs first, so that no rebuild restores them.
func (a *Admin) remove(ctx context.Context, entries []tables.Quarantined) error {
	byLog := map[string][]schema.Sequence{}
	for _, e := range entries {
		byLog[e.Log] = append(byLog[e.Log], e.Sequence)
	}
	for name, sequences := range byLog {
		log := a.Logs[name]
		if log == nil {
			return fmt.Errorf("quarantine: unknown log %q", name)
		}
		if err := log.Erase(ctx, sequences...); err != nil {
			return fmt.Errorf("erase %d entries of the %s log: %w", len(sequences), name, err)
		}
	}
	for log, sequences := range byLog {
		if err := a.Tables.RemoveQuarantined(ctx, log, sequences); err != nil {
			return err
		}
	}
	return nil
}
