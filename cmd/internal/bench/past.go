package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/demo"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// back is how far back lines p and q ask, with the goal of p the first time: a factor and an addition of milliseconds.
type back struct {
	days        int
	factor, add float64
	position    string
}

const daily = 24 * time.Hour

// past measures lines p and q: figures of a year as of earlier positions, and restatements of a month since the latest of them.
func (b *bench) past(ctx context.Context) error {
	sizes, err := b.sizes()
	if err != nil {
		return err
	}
	size := slices.Max(sizes)
	r, err := b.start(ctx, bothEngines)
	defer r.close()
	if err != nil {
		return err
	}
	moments := []*back{{days: 90, factor: 2, add: 500}, {days: 1, factor: 1.5, add: 200}}
	if err := r.history(ctx, size, moments); err != nil {
		return err
	}
	if b.wants("p") {
		for _, m := range moments {
			if err := b.asOf(ctx, r, size, m); err != nil {
				return fmt.Errorf("%d days back: %w", m.days, err)
			}
		}
	}
	if b.wants("q") {
		return b.restated(ctx, r, size, moments[1])
	}
	return nil
}

// history appends and projects the conversations of a year, and notes the position that each moment had.
func (r *rig) history(ctx context.Context, conversations int, moments []*back) error {
	live, err := r.tables.Live(ctx)
	if err != nil {
		return err
	}
	w, err := r.serve(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	log, batch := r.broker.Events(), []eventlog.Message(nil)
	flush := func() error {
		_, err := log.Append(ctx, batch)
		batch = batch[:0]
		return err
	}
	stream := demo.History(r.bench.seed, conversations, 365*daily)
	for given := range stream.Between(stream.Last(corpusEnd)-int64(conversations)+1, corpusEnd) {
		event, invalid := schema.Decode(given.JSON, corpusEnd)
		if invalid != nil {
			return fmt.Errorf("an event of the corpus: %w", invalid)
		}
		if len(moments) > 0 && event.Time.Time().After(corpusEnd.Add(-time.Duration(moments[0].days)*daily)) {
			if err := flush(); err != nil {
				return err
			}
			if _, err := r.catchUp(ctx, live, 0); err != nil {
				return err
			}
			var answer struct{ Metrics struct{ Position string } }
			if err := w.ask(ctx, ofYear(`metrics(interval: $interval, filters: $filters) { position }`, nil), &answer); err != nil {
				return err
			}
			moments[0].position = answer.Metrics.Position
			moments = moments[1:]
		}
		batch = append(batch, eventlog.Message{ID: eventlog.MessageID(event.Key()), Payload: given.JSON, JSON: true, Time: event.Time.Time()})
		if len(batch) == 4000 {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	if err := flush(); err != nil {
		return err
	}
	if _, err := r.catchUp(ctx, live, 0); err != nil {
		return err
	}
	return r.settle(ctx)
}

// asOf measures the figures of a year as of a moment, the first time and after it, against those of the present.
func (b *bench) asOf(ctx context.Context, r *rig, size int, m *back) error {
	const figures = `total { closedConversations contacts answerRate csat nps visitorMessages }`
	now := ofYear(`metrics(interval: $interval, filters: $filters) { `+figures+` }`, nil)
	then := ofYear(fmt.Sprintf(`metrics(interval: $interval, filters: $filters, asOf: %q) { %s }`, m.position, figures), nil)
	var present, first, after []float64
	for range b.rounds {
		w, err := r.serve(ctx) // without memory of earlier questions
		if err != nil {
			return err
		}
		take := func(body []byte, into *[]float64) error {
			began := time.Now()
			err := w.ask(ctx, body, nil)
			if into != nil {
				*into = append(*into, time.Since(began).Seconds()*1000)
			}
			return err
		}
		for _, ask := range []struct {
			body []byte
			into *[]float64
		}{{now, nil}, {then, &first}, {now, &present}, {then, &after}, {now, &present}, {then, &after}} {
			if err = take(ask.body, ask.into); err != nil {
				break
			}
		}
		w.close()
		if err != nil {
			return err
		}
	}
	what := fmt.Sprintf("%s conversations: metrics of a year as of %d days back", number(float64(size)), m.days)
	floor := spreadOf(present)
	f := figure{Line: "p", What: what + ", first", Unit: "ms", Ours: spreadOf(first)}.against("now", floor)
	b.report.add(f.goal(fmt.Sprintf("≤ %.1f × + %.0f ms", m.factor, m.add), f.Ours.Median <= m.factor*floor.Median+m.add))
	f = figure{Line: "p", What: what + ", after", Unit: "ms", Ours: spreadOf(after)}.against("now", floor)
	b.report.add(f.goal("≤ 1.2 ×", f.Ratio <= 1.2))
	return nil
}

// restated measures what has changed in a month, by day.
func (b *bench) restated(ctx context.Context, r *rig, size int, m *back) error {
	w, err := r.serve(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	body, err := json.Marshal(map[string]any{
		"query": `query($since: String!, $interval: DateTimeInterval!) { restatements(since: $since, interval: $interval, step: DAY) {
			figures { from figure before after conversations causes { kind events } } } }`,
		"variables": map[string]any{"since": m.position, "interval": map[string]any{"from": corpusEnd.Add(-month), "to": corpusEnd.Add(daily)}},
	})
	if err != nil {
		return err
	}
	live, err := r.tables.Live(ctx)
	if err != nil {
		return err
	}
	found := 0
	take := func(state string) (figure, error) {
		each, _, err := together(ctx, 1, b.rounds, func(ctx context.Context, _ int) error {
			var answer struct{ Restatements struct{ Figures []struct{} } }
			err := w.ask(ctx, body, &answer)
			found = len(answer.Restatements.Figures)
			return err
		})
		return figure{Line: "q", What: fmt.Sprintf("%s conversations: restatements of a month by day since %d day back%s", number(float64(size)), m.days, state), Unit: "ms",
			Ours: spreadOf(each), Note: fmt.Sprintf("%d figures differ", found)}, err
	}
	f, err := take(", before parts are merged")
	if err != nil {
		return err
	}
	note, err := r.merge(ctx, live)
	if err != nil {
		return err
	}
	f.Note += "; " + note
	b.report.add(f)
	if f, err = take(""); err != nil {
		return err
	}
	b.report.add(f.goal("≤ 2,000 ms", f.Ours.Median <= 2000))
	return nil
}
