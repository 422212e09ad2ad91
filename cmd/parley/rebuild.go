package main

import (
	"context"
	"fmt"
	"log/slog"
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
		Report: inRecords(progress.New(a.stderr, what, "records", 0).Reach, s.Log.Events()),
		At:     crash.Point("replay"), Logger: a.log,
	}, s}
	if err := f.source(a, r); err != nil {
		s.Close()
		return nil, err
	}
	return r, nil
}

// inRecords reports progress in records of the log: sequences have gaps.
func inRecords(report replay.Progress, log *eventlog.Stream) replay.Progress {
	return func(done, all schema.Sequence) {
		report(schema.Sequence(log.RecordNumber(done)), schema.Sequence(log.RecordNumber(all)))
	}
}

// source returns the source of a rebuild's events.
func (f *rebuildFlags) source(a *app, r *rebuild) (err error) {
	t := r.session.Tables
	if !f.StoreText { // a rebuild must not lose the texts that there are
		if f.StoreText, err = t.HoldsTexts(a.ctx, r.session.Live); err != nil {
			return err
		}
	}
	logs := engines.LogsOf(r.session.Log, t)
	logs.Form = history.Form(f.From)
	if err := logs.Check(a.ctx); err != nil {
		return fmt.Errorf("--from %s: %w: use --from auto", f.From, err)
	}
	if r.Lease, err = commandLease(a, r.session.Log); err != nil {
		return err
	}
	r.Flags = f.flags()
	r.Open, r.Begins, r.Gaps, r.Ends = openVersion(logs, f.StoreText, a.log), logs.Begins, logs.Gap, logs.Ends
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

// openVersion makes projectors that write a version of the tables from the logs.
func openVersion(logs *history.Logs, storeText bool, log *slog.Logger) replay.Open {
	return func(ctx context.Context, version uint32) (*projector.Projector, func(), error) {
		rows, err := sink.Open(ctx, logs.Tables.Conn(), sink.Options{Projection: version, StoreText: storeText, Logger: log})
		if err != nil {
			return nil, nil, err
		}
		events, rejected, err := logs.Open(ctx)
		if err != nil {
			return nil, nil, err
		}
		p, err := projector.New(projector.Config{Log: events, Rejected: rejected, Sink: rows, Archive: rows, Logger: log})
		return p, func() { events.Close(); rejected.Close() }, err
	}
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
		fmt.Fprintf(a.stdout, "%s at sequence %d\n", counted(left.Differing, "row differs", "rows differ"), left.Sequence)
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
		fmt.Fprintf(a.stdout, "%s had %s from the log\n", what, counted(r.Differing, "row that differs", "rows that differ"))
	}
}

func since(t time.Time) time.Duration { return time.Since(t).Round(time.Millisecond) }
