package main

import (
	"bytes"
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/cmd/internal/demo"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

// pageViews is what each view of the page at / asks about the year of the crowd. The tests of the page write it.
//
//go:embed views.json
var pageViews []byte

// view is the documents that a view asks, all at the same time.
type view struct {
	Name      string
	Address   string
	Documents []string
}

func readViews() ([]view, error) {
	decoder := json.NewDecoder(bytes.NewReader(pageViews))
	decoder.DisallowUnknownFields()
	var views []view
	return views, decoder.Decode(&views)
}

// mostOfView is the most milliseconds that an answer to the page may take.
const mostOfView = 500

// views measures line r.
func (b *bench) views(ctx context.Context, r *rig, w *web, size int) error {
	views, err := readViews()
	if err != nil {
		return fmt.Errorf("views.json: %w", err)
	}
	for _, view := range views {
		if err := b.view(ctx, r, w, size, view); err != nil {
			return fmt.Errorf("view %s: %w", view.Name, err)
		}
	}
	return nil
}

// timedDocument is what an answer takes, in milliseconds.
type timedDocument struct {
	text  string
	taken *spread
	cost  float64 // of ClickHouse's processor time
}

// view takes the times of each document of a view by itself, and of all at once.
func (b *bench) view(ctx context.Context, r *rig, w *web, size int, v view) error {
	var each []timedDocument
	bodies := make([][]byte, len(v.Documents))
	for i, text := range v.Documents {
		body, err := json.Marshal(map[string]string{"query": text})
		if err != nil {
			return err
		}
		bodies[i] = body
		if err := w.ask(ctx, body, nil); err != nil {
			return fmt.Errorf("%w: %s", err, text)
		}
		before := r.spent()
		taken, _, err := together(ctx, 1, b.rounds, func(ctx context.Context, _ int) error { return w.ask(ctx, body, nil) })
		if err != nil {
			return err
		}
		each = append(each, timedDocument{text, spreadOf(taken), r.spent().minus(before).child * 1000 / float64(b.rounds)})
	}
	all, _, err := together(ctx, 1, b.rounds, func(ctx context.Context, _ int) error {
		group, ctx := errgroup.WithContext(ctx)
		for _, body := range bodies {
			group.Go(func() error { return w.ask(ctx, body, nil) })
		}
		return group.Wait()
	})
	if err != nil {
		return err
	}
	slices.SortFunc(each, func(a, b timedDocument) int { return int(b.taken.Median - a.taken.Median) })
	var others []string
	for _, d := range each {
		others = append(others, fmt.Sprintf("%.0f/%.0f", d.taken.Median, d.cost))
		b.detail(d)
	}
	what := fmt.Sprintf("%s conversations: view %s, ", number(float64(size)), v.Name)
	f := figure{Line: "r", What: what + "the slowest of its documents", Unit: "ms", Ours: each[0].taken,
		Note: fmt.Sprintf("each, and ClickHouse's processor time: %s", strings.Join(others, ", "))}
	b.report.add(f.goal(fmt.Sprintf("≤ %d ms", mostOfView), f.Ours.Median <= mostOfView))
	b.report.add(figure{Line: "r", What: what + "all of them at once", Unit: "ms", Ours: spreadOf(all)})
	return nil
}

// detail says which document took how long, if asked for.
func (b *bench) detail(d timedDocument) {
	if b.verbose {
		_, _ = io.WriteString(b.progress, fmt.Sprintf("%.0f ms, of ClickHouse %.0f: %s\n", d.taken.Median, d.cost, strings.Join(strings.Fields(d.text), " ")))
	}
}

// openingHours are those of every project of the demo.
type openingHours struct{}

// Schedules implements query.HoursReader.
func (openingHours) Schedules(_ context.Context, projects schema.Projects) (map[schema.ProjectID]*hours.Schedule, error) {
	day, morning := []hours.Span{{From: 9 * 60, To: 12*60 + 30}, {From: 13*60 + 30, To: 19 * 60}}, []hours.Span{{From: 10 * 60, To: 13 * 60}}
	found := map[schema.ProjectID]*hours.Schedule{}
	for _, id := range demo.Projects() {
		if !projects.Contains(id) {
			continue
		}
		found[id] = &hours.Schedule{}
		if err := found[id].Set(hours.Version{
			ValidFrom: hours.Date{Year: 2020, Month: 1, Day: 1}, TimeZone: "Europe/Paris",
			Week: hours.Week{Monday: day, Tuesday: day, Wednesday: day, Thursday: day, Friday: day, Saturday: morning},
		}); err != nil {
			return nil, err
		}
	}
	return found, nil
}
