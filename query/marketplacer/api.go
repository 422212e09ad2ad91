package marketplacer

import (
	"context"
	"log/slog"
	"time"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// Config is what an API needs. All but At and Options are required.
type Config struct {
	Store  Store
	Log    Log
	Logger *slog.Logger
	Key    []byte // signs cursors
	// OperatorID derives the id of an operator from that of a key.
	OperatorID func(key string) schema.OperatorID
	Now        func() time.Time
	// Patience is how long a mutation waits for the tables.
	Patience time.Duration
	// At, unless nil, is called when a mutation is on disk but not yet answered.
	At      func(point string)
	Options []graphql.SchemaOpt // of the GraphQL library
}

// API answers the schema. It keeps nothing of a request.
type API struct {
	Config
	schema *graphql.Schema

	sellers  lookups[SellerRow]
	contacts lookups[ContactsRow]
}

// New parses the SDL against the resolvers.
func New(config Config) (*API, error) {
	a := &API{Config: config}
	if a.At == nil {
		a.At = func(string) {}
	}
	a.sellers.read, a.contacts.read = a.readSellers, a.readContacts
	parsed, err := query.Parse(sdl.Marketplacer(), &root{a}, config.Logger, config.Options)
	if err != nil {
		return nil, err
	}
	a.schema = parsed
	return a, nil
}

// Schema executes documents, in a context made by [WithCaller].
func (a *API) Schema() *graphql.Schema { return a.schema }

type callerKey struct{}

// WithCaller begins a request of the caller.
func WithCaller(ctx context.Context, caller schema.Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, &caller)
}

// root has the fields of Query and Mutation.
type root struct{ *API }

// view is one read of the tables: identical statements run once in it.
type view struct {
	api    *API
	ctx    context.Context
	caller *schema.Caller
	meter  *meter.Meter
	scope  query.Scope
}

// look begins a view, which sees the tables from now on.
func (a *API) look(ctx context.Context) (*view, error) {
	caller, ok := ctx.Value(callerKey{}).(*schema.Caller)
	if !ok {
		return nil, &query.Error{Code: query.CodeUnauthenticated, Message: "the request has no caller"}
	}
	live, err := a.Store.Live(ctx)
	if err != nil {
		return nil, query.PublicError(ctx, a.Logger, err)
	}
	return &view{
		api: a, ctx: query.WithCaller(ctx, *caller), caller: caller, meter: meter.From(ctx),
		scope: query.Scope{Projection: live.Projection, Projects: caller.Projects},
	}, nil
}

func (v *view) public(err error) error { return query.PublicError(v.ctx, v.api.Logger, err) }

func (v *view) text(value string) query.Text { return query.TextOf(v.meter, value) }

// textOr is empty for nil.
func (v *view) textOr(value *string) query.Text {
	if value == nil {
		return v.text("")
	}
	return v.text(*value)
}

// ISO8601DateTime is a moment, written with whole seconds.
type ISO8601DateTime int64

// ImplementsGraphQLType names the scalar.
func (ISO8601DateTime) ImplementsGraphQLType(name string) bool { return name == "ISO8601DateTime" }

// UnmarshalGraphQL is never called: no field takes one.
func (*ISO8601DateTime) UnmarshalGraphQL(any) error {
	return &query.Error{Code: query.CodeBadInput, Message: "the scalar is only used in responses"}
}

// MarshalJSON writes 2024-05-01T03:04:05Z.
func (t ISO8601DateTime) MarshalJSON() ([]byte, error) {
	return []byte(schema.Timestamp(t).Time().Format(`"2006-01-02T15:04:05Z"`)), nil
}
