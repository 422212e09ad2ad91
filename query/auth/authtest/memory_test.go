package authtest

import (
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

func TestMemoryIsAStore(t *testing.T) {
	Store(t, func(*testing.T) auth.Store { return new(Memory) })
}
