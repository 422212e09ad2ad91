package fold

import (
	"maps"
	"slices"
)

// keyed is a list of items with unique keys, in the order they were added.
type keyed[K comparable, V any] struct {
	list []V
	at   map[K]int
}

// find returns the item of a key, or nil. It is valid until the next add.
func (l *keyed[K, V]) find(key K) *V {
	if i, known := l.at[key]; known {
		return &l.list[i]
	}
	return nil
}

// add appends the item of a new key.
func (l *keyed[K, V]) add(key K, item V) *V {
	if l.at == nil {
		l.at = make(map[K]int)
	}
	l.at[key] = len(l.list)
	l.list = append(l.list, item)
	return &l.list[len(l.list)-1]
}

// clone copies the list, but not what its items point to.
func (l keyed[K, V]) clone() keyed[K, V] {
	return keyed[K, V]{list: slices.Clone(l.list), at: maps.Clone(l.at)}
}
