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
	stops  []stop
	failed chan error
	first  sync.Once
}

type stop struct {
	name string
	stop func(context.Context) error
}

// New returns a process without parts.
func New(log *slog.Logger) *Process {
	return &Process{Log: log, failed: make(chan error, 1)}
}

// OnStop adds a part that is already running.
func (p *Process) OnStop(name string, f func(context.Context) error) {
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
func (p *Process) Fail(err error) {
	p.first.Do(func() { p.failed <- err })
}

// Wait returns when ctx ends, with nil, or when a part has failed.
func (p *Process) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.failed:
		return err
	}
}

// Failed receives the error of the first part that fails.
func (p *Process) Failed() <-chan error { return p.failed }

// Shutdown stops all parts. It continues after an error and returns the first.
func (p *Process) Shutdown() error {
	var first error
	for len(p.stops) > 0 {
		part := p.stops[len(p.stops)-1]
		p.stops = p.stops[:len(p.stops)-1]
		from := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		err := part.stop(ctx)
		cancel()
		p.Log.Debug("stopped", "part", part.name, "after", time.Since(from).Round(time.Millisecond))
		if err != nil && first == nil {
			first = fmt.Errorf("stopping %s: %w", part.name, err)
		}
	}
	return first
}
