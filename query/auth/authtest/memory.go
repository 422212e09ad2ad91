package authtest

import (
	"bytes"
	"context"
	"strings"
	"sync"

	"github.com/parley-analytics/parley/query/auth"
)

// Memory is a Store that forgets. The zero value is empty and ready.
type Memory struct {
	mu      sync.Mutex
	records map[string][]byte
}

var _ auth.Store = (*Memory)(nil)

// Get implements auth.Store.
func (m *Memory) Get(ctx context.Context, key string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	value, ok := m.records[key]
	if !ok {
		return nil, auth.ErrNotFound
	}
	return bytes.Clone(value), nil
}

// Update implements auth.Store.
func (m *Memory) Update(ctx context.Context, key string, change func(before []byte) ([]byte, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	after, err := change(bytes.Clone(m.records[key]))
	if err != nil || after == nil {
		return err
	}
	if m.records == nil {
		m.records = make(map[string][]byte)
	}
	m.records[key] = bytes.Clone(after)
	return nil
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
	for key, value := range m.records {
		if strings.HasPrefix(key, prefix) {
			found[key] = bytes.Clone(value)
		}
	}
	return found, nil
}
