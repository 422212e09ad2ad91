package process

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"
)

// stopTimeout bounds how long one part may take to stop.
const stopTimeout = 30 * time.Second

// Process is the group of parts that a command runs. Parts are added as they start, and stop in
// reverse order, each completely before the next.
type Process struct {
	Log    *slog.Logger
	failed context.Context // ends with the first failure, which is its cause
	fail   context.CancelCauseFunc

	mu    sync.Mutex
	stops []stop
}

type stop struct {
	name string
	stop func(context.Context) error
}

// New returns a process without parts.
func New(log *slog.Logger) *Process {
	failed, fail := context.WithCancelCause(context.Background())
	return &Process{Log: log, failed: failed, fail: fail}
}

// OnStop adds a part that is already running. Parts may add others from their own goroutines, also
// while the process stops.
func (p *Process) OnStop(name string, f func(context.Context) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stops = append(p.stops, stop{name, f})
}

// Background runs a part until it is its turn to stop: then its context ends,
// and Shutdown waits for run to return. A part that ends with an error by itself
// stops the process.
func (p *Process) Background(name string, run func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	var result error
	go func() {
		defer close(done)
		result = run(ctx)
		if result != nil && ctx.Err() == nil {
			p.Fail(fmt.Errorf("%s: %w", name, result))
		}
	}()
	p.OnStop(name, func(limit context.Context) error {
		cancel()
		select {
		case <-done:
			if errors.Is(result, context.Canceled) {
				return nil
			}
			return result
		case <-limit.Done():
			return limit.Err()
		}
	})
}

// Fail stops the process with an error; the first one counts.
func (p *Process) Fail(err error) { p.fail(err) }

// Wait returns when ctx ends, with nil, or when a part has failed.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.failed.Done():
		return context.Cause(p.failed)
	}
}

// Failed is closed when a part has failed; then Wait returns its error.
func (p *Process) Failed() <-chan struct{} { return p.failed.Done() }

// Shutdown stops all parts. It continues after an error and returns the first.
func (p *Process) Shutdown() error {
	var first error
	for {
		part, found := p.latest()
		if !found {
			return first
		}
		from := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		err := part.stop(ctx)
		cancel()
		p.Log.Debug("stopped", "part", part.name, "after", time.Since(from).Round(time.Millisecond))
		if err != nil && first == nil {
			first = fmt.Errorf("stopping %s: %w", part.name, err)
		}
	}
}

// latest removes the part that was added last, if there are any.
func (p *Process) latest() (part stop, found bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.stops) == 0 {
		return stop{}, false
	}
	part = p.stops[len(p.stops)-1]
	p.stops = p.stops[:len(p.stops)-1]
	return part, true
}
