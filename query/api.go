package query

import (
	"crypto/rand"
	"errors"
	"log/slog"

	graphql "github.com/graph-gophers/graphql-go"

	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// Config configures the API.
type Config struct {
	Store  Store
	Logger *slog.Logger // nil discards log messages
	// Key signs cursors and handles. Roles that serve the same clients need the same key. If empty,
	// a random key is used: cursors then become invalid when the process ends.
	Key []byte
	// Hours are the schedules for business time; nil if there are none.
	Hours HoursReader
	// Options are passed to the GraphQL library: depth, length, selections, tracer.
	Options []graphql.SchemaOpt
}

// API answers queries. It keeps nothing between requests.
type API struct {
	store  Store
	log    *slog.Logger
	key    []byte
	hours  HoursReader
	schema *graphql.Schema
	feed   *graphql.Schema
}

// New parses the SDL against the resolvers.
func New(config Config) (*API, error) {
	if config.Store == nil {
		return nil, errors.New("query: a store is required")
	}
	a := &API{store: config.Store, log: config.Logger, key: config.Key, hours: config.Hours}
	if a.log == nil {
		a.log = slog.New(slog.DiscardHandler)
	}
	if len(a.key) == 0 {
		a.key = make([]byte, 32)
		rand.Read(a.key)
	}
	parsed, err := Parse(sdl.Queries(), &root{a}, a.log, config.Options)
	if err != nil {
		return nil, err
	}
	a.schema = parsed
	a.feed, err = Parse(sdl.Feed(), &feedRoot{a}, a.log, config.Options)
	return a, err
}

// Parse parses an SDL against its resolvers, whose faults are logged and not returned to clients.
func Parse(sdl string, resolvers any, log *slog.Logger, options []graphql.SchemaOpt) (*graphql.Schema, error) {
	return graphql.ParseSchema(sdl, resolvers, append([]graphql.SchemaOpt{
		graphql.UseStringDescriptions(),
		graphql.UseFieldResolvers(),
		graphql.PanicHandler(panics{log}),
		graphql.Logger(panics{log}),
	}, options...)...)
}

// Schema executes queries, in a context made by [WithCaller].
func (a *API) Schema() *graphql.Schema { return a.schema }

// SDL is the text of the schema.
func (a *API) SDL() string { return sdl.SDL() }

// root has the fields of Query.
type root struct{ *API }
