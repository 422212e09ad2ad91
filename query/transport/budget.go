package transport

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// budgets holds the remaining points of each credential, and its places. It remembers a bounded
// number of credentials without a request; the least recently used one is evicted, because its
// budget is full again anyway.
//
// x/time/rate is not used because points that an answer did not need are refunded, which its
// limiter does not support.
type budgets struct {
	limits   *Limits
	together int // places
	now      func() time.Time

	mu    sync.Mutex
	used  map[string]*budget              // with a request
	idle  *simplelru.LRU[string, *budget] // without one
	held  int64                           // bytes of memory, of all budgets
	queue []*waiter                       // first come first

	expensive int // requests that run, of all budgets
}

// budget is one credential's.
type budget struct {
	caller string
	points float64
	at     time.Time // when points was right
	users  int       // requests that hold it

	running   int   // requests that run
	expensive bool  // one of them is
	waiting   int   // requests that wait for a place
	held      int64 // bytes of memory that its answers take, or may
}

func newBudgets(limits *Limits, together int, now func() time.Time) *budgets {
	idle, _ := simplelru.NewLRU[string, *budget](max(limits.Callers, 1), nil) // fails for a size below 1 only
	return &budgets{limits: limits, together: together, now: now, used: make(map[string]*budget), idle: idle}
}

// hold finds a credential's budget and keeps it until release.
func (b *budgets) hold(caller string) *budget {
	b.mu.Lock()
	defer b.mu.Unlock()
	held, ok := b.used[caller]
	if !ok {
		held, ok = b.idle.Get(caller)
		if !ok {
			held = &budget{caller: caller, points: float64(b.limits.Budget), at: b.now()}
		}
		b.idle.Remove(caller)
		b.used[caller] = held
	}
	held.users++
	return held
}

func (b *budgets) release(held *budget) {
	b.mu.Lock()
	defer b.mu.Unlock()
	held.users--
	if held.users == 0 {
		delete(b.used, held.caller)
		b.idle.Add(held.caller, held)
	}
}

// take spends points, or returns how long to wait for them.
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

// settle refunds points that were reserved and not needed. A negative number charges the
// difference, and may leave a debt.
func (b *budgets) settle(held *budget, points int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restore(held)
	held.points = min(held.points+float64(points), float64(b.limits.Budget))
}

// status is the budget as reported in the answer.
func (b *budgets) status(held *budget) throttle {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.restore(held)
	return throttle{Maximum: int64(b.limits.Budget), Currently: max(int64(held.points), 0), Restore: int64(b.limits.Restore)}
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
