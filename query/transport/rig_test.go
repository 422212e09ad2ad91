package transport_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/schema"
)

// A toy schema in the shape of the real one.
const toySDL = `
schema { query: Query  mutation: Mutation }
type Query {
  echo(text: String, number: Int): String!
  page(first: Int, last: Int): RowConnection!
  fail(how: String!): String
  wait: String
  dear: String
  long: String
}
type Mutation { touch: Boolean! }
type RowConnection { edges: [RowEdge!]!  nodes: [Row!]!  pageInfo: PageInfo! }
type RowEdge { node: Row! }
type PageInfo { hasNextPage: Boolean! }
type Row { id: ID!  friends: [Row!]!  broken: String  self: Row!  tags: [Tag!]!  words: [String!]! }
type Tag { id: ID!  name: String }
`

type toy struct {
	waiting chan struct{} // gets one for each wait that began
	release chan struct{} // closed to let them end
	fields  atomic.Int64  // ids that were resolved
}

func (*toy) Echo(args struct {
	Text   *string
	Number *int32
}) string {
	if args.Text == nil {
		return ""
	}
	return *args.Text
}

func (t *toy) Page(args struct{ First, Last *int32 }) *rows {
	n := int32(100)
	if args.First != nil {
		n = *args.First
	}
	if args.Last != nil {
		n = *args.Last
	}
	all := make([]row, n)
	for i := range all {
		all[i].of = t
	}
	return &rows{all}
}

// Long is 10,000 bytes, counted as resolvers count their texts.
func (*toy) Long(ctx context.Context) *string {
	text := strings.Repeat("x", 10_000)
	meter.From(ctx).Write(len(text))
	return &text
}

func (*toy) Dear() *string { return nil }

// coded is an error as resolvers return it.
type coded struct{ code, message string }

func (c coded) Error() string              { return c.message }
func (c coded) Extensions() map[string]any { return map[string]any{"code": c.code} }

func (*toy) Fail(args struct{ How string }) (*string, error) {
	switch args.How {
	case "coded":
		return nil, coded{"BAD_USER_INPUT", "how: is wrong"}
	case "panic":
		panic("the secret of the panic")
	}
	return nil, errors.New("the secret of the error")
}

func (t *toy) Wait(ctx context.Context) (*string, error) {
	t.waiting <- struct{}{}
	select {
	case <-t.release:
		return nil, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (*toy) Touch() bool { return true }

type (
	rows struct{ all []row }
	edge struct{ Node row }
	row  struct{ of *toy }
	tag  struct{ ID graphql.ID }
	info struct{ HasNextPage bool }
)

func (r *rows) Nodes() []row   { return r.all }
func (r *rows) PageInfo() info { return info{} }
func (r *rows) Edges() []edge {
	edges := make([]edge, len(r.all))
	for i, one := range r.all {
		edges[i].Node = one
	}
	return edges
}

func (r row) ID() graphql.ID {
	if r.of != nil {
		r.of.fields.Add(1)
	}
	return "a{b"
}

// Friends are 50.
func (r row) Friends() []row {
	friends := make([]row, 50)
	for i := range friends {
		friends[i] = r
	}
	return friends
}

func (row) Broken() (*string, error) { return nil, coded{"BAD_USER_INPUT", "broken: is broken"} }

func (r row) Self() row     { return r }
func (row) Tags() []tag     { return []tag{{"1"}, {"2"}} }
func (row) Words() []string { return []string{"x"} }
func (tag) Name() *string   { return nil }

// callers authenticates by the name in x-api-id.
type callers map[string]schema.Caller

func (c callers) Authenticate(r *http.Request) (schema.Caller, error) {
	id := r.Header.Get("X-Api-Id")
	if id == "down" {
		return schema.Caller{}, errors.New("the store is down")
	}
	caller, ok := c[id]
	if !ok {
		return schema.Caller{}, stranger{}
	}
	return caller, nil
}

type stranger struct{}

func (stranger) Error() string        { return "credentials are missing" }
func (stranger) HTTPStatus() int      { return http.StatusUnauthorized }
func (stranger) Header(h http.Header) { h.Set("WWW-Authenticate", `Bearer realm="parley"`) }

type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// log is a buffer that several goroutines may write to.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

type rig struct {
	t       testing.TB
	handler *transport.Handler
	config  transport.Config
	toy     *toy
	clock   *clock
	log     *log
	metrics *prometheus.Registry
}

func newRig(t testing.TB, edit ...func(*transport.Config)) *rig {
	t.Helper()
	r := &rig{
		t: t, toy: &toy{waiting: make(chan struct{}, 100), release: make(chan struct{})},
		clock: &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, log: new(log), metrics: prometheus.NewRegistry(),
	}
	config := transport.Config{
		SDL: toySDL,
		Authenticator: callers{
			"reader": {ID: "key_reader", Scopes: []schema.Scope{schema.ScopeRead}, Projects: schema.Projects{All: true}},
			"other":  {ID: "key_other", Scopes: []schema.Scope{schema.ScopeRead}, Projects: schema.Projects{All: true}},
			"sender": {ID: "key_sender", Scopes: []schema.Scope{schema.ScopeIngest}, Projects: schema.Projects{All: true}},
		},
		Limits: transport.DefaultLimits(),
		Prices: transport.Prices{"Query.dear": {Points: 500}},
		Logger: slog.New(slog.NewTextHandler(r.log, nil)), Metrics: r.metrics, Now: r.clock.now,
	}
	for _, e := range edit {
		e(&config)
	}
	if config.Executor == nil {
		options := append([]graphql.SchemaOpt{graphql.UseFieldResolvers(), graphql.Logger(quiet{})}, config.Limits.SchemaOptions(nil, nil)...)
		parsed, err := graphql.ParseSchema(toySDL, r.toy, options...)
		if err != nil {
			t.Fatal(err)
		}
		config.Executor = parsed
	}
	handler, err := transport.New(config)
	if err != nil {
		t.Fatal(err)
	}
	r.handler, r.config = handler, config
	return r
}

type quiet struct{}

func (quiet) LogPanic(context.Context, any) {}

// answer is what came back.
type answer struct {
	status int
	header http.Header
	raw    string
	Data   json.RawMessage
	Errors []struct {
		Message    string
		Path       []any
		Locations  []struct{ Line, Column int }
		Extensions struct {
			Code, Name   string
			RetryAfterMs int64
		}
	}
	Extensions struct {
		Cost *struct {
			RequestedQueryCost, ActualQueryCost *int64
			ThrottleStatus                      *struct{ MaximumAvailable, CurrentlyAvailable, RestoreRate *int64 }
		}
	}
}

// code returns the code of the only error.
func (a *answer) code() string {
	if len(a.Errors) != 1 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

func fields(pairs ...string) func(*http.Request) {
	return func(r *http.Request) {
		for _, pair := range pairs {
			name, value, _ := strings.Cut(pair, ": ")
			r.Header.Del(name)
			if value != "" {
				r.Header.Set(name, value)
			}
		}
	}
}

const graphQLJSON = "Accept: application/graphql-response+json"

// post sends a document and its variables.
func (r *rig) post(document string, variables map[string]any, edit ...func(*http.Request)) *answer {
	r.t.Helper()
	return r.body(marshal(r.t, map[string]any{"query": document, "variables": variables}), edit...)
}

// body sends a POST with any body.
func (r *rig) body(body string, edit ...func(*http.Request)) *answer {
	r.t.Helper()
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Id", "reader")
	for _, e := range edit {
		e(request)
	}
	return r.do(request)
}

// get sends a GET with a query string.
func (r *rig) get(query string, edit ...func(*http.Request)) *answer {
	r.t.Helper()
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, "/graphql?"+query, nil)
	request.Header.Set("X-Api-Id", "reader")
	for _, e := range edit {
		e(request)
	}
	return r.do(request)
}

func (r *rig) do(request *http.Request) *answer {
	r.t.Helper()
	recorder := httptest.NewRecorder()
	r.handler.ServeHTTP(recorder, request)
	return read(r.t, recorder.Result())
}

func read(t testing.TB, response *http.Response) *answer {
	t.Helper()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	a := &answer{status: response.StatusCode, header: response.Header, raw: string(raw)}
	if len(raw) > 0 {
		if err := json.Unmarshal(raw, a); err != nil {
			t.Fatalf("the answer %.200q is not JSON: %v", raw, err)
		}
	}
	return a
}

func marshal(t testing.TB, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func method(name string) func(*http.Request) {
	return func(r *http.Request) { r.Method = name }
}
