package transport

import (
	"context"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/graph-gophers/graphql-go/introspection"
	"github.com/graph-gophers/graphql-go/trace/tracer"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// fieldTracer makes a span for each field of the query root, inside the span of
// the request. The library's own OpenTelemetry tracer is not used because it writes
// variables and arguments into spans; this one writes names only.
type fieldTracer struct{ tracer trace.Tracer }

// TraceQuery implements tracer.Tracer. The request has its span already.
func (fieldTracer) TraceQuery(ctx context.Context, _, _ string, _ map[string]any, _ map[string]*introspection.Type) (context.Context, tracer.QueryFinishFunc) {
	return ctx, func([]*gqlerrors.QueryError) {}
}

// TraceField implements tracer.Tracer.
func (t fieldTracer) TraceField(ctx context.Context, _, typeName, fieldName string, trivial bool, _ map[string]any) (context.Context, tracer.FieldFinishFunc) {
	if trivial || typeName != "Query" && typeName != "Mutation" {
		return ctx, func(*gqlerrors.QueryError) {}
	}
	ctx, span := t.tracer.Start(ctx, typeName+"."+fieldName,
		trace.WithAttributes(attribute.String("graphql.field.name", fieldName)))
	return ctx, func(err *gqlerrors.QueryError) {
		if err != nil {
			complete(err)
			code, _ := err.Extensions["code"].(string)
			span.SetStatus(codes.Error, code)
		}
		span.End()
	}
}

// TraceValidation implements tracer.ValidationTracer.
func (fieldTracer) TraceValidation(context.Context) tracer.ValidationFinishFunc {
	return func([]*gqlerrors.QueryError) {}
}
