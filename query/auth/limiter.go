package auth

import (
	"hash/maphash"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// Limiter counts attempts by name: at most limit in any window, successful or not. A refused
// attempt does not count. It remembers a bounded number of names and evicts the least recently
// used.
type Limiter struct {
	limit  int
	window time.Duration
	now    func() time.Time
	seed   maphash.Seed

	mu       sync.Mutex
	attempts *simplelru.LRU[uint64, *attempts]
}

// attempts are the moments of a name's last attempts, oldest first.
type attempts struct{ times []time.Time }

// NewLimiter allows limit attempts in any window for each of at most names
// names.
func NewLimiter(limit int, window time.Duration, names int, now func() time.Time) *Limiter {
	remembered, _ := simplelru.NewLRU[uint64, *attempts](names, nil) // fails only for a size below 1
	return &Limiter{limit: limit, window: window, now: now, seed: maphash.MakeSeed(), attempts: remembered}
}

// Allow counts an attempt, or returns how long to wait.
func (l *Limiter) Allow(name string) (wait time.Duration, ok bool) {
	key, now := maphash.String(l.seed, name), l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	a, found := l.attempts.Get(key)
	if !found {
		a = &attempts{}
		l.attempts.Add(key, a)
	}
	for len(a.times) > 0 && now.Sub(a.times[0]) >= l.window {
		a.times = a.times[1:]
	}
	if len(a.times) >= l.limit {
		return l.window - now.Sub(a.times[0]), false
	}
	a.times = append(a.times, now)
	return 0, true
}
