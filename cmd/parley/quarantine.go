package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/quarantine"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

type quarantineCommand struct {
	List   quarantineList   `cmd:"" help:"List quarantined events with their reasons, without their content."`
	Show   quarantineShow   `cmd:"" help:"Show one entry with its original bytes."`
	Replay quarantineReplay `cmd:"" help:"Re-submit quarantined entries after a fix; accepted entries leave the quarantine. Conversations that are set aside are released: their rows are made again."`
	Purge  quarantinePurge  `cmd:"" help:"Permanently remove entries from their log and from the tables."`
}

// quarantineFilter selects entries.
type quarantineFilter struct {
	engines.Location
	Reason   string   `help:"Only this reason, e.g. INVALID_FIELD." placeholder:"CODE"`
	Source   string   `help:"Only events of this CloudEvents source." placeholder:"SOURCE"`
	Log      string   `help:"Only entries of this log: rejected (refused by the HTTP edge), events (published to the stream, cannot be projected) or conversations (set aside: ClickHouse does not have enough memory for their rows)." enum:",rejected,events,conversations" default:"" placeholder:"rejected|events|conversations"`
	Since    string   `help:"Only entries received at or after this time (RFC 3339)." placeholder:"TIME"`
	Until    string   `help:"Only entries received before this time (RFC 3339)." placeholder:"TIME"`
	Sequence []uint64 `help:"Only these sequences." placeholder:"N"`
	Limit    int      `help:"Maximum number of entries, oldest first; 0 means all." default:"1000"`
}

func (f *quarantineFilter) filter() (tables.QuarantineFilter, error) {
	filter := tables.QuarantineFilter{Log: f.Log, Reason: schema.Code(f.Reason), Source: f.Source, Limit: f.Limit}
	for _, n := range f.Sequence {
		filter.Sequences = append(filter.Sequences, schema.Sequence(n))
	}
	for flag, bound := range map[string]struct {
		text string
		at   *time.Time
	}{"--since": {f.Since, &filter.Since}, "--until": {f.Until, &filter.Until}} {
		if bound.text == "" {
			continue
		}
		at, err := schema.ParseMoment(bound.text)
		if err != nil {
			return filter, fmt.Errorf("%s: must be an RFC 3339 time, e.g. 2024-03-01T00:00:00Z", flag)
		}
		*bound.at = at
	}
	return filter, nil
}

// find connects and returns the selected entries.
func (f *quarantineFilter) find(a *app, alone, originals bool) (*engines.Session, []tables.Quarantined, error) {
	filter, err := f.filter()
	if err != nil {
		return nil, nil, err
	}
	open := f.Open
	if alone {
		open = f.OpenAlone
	}
	s, err := open(a.ctx, "quarantine", a.log)
	if err != nil {
		return nil, nil, err
	}
	entries, err := s.Tables.Quarantine(a.ctx, s.Live, filter, originals)
	if err != nil {
		s.Close()
		return nil, nil, err
	}
	if f.Limit > 0 && len(entries) == f.Limit {
		fmt.Fprintf(a.stderr, "showing the first %d entries, there may be more (--limit)\n", f.Limit)
	}
	return s, entries, nil
}

// quarantineRow is an entry as it is printed.
type quarantineRow struct {
	Log        string          `json:"log"`
	Sequence   schema.Sequence `json:"sequence"`
	ReceivedAt time.Time       `json:"receivedAt"`
	Reason     schema.Code     `json:"reason"`
	Detail     string          `json:"detail"`
	Source     *string         `json:"source"`
	EventID    *string         `json:"eventId"`
	Bytes      uint64          `json:"bytes"`
}

func rowOf(e tables.Quarantined) quarantineRow {
	return quarantineRow{e.Log, e.Sequence, e.ReceivedAt, e.Reason, e.Detail, e.Source, e.EventID, e.Bytes}
}

// printEntries prints a table, or JSON lines.
func printEntries(a *app, entries []tables.Quarantined, asJSON bool) error {
	if asJSON {
		for _, e := range entries {
			if err := printJSON(a.stdout, rowOf(e)); err != nil {
				return err
			}
		}
		return nil
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "LOG\tSEQUENCE\tRECEIVED\tREASON\tDETAIL\tSOURCE\tEVENT\tBYTES")
	for _, e := range entries {
		fmt.Fprintf(table, "%s\t%d\t%s\t%s\t%s\t%s\t%s\t%d\n", e.Log, e.Sequence, e.ReceivedAt.Format(time.RFC3339),
			printable(string(e.Reason)), printable(e.Detail), orDash(e.Source), orDash(e.EventID), e.Bytes)
	}
	return table.Flush()
}

// orDash returns a text from outside made printable, or a dash if there is none.
func orDash(text *string) string {
	if text == nil || *text == "" {
		return "-"
	}
	return printable(*text)
}

type quarantineList struct {
	quarantineFilter
	JSON bool `help:"Print JSON, one entry a line."`
}

// Run lists.
func (c *quarantineList) Run(a *app) error {
	s, entries, err := c.find(a, false, false)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := printEntries(a, entries, c.JSON); err != nil {
		return err
	}
	return nil
}

type quarantineShow struct {
	quarantineFilter
	Raw bool `help:"Print only the original bytes."`
}

// Run shows one entry.
func (c *quarantineShow) Run(a *app) error {
	if len(c.Sequence) != 1 {
		return errors.New("--sequence: must be given exactly once")
	}
	s, entries, err := c.find(a, false, true)
	if err != nil {
		return err
	}
	defer s.Close()
	switch len(entries) {
	case 0:
		return errors.New("no such entry in quarantine")
	case 1:
	default:
		return fmt.Errorf("several logs have a quarantined entry %d: choose one with --log", c.Sequence[0])
	}
	e := entries[0]
	if c.Raw {
		_, err := a.stdout.Write(e.Original)
		return err
	}
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "log\t%s\nsequence\t%d\nreceived\t%s\nreason\t%s\ndetail\t%s\nsource\t%s\nevent\t%s\nbytes\t%d\n",
		e.Log, e.Sequence, e.ReceivedAt.Format(time.RFC3339Nano), printable(string(e.Reason)), printable(e.Detail), orDash(e.Source), orDash(e.EventID), e.Bytes)
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if json.Valid(e.Original) {
		// Between JSON values a carriage return has no meaning, and would hide text.
		_, err = printableJSON{a.stdout}.Write(append(bytes.ReplaceAll(e.Original, []byte("\r"), nil), '\n'))
	} else {
		_, err = fmt.Fprintf(a.stdout, "%q\n", e.Original)
	}
	return err
}

type quarantineReplay struct {
	quarantineFilter
	DryRun bool `help:"Print what would be accepted now, without re-submitting it." env:"-"`
}

// Run replays entries, and fails if any is still refused.
func (c *quarantineReplay) Run(a *app) error {
	s, entries, err := c.find(a, !c.DryRun, true)
	if err != nil {
		return err
	}
	defer s.Close()
	entries, aside := conversationsApart(entries)
	if err := c.release(a, s, aside); err != nil {
		return err
	}
	bar := progress.New(a.stderr, "quarantine replay", "entries", int64(len(entries)))
	admin := quarantineOn(s, bar)
	var passed int
	var refused []quarantine.Refusal
	verb := "replayed"
	if c.DryRun {
		pass, still := admin.Judge(entries)
		passed, refused, verb = len(pass), still, "would be replayed"
	} else {
		if passed, refused, err = admin.Replay(a.ctx, entries); err != nil {
			return err
		}
		bar.Finish()
	}
	for _, r := range refused {
		fmt.Fprintf(a.stdout, "%s %d is still refused: %s\n", r.Entry.Log, r.Entry.Sequence, printable(fmt.Sprint(r.Why)))
	}
	fmt.Fprintf(a.stdout, "%d of %s %s\n", passed, counted(len(entries), "entry", "entries"), verb)
	if len(refused) > 0 {
		return errReported
	}
	return nil
}

// conversationsApart separates events from conversations that are set aside.
func conversationsApart(all []tables.Quarantined) (events []tables.Quarantined, aside []schema.Sequence) {
	for _, e := range all {
		if e.Log == projector.LogConversations {
			aside = append(aside, e.Sequence)
		} else {
			events = append(events, e)
		}
	}
	return events, aside
}

// release asks the projector to take conversations back.
func (c *quarantineReplay) release(a *app, s *engines.Session, aside []schema.Sequence) error {
	if len(aside) == 0 {
		return nil
	}
	if c.DryRun {
		fmt.Fprintf(a.stdout, "%d conversations would be released\n", len(aside))
		return nil
	}
	if err := s.Tables.Release(a.ctx, s.Live, projector.LogConversations, aside); err != nil {
		return err
	}
	fmt.Fprintf(a.stdout, "%d conversations released; the projector makes their rows again, and they leave the quarantine when it has\n", len(aside))
	return nil
}

type quarantinePurge struct {
	quarantineFilter
	DryRun bool `help:"Print what would be removed, without removing it." env:"-"`
	Yes    bool `help:"Do not ask for confirmation." env:"-"`
}

// Run purges after a confirmation.
func (c *quarantinePurge) Run(a *app) error {
	s, entries, err := c.find(a, !c.DryRun, false)
	if err != nil {
		return err
	}
	defer s.Close()
	if _, aside := conversationsApart(entries); len(aside) > 0 {
		return fmt.Errorf("%d of the entries are conversations that are set aside, which cannot be purged: release them (quarantine replay --log conversations), or purge with --log rejected or events", len(aside))
	}
	if c.DryRun || len(entries) == 0 {
		if err := printEntries(a, entries, false); err != nil {
			return err
		}
		fmt.Fprintf(a.stdout, "%s would be purged\n", counted(len(entries), "entry", "entries"))
		return nil
	}
	if err := confirm(a, c.Yes, counted(len(entries), "entry", "entries")+" will be removed from the log and the tables."); err != nil {
		return err
	}
	bar := progress.New(a.stderr, "quarantine purge", "entries", int64(len(entries)))
	if err := quarantineOn(s, bar).Purge(a.ctx, entries); err != nil {
		return err
	}
	bar.Finish()
	fmt.Fprintf(a.stdout, "%s purged\n", counted(len(entries), "entry", "entries"))
	return nil
}

// quarantineOn works on the log and the tables of a session.
func quarantineOn(s *engines.Session, bar *progress.Bar) *quarantine.Admin {
	return &quarantine.Admin{
		Tables: s.Tables, Events: resubmitted{s.Log.Events()}, Clock: time.Now, Done: bar.Add,
		Logs: map[string]quarantine.Eraser{projector.LogEvents: s.Log.Events(), projector.LogRejected: s.Log.Rejected()},
	}
}

// resubmitted appends to the log of events in the same way as the edge.
type resubmitted struct{ events *eventlog.Stream }

// Append appends events to the log.
func (d resubmitted) Append(ctx context.Context, events []quarantine.Admitted) error {
	messages := make([]eventlog.Message, len(events))
	for i, e := range events {
		messages[i].Payload, messages[i].JSON = e.Original, true
		if !e.Again {
			messages[i].ID = eventlog.MessageID(e.Key)
		}
	}
	_, err := d.events.Append(ctx, messages)
	return err
}
