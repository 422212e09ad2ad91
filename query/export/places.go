package export

import "sync"

// places bounds how many exports run at a time.
type places struct {
	perCaller, together int

	mu    sync.Mutex
	taken map[string]int
	all   int
}

func newPlaces(perCaller, together int) *places {
	return &places{perCaller: perCaller, together: together, taken: make(map[string]int)}
}

// enter takes a place, if there is one, until leave.
func (p *places) enter(caller string) (leave func(), ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.all >= p.together || p.taken[caller] >= p.perCaller {
		return nil, false
	}
	p.all++
	p.taken[caller]++
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.all--
		if p.taken[caller]--; p.taken[caller] == 0 {
			delete(p.taken, caller)
		}
	}, true
}
