package projector

import (
	"fmt"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func conversationKey(n int) schema.ConversationKey {
	return schema.ConversationKey{Project: 1, Conversation: schema.ConversationID(fmt.Sprint(n))}
}

func TestTheCacheDropsWhatWasUsedLongestAgo(t *testing.T) {
	c := newCache(100)
	for n := range 10 {
		c.put(conversationKey(n), &history{bytes: 10})
	}
	c.get(conversationKey(0))
	c.put(conversationKey(10), &history{bytes: 15})
	for n, kept := range map[int]bool{0: true, 1: false, 2: false, 3: true, 10: true} {
		if (c.get(conversationKey(n)) != nil) != kept {
			t.Errorf("%d kept: %v", n, !kept)
		}
	}
	if c.bytes != 95 {
		t.Errorf("%d bytes", c.bytes)
	}
}

func TestTheCacheReplacesAHistory(t *testing.T) {
	c := newCache(100)
	c.put(conversationKey(1), &history{bytes: 60})
	c.put(conversationKey(1), &history{bytes: 70})
	if c.bytes != 70 || c.used.Len() != 1 || c.get(conversationKey(1)).bytes != 70 {
		t.Errorf("%d bytes in %d histories", c.bytes, c.used.Len())
	}
	c.clear()
	if c.bytes != 0 || c.get(conversationKey(1)) != nil {
		t.Error("not cleared")
	}
}

func TestTheCacheKeepsTheOthersBesideAHugeHistory(t *testing.T) {
	c := newCache(100)
	c.put(conversationKey(1), &history{bytes: 60})
	c.put(conversationKey(2), &history{bytes: 30})
	c.put(conversationKey(2), &history{bytes: 101})
	if c.get(conversationKey(1)) == nil || c.get(conversationKey(2)) != nil || c.bytes != 60 {
		t.Errorf("%d bytes", c.bytes)
	}
}
