package chatra

import (
	"encoding/json"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// thread is what is remembered of one chatId: which conversations it has had,
// and the payloads that wait.
type thread struct {
	Conversations []conversation `json:"conversations,omitempty"` // by start
	Waiting       []waiting      `json:"waiting,omitempty"`
}

// conversation is a stretch of the thread.
type conversation struct {
	Start  schema.Timestamp            `json:"start"` // names it; never changes
	From   schema.Timestamp            `json:"from"`  // of the first message known
	To     schema.Timestamp            `json:"to"`    // of the last one
	Closed bool                        `json:"closed,omitempty"`
	By     string                      `json:"by,omitempty"`     // the message of a fragment that began it
	Agents map[string]schema.Timestamp `json:"agents,omitempty"` // pushed to, and when
}

func (c *conversation) holds(at schema.Timestamp) bool { return c.From <= at && at <= c.To }

// waiting is a payload that may have overtaken others.
type waiting struct {
	Payload json.RawMessage  `json:"payload"`
	Due     schema.Timestamp `json:"due"` // when it waits no longer
}

// kept bounds the conversations that are remembered of a thread.
const kept = 50

// begin adds a conversation, and gives its place.
func (t *thread) begin(c conversation) int {
	t.Conversations = append(t.Conversations, c)
	slices.SortStableFunc(t.Conversations, func(a, b conversation) int { return int(a.Start - b.Start) })
	if len(t.Conversations) > kept {
		t.Conversations = slices.Delete(t.Conversations, 0, 1)
	}
	return slices.IndexFunc(t.Conversations, func(other conversation) bool { return other.Start == c.Start })
}

// started finds or begins the conversation of a chatStarted.
func (t *thread) started(at schema.Timestamp) int {
	for i := range t.Conversations {
		if t.Conversations[i].holds(at) {
			return i
		}
	}
	// A fragment may have begun it, having overtaken this by more than it waits.
	if i := t.after(at, at); i >= 0 {
		t.Conversations[i].From = at
		return i
	}
	return t.begin(conversation{Start: at, From: at, To: at})
}

// after finds the open conversation that follows a moment, if what happened
// from then until another one may be its beginning: it reaches into it, or only
// a fragment is known to have begun it.
func (t *thread) after(from, to schema.Timestamp) int {
	for i := range t.Conversations {
		c := &t.Conversations[i]
		if c.From <= from {
			continue
		}
		if !c.Closed && (c.By != "" || to >= c.From) {
			return i
		}
		return -1
	}
	return -1
}

// ended finds or begins the conversation that a transcript closes, and gives
// the messages that belong to it. A transcript has all messages of its
// conversation, so one that begins before or after is another.
func (t *thread) ended(messages []message) (int, []message) {
	i := -1
	for n := range t.Conversations {
		c := &t.Conversations[n]
		if c.Start >= first(messages) && c.Start <= last(messages) && (!c.Closed || c.To >= last(messages)) {
			i = n
		}
	}
	messages = slices.DeleteFunc(slices.Clone(messages), func(m message) bool {
		for n := range t.Conversations {
			c := &t.Conversations[n]
			if n == i {
				continue
			}
			if c.Closed && c.holds(m.at()) || !c.Closed && i >= 0 && c.From <= m.at() && m.at() < t.Conversations[i].From {
				return true
			}
		}
		return false
	})
	if len(messages) == 0 {
		return -1, nil
	}
	if i < 0 {
		i = t.begin(conversation{Start: start(messages), From: first(messages), To: last(messages)})
	}
	c := &t.Conversations[i]
	c.From, c.To, c.Closed = min(c.From, first(messages)), max(c.To, last(messages)), true
	return i, messages
}

// within finds the closed conversation that messages lie in, -1 where there is
// none.
func (t *thread) within(messages []message) int {
	for i := range t.Conversations {
		c := &t.Conversations[i]
		if c.Closed && c.holds(first(messages)) && c.holds(last(messages)) {
			return i
		}
	}
	return -1
}

// continued finds or begins the conversation that messages go on with.
func (t *thread) continued(messages []message) int {
	if i := t.within(messages); i >= 0 {
		return i
	}
	i := -1
	for n := range t.Conversations {
		if t.Conversations[n].From <= first(messages) {
			i = n
		}
	}
	if i < 0 || t.Conversations[i].Closed {
		if i = t.after(first(messages), last(messages)); i < 0 {
			return t.begin(conversation{Start: start(messages), From: first(messages), To: last(messages), By: messages[0].ID})
		}
	}
	c := &t.Conversations[i]
	c.From, c.To = min(c.From, first(messages)), max(c.To, last(messages))
	return i
}

// push notes an agent's message that nobody's automatism wrote: the first one
// is a push to that agent. It tells whether the message is that one.
func (c *conversation) push(agent string, at schema.Timestamp) bool {
	pushed, known := c.Agents[agent]
	if !known {
		if c.Agents == nil {
			c.Agents = make(map[string]schema.Timestamp)
		}
		c.Agents[agent] = at
		return true
	}
	return pushed == at
}
