package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/schema"
)

// mostAhead is how many events the senders of line n are ahead of the tables at most: what Parley
// sustains is asked for, not how fast it can fill its log.
const mostAhead = 100_000

// throughput measures line n.
func (b *bench) throughput(ctx context.Context) error {
	r, err := b.start(ctx, natsOnly)
	defer r.close()
	if err != nil {
		return err
	}
	r.stopNATS()
	s, _, err := r.serveBinary(ctx, 0)
	defer s.close()
	if err != nil {
		return err
	}
	sender, err := s.remote(r.dir)
	if err != nil {
		return err
	}
	before, err := s.spent()
	if err != nil {
		return err
	}
	began := time.Now()
	t := &through{}
	if err := t.run(ctx, b, s, sender); err != nil {
		return err
	}
	ended := time.Now()
	if err := t.await(ctx, s); err != nil {
		return err
	}
	took, behind := time.Since(began), time.Since(ended)
	after, err := s.spent()
	if err != nil {
		return err
	}
	used, millions := after.minus(before), float64(t.accepted)/1e6
	one := func(v float64) *spread { return spreadOf([]float64{v}) }
	rate, all := float64(t.accepted)/took.Seconds(), (used.self+used.child)/millions
	b.report.add(figure{Line: "n", What: "end to end: HTTP in until the row is visible, 1,000 a request, 4 connections", Unit: "events/s", Ours: one(rate),
		Note: fmt.Sprintf("%s events in %s, at most %s ahead of the tables", number(float64(t.accepted)), took.Round(time.Second), number(mostAhead))}.
		goal("≥ 70,000", rate >= 70_000))
	b.report.add(figure{Line: "n", What: "processor time, all processes", Unit: "core-s/million", Ours: one(all),
		Note: fmt.Sprintf("parley %.1f, ClickHouse %.1f", used.self/millions, used.child/millions)}.goal("≤ 28", all <= 28))
	b.report.add(figure{Line: "n", What: "from the last answer until its rows are visible", Unit: "ms", Ours: one(float64(behind.Milliseconds()))}.
		goal("≤ 1,000", behind <= time.Second))
	for _, process := range []struct {
		what, goal string
		pid        int
	}{{"most memory of parley under the burst", "≤ 300 MiB", s.command.Process.Pid}, {"most memory of its ClickHouse", "", s.child}} {
		most, err := residentPeak(process.pid)
		if err != nil {
			return err
		}
		f := figure{Line: "n", What: process.what, Unit: "MiB", Ours: one(most)}
		if process.goal != "" {
			f = f.goal(process.goal, most <= 300)
		}
		b.report.add(f)
	}
	return nil
}

// through is what has been accepted and is not yet in the tables.
type through struct {
	looking sync.Mutex

	mu       sync.Mutex
	accepted int
	visible  int
	waiting  []portion
}

// portion is what one request added.
type portion struct {
	last   schema.Sequence
	events int
}

// run sends for the time that was asked for.
func (t *through) run(ctx context.Context, b *bench, s *served, w remote) error {
	all, ctx := errgroup.WithContext(ctx)
	sending, over := context.WithTimeout(ctx, b.sustained)
	defer over()
	bodies := make(chan []byte, 4*batchSenders)
	all.Go(func() error {
		defer close(bodies)
		var body bytes.Buffer
		events := 0
		for payload := range corpus(b.seed, int(b.sustained.Seconds()*300_000)) {
			body.Write(payload)
			body.WriteByte('\n')
			if events++; events%batchEvents > 0 {
				continue
			}
			select {
			case bodies <- bytes.Clone(body.Bytes()):
			case <-sending.Done():
				return nil
			}
			body.Reset()
		}
		return nil
	})
	for range batchSenders {
		all.Go(func() error {
			for sending.Err() == nil {
				body, more := <-bodies
				if !more {
					return nil
				}
				if err := t.send(ctx, w, body); err != nil {
					return err
				}
				for t.ahead() > mostAhead && sending.Err() == nil {
					if err := t.look(ctx, s); err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	return all.Wait()
}

func (t *through) send(ctx context.Context, w remote, body []byte) error {
	answer, err := w.post(ctx, ingest.Path, "application/x-ndjson", body, http.StatusAccepted)
	if err != nil {
		return err
	}
	var got struct {
		Accepted     int
		LastSequence schema.Sequence
	}
	if err := json.Unmarshal(answer, &got); err != nil {
		return err
	}
	if got.Accepted != batchEvents {
		return fmt.Errorf("%d of %d events were accepted: %.500s", got.Accepted, batchEvents, answer)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.accepted += got.Accepted
	t.waiting = append(t.waiting, portion{got.LastSequence, got.Accepted})
	return nil
}

func (t *through) ahead() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.accepted - t.visible
}

// look waits for a moment and sees what the tables hold by then. One looks at a time: a question to
// ClickHouse costs as much as a hundred events.
func (t *through) look(ctx context.Context, s *served) error {
	t.looking.Lock()
	defer t.looking.Unlock()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(100 * time.Millisecond):
	}
	var position uint64
	if err := s.tables.Conn().QueryRow(ctx, "SELECT max(sequence) FROM parley_1.positions WHERE log = 'events'").Scan(&position); err != nil {
		return err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	waiting := t.waiting[:0]
	for _, p := range t.waiting {
		if uint64(p.last) > position {
			waiting = append(waiting, p)
		} else {
			t.visible += p.events
		}
	}
	t.waiting = waiting
	return nil
}

// await returns when everything is visible.
func (t *through) await(ctx context.Context, s *served) error {
	for t.ahead() > 0 {
		if err := t.look(ctx, s); err != nil {
			return err
		}
	}
	return nil
}
