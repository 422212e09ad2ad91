package meter_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/graph-gophers/graphql-go/trace/noop"

	"github.com/parley-analytics/parley/query/meter"
)

// fieldTime is how long building a field takes here.
const fieldTime = 50 * time.Microsecond

// answers builds answers in turns on a machine with two processors.
type answers struct{ tracer meter.Tracer }

func newAnswers(urgent func() bool) answers {
	return answers{meter.Tracer{Next: noop.Tracer{}, Turns: meter.NewTurns(2, urgent)}}
}

// build builds fields until the number or the time is reached, and returns how many.
func (a answers) build(most int, until time.Time) (n int) {
	ctx := meter.With(context.Background(), meter.New(meter.Limits{Answer: 1 << 40}, nil))
	inside, finish := a.tracer.TraceField(ctx, "", "Query", "list", true, nil)
	defer finish(nil)
	for ; n < most && time.Now().Before(until); n++ {
		_, end := a.tracer.TraceField(inside, "", "Row", "id", true, nil)
		<-time.After(fieldTime)
		end(nil)
	}
	return n
}

func TestALongAnswerTakesAnEighthOfTheProcessors(t *testing.T) {
	for _, requests := range []int{1, 4} {
		// A quarter of one of the two processors is for all of them.
		longAnswersTake(t, requests, 4, nil)
		longAnswersTake(t, requests, 4, func() bool { return false })
	}
}

func TestBesideUrgentWorkALongAnswerTakesHalfOfThat(t *testing.T) {
	for _, requests := range []int{1, 4} {
		longAnswersTake(t, requests, 8, func() bool { return true })
	}
}

// longAnswersTake builds so many answers at a time for 10 s, of which they shall be built for
// such a part.
func longAnswersTake(t *testing.T, requests int, part time.Duration, urgent func() bool) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a, began := newAnswers(urgent), time.Now()
		var mu sync.Mutex
		var all sync.WaitGroup
		n := 0
		for range requests {
			all.Go(func() {
				built := a.build(1<<30, began.Add(10*time.Second))
				mu.Lock()
				n += built
				mu.Unlock()
			})
		}
		all.Wait()
		// The beginning of each is not long yet: 50 ms.
		busy := time.Duration(n) * fieldTime
		beginnings := time.Duration(requests) * 60 * time.Millisecond
		if least, most := 10*time.Second/part*9/10, 10*time.Second/part*11/10+beginnings; busy < least || busy > most {
			t.Errorf("%d long answers were built for %v of 10 s, expected %v to %v", requests, busy, least, most)
		}
	})
}

func TestAShortAnswerDoesNotWaitForLongOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := newAnswers(nil)
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { a.build(1<<30, time.Now().Add(5*time.Second)) })
		}
		<-time.After(2 * time.Second) // by now all of them are long
		began := time.Now()
		if n := a.build(400, began.Add(time.Minute)); n != 400 {
			t.Errorf("%d fields", n)
		}
		if took := time.Since(began); took > 60*time.Millisecond {
			t.Errorf("20 ms of building took %v", took)
		}
		all.Wait()
	})
}

func TestOnManyProcessorsLongAnswersDoNotRest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, began := answers{meter.Tracer{Next: noop.Tracer{}, Turns: meter.NewTurns(8, nil)}}, time.Now()
		if n := a.build(40_000, began.Add(time.Minute)); n != 40_000 || time.Since(began) > 2100*time.Millisecond {
			t.Errorf("%d fields took %v", n, time.Since(began))
		}
	})
}
