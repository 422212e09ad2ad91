package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/auth/authtest"
	"github.com/parley-analytics/parley/query/chatty"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/schema"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// web is the HTTP side of a rig: the edge and, with ClickHouse, GraphQL, behind
// the real credentials.
type web struct {
	remote
	reads *tape // of what GraphQL asks of ClickHouse
	close func()
}

// remote is a client of a Parley, with a key.
type remote struct {
	url    string
	key    auth.Key
	client *http.Client
}

func newRemote(url string, key auth.Key) remote {
	return remote{url, key, &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}}}
}

// connections is the most a line opens.
const connections = 64

// serve opens the edge, and GraphQL where the rig has ClickHouse.
func (r *rig) serve(ctx context.Context) (*web, error) {
	directory, err := auth.NewDirectory(ctx, new(authtest.Memory), time.Now)
	if err != nil {
		return nil, err
	}
	authority, err := auth.New(auth.Config{Directory: directory, Logger: r.bench.log, Metrics: prometheus.NewRegistry()})
	if err != nil {
		return nil, err
	}
	w := &web{reads: &tape{}}
	key, err := directory.AddKey(ctx, "bench", []schema.Scope{schema.ScopeIngest, schema.ScopeRead}, schema.Projects{All: true})
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	edge := ingest.New(ingest.Config{Auth: authority, Events: r.broker.Events(), Rejected: r.broker.Rejected(), Logger: r.bench.log})
	mux.Handle(ingest.Path, edge)
	closeTables := func() {}
	if r.clickHouse != nil {
		tables, err := r.graphQL(w.reads, authority, mux)
		if err != nil {
			return nil, err
		}
		closeTables = func() { _ = tables.Close() }
	}
	server := httptest.NewServer(mux)
	w.remote = newRemote(server.URL, key)
	w.close = func() {
		w.client.CloseIdleConnections()
		server.Close()
		edge.Close()
		closeTables()
	}
	return w, nil
}

// graphQL opens the API over the live tables, and Chatty's, as `parley serve` does,
// but for the budget of points, which a measurement would soon have spent.
func (r *rig) graphQL(reads *tape, authority *auth.Authority, mux *http.ServeMux) (*store.Store, error) {
	user := r.credentials.Reader
	tables, err := store.Open(store.Config{
		URL: "http://" + r.clickHouse.PrivateAddr(), User: user.Name, Password: user.Password,
		Transport: reads.transport, Timeout: 30 * time.Second,
	})
	if err != nil {
		return nil, err
	}
	limits := transport.DefaultLimits()
	limits.Budget, limits.Restore, limits.Concurrent = 1<<40, 1<<40, connections
	api, err := query.New(query.Config{Store: tables, Hours: openingHours{}, Logger: r.bench.log, Options: limits.SchemaOptions(nil, nil)})
	if err != nil {
		return nil, err
	}
	customers, err := chatty.New(api, r.bench.log, limits.SchemaOptions(nil, nil))
	if err != nil {
		return nil, err
	}
	config := transport.Config{
		Executor: api.Schema(), SDL: api.SDL(), Authenticator: authority,
		Begin: func(ctx context.Context, caller schema.Caller) (context.Context, func() uint64) {
			ctx, stats := query.WithStats(query.WithCaller(ctx, caller))
			return ctx, stats.RowsRead
		},
		Limits: limits, Prices: transport.DefaultPrices(), Logger: r.bench.log, Metrics: prometheus.NewRegistry(), Now: time.Now,
	}
	graph, err := transport.New(config)
	if err != nil {
		return nil, err
	}
	config.Path, config.Executor, config.SDL, config.Prices = chattyPath, customers, sdl.Chatty(), chatty.Prices()
	theirs, err := transport.New(config)
	if err != nil {
		return nil, err
	}
	mux.Handle(graphQLPath, graph)
	mux.Handle(chattyPath, theirs)
	return tables, nil
}

// post sends a body and returns the answer; any status but the expected is an error,
// unless that is 0.
func (w *remote) post(ctx context.Context, path, contentType string, body []byte, expected int) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("X-Api-Id", w.key.ID)
	request.Header.Set("X-Api-Secret", w.key.Secret)
	response, err := w.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && expected != 0 && response.StatusCode != expected {
		err = fmt.Errorf("POST %s answered %s: %.500s", path, response.Status, answer)
	}
	return answer, err
}

// send posts lines of events, and wants all of them accepted.
func (w *web) send(ctx context.Context, lines []byte, events int) error {
	answer, err := w.post(ctx, ingest.Path, "application/x-ndjson", lines, http.StatusAccepted)
	if err != nil {
		return err
	}
	var counts struct{ Accepted int }
	if err := json.Unmarshal(answer, &counts); err != nil {
		return err
	}
	if counts.Accepted != events {
		return fmt.Errorf("%d of %d events were accepted: %.500s", counts.Accepted, events, answer)
	}
	return nil
}

// The places of GraphQL.
const graphQLPath, chattyPath = "/graphql", "/chatty/graphql"

// ask sends a request of GraphQL, and wants an answer without errors.
func (w *web) ask(ctx context.Context, body []byte, into any) error {
	return w.asks(ctx, document{body: body}, into)
}

// asks sends a document, and wants an answer without errors.
func (w *web) asks(ctx context.Context, d document, into any) error {
	answer, err := w.post(ctx, cmp.Or(d.path, graphQLPath), "application/json", d.body, http.StatusOK)
	if err != nil {
		return err
	}
	got := struct {
		Data   json.RawMessage
		Errors []struct{ Message string }
	}{}
	if err := json.Unmarshal(answer, &got); err != nil {
		return err
	}
	if len(got.Errors) > 0 {
		return fmt.Errorf("GraphQL: %s", got.Errors[0].Message)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(got.Data, into)
}
