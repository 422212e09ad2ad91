package meter

import (
	"time"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"
)

// Turns limits how many goroutines build answers at a time, whatever the number of requests, so
// that processors are left for other work: at most half of them build answers. A goroutine that has
// built for a while goes to the end of the queue.
//
// Requests whose answers take long to build share an eighth of the processors, and half of that
// beside what must not wait. On a machine with few processors that is less than one, so after each
// of their turns there is a pause in which no other long request has a turn.
type Turns struct {
	processors int
	urgent     func() bool
	places     chan struct{} // of all turns
	long       chan struct{} // of turns of long requests, and the rests after them
}

// NewTurns makes the turns of a process that runs on so many processors. urgent reports whether the
// process is doing work at this moment that long answers must not delay; nil: it has none.
func NewTurns(processors int, urgent func() bool) *Turns {
	if urgent == nil {
		urgent = func() bool { return false }
	}
	return &Turns{
		processors: processors, urgent: urgent,
		places: make(chan struct{}, max(1, processors/2)),
		long:   make(chan struct{}, max(1, processors/longShare)),
	}
}

// rest is the pause after a turn of a long request that took so long.
func (t *Turns) rest(took time.Duration) time.Duration {
	share := longShare
	if t.urgent() {
		share = urgentShare
	}
	pauses := float64(share*cap(t.long))/float64(t.processors) - 1
	return min(max(0, time.Duration(float64(took)*pauses)), longRest)
}

const (
	turnTime  = 2 * time.Millisecond // until the next one's turn
	turnSteps = 32                   // between two looks at the clock

	longBuild = 50 * time.Millisecond // of turns, and a request is a long one
	longRest  = time.Second           // at most, for a turn that the machine held up

	// One of so many processors is for building long answers.
	longShare   = 8
	urgentShare = 16 // beside urgent work
)

type turnKey struct{}

// turn is one goroutine's. Small parts of an answer never take a place: it is
// taken at the end of the first field inside.
type turn struct {
	turns *Turns
	meter *Meter
	step  func(*gqlerrors.QueryError)
	held  bool
	long  bool
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
	t.begin()
}

// begin waits for a place: the first to come is next.
func (t *turn) begin() {
	if t.long = t.meter.built.Load() >= int64(longBuild); t.long {
		t.turns.long <- struct{}{}
	}
	t.turns.places <- struct{}{}
	t.held, t.since = true, time.Now()
}

func (t *turn) end() {
	if !t.held {
		return
	}
	t.held = false
	took := time.Since(t.since)
	t.meter.built.Add(int64(took))
	<-t.turns.places
	if t.long {
		time.AfterFunc(t.turns.rest(took), func() { <-t.turns.long })
	}
}
