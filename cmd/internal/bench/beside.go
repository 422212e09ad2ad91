package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/query/auth"
)

const (
	readers   = 8    // deep queries at a time, all of one key
	sentAlone = 4000 // single events of a round, one after the other
	// throttledWait is how long a reader waits that was asked to come back later.
	throttledWait = 50 * time.Millisecond
	// pushes give one conversation so many contacts, which a deep query nests.
	pushes  = 60
	nesting = 3
)

// besideQueries measures line j: one sender of single events, in turns alone and
// beside queries of another key whose answers grow with a power of the contacts.
func (b *bench) besideQueries(ctx context.Context) error {
	r, err := b.start(ctx, natsOnly)
	defer r.close()
	if err != nil {
		return err
	}
	if err := r.fill(ctx, b.events); err != nil {
		return err
	}
	last, err := r.broker.Events().Last(ctx)
	if err != nil {
		return err
	}
	r.stopNATS()
	s, _, err := r.serveBinary(ctx, uint64(last))
	defer s.close()
	if err != nil {
		return err
	}
	sender, err := s.remote(r.dir)
	if err != nil {
		return err
	}
	reader, err := s.remote(r.dir) // a client with connections of its own
	if err != nil {
		return err
	}
	if _, err := sender.post(ctx, ingest.Path, "application/x-ndjson", deepConversation(), http.StatusAccepted); err != nil {
		return err
	}
	var payloads [][]byte
	for payload := range corpus(b.seed+1, 2*b.rounds*sentAlone) {
		payloads = append(payloads, bytes.Clone(payload))
	}
	round := func(n int) ([]float64, error) {
		each, _, err := together(ctx, 1, sentAlone, func(ctx context.Context, job int) error {
			_, err := sender.post(ctx, ingest.Path, "application/x-ndjson", payloads[n*sentAlone+job], http.StatusAccepted)
			return err
		})
		return each, err
	}
	var alone, beside []float64
	outcomes := &outcomes{counts: make(map[string]float64)}
	for n := range b.rounds {
		each, err := round(2 * n)
		if err != nil {
			return err
		}
		alone = append(alone, each...)
		if each, err = besideDeep(ctx, reader, outcomes, func() ([]float64, error) { return round(2*n + 1) }); err != nil {
			return err
		}
		beside = append(beside, each...)
	}
	for _, q := range []float64{0.5, 0.95, 0.99} {
		f := latencies("j", fmt.Sprintf("time to accept an event beside %d deep queries of one key", readers), beside, "alone", alone, q)
		f.Note = "queries answered: " + listed(outcomes.counts)
		b.report.add(f)
	}
	for _, process := range []struct {
		what string
		pid  int
	}{{"most memory of parley beside them", s.command.Process.Pid}, {"most memory of its ClickHouse", s.child}} {
		most, err := residentPeak(process.pid)
		if err != nil {
			return err
		}
		b.report.add(figure{Line: "j", What: process.what, Unit: "MiB", Ours: spreadOf([]float64{most})})
	}
	return nil
}

// besideDeep runs do while so many deep queries as readers are under way all the time.
func besideDeep(ctx context.Context, w remote, outcomes *outcomes, do func() ([]float64, error)) ([]float64, error) {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	for range readers {
		group.Go(func() error {
			for reading.Err() == nil {
				answer, err := w.post(reading, "/graphql", "application/json", deepQuery(), 0)
				switch {
				case reading.Err() != nil:
				case err != nil:
					return err
				case outcomes.count(answer) == "THROTTLED":
					select { // as clients do; a flood would cost this process as much as Parley
					case <-time.After(throttledWait):
					case <-reading.Done():
					}
				}
			}
			return nil
		})
	}
	each, err := do()
	stop()
	return each, errors.Join(err, group.Wait())
}

// outcomes counts queries by the code of the error they ended with.
type outcomes struct {
	mu     sync.Mutex
	counts map[string]float64
}

func (o *outcomes) count(answer []byte) string {
	var got struct {
		Errors []struct{ Extensions struct{ Code string } }
	}
	code := "not JSON"
	if json.Unmarshal(answer, &got) == nil {
		if code = "without an error"; len(got.Errors) > 0 {
			code = got.Errors[0].Extensions.Code
		}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.counts[code]++
	return code
}

const deepID = "0dee9000-0000-4000-8000-000000000001"

// deepConversation are the events of a conversation with many contacts.
func deepConversation() []byte {
	var lines bytes.Buffer
	for n := range pushes {
		fmt.Fprintf(&lines, `{"specversion":"1.0","id":"deep-%d","source":"bench","type":"parley.conversation.pushed.v1","time":"2025-01-01T10:%02d:00Z","subject":%q,"projectid":1,"data":{"toUser":{"id":%d,"kind":"PROFESSIONAL"}}}`+"\n",
			n, n, deepID, n+1)
	}
	return lines.Bytes()
}

func deepQuery() []byte {
	document := fmt.Sprintf(`{ conversation(id: %q, projectId: 1) { id %s%s } }`, deepID,
		strings.Repeat("contacts { id status conversation { id ", nesting), strings.Repeat("} }", nesting))
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		panic(err) // a string
	}
	return body
}

// remote is a client with the first key of the data directory.
func (s *served) remote(dir string) (w remote, err error) {
	content, err := os.ReadFile(filepath.Join(dir, "admin-key.json"))
	if err != nil {
		return w, err
	}
	var key auth.Key
	err = json.Unmarshal(content, &key)
	return newRemote(s.url, key), err
}
