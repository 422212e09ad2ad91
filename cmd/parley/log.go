package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/schema"
)

// logCommand prints a log, and checks and repairs one whose files are damaged.
type logCommand struct {
	Cat     logCat     `cmd:"" help:"Print the events of the log, one a line."`
	Check   logCheck   `cmd:"" help:"Read the logs completely and report lost records."`
	Restore logRestore `cmd:"" help:"Append lost events again from the ClickHouse archive. Run replay afterwards."`
	Adopt   logAdopt   `cmd:"" help:"Continue with a log that was replaced by an older copy or another log. Run replay afterwards."`
	GiveUp  logGiveUp  `cmd:"" help:"Mark records as permanently lost so that projection can continue past them."`
}

// lostOf reads a whole stream and returns what is missing. If nothing is, it has no ranges.
func lostOf(ctx context.Context, s *eventlog.Stream) (*eventlog.DamageError, error) {
	if err := s.Scrub(ctx, 0); err != nil {
		return nil, err
	}
	lost, err := s.Damage(ctx)
	if lost == nil {
		lost = &eventlog.DamageError{Stream: s.Name()}
	}
	return lost, err
}

// logStream is a log and its name in the tables.
type logStream struct {
	*eventlog.Stream
	log string
}

func streamsOf(s *engines.Session) []logStream {
	return []logStream{{s.Log.Events(), projector.LogEvents}, {s.Log.Rejected(), projector.LogRejected}}
}

// called is what the entries of the log are called.
func (s logStream) called() string {
	if s.log == projector.LogRejected {
		return "rejected events"
	}
	return "events"
}

func describe(ranges []eventlog.Range) string {
	names := make([]string, len(ranges))
	for i, r := range ranges {
		names[i] = r.String()
	}
	return strings.Join(names, ",")
}

type logCheck struct {
	engines.Location
}

// Run fails if anything is lost.
func (c *logCheck) Run(a *app) error {
	s, err := c.Open(a.ctx, "log check", a.log)
	if err != nil {
		return err
	}
	defer s.Close()
	damaged := false
	for _, stream := range streamsOf(s) {
		lost, err := lostOf(a.ctx, stream.Stream)
		if err != nil {
			return err
		}
		state, err := stream.State(a.ctx)
		if err != nil {
			return err
		}
		if len(lost.Missing) == 0 {
			fmt.Fprintf(a.stdout, "ok    %s: %d records, sequences %d to %d, all readable\n", stream.Name(), state.Messages, state.First, state.Last)
			continue
		}
		damaged = true
		have := uint64(0)
		for _, r := range lost.Missing {
			found, err := history.HeldOf(s.Tables, s.Live, stream.log).Between(a.ctx, r.From, r.To, nil)
			if err != nil {
				return err
			}
			have += found
		}
		fmt.Fprintf(a.stdout, "FAIL  %s: %d records are lost, sequences %s; %d of their events can be restored from the tables (log restore)\n", stream.Name(), lost.Records, describe(lost.Missing), have)
	}
	if damaged {
		return errReported
	}
	return nil
}

type logRestore struct {
	engines.Location
	DryRun bool `help:"Print what would be done, without doing it." env:"-"`
}

// Run appends what the archive has.
func (c *logRestore) Run(a *app) error {
	s, err := c.OpenAlone(a.ctx, "log restore", a.log)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := c.takeBack(a, s); err != nil {
		return err
	}
	complete := true
	for _, stream := range streamsOf(s) {
		whole, err := c.giveBack(a, s, stream)
		if err != nil {
			return err
		}
		complete = complete && whole
	}
	if !complete {
		return errReported
	}
	return nil
}

// adviceNumbers is what remains to do after events were appended again.
const adviceNumbers = "run `parley replay` so that the tables use their new sequences"

// giveBack appends what a log has lost and the tables hold, and reports whether nothing is missing then.
func (c *logRestore) giveBack(a *app, s *engines.Session, stream logStream) (complete bool, err error) {
	lost, err := lostOf(a.ctx, stream.Stream)
	if err != nil {
		return false, err
	}
	projected, err := history.Projected(a.ctx, s.Tables, stream.log)
	if err != nil {
		return false, err
	}
	held := history.HeldOf(s.Tables, s.Live, stream.log)
	restored := uint64(0)
	for _, r := range lost.Missing {
		var found uint64
		if c.DryRun {
			found, err = held.Between(a.ctx, r.From, r.To, nil)
		} else {
			found, err = history.Restore(a.ctx, held, projected, r.From, r.To, engines.Rewritable{Stream: stream.Stream})
		}
		if err != nil {
			return false, err
		}
		restored += found
	}
	if c.DryRun {
		fmt.Fprintf(a.stdout, "%s: %d %s would be restored; lost: %s\n", stream.Name(), restored, stream.called(), describe(lost.Missing))
		return true, nil
	}
	left, err := stream.Damage(a.ctx)
	if err != nil {
		return false, err
	}
	switch {
	case restored > 0 && stream.log == projector.LogEvents:
		fmt.Fprintf(a.stdout, "%d events were appended to the log again\n%s\n", restored, adviceNumbers)
	case restored > 0:
		fmt.Fprintf(a.stdout, "%d rejected events were appended to %s again\n", restored, stream.Name())
	case left == nil:
		fmt.Fprintf(a.stdout, "%s lacks nothing\n", stream.Name())
	}
	switch {
	case left == nil:
		return true, nil
	case stream.log == projector.LogEvents:
		fmt.Fprintf(a.stdout, "not in the archive, or not completely: sequences %s (duplicates, or not projected yet): ask their senders to send them again, then run `parley log give-up`\n", describe(left.Missing))
	default:
		fmt.Fprintf(a.stdout, "not in quarantine, or not completely: sequences %s of %s (not projected yet, purged or replayed): run `parley log give-up --rejected`\n", describe(left.Missing), stream.Name())
	}
	return false, nil
}

// takeBack restores the logs that were replaced.
func (c *logRestore) takeBack(a *app, s *engines.Session) error {
	found, err := findReplaced(a.ctx, s)
	if err != nil {
		return err
	}
	appended := uint64(0)
	for _, r := range found {
		if err := r.describe(a); err != nil {
			return err
		}
		if c.DryRun {
			continue
		}
		held, own, err := r.restore(a.ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s is the log of the tables again: %d %s that the tables had were appended, and %d that they had not read were moved to the end\n", r.Name(), held, r.called(), own)
		appended += held
	}
	if appended > 0 {
		fmt.Fprintln(a.stdout, adviceNumbers)
	}
	return nil
}

type logGiveUp struct {
	engines.Location
	Rejected  bool     `help:"Sequences are those of the log of rejected events."`
	Yes       bool     `help:"Do not ask for confirmation." env:"-"`
	Sequences []string `arg:"" help:"Sequences of whole records to give up, as log check names them." placeholder:"FROM-TO"`
}

// Run records sequences as given up, if they are really lost.
func (c *logGiveUp) Run(a *app) error {
	var ranges []eventlog.Range
	for _, text := range strings.Split(strings.Join(c.Sequences, ","), ",") {
		from, to, two := strings.Cut(text, "-")
		if !two {
			to = from
		}
		first, err := strconv.ParseUint(from, 10, 64)
		last, err2 := strconv.ParseUint(to, 10, 64)
		if errors.Join(err, err2) != nil || first == 0 || first > last {
			return fmt.Errorf("%q is not a range of sequences, e.g. 451-462", text)
		}
		ranges = append(ranges, eventlog.Range{From: schema.Sequence(first), To: schema.Sequence(last)})
	}
	s, err := c.OpenAlone(a.ctx, "log give-up", a.log)
	if err != nil {
		return err
	}
	defer s.Close()
	stream := s.Log.Events()
	if c.Rejected {
		stream = s.Log.Rejected()
	}
	lost, err := lostOf(a.ctx, stream)
	if err != nil {
		return err
	}
	for _, r := range ranges {
		inside := false
		for _, l := range lost.Missing {
			inside = inside || l.From <= r.From && r.To <= l.To
		}
		if !inside {
			return fmt.Errorf("sequences %s of %s are not lost (lost: %s)", r, stream.Name(), describe(lost.Missing))
		}
	}
	if err := confirm(a, c.Yes, fmt.Sprintf("Sequences %s of %s will be marked as permanently lost.", describe(ranges), stream.Name())); err != nil {
		return err
	}
	for _, r := range ranges {
		if err := stream.GiveUp(a.ctx, r); err != nil {
			return err
		}
	}
	fmt.Fprintf(a.stdout, "given up: %s\n", describe(ranges))
	return nil
}
