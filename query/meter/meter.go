package meter

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
)

// ErrTooLarge is the reason for stopping a request whose answer, or its rows, exceed their size limit.
var ErrTooLarge = errors.New("the response is too large: request fewer fields or rows")

// Stopped is what a stopped meter panics with.
type Stopped struct{ Cause error }

// Field names a field of the schema.
type Field struct{ Type, Name string }

// Weight is what resolving a field adds to the answer, without texts.
type Weight struct {
	Bytes   int64   // of its name and of a short value
	Objects float64 // 1 where it is the first of an object's fields
	Points  int64   // its price
}

// Limits of a request.
type Limits struct {
	Answer int64 // bytes of the answer
	Loaded int64 // bytes of rows that are held to make it
}

// pointRows is how many rows a statement reads for a point.
const pointRows = 1000

// Size is the points of an answer of this many bytes: 4 for each KB. Building a KB
// of texts takes about as long as building 4 small objects.
func Size(bytes int64) int64 { return bytes >> 10 * 4 }

const (
	// rowsPerMillisecond estimates the rows read by a statement that ended without reporting them.
	rowsPerMillisecond = 20_000
	// errorBytes is the approximate size of an error in an answer.
	errorBytes = 200
	// share is the unit in which parts of an object are counted.
	share = 1 << 10
)

// Meter counts what one request uses.
type Meter struct {
	limits  Limits
	weights map[Field]Weight

	bytes, loaded, shares, points, rows atomic.Int64
	built                               atomic.Int64 // nanoseconds of turns
	cause                               atomic.Pointer[error]
}

// New makes the meter of a request whose fields have these weights.
func New(limits Limits, weights map[Field]Weight) *Meter {
	return &Meter{limits: limits, weights: weights}
}

type key struct{}

// With puts a meter into a context.
func With(ctx context.Context, m *Meter) context.Context { return context.WithValue(ctx, key{}, m) }

// From returns the meter of the request; nil if there is none.
func From(ctx context.Context) *Meter {
	m, _ := ctx.Value(key{}).(*Meter)
	return m
}

// Write counts bytes that are about to be added to the answer. It panics with
// [Stopped] when the answer would be larger than it may be.
func (m *Meter) Write(n int) {
	if m == nil {
		return
	}
	if m.bytes.Add(int64(n)) > m.limits.Answer {
		m.stop(ErrTooLarge)
	}
	m.check()
}

// Load counts bytes of a row that is held until the request ends.
func (m *Meter) Load(n int) error {
	if m == nil {
		return nil
	}
	if m.loaded.Add(int64(n)) > m.limits.Loaded {
		m.stop(ErrTooLarge)
	}
	return m.Cause()
}

// Read counts the rows that a statement read.
func (m *Meter) Read(rows uint64) {
	if m != nil {
		m.rows.Add(int64(rows))
	}
}

// ReadFor counts a statement by its time: it was cut off before it reported its
// rows.
func (m *Meter) ReadFor(took time.Duration) {
	if m != nil {
		m.rows.Add(took.Milliseconds() * rowsPerMillisecond)
	}
}

// Charge adds points for work that is neither rows nor answer.
func (m *Meter) Charge(points int) {
	if m != nil {
		m.points.Add(int64(points))
	}
}

// Cause returns why the request was stopped; nil while it runs.
func (m *Meter) Cause() error {
	if m == nil {
		return nil
	}
	if cause := m.cause.Load(); cause != nil {
		return *cause
	}
	return nil
}

// Points is what was used so far by an answer that is not known as a whole.
func (m *Meter) Points() int64 {
	return m.Costs(m.shares.Load()/share, m.bytes.Load())
}

// Costs is what was used when the answer has this many objects and bytes.
func (m *Meter) Costs(objects, bytes int64) int64 {
	return m.points.Load() + m.rows.Load()/pointRows + objects + Size(bytes)
}

func (m *Meter) stop(cause error) { m.cause.CompareAndSwap(nil, &cause) }

// check panics when the request was stopped.
func (m *Meter) check() {
	if cause := m.Cause(); cause != nil {
		panic(Stopped{cause})
	}
}

// end is called when a field was resolved and what is below it is built.
func (m *Meter) end(err *gqlerrors.QueryError) {
	if err != nil && m.bytes.Add(errorBytes) > m.limits.Answer {
		m.stop(ErrTooLarge)
	}
	m.check()
}

// field counts a field that is about to be resolved.
func (m *Meter) field(ctx context.Context, f Field) {
	w, known := m.weights[f]
	if !known { // of the introspection
		w = Weight{Bytes: int64(len(f.Name)) + 16, Objects: 0.25}
	}
	if w.Points > 0 {
		m.points.Add(w.Points)
	}
	if w.Objects > 0 {
		m.shares.Add(int64(w.Objects * share))
	}
	if m.bytes.Add(w.Bytes) > m.limits.Answer {
		m.stop(ErrTooLarge)
	}
	if err := ctx.Err(); err != nil {
		m.stop(err)
	}
}
