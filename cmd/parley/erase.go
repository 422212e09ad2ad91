package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/projector/erase"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/replay"
	"github.com/parley-analytics/parley/schema"
)

// eraseCommand removes personal data from the log, the archive and the tables.
type eraseCommand struct {
	engines.Location
	Project      projectID `help:"Project of the conversations." required:"" placeholder:"P"`
	Visitor      *string   `help:"All conversations in which this visitor takes part." placeholder:"ID" xor:"whose" required:""`
	Conversation string    `help:"Only this conversation." placeholder:"UUID" xor:"whose" required:""`
	DryRun       bool      `help:"Print what would be erased, without erasing it." env:"-"`
	Yes          bool      `help:"Do not ask for confirmation." env:"-"`
	Grace        span      `help:"Grace period for queries still reading the old tables." default:"5s"`
}

func (c *eraseCommand) target() (erase.Target, error) {
	target := erase.Target{Project: schema.ProjectID(c.Project), Visitor: c.Visitor}
	if c.Visitor != nil {
		return target, nil
	}
	id, err := schema.ParseConversationID(c.Conversation)
	if err != nil {
		return target, fmt.Errorf("--conversation: %w", err)
	}
	target.Conversations = []schema.ConversationID{id}
	return target, nil
}

// Run erases after a confirmation.
func (c *eraseCommand) Run(a *app) error {
	target, err := c.target()
	if err != nil {
		return err
	}
	s, err := c.OpenAlone(a.ctx, "erase", a.log)
	if err != nil {
		return err
	}
	defer s.Close()
	steps := &progress.Steps{Out: a.stderr}
	texts, err := s.Tables.HoldsTexts(a.ctx, s.Live)
	if err != nil {
		return err
	}
	e, err := erasureOn(a, s, time.Duration(c.Grace), texts, steps)
	if err != nil {
		return err
	}
	found, err := e.Find(a.ctx, target)
	if err != nil {
		return err
	}
	steps.Finish()
	what := fmt.Sprintf("%d conversations, %d events with personal data (%d redacted before), %d entries of quarantine",
		len(found.Conversations), found.Events, found.Redacted, found.Refused)
	switch {
	case found.Nothing():
		fmt.Fprintf(a.stdout, "nothing to erase: %s\n", what)
		return nil
	case c.DryRun:
		for _, id := range found.Conversations {
			fmt.Fprintln(a.stdout, id)
		}
		fmt.Fprintf(a.stdout, "would be erased: %s\n", what)
		return nil
	}
	question := fmt.Sprintf("Erase the personal data of %s? Earlier versions of the tables are dropped, so replays can no longer be undone.", what)
	if err := confirm(a, c.Yes, question); err != nil {
		return err
	}
	if err := noteErasure(a.ctx, s.Log, target, found); err != nil {
		return err
	}
	began := time.Now()
	if found, err = e.Run(a.ctx, target); err != nil {
		return errors.Join(err, errors.New("the erasure is incomplete: run it again"))
	}
	steps.Finish()
	fmt.Fprintf(a.stdout, "erased: %d conversations, %d events, %d entries of quarantine in %s; the numbers stay\n",
		len(found.Conversations), found.Events, found.Refused, since(began))
	return nil
}

// erasureOn works on the log and the tables of a session.
func erasureOn(a *app, s *engines.Session, grace time.Duration, texts bool, steps *progress.Steps) (*erase.Erasure, error) {
	lease, err := commandLease(a, s.Log)
	if err != nil {
		return nil, err
	}
	logs := engines.LogsOf(s.Log, s.Tables)
	events, err := logs.Whole(a.ctx)
	if err != nil {
		return nil, err
	}
	r := &replay.Rebuild{
		Tables: s.Tables, Open: openVersion(logs, texts, a.log), Begins: logs.Begins, Gaps: logs.Gap, Ends: logs.Ends, Lease: lease, Logger: a.log,
	}
	return &erase.Erasure{
		Tables: s.Tables, Logger: a.log, Grace: grace, Report: steps.Reach, At: crash.Point("erase"),
		Events:   engines.Rewritable{Whole: events, Stream: s.Log.Events()},
		Rejected: engines.Rewritable{Whole: history.NewRest(logs.Rejected()), Stream: s.Log.Rejected()},
		MakeLive: r.MakeLive,
	}, nil
}
