package query

import (
	"context"
	"sync"

	"github.com/parley-analytics/parley/query/explain"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
)

// request is what the fields of one request share.
type request struct {
	caller schema.Caller
	texts

	once sync.Once
	live Live
	err  error

	motion    motion
	directory directory

	statements onces[string, any]
	explained  onces[explainedState, explain.Conversation]

	schedules func() (map[schema.ProjectID]*hours.Schedule, error) // read once, when a field asks
}

// Once loads a value once for each key in the request of the context, and every time if there is no request.
func Once(ctx context.Context, key string, load func() (any, error)) (any, error) {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return load()
	}
	return r.statements.get(key, load)
}

type (
	requestKey struct{}
	statsKey   struct{}
)

// WithCaller begins a request of the caller. Without it every field answers
// UNAUTHENTICATED. The version of the projection is resolved once per such
// context.
func WithCaller(ctx context.Context, caller schema.Caller) context.Context {
	return context.WithValue(ctx, requestKey{}, &request{caller: caller})
}

// WithStats counts the statements of a request.
func WithStats(ctx context.Context) (context.Context, *Stats) {
	stats := new(Stats)
	return context.WithValue(ctx, statsKey{}, stats), stats
}

// StatsFrom returns the counters of the request; nil if none are kept.
func StatsFrom(ctx context.Context) *Stats {
	stats, _ := ctx.Value(statsKey{}).(*Stats)
	return stats
}

// begin returns the caller's rights and the version all statements of the request
// read.
func (a *API) begin(ctx context.Context) (*request, error) {
	r, ok := ctx.Value(requestKey{}).(*request)
	if !ok {
		return nil, &Error{CodeUnauthenticated, "the request has no caller"}
	}
	if !r.caller.Has(schema.ScopeRead) {
		return nil, &Error{CodeForbidden, "the scope read is required"}
	}
	r.once.Do(func() {
		r.texts.meter = meter.From(ctx)
		r.live, r.err = a.store.Live(ctx)
		r.schedules = a.schedulesOnce(ctx, r.caller.Projects)
	})
	return r, r.err
}

// reading is a request that reads the rows as of a position; 0 is the present.
type reading struct {
	*request
	asOf    schema.Sequence
	empty   bool            // it reads as of the empty log
	present schema.Sequence // the position of an answer about the present
}

// now reads the present rows.
func (r *request) now() reading { return reading{request: r, present: r.live.Position} }

// at reads the rows as of a position.
func (r *request) at(position schema.Sequence) reading {
	return reading{request: r, asOf: position, empty: position == 0}
}

// scope is that of the request, as of the position.
func (r reading) scope(asked []schema.ProjectID) Scope {
	scope := r.request.scope(asked)
	scope.AsOf = r.asOf
	if r.empty {
		scope.Projects = schema.Projects{}
	}
	return scope
}

// position is the one that answers and cursors contain.
func (r reading) position() schema.Sequence {
	if r.asOf > 0 || r.empty {
		return r.asOf
	}
	return r.present
}

// scope narrows the caller's projects to the requested ones; nil requests all.
func (r *request) scope(asked []schema.ProjectID) Scope {
	projects := r.caller.Projects
	if asked != nil {
		projects = intersection(projects, asked)
	}
	return Scope{Projection: r.live.Projection, Projects: projects}
}

// intersection keeps the requested projects, ascending and each once, that
// belong to the set.
func intersection(set schema.Projects, asked []schema.ProjectID) schema.Projects {
	var kept []schema.ProjectID
	for _, id := range asked {
		if set.Contains(id) {
			kept = append(kept, id)
		}
	}
	return schema.Projects{IDs: kept}
}
