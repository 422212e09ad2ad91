package projector

import (
	"math"
	"slices"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// history is what the loop knows of a conversation up to the position: its
// distinct events in log order, and the rows they fold to; of a long conversation
// the state of its fold instead.
type history struct {
	records []schema.Record
	rows    fold.Rows
	state   *fold.State // nil for one that is not long
	bytes   int         // estimate of what it holds
}

// foldedWith is a history with more events. One with more than so many is long.
func (h *history) foldedWith(events []ArchivedEvent, long int) *history {
	with := &history{}
	if h != nil {
		with.bytes = h.bytes
		with.records = slices.Grow(slices.Clip(h.records), len(events))
	}
	for i := range events {
		with.records = append(with.records, events[i].Record)
		with.bytes += recordBytes(events[i].Original)
	}
	if len(with.records) > long {
		with.state, with.rows = fold.Begin(with.records, long)
	} else {
		with.rows = fold.Of(with.records)
	}
	return with
}

// kept is what is worth keeping of a history: of a long one the state.
func (h *history) kept() *history {
	if h.state == nil {
		return h
	}
	return &history{state: h.state, bytes: h.state.Size()}
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

// get returns the history of a conversation, nil if it is not kept.
func (c *cache) get(key schema.ConversationKey) *history {
	h, _ := c.used.Get(key)
	return h
}

// put keeps a history in place of the one before, and evicts the least recently
// used ones to make room.
func (c *cache) put(key schema.ConversationKey, h *history) {
	h = h.kept()
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
