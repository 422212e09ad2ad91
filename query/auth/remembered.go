package auth

import (
	"crypto/hmac"
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"
)

// remembered records which secrets matched which stored hash, so that argon2id is computed for a
// key's secret once and not on every request. It holds no secrets: only keyed hashes, under a key
// that never leaves the process. A changed stored hash is another entry, so nothing has to be
// invalidated. The least recently used entry is evicted.
type remembered struct {
	pepper  [32]byte
	entries *lru.Cache[[32]byte, struct{}]
}

func newRemembered(limit int) *remembered {
	entries, _ := lru.New[[32]byte, struct{}](limit) // fails only for a size below 1
	r := &remembered{entries: entries}
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
	_, ok := r.entries.Get(r.name(secret, phc))
	return ok
}

// add remembers that the secret is right for the stored hash.
func (r *remembered) add(secret, phc string) {
	r.entries.Add(r.name(secret, phc), struct{}{})
}
