package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"
)

// readiness knows what a process needs in order to do its work, and what of it
// is not there.
type readiness struct {
	mu     sync.Mutex
	order  []string
	checks map[string]func(context.Context) error
}

var errStarting = errors.New("starting")

// newReadiness expects the parts named; each is "starting" until it has a check.
func newReadiness(parts ...string) *readiness {
	r := &readiness{order: parts, checks: make(map[string]func(context.Context) error)}
	for _, part := range parts {
		r.checks[part] = func(context.Context) error { return errStarting }
	}
	return r
}

// watch has part judged by check from now on; nil is always well. The errors of
// check are shown to anybody who asks.
func (r *readiness) watch(part string, check func(context.Context) error) {
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

// missing asks every part and returns what is wrong by part; empty is ready.
func (r *readiness) missing(ctx context.Context) map[string]string {
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

// ServeHTTP answers 200 when ready, and otherwise 503 with what is not.
func (r *readiness) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	wrong := r.missing(request.Context())
	answer := struct {
		Ready    bool              `json:"ready"`
		NotReady map[string]string `json:"notReady,omitempty"`
	}{len(wrong) == 0, wrong}
	status := http.StatusOK
	if !answer.Ready {
		status = http.StatusServiceUnavailable
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, status, answer)
}

func writeJSON(w http.ResponseWriter, status int, value any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(value) // the client is gone
}
