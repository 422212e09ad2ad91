package projector

import (
	"container/list"

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
	used  *list.List // of *cached, the latest in front
	at    map[schema.ConversationKey]*list.Element
}

type cached struct {
	key     schema.ConversationKey
	history *history
}

func newCache(most int) *cache {
	c := &cache{most: most}
	c.clear()
	return c
}

// get returns the history of a conversation, nil where it is not kept.
func (c *cache) get(key schema.ConversationKey) *history {
	element, kept := c.at[key]
	if !kept {
		return nil
	}
	c.used.MoveToFront(element)
	return element.Value.(*cached).history
}

// put keeps a history in place of the one before, and drops those used longest
// ago where there is no room.
func (c *cache) put(key schema.ConversationKey, h *history) {
	if element, kept := c.at[key]; kept {
		c.drop(element)
	}
	if h.bytes > c.most {
		return
	}
	c.at[key] = c.used.PushFront(&cached{key, h})
	c.bytes += h.bytes
	for c.bytes > c.most {
		c.drop(c.used.Back())
	}
}

func (c *cache) drop(element *list.Element) {
	dropped := c.used.Remove(element).(*cached)
	delete(c.at, dropped.key)
	c.bytes -= dropped.history.bytes
}

// clear forgets everything.
func (c *cache) clear() {
	c.bytes, c.used, c.at = 0, list.New(), map[schema.ConversationKey]*list.Element{}
}
