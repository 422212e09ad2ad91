package query

import "sync"

// onces are values that are loaded once for each key, for all callers.
type onces[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]func() (V, error)
}

func (o *onces[K, V]) get(key K, load func() (V, error)) (V, error) {
	o.mu.Lock()
	if o.values == nil {
		o.values = map[K]func() (V, error){}
	}
	value := o.values[key]
	if value == nil {
		value = sync.OnceValues(load)
		o.values[key] = value
	}
	o.mu.Unlock()
	return value()
}
