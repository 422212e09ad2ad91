package projector

import (
	"math"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// history is what the loop knows of a conversation up to the position: its
// distinct events in log order, and the rows they fold to.
type history struct {
	records []schema.Record
	rows    fold.Rows
	bytes   int // estimate of what the records hold
}

// recordBytes estimates the memory of an event: the record, its decoded data,
// and the rows made of it. The strings in them are about as long as the
// original.
func recordBytes(original []byte) int { return 512 + 2*len(original) }

// cache keeps the histories that were used last, up to a number of bytes. A
// history larger than that is not kept: it is recalled whenever it is needed.
type cache struct {
	most  int
	bytes int
	used  *simplelru.LRU[schema.ConversationKey, *history]
}

func newCache(most int) *cache {
	c := &cache{most: most}
	// The bound is in bytes, so there is none in histories. NewLRU fails for a
	// size that is not positive, and only for that.
	c.used, _ = simplelru.NewLRU(math.MaxInt, func(_ schema.ConversationKey, h *history) { c.bytes -= h.bytes })
	return c
}

// get returns the history of a conversation, nil where it is not kept.
func (c *cache) get(key schema.ConversationKey) *history {
	h, _ := c.used.Get(key)
	return h
}

// put keeps a history in place of the one before, and evicts the least recently
// used ones to make room.
func (c *cache) put(key schema.ConversationKey, h *history) {
	c.used.Remove(key)
	if h.bytes > c.most {
		return
	}
	c.used.Add(key, h)
	c.bytes += h.bytes
	for c.bytes > c.most {
		c.used.RemoveOldest()
	}
}

// clear forgets everything.
func (c *cache) clear() { c.used.Purge() }
