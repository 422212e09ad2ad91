package soak

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// sample is what can be seen of a process at one moment.
type sample struct {
	at             time.Time
	ready          bool            // /readyz is 200: for everything, or for queries
	ingest         bool            // /readyz is 200 for ingest
	position, last schema.Sequence // of the live tables, and of the log; 0 if it cannot be read
	taken, refused int64           // events, and requests, of the senders so far
}

const (
	mostStill = time.Minute      // that a process may claim to be ready without being it
	mostGap   = 10 * time.Second // between two samples of one stretch
	mostPause = 35 * time.Second // between two requests of one stretch
)

// standstill finds times in which a process was ready but nothing happened, in the samples of that
// process in their order.
type standstill struct {
	before  sample
	still   time.Time // ready, with the log ahead and the tables at one position, since; zero if they are not
	refusal time.Time // ready for ingest, and every request refused, since; zero if they are not
	asked   time.Time // when a request was refused last
	longest time.Duration
}

// look takes the next sample. It returns an error if the tables stood still for a minute in which
// /readyz was 200, or every request was refused for a minute in which it was 200 for ingest.
func (w *standstill) look(s sample) error {
	if s.position == 0 {
		s.position = w.before.position
	}
	if s.last == 0 {
		s.last = w.before.last
	}
	before := w.before
	w.before = s
	interrupted := s.at.Sub(before.at) > mostGap
	switch {
	case !s.ready || s.last <= s.position:
		w.still = time.Time{}
	case w.still.IsZero() || interrupted || s.position != before.position:
		w.still = s.at
	default:
		w.longest = max(w.longest, s.at.Sub(w.still))
	}
	if s.refused > before.refused {
		w.asked = s.at
	}
	switch {
	case !s.ingest || interrupted || s.taken != before.taken || s.at.Sub(w.asked) > mostPause:
		w.refusal = time.Time{}
	case w.refusal.IsZero():
		w.refusal = s.at
	}
	switch {
	case !w.still.IsZero() && s.at.Sub(w.still) >= mostStill:
		return fmt.Errorf("/readyz was 200 for %v while the live tables stood still at %d and the log ended at %d", s.at.Sub(w.still), s.position, s.last)
	case !w.refusal.IsZero() && s.at.Sub(w.refusal) >= mostStill:
		return fmt.Errorf("/readyz was 200 for ingest for %v while every request was refused", s.at.Sub(w.refusal))
	}
	return nil
}

// watcher takes samples of some processes with one log and one projection, every second.
type watcher struct {
	of      []*instance
	found   []*standstill
	senders []*sender
	tables  account
	log     logAccess

	stop  func() // ends it, and waits for that
	taken int    // samples
}

// watch begins to watch processes; whatever is found fails the test.
func watch(t testing.TB, senders []*sender, of ...*instance) *watcher {
	w := &watcher{of: of, senders: senders, tables: of[0].owner(), log: of[0].logAccess()}
	ctx, cancel := context.WithCancel(context.Background())
	var watching sync.WaitGroup
	for range of {
		w.found = append(w.found, &standstill{})
	}
	watching.Go(func() {
		ticks := time.NewTicker(time.Second)
		defer ticks.Stop()
		for ctx.Err() == nil {
			for i, s := range w.samples(ctx) {
				if err := w.found[i].look(s); err != nil && ctx.Err() == nil {
					t.Errorf("%s: %v", of[i].what, err)
					return
				}
			}
			w.taken++
			select {
			case <-ctx.Done():
			case <-ticks.C:
			}
		}
	})
	w.stop = sync.OnceFunc(func() { cancel(); watching.Wait() })
	t.Cleanup(w.stop)
	return w
}

// longest is for how long the tables stood still at most while a process was ready, since the beginning.
func (w *watcher) longest() (longest time.Duration) {
	for _, s := range w.found {
		longest = max(longest, s.longest)
	}
	return longest
}

// samples takes one of each process.
func (w *watcher) samples(ctx context.Context) []sample {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	var common sample
	samples := make([]sample, len(w.of))
	var asking sync.WaitGroup
	asking.Go(func() { common.position, _ = w.tables.position(ctx) }) // 0 if it cannot be read
	asking.Go(func() { common.last, _ = w.log.end(ctx) })
	for i, in := range w.of {
		asking.Go(func() {
			samples[i].ready = in.answers(ctx, "") || in.answers(ctx, "?for=query")
			samples[i].ingest = in.answers(ctx, "?for=ingest")
		})
	}
	asking.Wait()
	for _, s := range w.senders {
		common.taken, common.refused = common.taken+s.acked.Load(), common.refused+s.again.Load()
	}
	for i := range samples {
		samples[i].at, samples[i].position, samples[i].last = time.Now(), common.position, common.last
		samples[i].taken, samples[i].refused = common.taken, common.refused
	}
	return samples
}

// answers reports whether /readyz with a query string answers 200.
func (in *instance) answers(ctx context.Context, query string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+in.ports[0]+"/readyz"+query, nil)
	if err != nil {
		return false
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK
}
