package authtest

import (
	"context"
	"strings"
	"sync"

	"github.com/parley-analytics/parley/query/auth"
)

// Memory is a Store that forgets. The zero value is empty and ready.
type Memory struct {
	mu       sync.Mutex
	records  map[string]record
	revision uint64
}

type record struct {
	value    []byte
	revision uint64
}

var _ auth.Store = (*Memory)(nil)

// Get implements auth.Store.
func (m *Memory) Get(ctx context.Context, key string) ([]byte, uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.records[key]
	if !ok {
		return nil, 0, auth.ErrNotFound
	}
	return append([]byte(nil), r.value...), r.revision, nil
}

// Put implements auth.Store.
func (m *Memory) Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.records[key].revision != revision {
		return 0, auth.ErrConflict
	}
	if m.records == nil {
		m.records = make(map[string]record)
	}
	m.revision++
	m.records[key] = record{append([]byte(nil), value...), m.revision}
	return m.revision, nil
}

// Delete implements auth.Store.
func (m *Memory) Delete(ctx context.Context, key string) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.records, key)
	return nil
}

// List implements auth.Store.
func (m *Memory) List(ctx context.Context, prefix string) (map[string][]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	found := make(map[string][]byte)
	for key, r := range m.records {
		if strings.HasPrefix(key, prefix) {
			found[key] = append([]byte(nil), r.value...)
		}
	}
	return found, nil
}
