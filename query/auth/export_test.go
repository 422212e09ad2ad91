package auth

import (
	"context"
	"time"
)

// NewCheapDirectory hashes with the least argon2id that there is, so that tests
// are about the rules and not about the processor.
func NewCheapDirectory(ctx context.Context, store Store, now func() time.Time) (*Directory, error) {
	return newDirectory(ctx, store, now, cost{memory: 8, passes: 1, lanes: 1})
}

// Hashes is how many argon2id hashes were computed.
func (d *Directory) Hashes() int64 { return d.hasher.total.Load() }
