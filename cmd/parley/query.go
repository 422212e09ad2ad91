package main

import (
	"context"
	"errors"
	"net/http"
	"runtime"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/agents"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/chatra"
	"github.com/parley-analytics/parley/query/chatty"
	"github.com/parley-analytics/parley/query/export"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/query/stream"
	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/query/transport/graphiql"
	"github.com/parley-analytics/parley/query/web"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// queryFlags are the settings of the GraphQL API.
type queryFlags struct {
	limitFlags
	tracingFlags
	QueryMemory uint64 `help:"Maximum memory of a ClickHouse statement, in MiB. 0 leaves it to the user's profile." file:"query.limits.statement-memory" default:"0"`
	QueryRows   uint64 `help:"Maximum number of rows a ClickHouse statement may read. 0 means no limit." file:"query.limits.statement-rows" default:"0"`
	exportFlags
	AllowOrigin []string      `help:"Origins allowed in browsers (CORS), https://HOST[:PORT]; * allows all. None by default." group:"Queries" placeholder:"URL"`
	Canary      time.Duration `help:"Interval between canaries, events that measure how soon accepted events are visible (metric parley_freshness_seconds) and that no query sees. 0 turns them off." group:"Queries" default:"1m"`
	MCP         bool          `name:"mcp" help:"Serve AI agents with the Model Context Protocol at /mcp, with the credentials and limits of queries." group:"Queries"`

	stallAfter time.Duration // the command's
}

const graphQLPath, graphiQLPath, chattyPath = "/graphql", "/graphiql", "/chatty/graphql"

func (f *queryFlags) routes() []string {
	if f.MCP {
		return append(f.always(), agents.Path)
	}
	return f.always()
}

// always are the routes that need no flag.
func (f *queryFlags) always() []string {
	return append([]string{graphQLPath, graphiQLPath, graphiQLPath + "/", web.PagePath, web.StatusPath, web.AssetsPath, stream.Path, export.Path, marketplacerPath, chattyPath}, chatra.Paths()...)
}
func (f *queryFlags) parts() []readiness.Part {
	needed := []readiness.Purpose{readiness.Query}
	return []readiness.Part{{Name: engines.ClickHouse, For: needed}, {Name: "query", For: needed}}
}

// start opens the tables for reading and the API on them.
func (f *queryFlags) start(ctx context.Context, n *node) error {
	tables, err := n.engines.OpenStore(store.Config{
		Timeout: f.QueryTimeout, MaxMemory: f.QueryMemory << 20, MaxRows: f.QueryRows, MaxResult: 2 * uint64(f.QueryAnswerBytes), Advances: &n.advances,
	})
	if err != nil {
		return err
	}
	n.OnStop("query", func(context.Context) error { return tables.Close() })
	if !n.engines.OwnsClickHouse() {
		n.ready.Watch(engines.ClickHouse, tables.Ping)
	}

	if err := n.migration.run(ctx, tables.CheckTables); err != nil {
		return err
	}
	n.Background("tables", func(ctx context.Context) error { return watchVersion(ctx, tables) })
	var key []byte
	err = eventlog.Retry(ctx, func() (err error) {
		key, err = auth.CursorKey(ctx, n.store)
		return err
	})
	if err != nil {
		return err
	}
	traces, err := f.tracingFlags.start(ctx, n)
	if err != nil {
		return err
	}
	limits := f.limits()
	var schedules *hours.Store
	err = eventlog.Retry(ctx, func() (err error) {
		schedules, err = openHours(ctx, n.broker)
		return err
	})
	if err != nil {
		return err
	}
	turns := meter.NewTurns(runtime.GOMAXPROCS(0), n.entrance().Working) // events come first
	api, err := query.New(query.Config{Store: tables, Logger: n.log, Key: key, Hours: schedules, Options: limits.SchemaOptions(traces, turns)})
	if err != nil {
		return err
	}
	config := transport.Config{
		Executor: api.Schema(), SDL: api.SDL(), Scalars: query.Scalars(), Authenticator: n.authority, Begin: beginQuery,
		Limits: limits, Prices: transport.DefaultPrices(), Origins: f.AllowOrigin,
		Logger: n.log, Metrics: n.registry, Tracing: traces, Now: time.Now, ErrorNames: true,
	}
	streams, err := startStreams(n, api, tables)
	if err != nil {
		return err
	}
	config.Subscriptions = streams
	handler, err := transport.New(config)
	if err != nil {
		return err
	}
	config.Beside, config.ErrorNames, config.Subscriptions = handler, false, nil
	if err := openChatty(n, api, config, turns); err != nil {
		return err
	}
	if err := f.exportFlags.start(n, api, tables); err != nil {
		return err
	}
	startChatra(n, tables)
	if err := f.startMarketplacer(n, tables, key, traces, turns); err != nil {
		return err
	}
	if err := openPages(n); err != nil {
		return err
	}
	n.web.Open(graphQLPath, handler)
	f.openAgents(n, handler)
	n.live = tables.Live
	f.sendCanaries(n, tables)
	keepsUp := n.progress(f.stallAfter, func(ctx context.Context) (schema.Sequence, error) {
		live, err := tables.Live(ctx)
		return live.Written, err
	})
	n.ready.Watch("query", func(ctx context.Context) error {
		_, err := tables.Live(ctx)
		return errors.Join(err, keepsUp.Ready())
	})
	return nil
}

// startStreams opens the streams of changes.
func startStreams(n *node, api *query.API, tables *store.Store) (*stream.Handler, error) {
	streams, err := stream.New(stream.Config{Authenticator: n.authority, Reader: api, Tables: tables, Logger: n.log, Metrics: n.registry})
	if err != nil {
		return nil, err
	}
	n.Background("streams", streams.Run)
	n.web.OnDrain(streams.Close)
	n.web.Open(stream.Path, streams)
	return streams, nil
}

// openPages opens the two pages for browsers: GraphiQL and Parley's own.
func openPages(n *node) error {
	queries, err := graphiql.New()
	if err != nil {
		return err
	}
	page, err := web.New()
	if err != nil {
		return err
	}
	pages := http.NewServeMux()
	queries.Routes(pages)
	page.Routes(pages)
	for _, path := range []string{graphiQLPath, graphiQLPath + "/", web.PagePath, web.StatusPath, web.AssetsPath} {
		n.web.Open(path, pages)
	}
	return nil
}

// openChatty opens Chatty's API next to Parley's.
func openChatty(n *node, api *query.API, config transport.Config, turns *meter.Turns) error {
	parsed, err := chatty.New(api, n.log, config.Limits.SchemaOptions(config.Tracing, turns))
	if err != nil {
		return err
	}
	config.Path, config.Executor, config.SDL, config.Prices = chattyPath, parsed, sdl.Chatty(), chatty.Prices()
	config.Authenticator, config.Throttled = chatty.Door{Authenticator: n.authority}, "Throttled"
	handler, err := transport.New(config)
	if err != nil {
		return err
	}
	n.web.Open(chattyPath, handler)
	return nil
}

// versionEvery is the interval between checks of the version of the tables.
const versionEvery = 5 * time.Second

// watchVersion ends with an error once the tables belong to a newer binary.
func watchVersion(ctx context.Context, tables *store.Store) error {
	ticks := time.NewTicker(versionEvery)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticks.C:
		}
		var newer *clickhouse.NewerError
		if err := tables.CheckVersion(ctx); errors.As(err, &newer) {
			return err
		}
	}
}

// exportFlags limit exports of whole tables.
type exportFlags struct {
	ExportTimeout  time.Duration `help:"Maximum duration of an export; the embedded ClickHouse allows 9m." file:"query.exports.timeout" default:"9m"`
	ExportParallel int           `help:"Maximum number of concurrent exports per credential." file:"query.exports.parallel" default:"2"`
	ExportTogether int           `help:"Maximum number of concurrent exports in total. Each holds a ClickHouse connection." file:"query.exports.together" default:"8"`
}

// start opens the exports.
func (f *exportFlags) start(n *node, api *query.API, tables *store.Store) error {
	exports, err := export.New(export.Config{
		Authenticator: n.authority, Reader: api, Tables: tables,
		Time: f.ExportTimeout, PerCaller: f.ExportParallel, Together: f.ExportTogether,
		Logger: n.log, Metrics: n.registry,
	})
	if err != nil {
		return err
	}
	n.web.Open(export.Path, exports)
	return nil
}

// beginQuery puts the caller into a request's context and counts what it reads.
func beginQuery(ctx context.Context, caller schema.Caller) (context.Context, func() uint64) {
	ctx, stats := query.WithStats(query.WithCaller(ctx, caller))
	return ctx, stats.RowsRead
}

// queryCommand runs the GraphQL API alone.
type queryCommand struct {
	nodeFlags
	queryFlags
	StallAfter time.Duration `help:"Time without progress after which /readyz reports the tables as stalled." group:"Projector" default:"30s"`
}

// Run serves until the process is asked to stop.
func (c *queryCommand) Run(a *app) error {
	c.queryFlags.stallAfter = c.StallAfter
	return serveBeside(a, &c.nodeFlags, "query", &c.queryFlags)
}
