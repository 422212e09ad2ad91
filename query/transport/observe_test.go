package transport_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	graphql "github.com/graph-gophers/graphql-go"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/schema"
)

const personal = "ada@example.org"

func TestOneLogLinePerRequestWithoutPersonalData(t *testing.T) {
	r := newRig(t, func(c *transport.Config) {
		c.Begin = func(ctx context.Context, caller schema.Caller) (context.Context, func() uint64) {
			return ctx, func() uint64 { return 42 }
		}
	})
	r.post(`query Find($t: String) { echo(text: $t) page(first: 2) { nodes { id } } }`, map[string]any{"t": personal})
	line := strings.TrimSpace(r.log.String())
	for _, part := range []string{"operation=Find", "type=query", "caller=key_reader", "status=200", "duration=", "costRequested=4", "cost=4", "rows=42"} {
		if !strings.Contains(line, part) {
			t.Errorf("%q lacks %s", line, part)
		}
	}
	if strings.Count(line, "\n") != 0 || strings.Contains(line, personal) || strings.Contains(line, "192.0.2.1") {
		t.Errorf("the log holds %q", line)
	}
}

func TestErrorsAreLoggedByCodeOnly(t *testing.T) {
	r := newRig(t)
	r.post(`query ($x: Int) { echo(text: "`+personal+`", number: $x) }`, map[string]any{"x": personal})
	r.body(`{"query":"{ echo(text: \"` + personal + `"}`)
	r.post(`{ `+strings.Repeat("x", 100)+` }`, nil)
	r.post(`query `+strings.Repeat("y", 100)+` { echo }`, nil)
	log := r.log.String()
	if strings.Contains(log, personal) || strings.Contains(log, strings.Repeat("x", 65)) || strings.Contains(log, strings.Repeat("y", 65)) {
		t.Errorf("the log holds %s", log)
	}
	for _, code := range []string{"BAD_USER_INPUT", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED"} {
		if !strings.Contains(log, "errors="+code) {
			t.Errorf("%s is not in %s", code, log)
		}
	}
}

func TestSpansHaveNamesAndNoVariables(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	r := newRig(t, func(c *transport.Config) {
		c.Tracing = provider
		parsed, err := graphql.ParseSchema(toySDL, &toy{}, append(c.Limits.SchemaOptions(provider, nil), graphql.UseFieldResolvers())...)
		if err != nil {
			t.Fatal(err)
		}
		c.Executor = parsed
	})
	r.post(`query Find($t: String) { echo(text: $t) fail(how: "plain") page(first: 1) { nodes { self { id } } } }`, map[string]any{"t": personal},
		fields("Traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"))

	names := map[string]sdktrace.ReadOnlySpan{}
	for _, span := range recorder.Ended() {
		names[span.Name()] = span
		if got := span.SpanContext().TraceID().String(); got != "0af7651916cd43dd8448eb211c80319c" {
			t.Errorf("%s is in trace %s", span.Name(), got)
		}
		for _, a := range span.Attributes() {
			if strings.Contains(a.Value.String(), personal) {
				t.Errorf("%s has %s = %q", span.Name(), a.Key, a.Value.String())
			}
		}
	}
	request := names["POST /graphql"]
	if request == nil || names["Query.fail"] == nil || names["Query.page"] == nil || len(names) > 4 {
		t.Fatalf("spans: %v", names)
	}
	if request.Parent().SpanID().String() != "b7ad6b7169203331" || names["Query.page"].Parent().SpanID() != request.SpanContext().SpanID() {
		t.Error("spans are not nested")
	}
	attributes := attribute.NewSet(request.Attributes()...)
	for key, want := range map[attribute.Key]string{
		"graphql.operation.name": "Find", "graphql.operation.type": "query", "http.request.method": "POST",
		"http.route": "/graphql", "http.response.status_code": "200", "error.type": "INTERNAL_SERVER_ERROR",
	} {
		if got, _ := attributes.Value(key); got.String() != want {
			t.Errorf("%s = %q, want %q", key, got.String(), want)
		}
	}
}

func TestRequestsAreCounted(t *testing.T) {
	r := newRig(t)
	r.post(`{ echo }`, nil)
	r.post(`{ page(first: 3) { nodes { id } } }`, nil)
	r.post(`{ nope }`, nil, fields(graphQLJSON))
	r.post(`{ echo }`, nil, fields("X-Api-Id: "))
	want := `
# HELP parley_graphql_cost_points_total Points that answers cost, by path and operation.
# TYPE parley_graphql_cost_points_total counter
parley_graphql_cost_points_total{operation="(none)",path="/graphql"} 6
# HELP parley_graphql_operations_total GraphQL operations that were answered, by path and the name that the client gives the operation: (none) without a name, (other) for names beyond the first 64.
# TYPE parley_graphql_operations_total counter
parley_graphql_operations_total{operation="(none)",path="/graphql"} 3
# HELP parley_graphql_requests_in_flight GraphQL requests that are being answered.
# TYPE parley_graphql_requests_in_flight gauge
parley_graphql_requests_in_flight{path="/graphql"} 0
# HELP parley_graphql_requests_total GraphQL requests by path, HTTP status and the code of the first error.
# TYPE parley_graphql_requests_total counter
parley_graphql_requests_total{code="",path="/graphql",status="200"} 2
parley_graphql_requests_total{code="GRAPHQL_VALIDATION_FAILED",path="/graphql",status="400"} 1
parley_graphql_requests_total{code="UNAUTHENTICATED",path="/graphql",status="401"} 1
`
	if err := testutil.GatherAndCompare(r.metrics, strings.NewReader(want),
		"parley_graphql_requests_total", "parley_graphql_requests_in_flight", "parley_graphql_operations_total", "parley_graphql_cost_points_total"); err != nil {
		t.Error(err)
	}
}

func TestNamesOfOperationsInMetricsAreLimited(t *testing.T) {
	r := newRig(t)
	r.post(`query Wrong { nope }`, nil)
	for n := range 70 {
		r.post(fmt.Sprintf(`query N%d { echo }`, n), nil)
	}
	families, err := r.metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	counted := map[string]float64{}
	for _, f := range families {
		if f.GetName() != "parley_graphql_operations_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "operation" {
					counted[l.GetValue()] = m.GetCounter().GetValue()
				}
			}
		}
	}
	if len(counted) != 65 || counted["N0"] != 1 || counted["N63"] != 1 || counted["(other)"] != 7 {
		t.Errorf("%d names: %v", len(counted), counted)
	}
}

type broken struct{}

func (broken) Exec(context.Context, string, string, map[string]any) *graphql.Response {
	panic("the secret of the panic")
}

func TestAPanicOutsideResolversIsAnInternalError(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Executor = broken{} })
	a := r.post(`{ echo }`, nil)
	if a.status != 500 || a.code() != "INTERNAL_SERVER_ERROR" || strings.Contains(a.raw, "secret") {
		t.Errorf("%d %s", a.status, a.raw)
	}
	if !strings.Contains(r.log.String(), "request panicked") {
		t.Error("the panic is not logged")
	}
}
