package transport

import (
	"runtime"
	"time"

	graphql "github.com/graph-gophers/graphql-go"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"github.com/parley-analytics/parley/query/meter"
)

// Limits limit the resources of one request, and of one caller. Every member of [DefaultLimits] can be configured.
type Limits struct {
	BodyBytes  int64 // of a POST; more is 413
	QueryBytes int   // of the document
	Tokens     int   // of the document

	// Of the operation, with its fragments in place.
	Depth      int // levels of fields
	Selections int // fields and fragments
	Aliases    int
	RootFields int

	// BodyTime is how long a body may take to arrive, Time how long a request
	// may take to be answered after that (statements in ClickHouse are cancelled
	// with it), and WriteTime how long the answer may take to be read.
	BodyTime, Time, WriteTime time.Duration

	// AnswerBytes is the most bytes of an answer's data. The rows it is made of may
	// take twice as much.
	AnswerBytes int64

	// Concurrent is how many requests of one credential run at a time; Waiting
	// how many more may wait for a place, for at most MaxWait. Of all credentials
	// together four times as many may wait.
	Concurrent, Waiting int
	MaxWait             time.Duration

	// Budget is the maximum number of points of a credential, Restore how many are restored per
	// second. A request that may cost more than Restore is expensive: a credential runs one of
	// those at a time.
	Budget, Restore int

	// PageSize is the length of a page when neither first nor last says so, and
	// ListSize what a list without pages is taken to hold.
	PageSize, ListSize int

	// Callers is how many credentials' budgets are remembered; Documents and
	// DocumentBytes how many persisted documents.
	Callers, Documents, DocumentBytes int
}

// DefaultLimits let an analyst page through a million conversations without long waits, and prevent
// a careless document from affecting others.
func DefaultLimits() Limits {
	return Limits{
		BodyBytes: 1 << 20, QueryBytes: 128 << 10, Tokens: 20_000,
		Depth: 20, Selections: 2_000, Aliases: 200, RootFields: 50,
		BodyTime: 15 * time.Second, Time: 30 * time.Second, WriteTime: 60 * time.Second,
		AnswerBytes: 16 << 20,
		Concurrent:  8, Waiting: 64, MaxWait: 10 * time.Second,
		Budget: 2_000_000, Restore: 50_000,
		PageSize: 100, ListSize: 5,
		Callers: 10_000, Documents: 1_000, DocumentBytes: 16 << 20,
	}
}

// loadedBytes is how much the rows of one answer may take.
func (l Limits) loadedBytes() int64 { return 2 * l.AnswerBytes }

// SchemaOptions are the library's own bounds, behind ours, and what counts the
// fields of an answer as it is built, in turns that all schemas of a process share; nil: turns of
// its own. With a provider each field of the query root is a span.
func (l Limits) SchemaOptions(provider trace.TracerProvider, turns *meter.Turns) []graphql.SchemaOpt {
	if provider == nil {
		provider = noop.NewTracerProvider()
	}
	if turns == nil {
		turns = meter.NewTurns(runtime.GOMAXPROCS(0), nil)
	}
	return []graphql.SchemaOpt{
		graphql.Tracer(meter.Tracer{Next: fieldTracer{provider.Tracer(tracerName)}, Turns: turns}),
		graphql.MaxQueryLength(8 * l.QueryBytes), // as it is rewritten: each argument a variable
		graphql.MaxSelections(l.Selections * 2),
		graphql.OverlapValidationLimit(l.Selections * 100),
	}
}
