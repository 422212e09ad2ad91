package stream

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Path is the part of the address before the table.
const Path = "/v1/stream/"

// Reader reads what a request selects: a *query.API.
type Reader interface {
	Follow(ctx context.Context, table query.Table, parameters url.Values) (*query.Following, error)
	Matching(ctx context.Context, f *query.Following, changes []query.Changed) ([]query.Changed, error)
	Subscribe(caller schema.Caller) *query.Subscription
	Feed() *graphql.Schema
}

// Tables are the tables, read.
type Tables interface {
	// Live returns which projection answers and how far it is.
	Live(ctx context.Context) (query.Live, error)
	// Await waits until everything up to a sequence is in the tables.
	Await(ctx context.Context, sequence schema.Sequence) (query.Live, error)
	// Changes returns the rows whose last change is behind after and not behind upTo, in the order of their positions: at
	// most limit, and then the others of the last sequence.
	Changes(ctx context.Context, table query.Table, scope query.Scope, after, upTo schema.Sequence, limit int) ([]Change, error)
}

const (
	mostReaders   = 2000
	mostPerCaller = 1000
	heartbeat     = 15 * time.Second
	writeTime     = 10 * time.Second
)

// Config is what a Handler needs.
type Config struct {
	Authenticator endpoint.Authenticator
	Reader        Reader
	Tables        Tables
	Logger        *slog.Logger
	Metrics       prometheus.Registerer
}

// Handler answers below Path. Run must be running.
type Handler struct {
	config Config
	hubs   map[query.Table]*hub

	mu      sync.Mutex
	callers map[string]int // open streams
	open    int
	closing chan struct{}
	close   sync.Once
}

// New makes a Handler.
func New(c Config) (*Handler, error) {
	h := &Handler{config: c, hubs: map[query.Table]*hub{}, callers: map[string]int{}, closing: make(chan struct{})}
	dropped := prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_stream_dropped_total", Help: "Streams that ended because their reader was too slow."})
	for _, table := range []query.Table{query.TableConversations, query.TableContacts, query.TableEvents} {
		h.hubs[table] = newHub(table, c.Tables, c.Logger, dropped)
	}
	readers := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "parley_stream_readers", Help: "Streams that are open."}, func() float64 {
		h.mu.Lock()
		defer h.mu.Unlock()
		return float64(h.open)
	})
	return h, errors.Join(c.Metrics.Register(dropped), c.Metrics.Register(readers))
}

// Run reads changes for the streams until ctx ends.
func (h *Handler) Run(ctx context.Context) error {
	var hubs sync.WaitGroup
	for _, one := range h.hubs {
		hubs.Go(func() { one.run(ctx) })
	}
	hubs.Wait()
	return nil
}

// Close ends all streams: a server that stops waits for its requests.
func (h *Handler) Close() { h.close.Do(func() { close(h.closing) }) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s := &stream{handler: h, w: w, r: r, control: http.NewResponseController(w)}
	if err := h.rows(s); err != nil && !s.begun {
		h.refuse(w, r, err)
	}
}

// rows answers with rows.
func (h *Handler) rows(s *stream) error {
	if s.r.Method != http.MethodGet {
		s.w.Header().Set("Allow", http.MethodGet)
		return &refusal{http.StatusMethodNotAllowed, query.CodeBadInput, "the method must be GET"}
	}
	table := query.Table(s.r.URL.Path[len(Path):])
	if h.hubs[table] == nil {
		return &refusal{http.StatusNotFound, query.CodeNotFound, "no such stream: the streams are conversations, contacts and events"}
	}
	var err error
	if s.caller, err = h.authenticate(s.r); err != nil {
		return err
	}
	values, err := url.ParseQuery(s.r.URL.RawQuery)
	if err != nil {
		return badInput("the query string is malformed")
	}
	given := values["lastEventId"]
	delete(values, "lastEventId")
	if len(given) > 1 {
		return badInput("lastEventId: must be given once")
	}
	ctx := s.r.Context()
	f, err := h.config.Reader.Follow(query.WithCaller(ctx, s.caller), table, values)
	if err != nil {
		return err
	}
	position, err := goesOn(s.r, given)
	if err != nil {
		return err
	}
	s.scope, s.view = f.Projects(s.caller.Projects), h.rowsView(s.caller, f)
	return s.serve(ctx, position)
}

// Exec implements transport.Executor.
func (h *Handler) Exec(ctx context.Context, document, operationName string, variables map[string]any) *graphql.Response {
	return h.config.Reader.Feed().Exec(ctx, document, operationName, variables)
}

// Subscribe implements transport.Subscriptions.
func (h *Handler) Subscribe(w http.ResponseWriter, r *http.Request, o transport.Operation) error {
	ctx := r.Context()
	subscription := h.config.Reader.Subscribe(o.Caller)
	if read := o.Run(subscription.Opening(ctx)); len(read.Errors) > 0 {
		return transport.Refused{Response: read}
	}
	if subscription.Table == "" { // it is skipped
		return badInput("the subscription selects nothing")
	}
	var after []string
	if subscription.After != nil {
		after = []string{*subscription.After}
	}
	position, err := goesOn(r, after)
	if err != nil {
		return err
	}
	s := &stream{handler: h, w: w, r: r, control: http.NewResponseController(w), caller: o.Caller}
	s.scope, s.view = subscription.Projects(o.Caller.Projects), h.answersView(subscription, o)
	if err := s.serve(ctx, position); err != nil && !s.begun {
		return err
	}
	return nil
}

func (h *Handler) authenticate(r *http.Request) (schema.Caller, error) {
	caller, err := h.config.Authenticator.Authenticate(r)
	if err == nil && !caller.Has(schema.ScopeRead) {
		err = &refusal{http.StatusForbidden, query.CodeForbidden, "the scope read is required"}
	}
	return caller, err
}

// goesOn reads the position to go on from: a client that was cut off sends it in the header, whatever it asked for at first.
// Without one the stream begins at the present.
func goesOn(r *http.Request, asked []string) (*Position, error) {
	id := r.Header.Get("Last-Event-ID")
	if id == "" && len(asked) > 0 {
		id = asked[0]
	}
	if id == "" {
		return nil, nil
	}
	position, ok := parsePosition(id)
	if !ok {
		return nil, badInput("the position to go on from must be one of this stream")
	}
	return &position, nil
}

func (h *Handler) enter(caller string) (leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open >= mostReaders || h.callers[caller] >= mostPerCaller {
		return nil, false
	}
	h.open++
	h.callers[caller]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.open--
		if h.callers[caller]--; h.callers[caller] == 0 {
			delete(h.callers, caller)
		}
	}, true
}

// refusal is an error of this package with its status.
type refusal struct {
	status  int
	code    query.Code
	message string
}

// Error returns the message.
func (r *refusal) Error() string { return r.message }

// Status is how GraphQL shows it.
func (r *refusal) Status() (int, string) { return r.status, string(r.code) }

const codeThrottled query.Code = "THROTTLED"

func badInput(message string) error {
	return &refusal{http.StatusBadRequest, query.CodeBadInput, message}
}

// refuse answers a stream that has not begun.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var ours *refusal
	var theirs endpoint.Refusal
	answer := refusal{http.StatusServiceUnavailable, query.CodeUnavailable, "the tables or the credentials cannot be read now"}
	var known *query.Error
	switch {
	case errors.As(err, &ours):
		answer = *ours
		if answer.code == codeThrottled {
			endpoint.RetryAfter(w.Header(), 10*time.Second)
		}
	case errors.As(err, &known) && known.Code == query.CodeBadInput:
		answer = refusal{http.StatusBadRequest, known.Code, known.Message}
	case errors.As(err, &theirs):
		theirs.Header(w.Header())
		answer = refusal{theirs.HTTPStatus(), query.CodeUnauthenticated, theirs.Error()}
	default:
		endpoint.RetryAfter(w.Header(), time.Second)
		if r.Context().Err() == nil {
			h.config.Logger.ErrorContext(r.Context(), "stream failed", "error", err)
		}
	}
	endpoint.JSON(w, answer.status, map[string]string{"error": string(answer.code), "message": answer.message})
}
