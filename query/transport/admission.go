package transport

import (
	"context"
	"slices"
	"time"
)

// Requests run in places, each of which reserves the memory of the largest answer.
// A credential has a bounded number of them, and never more than half of all. A request without a
// place waits in one bounded queue, in which a credential with fewer places goes first.
//
// An expensive request may cost more than the credential gets back in a second. A
// credential runs one at a time, beside its others, and all of them together take half
// of the places at most, so that there is always one soon for what is quick.

// waiter is a request in the queue.
type waiter struct {
	demand
	granted chan struct{} // closed when it has its place
}

// demand describes the place that a request needs.
type demand struct {
	budget    *budget
	expensive bool
}

// place is where one request runs, until its answer is built, and what its answer
// takes, until it is sent.
type place struct {
	demand
	budgets *budgets
	running bool
	held    int64 // bytes
}

// enter waits for a place for a request that may cost so many points. It gives up, and
// returns nil, when too many wait, when it takes too long, and with the request.
func (b *budgets) enter(ctx context.Context, of *budget, points int64) *place {
	d := demand{of, points > int64(b.limits.Restore)}
	granted := &place{d, b, true, b.limits.AnswerBytes}
	b.mu.Lock()
	if b.fits(d) {
		b.occupy(d)
		b.mu.Unlock()
		return granted
	}
	if of.waiting >= b.limits.Waiting || len(b.queue) >= 4*b.limits.Waiting {
		b.mu.Unlock()
		return nil
	}
	w := &waiter{d, make(chan struct{})}
	b.queue = append(b.queue, w)
	of.waiting++
	b.mu.Unlock()

	timer := time.NewTimer(b.limits.MaxWait)
	defer timer.Stop()
	select {
	case <-w.granted:
		return granted
	case <-timer.C:
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	at := slices.Index(b.queue, w)
	if at < 0 {
		return granted // in the meantime
	}
	b.queue = slices.Delete(b.queue, at, at+1)
	of.waiting--
	return nil
}

// fits reports whether a request may have a place.
func (b *budgets) fits(d demand) bool {
	of, all, size := d.budget, int64(b.together), b.limits.AnswerBytes
	if d.expensive && (of.expensive || b.expensive >= max(1, b.together/2)) {
		return false
	}
	return of.running < b.limits.Concurrent &&
		b.held+size <= all*size &&
		of.held+size <= max(1, all/2)*size
}

func (b *budgets) occupy(d demand) {
	d.budget.running++
	d.budget.held += b.limits.AnswerBytes
	if d.expensive {
		d.budget.expensive = true
		b.expensive++
	}
	b.held += b.limits.AnswerBytes
}

// leastHeld is the assumed memory of the smallest answer until it is sent.
const leastHeld = 16 << 10

// built ends the run of a request whose answer has this many bytes.
func (p *place) built(size int64) { p.keep(min(max(size, leastHeld), p.held)) }

// leave ends it and returns all memory.
func (p *place) leave() { p.keep(0) }

func (p *place) keep(size int64) {
	b := p.budgets
	b.mu.Lock()
	defer b.mu.Unlock()
	if p.running {
		p.running = false
		p.budget.running--
		if p.expensive {
			p.budget.expensive = false
			b.expensive--
		}
	}
	p.budget.held -= p.held - size
	b.held -= p.held - size
	p.held = size
	b.admit()
}

// admit admits the requests that there is room for now.
func (b *budgets) admit() {
	for {
		next := -1
		for i, w := range b.queue {
			if b.fits(w.demand) && (next < 0 || w.budget.held < b.queue[next].budget.held) {
				next = i
			}
		}
		if next < 0 {
			return
		}
		w := b.queue[next]
		b.queue = slices.Delete(b.queue, next, next+1)
		w.budget.waiting--
		b.occupy(w.demand)
		close(w.granted)
	}
}
