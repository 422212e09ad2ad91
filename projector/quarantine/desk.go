package quarantine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Eraser overwrites one message of a log. A message that is not there is no
// error.
type Eraser interface {
	Erase(ctx context.Context, sequence schema.Sequence) error
}

// Door puts events at the end of the log of events. They are on disk when it
// returns; after an error the same may be given again. A known key is no error.
type Door interface {
	Append(ctx context.Context, events []Admitted) error
}

// Admitted is an event that passes now.
type Admitted struct {
	Key      schema.EventKey
	Original []byte
	// Again: the log of events holds this very event already, so that it must
	// not be taken for a repeat of itself.
	Again bool
}

// Desk is where entries are dealt with. No replay or verify may run beside it:
// the caller sees to that.
type Desk struct {
	Tables *tables.Tables
	Logs   map[string]Eraser // by the name of the log
	Door   Door
	Clock  func() time.Time
	// Done, if given, is told how many more entries are dealt with.
	Done func(n int)
}

// Refusal is an entry that is still refused.
type Refusal struct {
	Entry tables.Quarantined
	Why   *schema.Error
}

// portion is how many entries are dealt with at a time.
const portion = 500

// Judge tells which entries would pass the door now. They need their originals.
func (d *Desk) Judge(entries []tables.Quarantined) (pass []tables.Quarantined, refused []Refusal) {
	for _, e := range entries {
		if _, why := schema.Decode(e.Original, d.Clock()); why != nil {
			refused = append(refused, Refusal{e, why})
		} else {
			pass = append(pass, e)
		}
	}
	return pass, refused
}

// Replay puts entries through the door and takes those that pass out of
// quarantine. They need their originals. It gives how many passed.
func (d *Desk) Replay(ctx context.Context, entries []tables.Quarantined) (replayed int, refused []Refusal, err error) {
	for some := range slices.Chunk(entries, portion) {
		pass, still := d.Judge(some)
		refused = append(refused, still...)
		events := make([]Admitted, len(pass))
		for i, e := range pass {
			event, _ := schema.Decode(e.Original, d.Clock())
			events[i] = Admitted{Key: event.Key(), Original: e.Original, Again: e.Log == "events"}
		}
		if len(events) > 0 {
			if err := d.Door.Append(ctx, events); err != nil {
				return replayed, refused, fmt.Errorf("replay %d entries: %w", len(events), err)
			}
		}
		if err := d.remove(ctx, pass); err != nil {
			return replayed, refused, err
		}
		replayed += len(pass)
		d.done(len(some))
	}
	return replayed, refused, nil
}

// Purge takes entries out of quarantine for good: out of their log and out of
// the tables.
func (d *Desk) Purge(ctx context.Context, entries []tables.Quarantined) error {
	for some := range slices.Chunk(entries, portion) {
		if err := d.remove(ctx, some); err != nil {
			return err
		}
		d.done(len(some))
	}
	return nil
}

func (d *Desk) done(n int) {
	if d.Done != nil {
		d.Done(n)
	}
}

// remove erases entries in their logs first: what is in no log comes back with
// no rebuild.
func (d *Desk) remove(ctx context.Context, entries []tables.Quarantined) error {
	byLog := map[string][]schema.Sequence{}
	for _, e := range entries {
		log := d.Logs[e.Log]
		if log == nil {
			return fmt.Errorf("quarantine: there is no log %q", e.Log)
		}
		if err := log.Erase(ctx, e.Sequence); err != nil {
			return fmt.Errorf("erase %d of the %s log: %w", e.Sequence, e.Log, err)
		}
		byLog[e.Log] = append(byLog[e.Log], e.Sequence)
	}
	for log, sequences := range byLog {
		if err := d.Tables.RemoveQuarantined(ctx, log, sequences); err != nil {
			return err
		}
	}
	return nil
}
