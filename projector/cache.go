package projector

import (
	"math"
	"slices"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// history is the state of a conversation up to the position: its distinct events in log order and
// their rows, or for a long conversation the state of its fold.
type history struct {
	records []schema.Record
	rows    fold.Rows
	state   *fold.State // nil for one that is not long
	bytes   int         // estimated size
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

// without is a history without some events, to be folded again.
func (h *history) without(events []schema.Record) *history {
	if h == nil || len(events) == 0 {
		return h
	}
	return &history{bytes: h.bytes, records: slices.DeleteFunc(slices.Clone(h.records), func(r schema.Record) bool {
		return slices.ContainsFunc(events, func(e schema.Record) bool { return e.Sequence == r.Sequence })
	})}
}

// kept returns the part of a history to keep: for a long one the state.
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

// cache keeps the most recently used histories, up to a number of bytes. A history larger than that
// is not kept, but recalled whenever it is needed.
type cache struct {
	most  int
	bytes int
	used  *simplelru.LRU[schema.ConversationKey, *history]
}

func newCache(most int) *cache {
	c := &cache{most: most}
	// The limit is in bytes, so the number of histories is unlimited. NewLRU fails for a
	// size that is not positive, and only for that.
	c.used, _ = simplelru.NewLRU(math.MaxInt, func(_ schema.ConversationKey, h *history) { c.bytes -= h.bytes })
	return c
}

// get returns the history of a conversation, nil if it is not kept.
func (c *cache) get(key schema.ConversationKey) *history {
	h, _ := c.used.Get(key)
	return h
}

// put replaces a history, and evicts the least recently used ones to make room.
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

// drop forgets a conversation.
func (c *cache) drop(key schema.ConversationKey) { c.used.Remove(key) }

// clear drops everything.
func (c *cache) clear() { c.used.Purge() }
