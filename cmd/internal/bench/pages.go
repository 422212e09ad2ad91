package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/cmd/internal/demo"
	"github.com/parley-analytics/parley/projector/merge"
)

const (
	repeats    = 10 // of a page in a round
	askFor     = 2 * time.Second
	searched   = 1_000_000 // conversations up to which slow requests are looked for
	slowAnswer = 300       // milliseconds
)

// pages measures lines f, g, l and r.
func (b *bench) pages(ctx context.Context) error {
	sizes, err := b.sizes()
	if err != nil {
		return err
	}
	slices.Sort(sizes)
	r, err := b.start(ctx, bothEngines)
	defer r.close()
	if err != nil {
		return err
	}
	if err := r.fill(ctx, projected*demo.EventsPerConversation); err != nil {
		return fmt.Errorf("fill the log: %w", err)
	}
	base, err := r.version(ctx)
	if err != nil {
		return err
	}
	if _, err := r.catchUp(ctx, base, 0); err != nil {
		return err
	}
	crowded, err := r.version(ctx)
	if err != nil {
		return err
	}
	live, err := r.tables.Live(ctx)
	if err != nil {
		return err
	}
	if err := r.tables.Offer(ctx, crowded); err != nil {
		return err
	}
	if err := r.tables.Swap(ctx, crowded, live); err != nil {
		return err
	}
	w, err := r.serve(ctx)
	if err != nil {
		return err
	}
	defer w.close()
	client, err := plainClient(connections)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	for i, size := range sizes {
		if err := r.crowd(ctx, base, crowded, max(size/projected, 1)); err != nil {
			return err
		}
		if b.wants("f") {
			if err := b.pagesOf(ctx, w, client, size); err != nil {
				return fmt.Errorf("%d conversations: %w", size, err)
			}
		}
		if size <= searched && b.wants("f") {
			for _, f := range families() {
				if err := b.slow(ctx, w, size, f); err != nil {
					return err
				}
			}
		}
		if size == searched && b.wants("l") {
			if err := b.merged(ctx, r, w, size, crowded); err != nil {
				return err
			}
			for _, target := range targets() {
				if err := b.within(ctx, r, w, size, target); err != nil {
					return err
				}
			}
		}
		if i == len(sizes)-1 && b.wants("r") {
			if err := b.views(ctx, r, w, size); err != nil {
				return err
			}
		}
		if i == len(sizes)-1 && b.wants("g") {
			if err := b.queriesPerSecond(ctx, w, client, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// pagesOf measures the documents of line f over tables of one size.
func (b *bench) pagesOf(ctx context.Context, w *web, client *http.Client, size int) error {
	after, err := w.deep(ctx)
	if err != nil {
		return err
	}
	for _, d := range documents(after) {
		ours, floor, statements, err := b.beside(ctx, w, client, d)
		if err != nil {
			return fmt.Errorf("%s: %w", d.name, err)
		}
		for _, q := range []float64{0.5, 0.95} {
			f := latencies("f", fmt.Sprintf("%s conversations: %s", number(float64(size)), d.name), ours, fmt.Sprintf("its statements (%d)", statements), floor, q)
			b.report.add(f.goal("≤ 1.25 × + 1 ms", f.Ours.Median <= 1.25*f.Floor.Median+1))
		}
	}
	return nil
}

// beside takes the times of a document and of its statements alone, in turns, in
// milliseconds.
func (b *bench) beside(ctx context.Context, w *web, client *http.Client, d document) (ours, floor []float64, sent int, err error) {
	statements, err := w.statements(ctx, d)
	if err != nil {
		return nil, nil, 0, err
	}
	for range b.rounds {
		_, _, err := together(ctx, 1, repeats, func(ctx context.Context, _ int) error {
			began := time.Now()
			if err := w.asks(ctx, d, nil); err != nil {
				return err
			}
			between := time.Now()
			if err := statements.send(ctx, client); err != nil {
				return err
			}
			ours = append(ours, between.Sub(began).Seconds()*1000)
			floor = append(floor, time.Since(between).Seconds()*1000)
			return nil
		})
		if err != nil {
			return nil, nil, 0, err
		}
	}
	return ours, floor, len(statements), nil
}

// deep returns a cursor with almost all of a year before it.
func (w *web) deep(ctx context.Context) (string, error) {
	var answer struct {
		ClosedConversations struct{ PageInfo struct{ StartCursor string } }
	}
	if err := w.ask(ctx, request("id", crowdFrom, crowdTo, map[string]any{"last": 100}), &answer); err != nil {
		return "", err
	}
	if cursor := answer.ClosedConversations.PageInfo.StartCursor; cursor != "" {
		return cursor, nil
	}
	return "", errors.New("no conversation was closed within the year")
}

// statements are the requests that a document makes to ClickHouse.
type statements []taped

// statements asks a document once so that everything is warm, and once to hear
// what it asks of ClickHouse, without the look at which projection is live, which
// is made once a second.
func (w *web) statements(ctx context.Context, d document) (statements, error) {
	var page struct{ ClosedConversations *struct{ Edges []struct{} } }
	if err := w.asks(ctx, d, &page); err != nil {
		return nil, err
	}
	if c := page.ClosedConversations; c != nil && len(c.Edges) == 0 {
		return nil, errors.New("the page is empty")
	}
	kept, err := w.reads.record(func() error { return w.asks(ctx, d, nil) })
	if err != nil {
		return nil, err
	}
	kept = slices.DeleteFunc(kept, func(r taped) bool {
		return bytes.Contains(r.body, []byte("parley_meta")) || bytes.Contains(r.body, []byte(".positions"))
	})
	if len(kept) == 0 {
		return nil, errors.New("no statement was recorded")
	}
	for i := range kept {
		query := kept[i].url.Query()
		query.Del("query_id")
		kept[i].url.RawQuery = query.Encode()
	}
	return kept, nil
}

// send sends the statements one after the other.
func (s statements) send(ctx context.Context, client *http.Client) error {
	for _, request := range s {
		if err := request.send(ctx, client); err != nil {
			return err
		}
	}
	return nil
}

// slow looks for requests that take long.
func (b *bench) slow(ctx context.Context, w *web, size int, f family) error {
	type timed struct {
		name   string
		median float64
	}
	var list []timed
	for _, d := range f.documents {
		each, _, err := together(ctx, 1, 4, func(ctx context.Context, _ int) error { return w.ask(ctx, d.body, nil) })
		if err != nil {
			return fmt.Errorf("%s, %s: %w", f.what, d.name, err)
		}
		list = append(list, timed{d.name, spreadOf(each[1:]).Median})
	}
	slices.SortFunc(list, func(a, b timed) int { return cmp.Compare(b.median, a.median) })
	var slowest []string
	all, late := make([]float64, len(list)), 0
	for i, t := range list {
		all[i] = t.median
		if t.median > slowAnswer {
			late++
		}
		if t.median > slowAnswer || i < 3 {
			slowest = append(slowest, fmt.Sprintf("%s %.0f ms", t.name, t.median))
		}
	}
	b.report.add(figure{Line: "f", What: fmt.Sprintf("%s conversations: %s", number(float64(size)), f.what), Unit: "ms", Ours: spreadOf(all),
		Note: fmt.Sprintf("median of %d, %d of them above %d ms; slowest: %s", len(list), late, slowAnswer, strings.Join(slowest, ", "))})
	return nil
}

// merged measures the first document of line l with the parts that ClickHouse leaves, and merges them.
func (b *bench) merged(ctx context.Context, r *rig, w *web, size int, version uint32) error {
	f, err := b.asked(ctx, r, w, size, targets()[0])
	if err != nil {
		return err
	}
	note, err := r.merge(ctx, version)
	if err != nil {
		return err
	}
	f.What += ", before parts are merged"
	f.Note += "; " + note
	b.report.add(f)
	return nil
}

// merge merges the parts that ClickHouse leaves, as a projector does that has little to do (see projector/merge), and says which these were
// and what it took.
func (r *rig) merge(ctx context.Context, version uint32) (note string, err error) {
	parts, err := r.tables.Parts(ctx, version)
	if err != nil {
		return "", err
	}
	var overlap []string
	for _, p := range parts {
		if p.Overlapping > 0 {
			overlap = append(overlap, fmt.Sprintf("%s %d of %d, %.0f %% of the rows", p.Table, p.Overlapping, p.All, 100*float64(p.Shared)/float64(p.Rows)))
		}
	}
	before, err := r.processorTime(ctx)
	if err != nil {
		return "", err
	}
	began := time.Now()
	if err := merge.Once(ctx, r.tables, version); err != nil {
		return "", err
	}
	took := time.Since(began)
	spent, err := r.processorTime(ctx)
	return fmt.Sprintf("parts that overlap: %s; merging them took %s, processor time %s",
		strings.Join(overlap, ", "), took.Round(time.Second/10), (spent - before).Round(time.Second/10)), err
}

// asked is the figure of a document of line l, with the processor time that ClickHouse takes for an answer.
func (b *bench) asked(ctx context.Context, r *rig, w *web, size int, t target) (figure, error) {
	if err := w.ask(ctx, t.body, nil); err != nil {
		return figure{}, fmt.Errorf("%s: %w", t.name, err)
	}
	before, err := r.processorTime(ctx)
	if err != nil {
		return figure{}, err
	}
	each, _, err := together(ctx, 1, 2*b.rounds, func(ctx context.Context, _ int) error { return w.ask(ctx, t.body, nil) })
	if err != nil {
		return figure{}, fmt.Errorf("%s: %w", t.name, err)
	}
	after, err := r.processorTime(ctx)
	if err != nil {
		return figure{}, err
	}
	return figure{
		Line: "l", What: fmt.Sprintf("%s conversations: %s", number(float64(size)), t.name), Unit: "ms", Ours: spreadOf(each),
		Note: fmt.Sprintf("processor time of ClickHouse %d ms", (after-before).Milliseconds()/int64(len(each))),
	}, nil
}

// processorTime is what the statements and merges of ClickHouse have taken since it started.
func (r *rig) processorTime(ctx context.Context) (time.Duration, error) {
	var microseconds uint64
	err := r.tables.Conn().QueryRow(ctx, "SELECT sum(value) FROM system.events WHERE event = 'OSCPUVirtualTimeMicroseconds'").Scan(&microseconds)
	return time.Duration(microseconds) * time.Microsecond, err
}

// within measures a document of line l.
func (b *bench) within(ctx context.Context, r *rig, w *web, size int, t target) error {
	f, err := b.asked(ctx, r, w, size, t)
	if err != nil {
		return err
	}
	if t.most > 0 {
		f = f.goal(fmt.Sprintf("≤ %d ms", t.most), f.Ours.Median <= float64(t.most))
	}
	b.report.add(f)
	return nil
}

// queriesPerSecond measures line g.
func (b *bench) queriesPerSecond(ctx context.Context, w *web, client *http.Client, size int) error {
	d := documents("")[0]
	asked, err := w.statements(ctx, d)
	if err != nil {
		return err
	}
	for _, clients := range []int{1, 8, 32} {
		var ours, floor, oursEach, floorEach []float64
		for range b.rounds {
			rate, each, err := askedPerSecond(ctx, clients, func(ctx context.Context) error { return w.ask(ctx, d.body, nil) })
			if err != nil {
				return fmt.Errorf("%d clients: %w", clients, err)
			}
			ours, oursEach = append(ours, rate), append(oursEach, each...)
			rate, each, err = askedPerSecond(ctx, clients, func(ctx context.Context) error { return asked.send(ctx, client) })
			if err != nil {
				return fmt.Errorf("%d clients: floor: %w", clients, err)
			}
			floor, floorEach = append(floor, rate), append(floorEach, each...)
		}
		f := figure{Line: "g", What: fmt.Sprintf("%s conversations, %d clients: %s", number(float64(size)), clients, d.name), Unit: "queries/s", Ours: spreadOf(ours)}.
			against("its statements", spreadOf(floor))
		f.Note = fmt.Sprintf("p95 %.0f ms, of the statements %.0f ms", quantile(slices.Sorted(slices.Values(oursEach)), .95), quantile(slices.Sorted(slices.Values(floorEach)), .95))
		b.report.add(f.goal("≥ 0.8", f.Ratio >= 0.8))
	}
	return nil
}

// askedPerSecond asks from so many clients for a while.
func askedPerSecond(ctx context.Context, clients int, ask func(context.Context) error) (rate float64, each []float64, err error) {
	var mu sync.Mutex
	var asked atomic.Int64
	all, ctx := errgroup.WithContext(ctx)
	began := time.Now()
	for range clients {
		all.Go(func() error {
			for time.Since(began) < askFor {
				from := time.Now()
				if err := ask(ctx); err != nil {
					return err
				}
				asked.Add(1)
				mu.Lock()
				each = append(each, time.Since(from).Seconds()*1000)
				mu.Unlock()
			}
			return nil
		})
	}
	err = all.Wait()
	return float64(asked.Load()) / time.Since(began).Seconds(), each, err
}
