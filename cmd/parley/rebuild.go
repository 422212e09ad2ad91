package main

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/replay"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

// rebuildFlags are what replay and verify have in common.
type rebuildFlags struct {
	engines.Location
	Projects  string `help:"Only these projects, e.g. 1,2 (${default})." default:"all" placeholder:"1,2|all"`
	Since     string `help:"Only conversations with an event at or after this time (RFC 3339)." placeholder:"TIME"`
	From      string `help:"Source of the events. auto: the archive (events table) for what retention has dropped, then the stream; log: only the stream; archive: only the archive." enum:"auto,log,archive" default:"auto"`
	StoreText bool   `help:"Keep the text of messages, as serve --store-text does. Implied if the live tables already store text."`
	Show      int    `help:"Maximum number of differing rows to print." default:"20"`
}

// rebuild is what replay and verify work on.
type rebuild struct {
	*replay.Rebuild
	session *engines.Session
}

// open connects to the engines and ensures that no other process rebuilds.
func (f *rebuildFlags) open(a *app, what string) (*rebuild, error) {
	scope, err := f.scope()
	if err != nil {
		return nil, err
	}
	s, err := f.OpenAlone(a.ctx, what, a.log)
	if err != nil {
		return nil, err
	}
	r := &rebuild{&replay.Rebuild{
		Tables: s.Tables, Scope: scope, Limit: f.Show,
		Report: progress.New(a.stderr, what, "events", 0).Reach,
		At:     crash.Point("replay"),
	}, s}
	if err := f.source(a, r); err != nil {
		s.Close()
		return nil, err
	}
	return r, nil
}

// source returns the source of a rebuild's events.
func (f *rebuildFlags) source(a *app, r *rebuild) (err error) {
	t, broker := r.session.Tables, r.session.Log
	if f.StoreText, err = storesText(a.ctx, t, r.session.Live, f.StoreText); err != nil {
		return err
	}
	r.Flags = f.flags()
	whole := wholeLog(broker.Events(), t, r.session.Live)
	r.Open, r.Begins, r.Gaps = f.opener(a, t, broker), whole.Begins, gaps(t, broker)
	r.Ends = func(ctx context.Context) (map[string]schema.Sequence, error) { return ends(ctx, broker) }
	switch f.From {
	case "log":
		return streamIsWhole(a.ctx, whole)
	case "archive":
		r.Ends = func(ctx context.Context) (map[string]schema.Sequence, error) { return archived(ctx, t, broker) }
	}
	return nil
}

// flags returns the flags that determine which rows are built.
func (f *rebuildFlags) flags() string { return fmt.Sprintf("from %s, texts %t", f.From, f.StoreText) }

func (f *rebuildFlags) scope() (tables.Scope, error) {
	projects, err := auth.ParseProjects(f.Projects)
	if err != nil {
		return tables.Scope{}, fmt.Errorf("--projects: %w", err)
	}
	scope := tables.Scope{Projects: projects.IDs}
	if f.Since != "" {
		since, err := schema.ParseMoment(f.Since)
		if err != nil {
			return tables.Scope{}, fmt.Errorf("--since: must be an RFC 3339 time, e.g. 2024-03-01T00:00:00Z")
		}
		scope.Since = schema.TimestampOf(since)
	}
	return scope, nil
}

// opener returns a function that makes projectors which write a version from the log, or from the
// archive of the live version.
func (f *rebuildFlags) opener(a *app, t *tables.Tables, broker *eventlog.Broker) replay.Open {
	return func(ctx context.Context, version uint32) (*projector.Projector, func(), error) {
		rows, err := sink.Open(ctx, t.Conn(), sink.Options{Projection: version, StoreText: f.StoreText, Logger: a.log})
		if err != nil {
			return nil, nil, err
		}
		events, rejected := broker.Events().NewReader(), broker.Rejected().NewReader()
		var log projector.Log = events
		release := func() { log.Close(); events.Close(); rejected.Close() }
		live, err := t.Live(ctx)
		if err != nil {
			release()
			return nil, nil, err
		}
		switch f.From {
		case "auto":
			log = history.NewWhole(events, t, live)
		case "archive":
			log = history.NewArchive(t, live)
		}
		p, err := projector.New(projector.Config{Log: log, Rejected: rejected, Sink: rows, Archive: rows, Logger: a.log})
		return p, release, err
	}
}

// wholeLog is the log of events, including the dropped ones.
func wholeLog(events *eventlog.Stream, t *tables.Tables, live uint32) *history.Whole {
	return history.NewWhole(events.NewReader(), t, live)
}

// storesText reports whether texts are kept: if requested, or if the live version has some, which a
// rebuild must not lose.
func storesText(ctx context.Context, t *tables.Tables, live uint32, asked bool) (bool, error) {
	if asked {
		return true, nil
	}
	return t.HoldsTexts(ctx, live)
}

// gaps returns the gaps of the two logs, according to the archive that is live at that moment.
func gaps(t *tables.Tables, broker *eventlog.Broker) history.Gaps {
	return func(ctx context.Context, log string, after schema.Sequence) (schema.Sequence, error) {
		if log == projector.LogRejected {
			return history.NewRest(broker.Rejected().NewReader()).Gap(ctx, after)
		}
		live, err := t.Live(ctx)
		if err != nil {
			return after, err
		}
		return wholeLog(broker.Events(), t, live).Gap(ctx, after)
	}
}

// streamIsWhole checks that the stream alone has all events.
func streamIsWhole(ctx context.Context, whole *history.Whole) error {
	first, err := whole.Begins(ctx)
	if err != nil || first <= 1 {
		return err
	}
	next, err := whole.Gap(ctx, 0)
	if err == nil && next+1 < first {
		err = fmt.Errorf("--from log: the stream begins at %d, earlier events are in the archive only: use --from auto", first)
	}
	return err
}

// ends returns the last sequence of both logs.
func ends(ctx context.Context, broker *eventlog.Broker) (map[string]schema.Sequence, error) {
	events, err := broker.Events().Last(ctx)
	if err != nil {
		return nil, err
	}
	rejected, err := broker.Rejected().Last(ctx)
	return map[string]schema.Sequence{projector.LogEvents: events, projector.LogRejected: rejected}, err
}

// archived returns the last sequence of the live archive, and of the log of rejections.
func archived(ctx context.Context, t *tables.Tables, broker *eventlog.Broker) (map[string]schema.Sequence, error) {
	live, err := t.Live(ctx)
	if err != nil {
		return nil, err
	}
	all, err := ends(ctx, broker)
	if err != nil {
		return nil, err
	}
	all[projector.LogEvents], err = history.NewArchive(t, live).Last(ctx)
	return all, err
}

// replayCommand rebuilds the projection.
type replayCommand struct {
	rebuildFlags
	Undo bool `help:"Make the version before the last replay live again." env:"-"`
}

// Run replays next to the live projection and prints the result.
func (c *replayCommand) Run(a *app) error {
	r, err := c.open(a, "replay")
	if err != nil {
		return err
	}
	defer r.session.Close()
	began := time.Now()
	switch {
	case c.Undo:
		undone, err := r.Undo(a.ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "version %d is live again after %s; version %d is kept\n", undone.Version, since(began), undone.Before)
		return nil
	case !r.Scope.Everything():
		return c.repair(a, r, true)
	}
	replayed, err := r.Replay(a.ctx)
	if err != nil {
		return err
	}
	printReport(a, replayed.Report, "the version before")
	fmt.Fprintf(a.stdout, "replayed %d events of %d conversations in %s: version %d is live, version %d is kept for --undo\n",
		replayed.Events, replayed.Conversations, since(began), replayed.Version, replayed.Before)
	return nil
}

// verifyCommand compares the tables with the log.
type verifyCommand struct {
	rebuildFlags
	Repair bool `help:"Rewrite the conversations that differ." env:"-"`
}

// Run fails if the tables differ from the log.
func (c *verifyCommand) Run(a *app) error {
	r, err := c.open(a, "verify")
	if err != nil {
		return err
	}
	defer r.session.Close()
	return c.repair(a, r, c.Repair)
}

// repair verifies, and repairs if asked to; it fails if differences are left.
func (f *rebuildFlags) repair(a *app, r *rebuild, repair bool) error {
	began := time.Now()
	verified, err := r.Verify(a.ctx, repair)
	if err != nil {
		return err
	}
	printReport(a, verified.Found, "the tables")
	left := verified.Left
	if left.Differing > 0 {
		fmt.Fprintf(a.stdout, "%d rows differ at sequence %d\n", left.Differing, left.Sequence)
		return errReported
	}
	fmt.Fprintf(a.stdout, "verified at sequence %d in %s: %d conversations, %d contacts, %d messages, %d transactions, %d events; %d rows repaired, %d conversations skipped (changed during verification)\n",
		left.Sequence, since(began), left.Rows["conversations"], left.Rows["contacts"], left.Rows["messages"],
		left.Rows["transactions"], left.Rows["events"], verified.Found.Differing, left.Moved)
	return nil
}

func printReport(a *app, r *replay.Report, what string) {
	for _, d := range r.Differences {
		fmt.Fprintln(a.stdout, printable(fmt.Sprint(d)))
	}
	if r.Differing > 0 {
		fmt.Fprintf(a.stdout, "%s had %d rows that differ from the log\n", what, r.Differing)
	}
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }
