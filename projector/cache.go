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

	upTo  schema.Sequence // the position
	marks []*history      // earlier states, in their order: folds are continued from one before a late event
}

// largeState is the size, in bytes, from which on no earlier states are kept.
const largeState = 4 << 20

// marked keeps an earlier state as a mark if there is none of the latest events, and those that are not too far back.
func (h *history) marked(before *history, long int) {
	h.marks = before.marks
	if n := len(h.marks); before.state.Size() <= largeState && (n == 0 || before.state.Events() >= h.marks[n-1].state.Events()+long) {
		h.marks = append(slices.Clip(h.marks), &history{state: before.state, upTo: before.upTo, bytes: before.state.Size()})
	}
	for len(h.marks) > 1 && h.marks[1].state.Events()+largeLongs*long <= h.state.Events() {
		h.marks = h.marks[1:]
	}
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
	kept := &history{state: h.state, bytes: h.state.Size(), upTo: h.upTo, marks: h.marks}
	for _, m := range h.marks {
		kept.bytes += m.bytes
	}
	return kept
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
