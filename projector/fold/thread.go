package fold

import (
	"crypto/sha256"
	"maps"
	"slices"
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// thread is the message thread: messages, and the marks between them.
type thread struct {
	messages keyed[string, Message] // in thread order; in a [State] the latest ones only
	marks    []Mark
	position uint32

	reads   []read                      // all, in fold order; in a [State] those that wait
	waiting map[string]bool             // message ids that reads name and that are not there yet
	tangled bool                        // such a message has come: reads before others cover more than they did
	covered map[schema.Reader]*coverage // by who reads
	deleted map[string]schema.Timestamp // by the id of a message that is not there yet, its first deletion

	visitor, operator uint32            // messages by side
	asked             *schema.Timestamp // the first visitor message
	responded         *schema.Timestamp // the first human, non-automatic message after it
	heard             *schema.Timestamp // the last visitor message
	said              *schema.Timestamp // the last message

	texts     func(id string) bool // in [Pieces]: which messages have their text; nil means all
	forgotten map[idHash]uint32    // in [Pieces] without messages: the places in the thread of those before the latest

	partial bool                // in a [State]: there are messages that are not in memory
	before  map[string]*Message // in a [State]: messages before the events that change them; nil for a new one
}

// mark adds a system attachment to the thread. Every pushed, snoozed,
// transferred and closed event leaves one; an inferred ending leaves none.
func (t *thread) mark(m Mark) {
	m.Position = t.position
	t.position++
	t.marks = append(t.marks, m)
}

// message adds a message to the thread and reports whether it is the first of its id. Messages are
// one per id: a later one only replaces the text, and only if it has one.
func (t *thread) message(at schema.Timestamp, data *schema.Message, contact *string) (first bool) {
	if known := t.messages.find(data.MessageID); known != nil {
		if data.Text != nil && known.DeletedAt == nil {
			t.touch(known)
			known.Text = t.text(data)
		}
		return false
	}
	if _, known := t.forgot(data.MessageID); known {
		return false
	}
	m := t.messages.add(data.MessageID, Message{
		ID:         data.MessageID,
		ContactID:  contact,
		SentAt:     at,
		AuthorKind: data.AuthorKind,
		AuthorID:   authorID(data),
		Automatic:  data.Automatic,
		Text:       t.text(data),
		Position:   t.position,
	})
	if t.before != nil {
		t.before[m.ID] = nil
	}
	if when, deleted := t.deleted[m.ID]; deleted {
		m.Text, m.DeletedAt = nil, &when
		delete(t.deleted, m.ID)
	}
	t.tangled = t.tangled || t.waiting[m.ID]
	t.position++
	t.time(at, data)
	return true
}

// text is the text of a message, as far as the rows have it.
func (t *thread) text(data *schema.Message) *string {
	if t.texts == nil || t.texts(data.MessageID) {
		return data.Text
	}
	return nil
}

// clone copies what further events may change.
func (t *thread) clone() thread {
	c := *t
	c.messages = t.messages.clone()
	c.marks, c.reads = slices.Clip(t.marks), slices.Clip(t.reads)
	c.waiting, c.deleted = maps.Clone(t.waiting), maps.Clone(t.deleted)
	c.covered = make(map[schema.Reader]*coverage, len(t.covered))
	for reader, coverage := range t.covered {
		c.covered[reader] = new(*coverage)
	}
	return c
}

// touch records a message before it changes.
func (t *thread) touch(m *Message) {
	if t.before == nil {
		return
	}
	if _, noted := t.before[m.ID]; !noted {
		t.before[m.ID] = new(*m)
	}
}

// read is one event of messages being read.
type read struct {
	at   schema.Timestamp
	by   schema.Reader
	upTo *string
	end  uint32 // place in the thread behind the last message covered; unset where upTo is given
}

// coverage is how much of the thread one side has read: all messages before a
// place are read, or are the reader's own.
type coverage struct {
	end  uint32
	next int // index of the first message from there on
}

func (t *thread) read(at schema.Timestamp, data *schema.Read) {
	r := read{at: at, by: data.Reader, upTo: data.UpTo, end: t.position}
	t.reads = append(t.reads, r)
	t.cover(&r)
}

// cover marks the messages that a read covers: none while the message that it names is missing.
func (t *thread) cover(r *read) {
	end := r.end
	if r.upTo != nil {
		position, known := t.place(*r.upTo)
		if !known {
			if t.waiting == nil {
				t.waiting = map[string]bool{}
			}
			t.waiting[*r.upTo] = true
			return
		}
		end = position + 1
	}
	if t.covered == nil {
		t.covered = map[schema.Reader]*coverage{}
	}
	c := t.covered[r.by]
	if c == nil {
		c = &coverage{}
		t.covered[r.by] = c
	}
	list := t.messages.list
	for ; c.next < len(list) && list[c.next].Position < end; c.next++ {
		if m := &list[c.next]; m.Position >= c.end && wroteOther(m.AuthorKind, r.by) {
			t.touch(m)
			m.ReadAt = &r.at
		}
	}
	c.end = max(c.end, end)
}

// delete marks a message as deleted: the first deletion counts, and holds for
// texts that come later.
func (t *thread) delete(at schema.Timestamp, id string) {
	if m := t.messages.find(id); m != nil {
		if m.DeletedAt == nil {
			t.touch(m)
			m.Text, m.DeletedAt = nil, &at
		}
		return
	}
	if _, known := t.forgot(id); known {
		return
	}
	if t.deleted == nil {
		t.deleted = make(map[string]schema.Timestamp)
	}
	if _, known := t.deleted[id]; !known {
		t.deleted[id] = at
	}
}

// finish returns the messages. Where a read has waited for its message, all reads
// are gone through again: it covers messages before others do that came
// after it.
func (t *thread) finish() []Message {
	if t.tangled {
		t.covered, t.waiting = nil, nil
		for i := range t.messages.list {
			t.messages.list[i].ReadAt = nil
		}
		for _, r := range t.reads {
			t.cover(&r)
		}
		t.tangled = false
	}
	return t.messages.list
}

// wroteOther reports whether the author is not on the reader's side.
func wroteOther(author schema.UserKind, reader schema.Reader) bool {
	return (author == schema.KindVisitor) == (reader == schema.ReaderOperator)
}

// time records the times between which response and resolution are measured: the first
// visitor message, automatic or not, and after it the first non-automatic
// message by a PROFESSIONAL or EXPERT, in a contact or not.
func (t *thread) time(at schema.Timestamp, data *schema.Message) {
	t.said = &at
	if data.AuthorKind == schema.KindVisitor {
		t.visitor++
		t.heard = &at
		if t.asked == nil {
			t.asked = &at
		}
		return
	}
	t.operator++
	if t.asked != nil && t.responded == nil && human(data.AuthorKind) && !data.Automatic {
		t.responded = &at
	}
}

func (t *thread) fill(c *Conversation) {
	c.Marks = t.marks
	c.VisitorMessageCount, c.OperatorMessageCount = t.visitor, t.operator
}

// start is the place in the thread from which on all messages are in memory.
func (t *thread) start() uint32 {
	if len(t.messages.list) == 0 {
		return t.position
	}
	return t.messages.list[0].Position
}

// keep forgets all but the latest messages, and the reads that are done with.
func (t *thread) keep(latest int) {
	list := t.messages.list
	t.partial = t.partial || len(list) > latest
	t.messages = keyed[string, Message]{}
	for _, m := range list[max(0, len(list)-latest):] {
		t.messages.add(m.ID, m)
	}
	t.reads = slices.DeleteFunc(slices.Clone(t.reads), func(r read) bool { return r.upTo == nil || !t.waiting[*r.upTo] })
	t.before = nil
}

// idHash stands for the id of a message: 128 bits of its SHA-256.
type idHash [16]byte

func hashOf(id string) idHash {
	sum := sha256.Sum256([]byte(id))
	return idHash(sum[:])
}

// place is the place in the thread of a message.
func (t *thread) place(id string) (position uint32, known bool) {
	if m := t.messages.find(id); m != nil {
		return m.Position, true
	}
	return t.forgot(id)
}

// forgot is the place of a message that is not in memory.
func (t *thread) forgot(id string) (position uint32, known bool) {
	if len(t.forgotten) == 0 {
		return 0, false
	}
	position, known = t.forgotten[hashOf(id)]
	return position, known
}

// forget leaves of all but the latest messages only their places. None of them can be in the rows then.
func (t *thread) forget(latest int) {
	list := t.messages.list
	older := list[:max(0, len(list)-latest)]
	if len(older) == 0 {
		return
	}
	if t.forgotten == nil {
		t.forgotten = map[idHash]uint32{}
	}
	for i := range older {
		t.forgotten[hashOf(older[i].ID)] = older[i].Position
	}
	t.partial = true
	t.messages = keyed[string, Message]{}
	for _, m := range list[len(older):] {
		t.messages.add(m.ID, m)
	}
	for _, c := range t.covered {
		c.next = 0
	}
}

// load puts messages of the tables before those in memory.
func (t *thread) load(known []Message) {
	latest := t.messages.list
	slices.SortFunc(known, func(a, b Message) int { return int(a.Position) - int(b.Position) })
	if len(known) > 0 {
		t.messages = keyed[string, Message]{}
		for _, m := range slices.Concat(known, latest) {
			t.messages.add(m.ID, m)
		}
	}
	for _, c := range t.covered {
		c.next = 0
	}
	t.before = map[string]*Message{}
}

// asOf returns messages of the tables as they were at this place, and without those that came later. It reports false
// if one was deleted at the very time.
func (t *thread) asOf(now schema.Timestamp, known []Message) (then []Message, ok bool) {
	for _, m := range known {
		if m.Position >= t.position {
			continue
		}
		reader := schema.ReaderVisitor
		if wroteOther(m.AuthorKind, schema.ReaderOperator) {
			reader = schema.ReaderOperator
		}
		if c := t.covered[reader]; c == nil || m.Position >= c.end {
			m.ReadAt = nil
		}
		if m.DeletedAt != nil && *m.DeletedAt == now {
			return nil, false
		}
		if m.DeletedAt != nil && *m.DeletedAt > now {
			m.DeletedAt = nil
		}
		then = append(then, m)
	}
	return then, true
}

// changes returns the messages that have changed since load, as they were and as
// they are.
func (t *thread) changes() (before, after []Message) {
	for i := range t.messages.list {
		m := &t.messages.list[i]
		was, changed := t.before[m.ID]
		if !changed {
			continue
		}
		if was != nil {
			before = append(before, *was)
		}
		after = append(after, *m)
	}
	return before, after
}

// authorID is the visitor's id, or the operator's in digits; nil if the event has none.
func authorID(data *schema.Message) *string {
	switch {
	case data.AuthorKind == schema.KindVisitor:
		return data.VisitorID
	case data.OperatorID != nil:
		return new(strconv.FormatInt(int64(*data.OperatorID), 10))
	default:
		return nil
	}
}
