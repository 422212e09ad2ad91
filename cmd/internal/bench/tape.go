package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/parley-analytics/parley/deploy/embedded"
)

// tape carries requests to ClickHouse, and keeps them while it records.
type tape struct {
	mu        sync.Mutex
	recording bool
	requests  []taped
}

// taped is a request as it went to ClickHouse.
type taped struct {
	url    url.URL
	header http.Header
	body   []byte
}

// transport is a TransportFunc of clickhouse-go.
func (t *tape) transport(own *http.Transport) (http.RoundTripper, error) {
	carried, err := embedded.Transport(own)
	return taping{t, carried}, err
}

// taping is a transport that a tape listens to.
type taping struct {
	tape    *tape
	carried http.RoundTripper
}

// RoundTrip keeps the request, if asked to, and carries it.
func (t taping) RoundTrip(request *http.Request) (*http.Response, error) {
	t.tape.mu.Lock()
	recording := t.tape.recording
	t.tape.mu.Unlock()
	if recording && request.Body != nil {
		body, err := io.ReadAll(request.Body)
		_ = request.Body.Close()
		if err != nil {
			return nil, err
		}
		request = request.Clone(request.Context())
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
		t.tape.mu.Lock()
		t.tape.requests = append(t.tape.requests, taped{*request.URL, request.Header.Clone(), body})
		t.tape.mu.Unlock()
	}
	return t.carried.RoundTrip(request)
}

// record keeps the requests that go out while do runs.
func (t *tape) record(do func() error) ([]taped, error) {
	t.mu.Lock()
	t.recording, t.requests = true, nil
	t.mu.Unlock()
	err := do()
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.requests
	t.recording, t.requests = false, nil
	return kept, err
}

// send sends a request again and throws the answer away once it is complete.
func (r taped) send(ctx context.Context, client *http.Client) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url.String(), bytes.NewReader(r.body))
	if err != nil {
		return err
	}
	request.Header = r.header
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		message, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("ClickHouse answered %s: %s", response.Status, message)
	}
	_, err = io.Copy(io.Discard, response.Body)
	return err
}

// plainClient is a client with the given number of connections.
func plainClient(connections int) (*http.Client, error) {
	transport, err := embedded.Transport(&http.Transport{MaxIdleConnsPerHost: connections, DisableCompression: true})
	return &http.Client{Transport: transport}, err
}

// blocks are the inserts of a catch-up, batch by batch.
type blocks struct {
	batches [][]taped
	bytes   int
}

// insertsOf picks the inserts out of the requests of a catch-up into a version.
// The insert of the position ends a batch.
func insertsOf(requests []taped, version uint32) (*blocks, error) {
	var b blocks
	var batch []taped
	prefix := fmt.Sprintf("INSERT INTO parley_%d.", version)
	for _, request := range requests {
		query := request.url.Query().Get("query")
		table, inserts := strings.CutPrefix(query, prefix)
		if !inserts {
			continue
		}
		batch = append(batch, request)
		b.bytes += len(request.body)
		if strings.HasPrefix(table, "positions ") {
			b.batches = append(b.batches, batch)
			batch = nil
		}
	}
	if len(b.batches) == 0 {
		return nil, fmt.Errorf("no insert was found among %d requests", len(requests))
	}
	return &b, nil
}

// insert sends the blocks to the tables of another version: the inserts of a
// batch all at once, and one batch after the other.
func (b *blocks) insert(ctx context.Context, client *http.Client, from, to uint32) error {
	before, after := fmt.Sprintf("INSERT INTO parley_%d.", from), fmt.Sprintf("INSERT INTO parley_%d.", to)
	for _, batch := range b.batches {
		all, ctx := errgroup.WithContext(ctx)
		for _, request := range batch {
			query := request.url.Query()
			query.Set("query", strings.Replace(query.Get("query"), before, after, 1))
			query.Del("query_id")
			request.url.RawQuery = query.Encode()
			all.Go(func() error { return request.send(ctx, client) })
		}
		if err := all.Wait(); err != nil {
			return err
		}
	}
	return nil
}
