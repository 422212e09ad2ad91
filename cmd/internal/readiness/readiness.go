package readiness

import (
	"context"
	"errors"
	"sync"
	"time"
)

// Checks knows what a process needs in order to do its work, and what of it
// is not there.
type Checks struct {
	mu     sync.Mutex
	order  []string
	checks map[string]func(context.Context) error
}

var errStarting = errors.New("starting")

// New expects the parts named; each is "starting" until it has a check.
func New(parts ...string) *Checks {
	r := &Checks{order: parts, checks: make(map[string]func(context.Context) error)}
	for _, part := range parts {
		r.checks[part] = func(context.Context) error { return errStarting }
	}
	return r
}

// Watch makes check decide about part from now on; nil is always ready. Its errors
// are public.
func (r *Checks) Watch(part string, check func(context.Context) error) {
	if check == nil {
		check = func(context.Context) error { return nil }
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.checks[part]; !known {
		r.order = append(r.order, part)
	}
	r.checks[part] = check
}

// Missing checks every part and returns what is wrong by part; empty is ready.
func (r *Checks) Missing(ctx context.Context) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	r.mu.Lock()
	order := append([]string(nil), r.order...)
	checks := make([]func(context.Context) error, len(order))
	for i, part := range order {
		checks[i] = r.checks[part]
	}
	r.mu.Unlock()

	answers := make([]error, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() { answers[i] = check(ctx) })
	}
	all.Wait()
	wrong := make(map[string]string)
	for i, part := range order {
		if answers[i] != nil {
			wrong[part] = answers[i].Error()
		}
	}
	return wrong
}
