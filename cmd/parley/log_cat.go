package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/importer"
	"github.com/parley-analytics/parley/schema"
)

// logCat prints a log for people.
type logCat struct {
	engines.Location
	Rejected bool   `help:"Print the log of rejected events."`
	From     uint64 `help:"First sequence to print. Default: the beginning of the log." placeholder:"SEQ"`
	Follow   bool   `help:"Continue with events as they arrive, until interrupted."`
}

const (
	// catPortion is the number of events read at once.
	catPortion = 1000
	// catWait is how long one read waits for more.
	catWait = 500 * time.Millisecond
)

// Run prints a line for each event: its sequence, when the log took it, and the event.
func (c *logCat) Run(a *app) error {
	s, err := c.Open(a.ctx, "log cat", a.log)
	if err != nil {
		return err
	}
	defer s.Close()
	stream := s.Log.Events()
	if c.Rejected {
		stream = s.Log.Rejected()
	}
	reader := stream.NewReader()
	defer reader.Close()
	end := schema.Sequence(math.MaxUint64)
	if !c.Follow {
		if end, err = reader.Last(a.ctx); err != nil { // what arrives later is not waited for
			return err
		}
	}
	out := bufio.NewWriter(a.stdout)
	for after := schema.Sequence(max(c.From, 1) - 1); after < end; {
		entries, err := reader.Read(a.ctx, after, catPortion, catWait)
		if c.Follow && a.ctx.Err() != nil {
			return nil
		}
		if errors.Is(err, eventlog.ErrUnavailable) && c.Follow {
			continue
		}
		if err != nil {
			return err
		}
		for _, entry := range entries {
			after = entry.End()
			if schema.IsCanary(entry.Payload) || entry.Sequence > end {
				continue
			}
			if err := printEntry(out, entry); err != nil {
				return err
			}
		}
		if len(entries) > 0 {
			if err := out.Flush(); err != nil {
				return err
			}
			continue
		}
		if c.Follow {
			continue
		}
		if next, err := reader.Next(a.ctx, after); err != nil || next == 0 {
			return err
		}
	}
	return nil
}

// printEntry prints one line. What is no text is escaped.
func printEntry(out io.Writer, entry schema.Entry) error {
	if _, err := fmt.Fprintf(out, "%d  %s  ", entry.Sequence, entry.ReceivedAt.UTC().Format(time.RFC3339Nano)); err != nil {
		return err
	}
	_, err := printableJSON{out}.Write(append(importer.OneLine(entry.Payload), '\n'))
	return err
}
