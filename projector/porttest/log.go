package porttest

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// Log is a log in memory.
type Log struct {
	mu       sync.Mutex
	identity string
	entries  []schema.Entry
	last     schema.Sequence
	changed  chan struct{} // closed when there is something new

	silent bool
	failed error
	closed int
	given  [][]byte // payloads of the latest read
}

// NewLog makes an empty log.
func NewLog() *Log { return &Log{identity: "first", changed: make(chan struct{})} }

// Append puts payloads at the end, with the moment the log takes them.
func (l *Log) Append(taken time.Time, payloads ...[]byte) schema.Sequence {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, p := range payloads {
		l.last++
		l.entries = append(l.entries, schema.Entry{Sequence: l.last, ReceivedAt: taken, Payload: p})
	}
	l.wake()
	return l.last
}

// Discard deletes an entry and leaves a gap.
func (l *Log) Discard(sequence schema.Sequence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for i, e := range l.entries {
		if e.Sequence == sequence {
			l.entries = append(l.entries[:i:i], l.entries[i+1:]...)
			return
		}
	}
}

// Truncate makes the log end at a sequence, as if the rest was never there.
func (l *Log) Truncate(last schema.Sequence) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.entries) > 0 && l.entries[len(l.entries)-1].Sequence > last {
		l.entries = l.entries[:len(l.entries)-1]
	}
	l.last = last
}

// Replace makes it another log, with no entries.
func (l *Log) Replace(identity string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.identity, l.entries, l.last = identity, nil, 0
}

// Identity returns the identity of the log: see [projector.Identified].
func (l *Log) Identity() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.identity
}

// Get returns an entry.
func (l *Log) Get(_ context.Context, sequence schema.Sequence) (schema.Entry, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.entries {
		if e.Sequence == sequence {
			return e, nil
		}
	}
	return schema.Entry{}, schema.ErrNotFound
}

// Silence makes readers return nothing, although the log grows, until they are
// closed.
func (l *Log) Silence() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = true
}

// Fail makes Read and Last fail, until the error is nil again.
func (l *Log) Fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = err
	l.wake()
}

// Closed returns how often a reader was closed.
func (l *Log) Closed() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closed
}

func (l *Log) wake() {
	close(l.changed)
	l.changed = make(chan struct{})
}

// Read returns entries after a sequence. Their payloads are overwritten once the
// next read begins.
func (l *Log) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	l.spoil()
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		entries, changed, err := l.after(after, most)
		if err != nil || len(entries) > 0 {
			return entries, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-deadline.C:
			return nil, nil
		case <-changed:
		}
	}
}

// spoil overwrites what was given, which is no longer valid.
func (l *Log) spoil() {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, payload := range l.given {
		clear(payload)
	}
	l.given = nil
}

func (l *Log) after(after schema.Sequence, most int) ([]schema.Entry, <-chan struct{}, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.failed != nil {
		return nil, nil, l.failed
	}
	if most < 1 {
		return nil, nil, errors.New("read of no entries")
	}
	var entries []schema.Entry
	for _, e := range l.entries {
		if e.Sequence > after && len(entries) < most && !l.silent {
			e.Payload = append([]byte(nil), e.Payload...)
			entries = append(entries, e)
			l.given = append(l.given, e.Payload)
		}
	}
	return entries, l.changed, nil
}

// Last is the sequence that was given out last.
func (l *Log) Last(context.Context) (schema.Sequence, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.last, l.failed
}

// Close ends the reader underneath.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed++
	l.silent = false
	l.wake()
}
