package query

import "sync"

// once loads a value for everybody who asks, one time.
type once[V any] struct {
	sync.Once
	value V
	err   error
}

func (o *once[V]) get(load func() (V, error)) (V, error) {
	o.Do(func() { o.value, o.err = load() })
	return o.value, o.err
}

// onces are values loaded once per key.
type onces[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]*once[V]
}

func (o *onces[K, V]) get(key K, load func() (V, error)) (V, error) {
	o.mu.Lock()
	if o.values == nil {
		o.values = map[K]*once[V]{}
	}
	value := o.values[key]
	if value == nil {
		value = new(once[V])
		o.values[key] = value
	}
	o.mu.Unlock()
	return value.get(load)
}
