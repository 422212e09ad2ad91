package transport_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/auth/authtest"
	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/query/transport/graphiql"
	"github.com/parley-analytics/parley/schema"
)

type greeter struct{}

func (*greeter) Hello() string { return "world" }

// One server with credentials, tokens, GraphQL and GraphiQL.
func Example() {
	ctx, metrics, log := context.Background(), prometheus.NewRegistry(), slog.New(slog.DiscardHandler)

	// Credentials. In production the store is a bucket that all roles share.
	directory, err := auth.NewDirectory(ctx, new(authtest.Memory), time.Now)
	if err != nil {
		panic(err)
	}
	authority, err := auth.New(auth.Config{Directory: directory, Logger: log, Metrics: metrics})
	if err != nil {
		panic(err)
	}

	// The schema.
	const sdl = `schema { query: Query } type Query { hello: String! }`
	limits := transport.DefaultLimits()
	greetings, err := graphql.ParseSchema(sdl, &greeter{}, limits.SchemaOptions(nil, nil)...)
	if err != nil {
		panic(err)
	}
	handler, err := transport.New(transport.Config{
		Executor: greetings, SDL: sdl, Authenticator: authority,
		Limits: limits, Prices: transport.DefaultPrices(),
		Logger: log, Metrics: metrics, Now: func() time.Time { return time.Unix(0, 0) }, // time.Now, but for this output
	})
	if err != nil {
		panic(err)
	}
	page, err := graphiql.New()
	if err != nil {
		panic(err)
	}

	mux := http.NewServeMux()
	mux.Handle("/graphql", handler)
	page.Routes(mux)
	authority.Routes(mux)

	// A query with a new key.
	key, err := directory.AddKey(ctx, "dashboard", []schema.Scope{schema.ScopeRead}, schema.Projects{All: true})
	if err != nil {
		panic(err)
	}
	request := httptest.NewRequest(http.MethodPost, "/graphql", strings.NewReader(`{"query":"{ hello }"}`))
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Id", key.ID)
	request.Header.Set("X-Api-Secret", key.Secret)
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, request)
	fmt.Println(answer.Code, answer.Body)
	// Output:
	// 200 {"data":{"hello":"world"},"extensions":{"cost":{"requestedQueryCost":1,"actualQueryCost":1,"throttleStatus":{"maximumAvailable":2000000,"currentlyAvailable":1999999,"restoreRate":50000}}}}
}
