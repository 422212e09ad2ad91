package transport

import (
	"container/list"
	"context"
	"sync"
	"time"
)

// budgets holds what each credential may still spend, and its places. It
// remembers a bounded number of credentials; one that has not asked for long
// makes room, and its budget was full again anyway.
//
// x/time/rate is not used because what an answer did not need is given back,
// which its limiter cannot do.
type budgets struct {
	limits *Limits
	now    func() time.Time

	mu      sync.Mutex
	callers map[string]*list.Element
	order   *list.List // of *budget, most recently used first
}

// budget is one credential's.
type budget struct {
	caller string
	points float64
	at     time.Time // when points was right
	users  int       // requests that hold it: it must not make room

	places  chan struct{}
	waiting chan struct{}
}

func newBudgets(limits *Limits, now func() time.Time) *budgets {
	return &budgets{limits: limits, now: now, callers: make(map[string]*list.Element), order: list.New()}
}

// hold finds a credential's budget and keeps it until release.
func (b *budgets) hold(caller string) *budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e, ok := b.callers[caller]; ok {
		b.order.MoveToFront(e)
		found := e.Value.(*budget)
		found.users++
		return found
	}
	made := &budget{
		caller: caller, points: float64(b.limits.Budget), at: b.now(), users: 1,
		places: make(chan struct{}, b.limits.Concurrent), waiting: make(chan struct{}, b.limits.Waiting),
	}
	b.callers[caller] = b.order.PushFront(made)
	for e := b.order.Back(); e != nil && b.order.Len() > b.limits.Callers; {
		older := e.Prev()
		if old := e.Value.(*budget); old.users == 0 {
			b.order.Remove(e)
			delete(b.callers, old.caller)
		}
		e = older
	}
	return made
}

func (b *budgets) release(held *budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held.users--
}

// take spends points, or tells how long to wait for them.
func (b *budgets) take(held *budget, points int64) (wait time.Duration, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restore(held)
	if missing := float64(points) - held.points; missing > 0 {
		wait = time.Duration(missing / float64(b.limits.Restore) * float64(time.Second))
		return max(wait, time.Millisecond), false
	}
	held.points -= float64(points)
	return 0, true
}

// giveBack returns points that were taken and not needed.
func (b *budgets) giveBack(held *budget, points int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restore(held)
	held.points = min(held.points+float64(points), float64(b.limits.Budget))
}

// status is what the answer says about the budget.
func (b *budgets) status(held *budget) throttle {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restore(held)
	return throttle{Maximum: int64(b.limits.Budget), Currently: int64(held.points), Restore: int64(b.limits.Restore)}
}

// restore adds what came back since the last look. A clock that goes backwards
// adds nothing.
func (b *budgets) restore(held *budget) {
	now := b.now()
	if passed := now.Sub(held.at); passed > 0 {
		held.points = min(held.points+passed.Seconds()*float64(b.limits.Restore), float64(b.limits.Budget))
	}
	held.at = now
}

// enter waits for one of the credential's places. It gives up when too many
// wait, when it takes too long, and with the request.
func (b *budgets) enter(ctx context.Context, held *budget) (leave func(), ok bool) {
	leave = func() { <-held.places }
	select {
	case held.places <- struct{}{}:
		return leave, true
	default:
	}
	select {
	case held.waiting <- struct{}{}:
		defer func() { <-held.waiting }()
	default:
		return nil, false
	}
	timer := time.NewTimer(b.limits.MaxWait)
	defer timer.Stop()
	select {
	case held.places <- struct{}{}:
		return leave, true
	case <-timer.C:
		return nil, false
	case <-ctx.Done():
		return nil, false
	}
}
