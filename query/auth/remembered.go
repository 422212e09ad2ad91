package auth

import (
	"container/list"
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// remembered knows which secrets were right for which stored hash, so that a
// key's secret goes through argon2id once and not on every request. It holds
// no secret: only keyed hashes, under a key that never leaves the process. A
// stored hash that changed is another entry, so nothing has to be
// invalidated. The least recently used entry makes room.
type remembered struct {
	pepper [32]byte
	limit  int

	mu      sync.Mutex
	entries map[[32]byte]*list.Element
	order   *list.List // of [32]byte, most recently used first
}

func newRemembered(limit int) *remembered {
	r := &remembered{limit: limit, entries: make(map[[32]byte]*list.Element), order: list.New()}
	copy(r.pepper[:], random(len(r.pepper)))
	return r
}

func (r *remembered) name(secret, phc string) (name [32]byte) {
	mac := hmac.New(sha256.New, r.pepper[:])
	mac.Write([]byte(phc))
	mac.Write([]byte{0})
	mac.Write([]byte(secret))
	mac.Sum(name[:0])
	return name
}

// has reports whether the secret was right for the stored hash before.
func (r *remembered) has(secret, phc string) bool {
	name := r.name(secret, phc)
	r.mu.Lock()
	defer r.mu.Unlock()
	e, ok := r.entries[name]
	if ok {
		r.order.MoveToFront(e)
	}
	return ok
}

// add remembers that the secret is right for the stored hash.
func (r *remembered) add(secret, phc string) {
	name := r.name(secret, phc)
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, ok := r.entries[name]; ok {
		return
	}
	r.entries[name] = r.order.PushFront(name)
	if r.order.Len() > r.limit {
		oldest := r.order.Back()
		r.order.Remove(oldest)
		delete(r.entries, oldest.Value.([32]byte))
	}
}
