package transport

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime"
	"runtime/debug"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/trace"

	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Executor runs a document: a *graphql.Schema.
type Executor interface {
	Exec(ctx context.Context, document, operationName string, variables map[string]any) *graphql.Response
}

// Config is what a Handler needs. Executor, SDL, Authenticator, Logger,
// Metrics and Now are required.
type Config struct {
	Executor      Executor
	SDL           string  // of the schema that Executor runs
	Scalars       Scalars // of the schema: how values of its own scalars are checked
	Authenticator endpoint.Authenticator
	// Subscriptions answers subscriptions; nil: there are none.
	Subscriptions Subscriptions
	// Path is where the handler answers, for logs, metrics and traces; empty is
	// /graphql. Scope is what a caller must carry; empty is read.
	Path  string
	Scope schema.Scope
	// Beside is a handler of the same callers, if there is one: its budgets and places
	// are this one's too.
	Beside *Handler
	// Begin puts the caller into the context of a request, and returns a function
	// that reports afterwards how many rows were read.
	Begin func(context.Context, schema.Caller) (context.Context, func() uint64)

	Limits Limits
	// Together is how many requests run at a time, of all credentials, and how many
	// of the largest answers are in memory, those included that are being sent. One
	// credential has half of that at most. 0 is twice the processors, 8 to 32.
	Together int

	Prices  Prices
	Origins []string // that browsers may ask from; "*" for all, none by default
	// Throttled is the message of a throttled request, which then has no actual cost,
	// for clients that expect that; empty is our own.
	Throttled string
	// ErrorNames adds extensions.name to errors, by which clients of iAdvize identify them.
	ErrorNames bool
	// CompleteError, if there is one, adds to the extensions of an error, which has a code, what clients
	// of another server read.
	CompleteError func(*gqlerrors.QueryError)

	Logger  *slog.Logger
	Metrics prometheus.Registerer
	Tracing trace.TracerProvider // nil: no traces
	Now     func() time.Time
}

// Handler answers the requests of one schema.
type Handler struct {
	config    Config
	pricing   *pricing
	coercion  *coercion
	budgets   *budgets
	persisted *persisted
	origins   origins
	observer  *observer
}

// New makes a Handler.
func New(c Config) (*Handler, error) {
	prices, err := newPricing(c.SDL, c.Prices, &c.Limits)
	if err != nil {
		return nil, err
	}
	allowed, err := newOrigins(c.Origins)
	if err != nil {
		return nil, err
	}
	seen, err := newObserver(&c)
	if err != nil {
		return nil, err
	}
	c.Scope = cmp.Or(c.Scope, schema.ScopeRead)
	if c.Together == 0 {
		c.Together = min(max(8, 2*runtime.GOMAXPROCS(0)), 32)
	}
	h := &Handler{config: c, pricing: prices, coercion: &coercion{prices.schema, c.Scalars}, origins: allowed, observer: seen}
	h.budgets, h.persisted = newBudgets(&h.config.Limits, c.Together, c.Now), newPersisted(&h.config.Limits)
	if c.Beside != nil {
		h.budgets = c.Beside.budgets
	}
	return h, nil
}

// exchange is one request and its result.
type exchange struct {
	w http.ResponseWriter
	r *http.Request

	media     string // of the answer
	caller    schema.Caller
	budget    *budget // nil until the caller is known
	operation operation
	requested int64 // points that the document is priced at
	actual    int64 // and those that it has used
	rows      func() uint64
	status    int
	codes     []string // of the errors, each once
}

// operation is the part of a document that may be logged.
type operation struct{ name, kind string }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	secure(w.Header())
	if h.origins.serve(w, r) {
		return
	}
	x := &exchange{w: w, r: r, media: mediaJSON}
	finish := h.observer.begin(x)
	defer finish()
	defer func() {
		if fault := recover(); fault != nil {
			h.config.Logger.ErrorContext(x.r.Context(), "request panicked", "panic", fmt.Sprint(fault), "stack", string(debug.Stack()))
			h.refuse(x, &refusal{code: codeInternal, message: "internal error", status: http.StatusInternalServerError})
		}
	}()
	if refused := h.serve(x); refused != nil {
		h.refuse(x, refused)
	}
}

// serve answers, or returns why not.
func (h *Handler) serve(x *exchange) *refusal {
	if x.media = acceptable(x.r.Header.Values("Accept")); x.media == "" {
		x.media = mediaJSON
		return &refusal{code: codeBadRequest, status: http.StatusNotAcceptable, message: "Accept: must allow " + mediaResponse + ", " + mediaJSON + " or " + mediaEvents}
	}
	if x.r.Method != http.MethodGet && x.r.Method != http.MethodPost {
		x.w.Header().Set("Allow", "GET, POST")
		return &refusal{code: codeBadRequest, status: http.StatusMethodNotAllowed, message: "the method must be GET or POST"}
	}
	if refused := h.authenticate(x); refused != nil {
		return refused
	}
	x.budget = h.budgets.hold(x.caller.ID)
	defer h.budgets.release(x.budget)

	asked, refused := h.read(x)
	if refused != nil {
		return refused
	}
	if refused := h.persisted.resolve(asked); refused != nil {
		return refused
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), h.config.Limits.Time)
	defer cancel()
	return h.run(ctx, x, asked)
}

func (h *Handler) authenticate(x *exchange) *refusal {
	caller, err := h.config.Authenticator.Authenticate(x.r)
	if err != nil {
		var denied endpoint.Refusal
		if !errors.As(err, &denied) {
			if x.r.Context().Err() == nil {
				h.config.Logger.ErrorContext(x.r.Context(), "cannot check credentials", "error", err)
			}
			return &refusal{code: codeUnavailable, message: "cannot check credentials now", status: http.StatusServiceUnavailable, wait: time.Second}
		}
		denied.Header(x.w.Header())
		status := denied.HTTPStatus()
		code := codeUnauthenticated
		switch {
		case status >= 500:
			code = codeUnavailable
		case status == http.StatusBadRequest:
			code = codeBadRequest
		case status == http.StatusForbidden:
			code = codeForbidden
		case status == http.StatusTooManyRequests:
			code = codeThrottled
		}
		return &refusal{code: code, message: denied.Error(), status: status}
	}
	x.caller = caller
	if scope := string(h.config.Scope); !caller.Has(h.config.Scope) {
		x.w.Header().Set("WWW-Authenticate", `Bearer realm="parley", error="insufficient_scope", scope="`+scope+`"`)
		return &refusal{code: codeForbidden, message: "the scope " + scope + " is required", status: http.StatusForbidden}
	}
	return nil
}

// read takes the parameters from the body or the query string. The body must arrive in time.
func (h *Handler) read(x *exchange) (*parameters, *refusal) {
	if x.r.Method == http.MethodGet {
		if len(x.r.URL.RawQuery) > h.config.Limits.QueryBytes*3 {
			return nil, &refusal{code: codeTooLarge, message: "the query string is too long: send the query with POST", status: http.StatusRequestURITooLong}
		}
		return fromQuery(x.r.URL.RawQuery)
	}
	if !isJSON(x.r.Header.Get("Content-Type")) {
		return nil, &refusal{code: codeBadRequest, status: http.StatusUnsupportedMediaType, message: "Content-Type: must be application/json in UTF-8"}
	}
	if encoding := x.r.Header.Get("Content-Encoding"); encoding != "" && encoding != "identity" {
		return nil, &refusal{code: codeBadRequest, status: http.StatusUnsupportedMediaType, message: "Content-Encoding: must be identity"}
	}
	// Writers without deadlines (in tests) wait for the body as long as it takes.
	control := http.NewResponseController(x.w)
	_ = control.SetReadDeadline(time.Now().Add(h.config.Limits.BodyTime))
	body, refused := readBody(x.r, h.config.Limits.BodyBytes)
	if refused != nil && refused.status == http.StatusRequestTimeout {
		x.w.Header().Set("Connection", "close") // the rest of the body may come at any time
		return nil, refused
	}
	_ = control.SetReadDeadline(time.Time{})
	if refused != nil {
		return nil, refused
	}
	return fromBody(body)
}

// run measures and executes the document.
func (h *Handler) run(ctx context.Context, x *exchange, asked *parameters) *refusal {
	d, refused := parse(plainSpaces(asked.query), asked.operationName, &h.config.Limits)
	if refused != nil {
		return refused
	}
	x.operation = operation{name: d.operation.Name, kind: string(d.operation.Operation)}
	h.observer.operation(ctx, x)
	if refused := h.allowed(x, d); refused != nil {
		return refused
	}
	measured := d.measure(h.pricing, asked.variables)
	x.requested = measured.points
	if refused := d.check(measured, &h.config.Limits); refused != nil {
		return refused
	}
	h.persisted.keep(asked)
	if faults := h.coercion.validate(d.parsed); len(faults) > 0 {
		h.answer(x, &graphql.Response{Errors: faults}, 0)
		return nil
	}
	given, refused := h.coercion.variables(d.operation, asked.variables)
	if refused != nil {
		return refused
	}
	weights := d.weights(h.pricing)
	if d.operation.Operation == ast.Subscription {
		return h.subscribe(x, d, given, weights)
	}
	run := func(ctx context.Context) *graphql.Response {
		in := &introspector{schema: h.pricing.schema, document: d, variables: given, most: h.config.Limits.AnswerBytes}
		return in.answer(ctx)
	}
	if !d.introspectsOnly(h.pricing.schema) {
		text, variables, refused := h.coercion.rewrite(d, given)
		if refused != nil {
			return refused
		}
		run = func(ctx context.Context) *graphql.Response { return h.execute(ctx, x, text, variables) }
	}

	at := h.budgets.enter(ctx, x.budget, measured.points)
	if at == nil {
		return &refusal{code: codeThrottled, message: "too many requests, of this credential or in total, are running", wait: time.Second}
	}
	defer at.leave()
	if wait, ok := h.budgets.take(x.budget, measured.points); !ok {
		return &refusal{code: codeThrottled, message: "the budget of this credential is spent: wait for retryAfterMs", wait: wait}
	}
	m := meter.New(meter.Limits{Answer: h.config.Limits.AnswerBytes, Loaded: h.config.Limits.loadedBytes()}, weights)
	answered := run(meter.With(ctx, m))
	switch cause := m.Cause(); {
	case cause != nil || ctx.Err() != nil:
		answered = &graphql.Response{Errors: []*gqlerrors.QueryError{h.cut(cmp.Or(cause, ctx.Err())).queryError()}}
	case int64(len(answered.Data)) > h.config.Limits.AnswerBytes:
		answered = &graphql.Response{Errors: []*gqlerrors.QueryError{h.cut(meter.ErrTooLarge).queryError()}}
	}
	// The points used are charged, whatever the result.
	x.actual = m.Points()
	if len(answered.Data) > 0 {
		x.actual = m.Costs(objects(answered.Data), int64(len(answered.Data)))
	}
	h.budgets.settle(x.budget, measured.points-x.actual)
	// Other requests may run while the answer is sent; it uses memory until then.
	at.built(int64(len(answered.Data)))
	h.answer(x, answered, 0)
	return nil
}

func (h *Handler) execute(ctx context.Context, x *exchange, text string, variables map[string]any) *graphql.Response {
	if h.config.Begin != nil {
		ctx, x.rows = h.config.Begin(ctx, x.caller)
	}
	return completed(h.config.Executor.Exec(ctx, text, x.operation.name, variables))
}

// completed gives the errors of an answer their codes.
func completed(answered *graphql.Response) *graphql.Response {
	requestErrors := answered.Errors[:0:0]
	for _, e := range answered.Errors {
		complete(e)
		if len(e.Path) == 0 {
			requestErrors = append(requestErrors, e)
		}
	}
	// An error of no field is one of the whole request (a variable that cannot be
	// coerced), and then there is no data; the library answers with what it has.
	if len(requestErrors) > 0 {
		answered.Errors, answered.Data = requestErrors, nil
	}
	return answered
}

// allowed reports whether the method may run the operation.
func (h *Handler) allowed(x *exchange, d *document) *refusal {
	kind := d.operation.Operation
	if x.r.Method == http.MethodGet && kind == ast.Mutation {
		x.w.Header().Set("Allow", "POST")
		return &refusal{code: codeBadRequest, status: http.StatusMethodNotAllowed, message: "a " + string(kind) + " must be sent with POST"}
	}
	switch {
	case kind != ast.Subscription:
		return nil
	case h.config.Subscriptions == nil:
		return &refusal{code: codeOperation, message: "subscriptions are not supported"}
	case x.media != mediaEvents:
		return &refusal{code: codeOperation, status: http.StatusNotAcceptable, message: "Accept: must be " + mediaEvents + " for a subscription"}
	}
	return nil
}
