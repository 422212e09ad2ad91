package main

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Line e: how long the events come in at a rate, and in how many requests a second. One conversation at a time is looked
// for, so that looking takes little of the machine.
const (
	freshFor   = 20 * time.Second
	freshBeats = 20
)

// freshness measures line e.
func (b *bench) freshness(ctx context.Context) error {
	r, err := b.start(ctx, bothEngines)
	defer r.close()
	if err != nil {
		return err
	}
	w, err := r.serve(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	version, err := r.tables.Live(ctx)
	if err != nil {
		return err
	}
	p, release, err := r.open(ctx, version, 0)
	if err != nil {
		return err
	}
	defer release()
	running, stop := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.Run(running) // nil: it ends with its context
	}()
	defer func() { stop(); <-done }()

	for i, at := range []struct {
		rate int
		goal float64 // of p95
	}{{100, 100}, {2_000, 1000}, {10_000, 250}} {
		waits, sent, err := w.fresh(ctx, b.seed+uint64(i), at.rate)
		if err != nil {
			return fmt.Errorf("%d events/s: %w", at.rate, err)
		}
		slices.Sort(waits)
		for _, q := range []float64{0.5, 0.95, 0.99} {
			f := latencies("e", fmt.Sprintf("accepted until visible in GraphQL, at %s events/s", number(float64(at.rate))), waits, "", nil, q)
			f.Note = fmt.Sprintf("%d conversations looked for while %s events/s came in", len(waits), number(sent))
			if q == 0.95 {
				f = f.goal(fmt.Sprintf("≤ %s ms", number(at.goal)), f.Ours.Median <= at.goal)
			}
			b.report.add(f)
		}
	}
	return nil
}

// fresh sends events at a rate and meanwhile, again and again, a new conversation
// that it looks for. It returns the waits in milliseconds, and the rate that was
// reached.
func (w *web) fresh(ctx context.Context, seed uint64, rate int) (waits []float64, reached float64, err error) {
	ctx, end := context.WithTimeout(ctx, freshFor+30*time.Second)
	defer end()
	sending, over := context.WithTimeout(ctx, freshFor)
	defer over()
	all, ctx := errgroup.WithContext(ctx)
	sent := 0
	all.Go(func() error {
		var err error
		sent, err = w.sendAt(sending, ctx, seed, rate)
		return err
	})
	all.Go(func() error {
		for sending.Err() == nil {
			wait, err := w.probe(ctx)
			if err != nil {
				return err
			}
			waits = append(waits, wait)
		}
		return nil
	})
	err = all.Wait()
	return waits, float64(sent) / freshFor.Seconds(), err
}

// sendAt posts events evenly until sending ends. A late request is not made up
// for by smaller pauses only: the beat continues as long as the clock is ahead.
func (w *web) sendAt(sending, ctx context.Context, seed uint64, rate int) (int, error) {
	perBeat := rate / freshBeats
	beat := time.NewTicker(time.Second / freshBeats)
	defer beat.Stop()
	var lines []byte
	events, sent := 0, 0
	posts, ctx := errgroup.WithContext(ctx)
	posts.SetLimit(8)
	for payload := range corpus(seed, rate*int(2*freshFor.Seconds())) {
		lines = append(append(lines, payload...), '\n')
		if events++; events < perBeat {
			continue
		}
		body, count := lines, events
		lines, events = nil, 0
		select {
		case <-beat.C:
		case <-sending.Done():
			return sent, posts.Wait()
		}
		sent += count
		posts.Go(func() error { return w.send(ctx, body, count) })
	}
	return sent, posts.Wait()
}

// probe sends the opening of a new conversation and asks for it until it is there.
func (w *web) probe(ctx context.Context) (milliseconds float64, err error) {
	var b [16]byte
	rand.Read(b[:])
	id := fmt.Sprintf("%x-%x-%x-%x-%x", b[0:4], b[4:6], b[6:8], b[8:10], b[10:16])
	event := fmt.Sprintf(`{"specversion":"1.0","id":"probe-%x","source":"bench/probe","type":"parley.conversation.opened.v1","time":%q,`+
		`"subject":%q,"projectid":1,"data":{"channel":"CHAT"}}`, b, time.Now().UTC().Format(time.RFC3339Nano), id)
	if err := w.send(ctx, []byte(event), 1); err != nil {
		return 0, err
	}
	accepted := time.Now()
	question, err := json.Marshal(map[string]any{
		"query": "query($id: UUID!) { conversation(id: $id) { id } }", "variables": map[string]any{"id": id},
	})
	if err != nil {
		return 0, err
	}
	ticks := time.NewTicker(10 * time.Millisecond)
	defer ticks.Stop()
	for {
		var answer struct{ Conversation *struct{ ID string } }
		if err := w.ask(ctx, question, &answer); err != nil {
			return 0, err
		}
		if answer.Conversation != nil {
			return time.Since(accepted).Seconds() * 1000, nil
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("the conversation never became visible: %w", context.Cause(ctx))
		case <-ticks.C:
		}
	}
}
