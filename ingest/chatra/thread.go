package chatra

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// thread is the state of one chatId: its conversations, and the waiting payloads.
type thread struct {
	Conversations []conversation `json:"conversations,omitempty"` // by start
	Waiting       []waiting      `json:"waiting,omitempty"`
}

// conversation is a part of the thread.
type conversation struct {
	Start    schema.Timestamp              `json:"start"` // its identity; never changes
	From     schema.Timestamp              `json:"from"`  // of the first known message, including early automatic ones
	To       schema.Timestamp              `json:"to"`    // of the last one
	Closed   bool                          `json:"closed,omitempty"`
	ClosedAt schema.Timestamp              `json:"closedAt,omitempty"`
	After    schema.Timestamp              `json:"after,omitempty"`  // it was closed then, and reopened
	By       string                        `json:"by,omitempty"`     // the message of the fragment that began it
	Pushes   map[string][]schema.Timestamp `json:"pushes,omitempty"` // by agent

	closing bool // by a transcript that is being processed
}

func (c *conversation) open() bool                     { return !c.Closed && !c.closing }
func (c *conversation) holds(at schema.Timestamp) bool { return c.From <= at && at <= c.To }

// waiting is a payload that may have overtaken others.
type waiting struct {
	Payload json.RawMessage  `json:"payload"`
	Due     schema.Timestamp `json:"due"` // when it stops waiting
}

// Limits of the state of a thread. The oldest conversations are dropped first.
const (
	mostConversations = 50
	mostPushes        = 100       // of a conversation
	mostRemembered    = 256 << 10 // bytes, without the waiting payloads
	mostWaiting       = 256 << 10 // bytes of waiting payloads
)

// room reports whether that many more bytes may wait.
func (t *thread) room(bytes int) bool {
	for _, other := range t.Waiting {
		bytes += len(other.Payload)
	}
	return bytes <= mostWaiting
}

// wait stores a payload, once.
func (t *thread) wait(body []byte, due schema.Timestamp) {
	if !slices.ContainsFunc(t.Waiting, func(other waiting) bool { return bytes.Equal(other.Payload, body) }) {
		t.Waiting = append(t.Waiting, waiting{body, due})
	}
}

// drop forgets payloads that wait no longer.
func (t *thread) drop(done []json.RawMessage) {
	t.Waiting = slices.DeleteFunc(t.Waiting, func(other waiting) bool {
		return slices.ContainsFunc(done, func(p json.RawMessage) bool { return bytes.Equal(p, other.Payload) })
	})
}

// encode writes the thread, within its limits.
func (t *thread) encode() ([]byte, error) {
	for {
		if n := len(t.Conversations) - mostConversations; n > 0 {
			t.Conversations = slices.Delete(t.Conversations, 0, n)
		}
		remembered, err := json.Marshal(t.Conversations)
		if err != nil {
			return nil, err
		}
		if len(remembered) <= mostRemembered || len(t.Conversations) == 1 {
			return json.Marshal(t)
		}
		t.Conversations = slices.Delete(t.Conversations, 0, 1)
	}
}

// begin adds a conversation. It invalidates pointers to conversations found before.
func (t *thread) begin(c conversation) *conversation {
	t.Conversations = append(t.Conversations, c)
	slices.SortStableFunc(t.Conversations, func(a, b conversation) int { return int(a.Start - b.Start) })
	return t.named(c.Start)
}

// named returns a conversation by its start.
func (t *thread) named(start schema.Timestamp) *conversation {
	return t.find(func(c *conversation) bool { return c.Start == start })
}

// find returns the first conversation for which ok returns true.
func (t *thread) find(ok func(*conversation) bool) *conversation {
	for i := range t.Conversations {
		if ok(&t.Conversations[i]) {
			return &t.Conversations[i]
		}
	}
	return nil
}

// latest returns the last conversation that begins no later than a moment.
func (t *thread) latest(at schema.Timestamp) *conversation {
	var found *conversation
	for i := range t.Conversations {
		if t.Conversations[i].From <= at {
			found = &t.Conversations[i]
		}
	}
	return found
}

// share is the content of payloads about one conversation.
type share struct {
	messages []message
	payloads []*payload       // that contain its messages
	whole    []*payload       // of those, the ones about the conversation as a whole
	end      schema.Timestamp // the end, if a transcript ends it
}

// shares are by the start of their conversations.
type shares map[schema.Timestamp]*share

func (s shares) add(c *conversation, p *payload, messages []message, whole bool) *share {
	own := s[c.Start]
	if own == nil {
		own = new(share)
		s[c.Start] = own
	}
	own.messages = append(own.messages, messages...)
	own.payloads = append(own.payloads, p)
	if whole {
		own.whole = append(own.whole, p)
	}
	return own
}

// started finds or begins the conversation of a chatStarted.
func (t *thread) started(at schema.Timestamp) *conversation {
	if c := t.find(func(c *conversation) bool { return c.holds(at) }); c != nil {
		return c
	}
	// A fragment may have begun it, if it overtook this by more than its waiting time.
	if c := t.after(at, at); c != nil {
		c.From = at
		return c
	}
	return t.begin(conversation{Start: at, From: at, To: at})
}

// after returns the open conversation that follows a moment, if the messages from then until
// another moment may be its beginning: they reach into it, or it is known only from a fragment.
func (t *thread) after(from, to schema.Timestamp) *conversation {
	c := t.find(func(c *conversation) bool { return c.From > from })
	if c != nil && c.open() && (c.By != "" || to >= c.From) {
		return c
	}
	return nil
}

// ended assigns the messages of a transcript to its conversation, which it finds or begins and
// closes, and to those in between. A transcript has all messages of its conversation, so one that
// begins before or after is a different one.
func (t *thread) ended(p *payload, s shares) {
	begin, end, from := start(p.messages), last(p.messages), p.from
	own := t.find(func(c *conversation) bool { return c.holds(begin) })
	if own == nil {
		own = t.find(func(c *conversation) bool { return c.open() && from <= c.Start && c.Start <= end })
	}
	if own == nil {
		own = t.find(func(c *conversation) bool { return begin <= c.Start && c.Start <= end })
	}
	if own == nil {
		own = t.begin(conversation{Start: begin, From: begin, To: begin})
	}
	known := *own
	if !t.taken(from, own) {
		own.From = min(own.From, from)
	}
	parts := make(map[schema.Timestamp][]message)
	for _, m := range p.messages {
		owner := own
		for i := range t.Conversations {
			c := &t.Conversations[i]
			if c != own && !known.holds(m.at) && (c.holds(m.at) || c.open() && known.From < c.From && c.From <= m.at) {
				owner = c
			}
		}
		parts[owner.Start] = append(parts[owner.Start], m)
	}
	for name, messages := range parts {
		c := t.named(name)
		c.From, c.To, c.closing = min(c.From, first(messages)), max(c.To, last(messages)), true
		part := s.add(c, p, messages, c == own)
		part.end = max(part.end, last(messages))
	}
}

// taken reports whether a moment is in another conversation.
func (t *thread) taken(at schema.Timestamp, own *conversation) bool {
	return t.find(func(c *conversation) bool { return c != own && c.holds(at) }) != nil
}

// continued assigns the messages of a fragment: to the closed conversations that contain their
// time, and to the open one, or the one that it begins. It returns false for automatic messages
// that belong to no conversation.
func (t *thread) continued(p *payload, s shares) bool {
	var rest []message
	for _, m := range p.messages {
		c := t.find(func(c *conversation) bool { return !c.open() && c.holds(m.at) })
		if c == nil {
			rest = append(rest, m)
			continue
		}
		s.add(c, p, []message{m}, false)
	}
	if len(rest) == 0 {
		return true
	}
	c := t.latest(first(rest))
	if c == nil || !c.open() {
		c = t.after(first(rest), last(rest))
	}
	if c == nil {
		if !slices.ContainsFunc(rest, func(m message) bool { return m.personal() }) {
			return len(rest) < len(p.messages)
		}
		c = t.begin(conversation{Start: start(rest), From: first(rest), To: last(rest), By: rest[0].id})
	}
	c.From, c.To = min(c.From, first(rest)), max(c.To, last(rest))
	s.add(c, p, rest, c.By == rest[0].id)
	return true
}

// take assigns payloads that waited together: transcripts first, because they have all messages.
// unanswered are the fragments that belong to no conversation.
func (t *thread) take(payloads []*payload) (s shares, unanswered []*payload) {
	slices.SortStableFunc(payloads, func(a, b *payload) int {
		if d := int(first(a.messages) - first(b.messages)); d != 0 {
			return d
		}
		return int(last(a.messages) - last(b.messages))
	})
	s = make(shares)
	for _, p := range payloads {
		if p.kind == chatTranscript {
			t.ended(p, s)
		}
	}
	for _, p := range payloads {
		if p.kind != chatTranscript && !t.continued(p, s) {
			unanswered = append(unanswered, p)
		}
	}
	return s, unanswered
}

// push records a message that an agent wrote in person: the first one since the conversation was
// opened or reopened is a push to that agent. It returns how many pushes there were before, and
// whether the message is one.
func (c *conversation) push(agent string, at schema.Timestamp) (n int, pushed bool) {
	before := c.Pushes[agent]
	if n := slices.Index(before, at); n >= 0 {
		return n, true
	}
	known := 0
	for _, all := range c.Pushes {
		known += len(all)
	}
	if at <= c.After || known >= mostPushes || len(before) > 0 && before[len(before)-1] > c.After {
		return 0, false
	}
	if c.Pushes == nil {
		c.Pushes = make(map[string][]schema.Timestamp)
	}
	c.Pushes[agent] = append(before, at)
	return len(before), true
}

// close ends the conversation at the end of a transcript, and reports whether the transcript's end
// is that of the conversation. A closed conversation is closed again if an agent has written since,
// because that reopened it.
func (c *conversation) close(messages []message, end schema.Timestamp) bool {
	closed := c.ClosedAt
	if c.Closed && closed == 0 {
		closed = c.To // stored by an earlier version
	}
	switch {
	case !c.Closed:
	case end <= closed:
		return end == closed
	case slices.ContainsFunc(messages, func(m message) bool { return m.byAgent() && m.at > closed }):
		c.After = closed
	default:
		return false
	}
	c.Closed, c.ClosedAt, c.closing = true, end, false
	return true
}
