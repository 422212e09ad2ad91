package meter

import (
	"context"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
	"github.com/graph-gophers/graphql-go/introspection"
	"github.com/graph-gophers/graphql-go/trace/tracer"
)

// Tracer has the GraphQL library count the fields of requests that have a meter.
// Everything is handed on to Next.
type Tracer struct {
	Next  tracer.Tracer
	Turns *Turns
}

// TraceQuery implements tracer.Tracer.
func (t Tracer) TraceQuery(ctx context.Context, document, operation string, variables map[string]any, types map[string]*introspection.Type) (context.Context, tracer.QueryFinishFunc) {
	return t.Next.TraceQuery(ctx, document, operation, variables, types)
}

// TraceField implements tracer.Tracer. A trivial field is one below which nothing
// waits: it is built by one goroutine without a break, and in turn with others.
// The library holds a place of its own while it calls TraceField, so that waiting
// is left to the ends of fields.
func (t Tracer) TraceField(ctx context.Context, label, typeName, fieldName string, trivial bool, args map[string]any) (context.Context, tracer.FieldFinishFunc) {
	m := From(ctx)
	if m == nil {
		return t.Next.TraceField(ctx, label, typeName, fieldName, trivial, args)
	}
	m.field(ctx, Field{typeName, fieldName})
	if trivial {
		if inside, ok := ctx.Value(turnKey{}).(*turn); ok {
			return ctx, inside.step
		}
		outer := newTurn(t.Turns, m)
		return context.WithValue(ctx, turnKey{}, outer), func(err *gqlerrors.QueryError) {
			outer.end()
			m.end(err)
		}
	}
	ctx, finish := t.Next.TraceField(ctx, label, typeName, fieldName, trivial, args)
	return ctx, func(err *gqlerrors.QueryError) {
		finish(err)
		m.end(err)
	}
}

// TraceValidation implements tracer.ValidationTracer.
func (t Tracer) TraceValidation(ctx context.Context) tracer.ValidationFinishFunc {
	if next, ok := t.Next.(tracer.ValidationTracer); ok {
		return next.TraceValidation(ctx)
	}
	return func([]*gqlerrors.QueryError) {}
}
