package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Line m: how many readers there are, how many conversations change a second, in how many requests, and for how long. Of some
// readers the delay of each change is measured, of the others the changes are counted.
const (
	audienceSize = 1000
	changeRate   = 100
	changeBeats  = 10
	changesFor   = 15 * time.Second
	timedReaders = 20
)

// audience is the readers of a `parley serve`.
type audience struct {
	*served
	id, secret string

	sent     sync.Map // conversation to time.Time
	received atomic.Int64
	ended    atomic.Int64 // streams that the server has ended: their readers were too slow
	mu       sync.Mutex
	delays   []float64      // milliseconds
	counts   []atomic.Int64 // changes, by reader
}

// streams measures line m.
func (b *bench) streams(ctx context.Context) error {
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
	var key struct{ ID, Secret string }
	content, err := os.ReadFile(filepath.Join(r.dir, "admin-key.json"))
	if err != nil {
		return err
	}
	if err := json.Unmarshal(content, &key); err != nil {
		return err
	}
	subscription := "/graphql?query=" + url.QueryEscape("subscription {conversations {position conversation {id channel contactCount}}}")
	for round, way := range []struct{ what, path string }{{"rows of /v1/stream/conversations", "/v1/stream/conversations"}, {"GraphQL subscription", subscription}} {
		a := &audience{served: s, id: key.ID, secret: key.Secret, counts: make([]atomic.Int64, audienceSize)}
		if err := a.measure(ctx, b.report, round, way.what, way.path); err != nil {
			return fmt.Errorf("%s: %w", way.what, err)
		}
	}
	return nil
}

func (a *audience) measure(ctx context.Context, report *report, round int, what, path string) error {
	reading, stop := context.WithCancel(ctx)
	var all sync.WaitGroup
	defer func() { stop(); all.Wait() }()
	for n := range audienceSize {
		body, err := a.open(reading, path)
		if err != nil {
			return err
		}
		all.Go(func() {
			a.read(body, &a.counts[n], n < timedReaders)
			a.ended.Add(1)
		})
	}
	before, err := a.spent()
	if err != nil {
		return err
	}
	began := time.Now()
	if err := a.change(ctx, round); err != nil {
		return err
	}
	const changes = int64(changeRate * int(changesFor/time.Second))
	a.await(audienceSize * changes)
	took := time.Since(began)
	short, least := 0, changes
	for n := range a.counts {
		if count := a.counts[n].Load(); count < changes {
			short, least = short+1, min(least, count)
		}
	}
	after, err := a.spent()
	if err != nil {
		return err
	}
	used := after.minus(before)
	a.mu.Lock()
	defer a.mu.Unlock()
	slices.Sort(a.delays)
	for _, q := range []float64{0.5, 0.95} {
		f := latencies("m", fmt.Sprintf("sent until read by %d readers at %d changes/s, %s", audienceSize, changeRate, what), a.delays, "", nil, q)
		f.Note = fmt.Sprintf("%d of %d changes read in %s, %d readers short of some (the shortest has %d of %d), %d dropped; processor time per second: parley %.2f, ClickHouse %.2f",
			a.received.Load(), audienceSize*changes, took.Round(time.Second/10), short, least, changes, a.ended.Load(), used.self/took.Seconds(), used.child/took.Seconds())
		report.add(f)
	}
	return nil
}

// await waits until all is read, or nothing comes for half a minute: slow readers are not taken for changes that are missing.
func (a *audience) await(all int64) {
	for read, since := int64(0), time.Now(); read < all && time.Since(since) < 30*time.Second; {
		<-time.After(10 * time.Millisecond)
		if now := a.received.Load(); now > read {
			read, since = now, time.Now()
		}
	}
}

// open opens a stream.
func (a *audience) open(ctx context.Context, path string) (io.ReadCloser, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, a.url+path, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "text/event-stream")
	request.Header.Set("X-Api-Id", a.id)
	request.Header.Set("X-Api-Secret", a.secret)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(response.Body)
		response.Body.Close()
		return nil, fmt.Errorf("%s: %s", response.Status, answer)
	}
	return response.Body, nil
}

// read counts the changes of a stream until it ends.
func (a *audience) read(body io.ReadCloser, count *atomic.Int64, timed bool) {
	defer body.Close()
	lines := bufio.NewScanner(body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		if !bytes.HasPrefix(lines.Bytes(), []byte("data: {")) {
			continue
		}
		a.received.Add(1)
		count.Add(1)
		if !timed {
			continue
		}
		_, id, _ := strings.Cut(lines.Text(), "bbbb0000-")
		if at, known := a.sent.Load("bbbb0000-" + id[:min(27, len(id))]); known {
			a.mu.Lock()
			a.delays = append(a.delays, time.Since(at.(time.Time)).Seconds()*1000)
			a.mu.Unlock()
		}
	}
}

// change opens conversations at the rate.
func (a *audience) change(ctx context.Context, round int) error {
	beat := time.NewTicker(time.Second / changeBeats)
	defer beat.Stop()
	number := 0
	for range changeBeats * int(changesFor/time.Second) {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-beat.C:
		}
		var lines, ids []string
		for range changeRate / changeBeats {
			number++
			id := fmt.Sprintf("bbbb0000-0000-4000-8000-%04d%08d", round, number)
			ids = append(ids, id)
			lines = append(lines, fmt.Sprintf(`{"specversion":"1.0","id":"m%d-%d","source":"bench","type":"parley.conversation.opened.v1","time":%q,"subject":%q,"projectid":1,"data":{"channel":"CHAT"}}`,
				round, number, time.Now().UTC().Format(time.RFC3339Nano), id))
		}
		for _, id := range ids {
			a.sent.Store(id, time.Now())
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+"/v1/events", strings.NewReader(strings.Join(lines, "\n")))
		if err != nil {
			return err
		}
		request.Header.Set("Content-Type", "application/x-ndjson")
		request.Header.Set("X-Api-Id", a.id)
		request.Header.Set("X-Api-Secret", a.secret)
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		response.Body.Close()
		if response.StatusCode != http.StatusAccepted {
			return fmt.Errorf("events: %s", response.Status)
		}
	}
	return nil
}
