package readiness

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"
)

// Purpose is a purpose for which a process can be ready.
type Purpose string

// The purposes.
const (
	Ingest Purpose = "ingest" // accept events
	Query  Purpose = "query"  // answer queries with rows that keep up with the log
)

// Purposes returns all purposes.
func Purposes() []Purpose { return []Purpose{Ingest, Query} }

// Part is a part that a process needs; For lists the purposes, and is empty if the process can work without it.
type Part struct {
	Name string
	For  []Purpose
}

// Checks tracks the parts that a process needs, and which of them are not ready.
type Checks struct {
	mu     sync.Mutex
	parts  []Part
	checks map[string]func(context.Context) error
	notes  map[string]func() string
}

var errStarting = errors.New("starting")

// New expects the parts; each is "starting" until it has a check. A part that is
// named twice has the purposes of both.
func New(parts ...Part) *Checks {
	r := &Checks{checks: make(map[string]func(context.Context) error)}
	for _, part := range parts {
		at := slices.IndexFunc(r.parts, func(p Part) bool { return p.Name == part.Name })
		if at < 0 {
			r.parts = append(r.parts, Part{Name: part.Name})
			at = len(r.parts) - 1
		}
		r.parts[at].For = append(r.parts[at].For, part.For...)
		r.checks[part.Name] = func(context.Context) error { return errStarting }
	}
	return r
}

// Watch sets the check of a part; a nil check is always ready. Its errors are public.
func (r *Checks) Watch(part string, check func(context.Context) error) {
	if check == nil {
		check = func(context.Context) error { return nil }
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.checks[part] = check
}

// Note makes note say what of a part needs attention although it is ready; the empty
// text is nothing. Its texts are public.
func (r *Checks) Note(part string, note func() string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.notes == nil {
		r.notes = make(map[string]func() string)
	}
	r.notes[part] = note
}

// Notes returns what needs attention, by part.
func (r *Checks) Notes() map[string]string {
	r.mu.Lock()
	defer r.mu.Unlock()
	notes := make(map[string]string)
	for part, note := range r.notes {
		if text := note(); text != "" {
			notes[part] = text
		}
	}
	return notes
}

// Missing checks every part and returns what is wrong by part; empty is ready.
func (r *Checks) Missing(ctx context.Context) map[string]string {
	return r.missing(ctx, func(Part) bool { return true })
}

// MissingFor is like [Checks.Missing] for the parts that a purpose needs. A process without any is not ready for it.
func (r *Checks) MissingFor(ctx context.Context, purpose Purpose) map[string]string {
	needed := func(p Part) bool { return slices.Contains(p.For, purpose) }
	if !slices.ContainsFunc(r.parts, needed) {
		return map[string]string{string(purpose): "this process does not run the role " + string(purpose)}
	}
	return r.missing(ctx, needed)
}

func (r *Checks) missing(ctx context.Context, needed func(Part) bool) map[string]string {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	var names []string
	var checks []func(context.Context) error
	r.mu.Lock()
	for _, part := range r.parts {
		if needed(part) {
			names, checks = append(names, part.Name), append(checks, r.checks[part.Name])
		}
	}
	r.mu.Unlock()

	answers := make([]error, len(checks))
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() { answers[i] = check(ctx) })
	}
	all.Wait()
	wrong := make(map[string]string)
	for i, name := range names {
		if answers[i] != nil {
			wrong[name] = answers[i].Error()
		}
	}
	return wrong
}
