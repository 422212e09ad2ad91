package replay_test

import (
	"context"
	"sync"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// memory is a log in memory, shared by its readers.
type memory struct {
	mu      sync.Mutex
	entries []schema.Entry
}

func (m *memory) Close() {}

func (m *memory) append(events ...schema.Event) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range events {
		m.entries = append(m.entries, schema.Entry{
			Sequence: schema.Sequence(len(m.entries) + 1), ReceivedAt: e.Time.Time().Add(time.Second), Payload: schema.Encode(&e),
		})
	}
}

func (m *memory) Last(context.Context) (schema.Sequence, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return schema.Sequence(len(m.entries)), nil
}

func (m *memory) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	m.mu.Lock()
	if int(after) < len(m.entries) {
		defer m.mu.Unlock()
		return append([]schema.Entry(nil), m.entries[after:min(int(after)+most, len(m.entries))]...), nil
	}
	m.mu.Unlock()
	select {
	case <-ctx.Done():
	case <-time.After(min(wait, 10*time.Millisecond)):
	}
	return nil, nil
}

// lease is one that goroutines of this process hold in turn.
type lease chan struct{}

func (l lease) Keep(ctx context.Context, do func(context.Context) error) error {
	select {
	case <-ctx.Done():
		return nil
	case l <- struct{}{}:
	}
	defer func() { <-l }()
	return do(ctx)
}
