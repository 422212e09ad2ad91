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
	for _, stream := range []*eventlog.Stream{s.Log.Events(), s.Log.Rejected()} {
		lost, err := lostOf(a.ctx, stream)
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
			if stream == s.Log.Events() {
				found, err := s.Tables.EventsBetween(a.ctx, s.Live, r.From, r.To, nil)
				if err != nil {
					return err
				}
				have += found
			}
		}
		fmt.Fprintf(a.stdout, "FAIL  %s: %d records are lost, sequences %s; %d of their events can be restored from the archive (log restore)\n", stream.Name(), lost.Records, describe(lost.Missing), have)
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
	events := s.Log.Events()
	lost, err := lostOf(a.ctx, events)
	if err != nil {
		return err
	}
	projected, err := history.Projected(a.ctx, s.Tables, projector.LogEvents)
	if err != nil {
		return err
	}
	restored := uint64(0)
	for _, r := range lost.Missing {
		var found uint64
		if c.DryRun {
			found, err = s.Tables.EventsBetween(a.ctx, s.Live, r.From, r.To, nil)
		} else {
			found, err = history.Restore(a.ctx, s.Tables, s.Live, projected, r.From, r.To, engines.Rewritable{Stream: events})
		}
		if err != nil {
			return err
		}
		restored += found
	}
	if c.DryRun {
		fmt.Fprintf(a.stdout, "%d events would be restored; lost: %s\n", restored, describe(lost.Missing))
		return nil
	}
	left, err := events.Damage(a.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%d events were appended to the log again; run `parley replay` so that the tables use their new sequences\n", restored)
	if left != nil {
		fmt.Fprintf(a.stdout, "not in the archive, or not completely: sequences %s (duplicates, or not projected yet): ask their senders to send them again, then run `parley log give-up`\n", describe(left.Missing))
		return errReported
	}
	return nil
}

// takeBack restores the logs that were replaced.
func (c *logRestore) takeBack(a *app, s *engines.Session) error {
	found, err := findReplaced(a.ctx, s)
	if err != nil {
		return err
	}
	for _, r := range found {
		fmt.Fprintf(a.stdout, "%s ends at sequence %d: %s\n", r.Name(), r.last, printable(r.foreign.Error()))
		if c.DryRun {
			continue
		}
		archived, own, err := r.restore(a.ctx)
		if err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s is the log of the tables again: %d archived events were appended, and %d events that the tables had not read were moved to the end\n", r.Name(), archived, own)
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
