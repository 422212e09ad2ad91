package fold

import (
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// thread is the message thread: messages, and the marks between them.
type thread struct {
	messages keyed[string, Message]
	marks    []Mark
	position uint32

	reads   []read
	deleted map[string]schema.Timestamp // by message id, the first deletion

	visitor, operator uint32            // messages by side
	asked             *schema.Timestamp // the first visitor message
	responded         *schema.Timestamp // the first human, non-automatic message after it
}

// mark puts a system attachment into the thread. Every pushed, snoozed,
// transferred and closed event leaves one; an inferred ending leaves none.
func (t *thread) mark(m Mark) {
	m.Position = t.position
	t.position++
	t.marks = append(t.marks, m)
}

// message puts a message into the thread and reports whether it is the first of
// its id. Messages are one per id: a later one only replaces the text, and only
// if it has one.
func (t *thread) message(at schema.Timestamp, data *schema.Message, contact *string) (first bool) {
	if known := t.messages.find(data.MessageID); known != nil {
		if data.Text != nil {
			known.Text = data.Text
		}
		return false
	}
	t.messages.add(data.MessageID, Message{
		ID:         data.MessageID,
		ContactID:  contact,
		SentAt:     at,
		AuthorKind: data.AuthorKind,
		AuthorID:   authorID(data),
		Automatic:  data.Automatic,
		Text:       data.Text,
		Position:   t.position,
	})
	t.position++
	t.time(at, data)
	return true
}

// read is one event that messages were read.
type read struct {
	at   schema.Timestamp
	by   schema.Reader
	upTo *string
	end  uint32 // place in the thread behind the last message covered; unset where upTo is given
}

func (t *thread) read(at schema.Timestamp, data *schema.Read) {
	t.reads = append(t.reads, read{at: at, by: data.Reader, upTo: data.UpTo, end: t.position})
}

func (t *thread) delete(at schema.Timestamp, id string) {
	if t.deleted == nil {
		t.deleted = make(map[string]schema.Timestamp)
	}
	if _, known := t.deleted[id]; !known {
		t.deleted[id] = at
	}
}

// finish returns the messages, with what reads and deletions say about them.
func (t *thread) finish() []Message {
	list := t.messages.list
	for id, at := range t.deleted {
		if m := t.messages.find(id); m != nil {
			m.Text, m.DeletedAt = nil, &at
		}
	}
	for _, side := range []schema.Reader{schema.ReaderVisitor, schema.ReaderOperator} {
		covered := 0 // messages before this one have been read, or are the reader's own
		for _, r := range t.reads {
			if r.by != side {
				continue
			}
			if r.upTo != nil {
				m := t.messages.find(*r.upTo)
				if m == nil {
					continue
				}
				r.end = m.Position + 1
			}
			for ; covered < len(list) && list[covered].Position < r.end; covered++ {
				if wroteOther(list[covered].AuthorKind, side) {
					list[covered].ReadAt = &r.at
				}
			}
		}
	}
	return list
}

// wroteOther reports whether the author is not on the reader's side.
func wroteOther(author schema.UserKind, reader schema.Reader) bool {
	return (author == schema.KindVisitor) == (reader == schema.ReaderOperator)
}

// time notes what response and resolution are measured from and to: the first
// visitor message, automatic or not, and after it the first non-automatic
// message by a PROFESSIONAL or EXPERT, in a contact or not.
func (t *thread) time(at schema.Timestamp, data *schema.Message) {
	if data.AuthorKind == schema.KindVisitor {
		t.visitor++
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

// authorID is the visitor's id, or the operator's in digits; nil where the
// event returns none.
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
