package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/schema"
)

// logCommand checks and repairs a log whose files are damaged.
type logCommand struct {
	Check   logCheck   `cmd:"" help:"Read the logs completely and report lost messages."`
	Restore logRestore `cmd:"" help:"Append lost events again from the ClickHouse archive. Run replay afterwards."`
	Adopt   logAdopt   `cmd:"" help:"Continue with a log that was replaced by an older copy or another log. Run replay afterwards."`
	GiveUp  logGiveUp  `cmd:"" help:"Mark sequences as permanently lost so that projection can continue past them."`
}

// lostOf reads a whole stream and returns what is missing.
func lostOf(ctx context.Context, s *eventlog.Stream) ([]eventlog.Range, error) {
	if err := s.Scrub(ctx, 0); err != nil {
		return nil, err
	}
	return s.Damage(ctx)
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
		if len(lost) == 0 {
			fmt.Fprintf(a.stdout, "ok    %s: %d messages, sequences %d to %d, all readable\n", stream.Name(), state.Messages, state.First, state.Last)
			continue
		}
		damaged = true
		have, all := uint64(0), uint64(0)
		for _, r := range lost {
			all += uint64(r.To-r.From) + 1
			if stream == s.Log.Events() {
				found, err := s.Tables.EventsBetween(a.ctx, s.Live, r.From, r.To, nil)
				if err != nil {
					return err
				}
				have += found
			}
		}
		fmt.Fprintf(a.stdout, "FAIL  %s: %d messages are lost, sequences %s; %d of them can be restored from the archive (log restore)\n", stream.Name(), all, describe(lost), have)
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
	restored := uint64(0)
	for _, r := range lost {
		var found uint64
		if c.DryRun {
			found, err = s.Tables.EventsBetween(a.ctx, s.Live, r.From, r.To, nil)
		} else {
			found, err = history.Restore(a.ctx, s.Tables, s.Live, r.From, r.To, engines.Rewritable{Stream: events})
		}
		if err != nil {
			return err
		}
		restored += found
	}
	if c.DryRun {
		fmt.Fprintf(a.stdout, "%d events would be restored; lost: %s\n", restored, describe(lost))
		return nil
	}
	left, err := events.Damage(a.ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%d events were appended to the log again; run `parley replay` so that the tables use their new sequences\n", restored)
	if len(left) > 0 {
		fmt.Fprintf(a.stdout, "not in the archive: sequences %s (duplicates, invalid events, or not projected yet): ask their senders to send them again, then run `parley log give-up`\n", describe(left))
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
	Sequences []string `arg:"" help:"Sequences to give up, e.g. 451-462." placeholder:"FROM-TO"`
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
		for _, l := range lost {
			inside = inside || l.From <= r.From && r.To <= l.To
		}
		if !inside {
			return fmt.Errorf("sequences %s of %s are not lost (lost: %s)", r, stream.Name(), describe(lost))
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
