package auth

import (
	"context"
	"errors"
)

// Store keeps small records under keys of [A-Za-z0-9._-]. A write is durable
// and visible to every reader of the store before it returns.
type Store interface {
	// Get reads a record and its revision, or ErrNotFound.
	Get(ctx context.Context, key string) (value []byte, revision uint64, err error)
	// Put writes a record if its revision is still the given one, and answers
	// the new one. Revision 0 means that there is none yet, or that it was
	// deleted. ErrConflict when another process was faster.
	Put(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	// Delete removes a record; a missing one is not an error.
	Delete(ctx context.Context, key string) error
	// List returns all records whose keys begin with prefix, which is empty or ends
	// in a point.
	List(ctx context.Context, prefix string) (map[string][]byte, error)
}

// What a Store answers, wrapped or not.
var (
	ErrNotFound = errors.New("auth: no such record")
	ErrConflict = errors.New("auth: the record was changed by another process")
)
