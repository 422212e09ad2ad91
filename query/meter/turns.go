package meter

import (
	"time"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
)

// Turns bounds how many goroutines build answers at a time, whatever the number of
// requests, so that there are processors left for everything else. One that has
// built for a while goes to the end of the queue.
type Turns struct{ places chan struct{} }

// NewTurns lets n goroutines build at a time.
func NewTurns(n int) *Turns { return &Turns{make(chan struct{}, n)} }

const (
	turnTime  = 2 * time.Millisecond // until the next one's turn
	turnSteps = 32                   // between two looks at the clock
)

type turnKey struct{}

// turn is one goroutine's. Small parts of an answer never take a place: it is
// taken at the end of the first field inside.
type turn struct {
	turns *Turns
	meter *Meter
	step  func(*gqlerrors.QueryError)
	held  bool
	steps int
	since time.Time
}

func newTurn(turns *Turns, m *Meter) *turn {
	t := &turn{turns: turns, meter: m}
	t.step = t.next // once, not for each field
	return t
}

// next is called at the end of each field.
func (t *turn) next(err *gqlerrors.QueryError) {
	t.meter.end(err)
	if t.steps++; t.steps%turnSteps != 0 {
		return
	}
	if t.held && time.Since(t.since) < turnTime {
		return
	}
	t.end()
	t.turns.places <- struct{}{} // others wait here: the first to come is next
	t.held, t.since = true, time.Now()
}

func (t *turn) end() {
	if t.held {
		t.held = false
		<-t.turns.places
	}
}
