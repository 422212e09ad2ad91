package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/demo"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/ingest/client"
)

// demoFlags select the stream to send. The same flags produce the same events, whenever they are sent.
type demoFlags struct {
	Seed          uint64    `help:"Random seed." default:"1"`
	Conversations int       `help:"Number of conversations in the history." default:"5000"`
	History       span      `help:"Length of the history." default:"30d"`
	Until         time.Time `help:"End of the history (RFC 3339). Defaults to the start of the current hour."`
}

// demoSettings are the same for serve --demo.
type demoSettings struct {
	DemoRate          float64   `help:"Event rate after the initial history; 0 stops after the history." file:"demo.rate" default:"2"`
	DemoSeed          uint64    `help:"Random seed." file:"demo.seed" default:"1"`
	DemoConversations int       `help:"Number of conversations in the history." file:"demo.conversations" default:"5000"`
	DemoHistory       span      `help:"Length of the history." file:"demo.history" default:"30d"`
	DemoUntil         time.Time `help:"End of the history (RFC 3339). Defaults to the start of the current hour." file:"demo.until"`
}

func (s *demoSettings) flags() *demoFlags {
	return &demoFlags{Seed: s.DemoSeed, Conversations: s.DemoConversations, History: s.DemoHistory, Until: s.DemoUntil}
}

type demoCommand struct {
	engines.Folder
	demoFlags
	Rate    float64 `help:"Event rate after the initial history; 0 stops after the history." default:"0"`
	URL     string  `name:"url" help:"Address of the HTTP edge. Defaults to that of the serve on --data-dir." placeholder:"URL"`
	KeyFile string  `help:"File with the id and secret of a key with scope ingest. Defaults to the admin key of --data-dir." type:"path" placeholder:"FILE"`
}

// Run sends the stream to a running parley.
func (c *demoCommand) Run(a *app) error {
	edge, err := apiOf(c.DataDir, c.URL, c.KeyFile)
	if err != nil {
		return err
	}
	if err := c.check(c.Rate, time.Now()); err != nil {
		return err
	}
	s := edge.sender()
	if err := c.sendHistory(a.ctx, s, a.stderr); err != nil {
		return err
	}
	return c.sendLive(a.ctx, s, c.Rate, a.log)
}

func (f *demoFlags) check(rate float64, now time.Time) error {
	switch {
	case f.Conversations < 0:
		return errors.New("--conversations must not be negative")
	case f.Conversations > 0 && f.History <= 0:
		return errors.New("--history must be a duration above zero, such as 30d")
	case rate < 0:
		return errors.New("--rate must not be negative")
	case f.Until.After(now):
		return errors.New("--until must not be in the future")
	}
	return nil
}

// sendHistory returns when the whole history is accepted.
func (f *demoFlags) sendHistory(ctx context.Context, to *client.Client, out io.Writer) error {
	plan := f.plan()
	if plan.Conversations == 0 {
		return nil
	}
	shown := progress.New(out, "demo history", "events", plan.Events())
	if err := plan.SendHistory(ctx, to, shown.Add); err != nil {
		return err
	}
	shown.Finish()
	return nil
}

// sendLive continues at a rate until ctx ends; a rate of 0 sends nothing.
func (f *demoFlags) sendLive(ctx context.Context, to *client.Client, rate float64, log *slog.Logger) error {
	if rate == 0 {
		return nil
	}
	log.Info("demo: live", "rate", rate)
	err := f.plan().SendLive(ctx, to, rate)
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

func (f *demoFlags) plan() *demo.Plan {
	return &demo.Plan{Seed: f.Seed, Conversations: f.Conversations, History: time.Duration(f.History), Until: f.Until}
}
