package history

import (
	"context"
	"fmt"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Form is a form of the log of events.
type Form string

// Forms of the log of events. Auto is the archive for what retention has dropped,
// then the stream: see [Whole].
const (
	FormAuto    Form = "auto"
	FormStream  Form = "log"
	FormArchive Form = "archive"
)

// Logs are both logs of an installation, with the tables that archive the log of
// events. Each method uses the version that is live at that moment.
type Logs struct {
	Tables *tables.Tables
	// Events and Rejected make a reader of their stream.
	Events, Rejected func() Stream
	// Form is the form in which the log of events is read. Default: auto.
	Form Form
}

// Whole is the log of events from its beginning, whatever the form.
func (l *Logs) Whole(ctx context.Context) (*Whole, error) {
	live, err := l.Tables.Live(ctx)
	if err != nil {
		return nil, err
	}
	return NewWhole(l.Events(), l.Tables, live), nil
}

// Open returns the logs for a projector, which reads the log of events in its form.
// The caller closes both.
func (l *Logs) Open(ctx context.Context) (events, rejected projector.Log, err error) {
	live, err := l.Tables.Live(ctx)
	if err != nil {
		return nil, nil, err
	}
	switch l.Form {
	case FormStream:
		events = l.Events()
	case FormArchive:
		events = NewArchive(l.Tables, live)
	default:
		events = NewWhole(l.Events(), l.Tables, live)
	}
	return events, l.Rejected(), nil
}

// Check fails if the form does not have all events.
func (l *Logs) Check(ctx context.Context) error {
	if l.Form != FormStream {
		return nil
	}
	first, err := l.Begins(ctx)
	if err != nil || first <= 1 {
		return err
	}
	next, err := l.Gap(ctx, projector.LogEvents, 0)
	if err == nil && next+1 < first {
		err = fmt.Errorf("the stream begins at %d, earlier events are in the archive only", first)
	}
	return err
}

// Gap returns the gap after a sequence: it is a [Gaps].
func (l *Logs) Gap(ctx context.Context, log string, after schema.Sequence) (schema.Sequence, error) {
	whole := NewRest(l.Rejected())
	if log == projector.LogEvents {
		var err error
		if whole, err = l.Whole(ctx); err != nil {
			return after, err
		}
	}
	defer whole.Close()
	return whole.Gap(ctx, after)
}

// Begins returns the first sequence that the stream of events may still hold.
func (l *Logs) Begins(ctx context.Context) (schema.Sequence, error) {
	stream := l.Events()
	defer stream.Close()
	return stream.First(ctx)
}

// Ends returns the last sequence of each log; of the archive if it is read in place of the stream.
func (l *Logs) Ends(ctx context.Context) (map[string]schema.Sequence, error) {
	events, rejected, err := l.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer events.Close()
	defer rejected.Close()
	ends := make(map[string]schema.Sequence, 2)
	for name, log := range map[string]projector.Log{projector.LogEvents: events, projector.LogRejected: rejected} {
		if ends[name], err = log.Last(ctx); err != nil {
			return nil, err
		}
	}
	return ends, nil
}
