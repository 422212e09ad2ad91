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
	// Update writes what change makes of a record, which is nil if there is none.
	// Where another process is faster, change is called again with what that one
	// wrote. Nothing is written where change returns nil, or the record as it is; its
	// error is returned as it is.
	Update(ctx context.Context, key string, change func(before []byte) ([]byte, error)) error
	// Delete removes a record; a missing one is not an error.
	Delete(ctx context.Context, key string) error
	// List returns all records whose keys begin with prefix, which is empty or ends
	// in a point.
	List(ctx context.Context, prefix string) (map[string][]byte, error)
}

// ErrNotFound is what a Store answers, wrapped or not.
var ErrNotFound = schema.ErrNotFound
