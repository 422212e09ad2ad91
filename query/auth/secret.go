package auth

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync/atomic"

	"golang.org/x/crypto/argon2"
)

// cost is the price of one argon2id hash.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// recommended is OWASP's second choice for argon2id, which uses little memory: 30 to 80 ms on one
// processor, depending on load (BenchmarkArgon2id). golang.org/x/crypto has only the function; the
// PHC format of a stored hash is implemented here, because the parameters of a record must be
// checked against ceiling before the hash is computed.
var recommended = cost{memory: 19 << 10, passes: 2, lanes: 1}

// ceiling limits the parameters of a stored hash, so that a record cannot exhaust the memory.
var ceiling = cost{memory: 256 << 10, passes: 16, lanes: 16}

const (
	saltBytes = 16
	hashBytes = 32
)

// hasher computes argon2id hashes, a few at a time.
type hasher struct {
	cost    cost
	running chan struct{}
	waiting chan struct{}
	total   atomic.Int64 // hashes computed
	dummy   string       // verified instead of the hash of a user that does not exist
}

func newHasher(c cost) *hasher {
	h := &hasher{
		cost:    c,
		running: make(chan struct{}, runtime.GOMAXPROCS(0)),
		waiting: make(chan struct{}, 64),
	}
	h.dummy = encode(c, random(saltBytes), random(hashBytes))
	return h
}

// compute derives the key, after waiting for its turn.
func (h *hasher) compute(ctx context.Context, secret string, salt []byte, c cost) ([]byte, error) {
	select {
	case h.waiting <- struct{}{}:
		defer func() { <-h.waiting }()
	default:
		return nil, errBusy()
	}
	select {
	case h.running <- struct{}{}:
		defer func() { <-h.running }()
	case <-ctx.Done():
		return nil, fmt.Errorf("auth: waiting to check a secret: %w", ctx.Err())
	}
	h.total.Add(1)
	return argon2.IDKey([]byte(secret), salt, c.passes, c.memory, c.lanes, hashBytes), nil
}

// hash returns the PHC string of a secret.
func (h *hasher) hash(ctx context.Context, secret string) (string, error) {
	salt := random(saltBytes)
	key, err := h.compute(ctx, secret, salt, h.cost)
	if err != nil {
		return "", err
	}
	return encode(h.cost, salt, key), nil
}

// verify compares a secret with a PHC string.
func (h *hasher) verify(ctx context.Context, secret, phc string) (bool, error) {
	c, salt, want, err := decode(phc)
	if err != nil {
		return false, err
	}
	got, err := h.compute(ctx, secret, salt, c)
	if err != nil {
		return false, err
	}
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

func encode(c cost, salt, key []byte) string {
	b64 := base64.RawStdEncoding.EncodeToString
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes, b64(salt), b64(key))
}

func decode(phc string) (c cost, salt, key []byte, err error) {
	var version int
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" {
		return cost{}, nil, nil, errors.New("auth: a stored hash is not argon2id")
	}
	if _, err := fmt.Sscanf(parts[2], "v=%d", &version); err != nil || version != argon2.Version {
		return cost{}, nil, nil, errors.New("auth: a stored hash is of an unknown argon2 version")
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil ||
		c.memory > ceiling.memory || c.passes == 0 || c.passes > ceiling.passes || c.lanes == 0 || c.lanes > ceiling.lanes {
		return cost{}, nil, nil, errors.New("auth: a stored hash has parameters out of bounds")
	}
	salt, saltErr := base64.RawStdEncoding.DecodeString(parts[4])
	key, keyErr := base64.RawStdEncoding.DecodeString(parts[5])
	if saltErr != nil || keyErr != nil || len(salt) < 8 || len(key) != hashBytes {
		return cost{}, nil, nil, errors.New("auth: a stored hash is truncated")
	}
	return c, salt, key, nil
}

// random returns n bytes of the system's generator.
func random(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return b
}

// randomName returns n random bytes as a name of [A-Za-z0-9_-].
func randomName(n int) string { return base64.RawURLEncoding.EncodeToString(random(n)) }

// fingerprint is the hash under which a random token is stored. The token has
// 256 random bits, so a fast hash is enough.
func fingerprint(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
