package transport

import (
	"cmp"
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.37.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// observer records the results of requests: one log line, one span and the metrics. It sees no
// document, variable or address.
type observer struct {
	log    *slog.Logger
	tracer trace.Tracer
	now    func() time.Time
	path   string

	requests   *prometheus.CounterVec
	operations *prometheus.CounterVec
	seconds    prometheus.Histogram
	points     *prometheus.CounterVec
	running    prometheus.Gauge
	names      *operationNames
}

func newObserver(c *Config) (*observer, error) {
	provider := c.Tracing
	if provider == nil {
		provider = noop.NewTracerProvider()
	}
	path := cmp.Or(c.Path, "/graphql")
	endpoint := prometheus.Labels{"path": path} // several handlers share the registry
	o := &observer{
		log: c.Logger, tracer: provider.Tracer(tracerName), now: c.Now, path: path, names: &operationNames{known: make(map[string]bool)},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_graphql_requests_total",
			Help: "GraphQL requests by path, HTTP status and the code of the first error.", ConstLabels: endpoint,
		}, []string{"status", "code"}),
		operations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_graphql_operations_total", ConstLabels: endpoint,
			Help: "GraphQL operations that were answered, by path and the name that the client gives the operation: (none) without a name, (other) for names beyond the first 64.",
		}, []string{"operation"}),
		seconds: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "parley_graphql_request_duration_seconds", Help: "Time to answer a GraphQL request.", ConstLabels: endpoint,
			Buckets: []float64{.005, .01, .025, .05, .1, .2, .3, .5, 1, 2.5, 5, 10, 30},
		}),
		points: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_graphql_cost_points_total", Help: "Points that answers cost, by path and operation.", ConstLabels: endpoint,
		}, []string{"operation"}),
		running: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "parley_graphql_requests_in_flight", Help: "GraphQL requests that are being answered.", ConstLabels: endpoint,
		}),
	}
	for _, collector := range []prometheus.Collector{o.requests, o.operations, o.seconds, o.points, o.running} {
		if err := c.Metrics.Register(collector); err != nil {
			return nil, err
		}
	}
	return o, nil
}

const tracerName = "github.com/parley-analytics/parley/query/transport"

// begin starts to observe an exchange, inside the sender's trace if there is one.
func (o *observer) begin(x *exchange) (finish func()) {
	began := o.now()
	o.running.Inc()
	ctx := propagation.TraceContext{}.Extract(x.r.Context(), propagation.HeaderCarrier(x.r.Header))
	ctx, span := o.tracer.Start(ctx, method(x.r.Method)+" "+o.path,
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(semconv.HTTPRequestMethodKey.String(method(x.r.Method)), semconv.HTTPRoute(o.path)))
	x.r = x.r.WithContext(ctx)
	return func() {
		o.running.Dec()
		if x.status == 0 {
			x.status = 499 // the client disconnected before there was an answer
		}
		o.finish(ctx, x, span, o.now().Sub(began))
	}
}

// operation names the span after the operation, once it is known.
func (o *observer) operation(ctx context.Context, x *exchange) {
	span := trace.SpanFromContext(ctx)
	span.SetAttributes(semconv.GraphQLOperationTypeKey.String(x.operation.kind))
	if name := brief(x.operation.name); name != "" {
		span.SetAttributes(semconv.GraphQLOperationName(name))
	}
}

func (o *observer) finish(ctx context.Context, x *exchange, span trace.Span, took time.Duration) {
	code := ""
	if len(x.codes) > 0 {
		code = x.codes[0]
	}
	span.SetAttributes(
		semconv.HTTPResponseStatusCode(x.status),
		attribute.Int64("parley.query.cost", x.actual),
	)
	if code != "" {
		span.SetAttributes(semconv.ErrorTypeKey.String(code))
	}
	if x.status >= 500 {
		span.SetStatus(codes.Error, code)
	}
	span.End()

	o.requests.WithLabelValues(strconv.Itoa(x.status), code).Inc()
	if x.operation.kind != string(ast.Subscription) { // which lasts as long as its reader
		o.seconds.Observe(took.Seconds())
	}
	if x.operation.kind != "" { // the document was read
		name := o.names.label(x.operation.name, code == "")
		o.operations.WithLabelValues(name).Inc()
		o.points.WithLabelValues(name).Add(float64(x.actual))
	}

	line := []slog.Attr{
		slog.String("path", o.path),
		slog.String("operation", brief(x.operation.name)),
		slog.String("type", x.operation.kind),
		slog.String("caller", x.caller.ID),
		slog.Int("status", x.status),
		slog.Duration("duration", took),
		slog.Int64("costRequested", x.requested),
		slog.Int64("cost", x.actual),
	}
	if x.rows != nil {
		line = append(line, slog.Uint64("rows", x.rows()))
	}
	if len(x.codes) > 0 {
		line = append(line, slog.String("errors", strings.Join(x.codes, " ")))
	}
	o.log.LogAttrs(ctx, slog.LevelInfo, "graphql", line...)
}

// operationsNamed is how many names of operations a path's metrics tell apart.
const operationsNamed = 64

// operationNames limits the names of operations in metrics, which clients choose: the first ones of operations that were answered
// without an error.
type operationNames struct {
	mu    sync.Mutex
	known map[string]bool
}

// label returns the label of a name. Parentheses are in no name of GraphQL.
func (n *operationNames) label(name string, answered bool) string {
	if name == "" {
		return "(none)"
	}
	name = brief(name)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.known[name] {
		if !answered || len(n.known) >= operationsNamed {
			return "(other)"
		}
		n.known[name] = true
	}
	return name
}

// brief shortens a name chosen by the sender. GraphQL lets names have letters,
// digits and underscores only.
func brief(name string) string {
	if len(name) > 64 {
		return name[:64]
	}
	return name
}

// method limits what a sender can put into spans.
func method(m string) string {
	switch m {
	case "GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH":
		return m
	}
	return "_OTHER"
}
