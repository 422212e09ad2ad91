package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/cmd/internal/demo"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/query/auth"
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
	if c.URL == "" {
		e, err := engines.Running(c.DataDir)
		if err != nil {
			return err
		}
		c.URL = e.HTTP
	}
	if c.KeyFile == "" {
		c.KeyFile = filepath.Join(c.DataDir, adminKeyName)
	}
	key, err := readKey(c.KeyFile)
	if err != nil {
		return err
	}
	if err := c.check(c.Rate, time.Now()); err != nil {
		return err
	}
	s := client.New(c.URL, key.ID, key.Secret)
	if err := c.sendHistory(a.ctx, s, a.stderr); err != nil {
		return err
	}
	return c.sendLive(a.ctx, s, c.Rate, a.log)
}

// readKey reads a key as `key add` prints it.
func readKey(path string) (auth.Key, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return auth.Key{}, fmt.Errorf("the key (--key-file): %w", err)
	}
	var key auth.Key
	if err := json.Unmarshal(content, &key); err != nil || key.ID == "" || key.Secret == "" {
		return auth.Key{}, fmt.Errorf("%s is not a key file: it must be {\"id\": …, \"secret\": …}, as `parley key add` prints it", path)
	}
	return key, nil
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

// batchEvents is the number of events in one request of the demo.
const batchEvents = 1000

// demoConnections is the number of concurrent connections.
const demoConnections = 4

// history returns the stream of past events, its beginning, and the time until which it is sent.
func (f *demoFlags) history() (stream *demo.Stream, first int64, until time.Time) {
	until = f.Until
	if until.IsZero() {
		// Runs within the same hour end at the same moment, and so send the same events.
		until = time.Now().Truncate(time.Hour)
	}
	stream = demo.History(f.Seed, f.Conversations, time.Duration(f.History))
	return stream, stream.Last(until) - int64(f.Conversations) + 1, until
}

// sendHistory returns when the whole history is accepted.
func (f *demoFlags) sendHistory(ctx context.Context, s *client.Client, out io.Writer) error {
	if f.Conversations == 0 {
		return nil
	}
	stream, first, until := f.history()
	shown := progress.New(out, "demo history", "events", int64(f.Conversations)*demo.EventsPerConversation)
	if err := sendAll(ctx, s, stream, first, until, shown); err != nil {
		return err
	}
	shown.Finish()
	return nil
}

// sendLive continues until ctx ends: with new conversations at the rate, and with
// those of the history that are still open.
func (f *demoFlags) sendLive(ctx context.Context, s *client.Client, rate float64, log *slog.Logger) error {
	if rate == 0 {
		return nil
	}
	log.Info("demo: live", "rate", rate)
	both, ctx := errgroup.WithContext(ctx)
	both.Go(func() error {
		now := time.Now()
		live := demo.Live(f.Seed, rate)
		return sendAsItHappens(ctx, s, live, live.Last(now)+1, now)
	})
	if f.Conversations > 0 {
		both.Go(func() error {
			stream, first, until := f.history()
			return sendAsItHappens(ctx, s, stream, first, until)
		})
	}
	err := both.Wait()
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// sendAll sends the conversations from first on, with their events up to a moment.
func sendAll(ctx context.Context, s *client.Client, stream *demo.Stream, first int64, until time.Time, shown *progress.Bar) error {
	group, ctx := errgroup.WithContext(ctx)
	batches := make(chan *client.Batch)
	for range demoConnections {
		group.Go(func() error {
			for b := range batches {
				if err := s.Post(ctx, b); err != nil {
					return err
				}
				shown.Add(b.Events())
			}
			return nil
		})
	}
	group.Go(func() error {
		defer close(batches)
		b := &client.Batch{}
		for event := range stream.Between(first, until) {
			b.Add(event.JSON)
			if b.Events() < batchEvents {
				continue
			}
			select {
			case batches <- b:
				b = &client.Batch{}
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		if b.Events() > 0 {
			select {
			case batches <- b:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	return group.Wait()
}

// sendAsItHappens sends the events after a moment, each at its time.
func sendAsItHappens(ctx context.Context, s *client.Client, stream *demo.Stream, first int64, after time.Time) error {
	const gather = 100 * time.Millisecond
	b := &client.Batch{}
	var opened time.Time // of the first event in b
	forever := after.AddDate(100, 0, 0)
	for event := range stream.Between(first, forever) {
		if !event.At.After(after) {
			continue
		}
		if b.Events() == batchEvents || b.Events() > 0 && event.At.Sub(opened) > gather {
			if err := s.Post(ctx, b); err != nil {
				return err
			}
			b = &client.Batch{}
		}
		if b.Events() == 0 {
			opened = event.At
		}
		select {
		case <-time.After(time.Until(event.At)):
		case <-ctx.Done():
			return ctx.Err()
		}
		b.Add(event.JSON)
	}
	return nil
}
