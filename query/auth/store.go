package auth

import (
	"context"

	"github.com/parley-analytics/parley/schema"
)

// Store keeps small records under keys of [A-Za-z0-9._-]. A write is durable
// and visible to every reader of the store before it returns.
type Store interface {
	// Get reads a record, or ErrNotFound.
	Get(ctx context.Context, key string) ([]byte, error)
	// Update writes the result of change for a record, which is nil if there is none. If another
	// process is faster, change is called again with the record that it wrote. Nothing is written
	// if change returns nil, or the same record; its error is returned unchanged.
	Update(ctx context.Context, key string, change func(before []byte) ([]byte, error)) error
	// Delete removes a record; a missing one is not an error.
	Delete(ctx context.Context, key string) error
	// List returns all records whose keys begin with prefix, which is empty or ends in a dot.
	List(ctx context.Context, prefix string) (map[string][]byte, error)
}

// ErrNotFound is returned by a Store, wrapped or not.
var ErrNotFound = schema.ErrNotFound
