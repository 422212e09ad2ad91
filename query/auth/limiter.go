package auth

import (
	"container/list"
	"hash/maphash"
	"sync"
	"time"
)

// Limiter counts attempts under names: at most limit in any window, whatever
// became of them. A refused attempt does not count. It remembers a bounded
// number of names; the one longest unused makes room.
type Limiter struct {
	limit  int
	window time.Duration
	names  int
	now    func() time.Time
	seed   maphash.Seed

	mu      sync.Mutex
	entries map[uint64]*list.Element
	order   *list.List // of *attempts, most recently used first
}

// attempts are the moments of a name's last attempts, oldest first.
type attempts struct {
	name  uint64
	times []time.Time
}

// NewLimiter allows limit attempts in any window for each of at most names
// names.
func NewLimiter(limit int, window time.Duration, names int, now func() time.Time) *Limiter {
	return &Limiter{
		limit: limit, window: window, names: names, now: now, seed: maphash.MakeSeed(),
		entries: make(map[uint64]*list.Element), order: list.New(),
	}
}

// Allow counts an attempt, or tells how long to wait.
func (l *Limiter) Allow(name string) (wait time.Duration, ok bool) {
	key, now := maphash.String(l.seed, name), l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e, found := l.entries[key]
	if found {
		l.order.MoveToFront(e)
	} else {
		e = l.order.PushFront(&attempts{name: key})
		l.entries[key] = e
		if l.order.Len() > l.names {
			oldest := l.order.Back()
			l.order.Remove(oldest)
			delete(l.entries, oldest.Value.(*attempts).name)
		}
	}
	a := e.Value.(*attempts)
	for len(a.times) > 0 && now.Sub(a.times[0]) >= l.window {
		a.times = a.times[1:]
	}
	if len(a.times) >= l.limit {
		return l.window - now.Sub(a.times[0]), false
	}
	a.times = append(a.times, now)
	return 0, true
}
