package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"

	lru "github.com/hashicorp/golang-lru/v2"
	"golang.org/x/sync/singleflight"
)

// remembered records which secrets matched which stored hash, so that argon2id is computed for a
// key's secret once and not on every request. It holds no secrets: only keyed hashes, under a key
// that never leaves the process. A changed stored hash is another entry, so nothing has to be
// invalidated. The least recently used entry is evicted.
type remembered struct {
	pepper  [32]byte
	entries *lru.Cache[[32]byte, struct{}]
	checks  singleflight.Group // by name
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

// check reports whether the secret is right for the stored hash. Only its first use is verified, and
// once: requests that come with it meanwhile, as after a restart all of a busy key do, wait for that.
func (r *remembered) check(ctx context.Context, secret, phc string, verify func(ctx context.Context, secret, phc string) (bool, error)) (bool, error) {
	name := r.name(secret, phc)
	if _, found := r.entries.Get(name); found {
		return true, nil
	}
	verified := r.checks.DoChan(string(name[:]), func() (any, error) {
		if r.entries.Contains(name) { // verified a moment ago
			return true, nil
		}
		right, err := verify(context.WithoutCancel(ctx), secret, phc) // not only for this request
		if right {
			r.entries.Add(name, struct{}{})
		}
		return right, err
	})
	select {
	case result := <-verified:
		right, _ := result.Val.(bool)
		return right, result.Err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}
