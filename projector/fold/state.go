package fold

import (
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// State is a fold that can be continued: the state of the walk after its last event. It holds only
// the latest messages; the others are in the tables. It is for one goroutine.
type State struct {
	walk   walk
	end    schema.End
	latest int // so many messages are held
}

// Begin folds all events of a conversation, like [Of], and returns the state to continue from.
// There must be at least one record. It holds the given number of latest messages.
func Begin(records []schema.Record, latest int) (*State, Rows) {
	order := schema.InOrder(records)
	s := &State{walk: begin(records[0].Event.ConversationKey()), latest: latest, end: schema.EndOf(order)}
	s.walk.over(order)
	rows := s.walk.rows()
	s.keep()
	return s, rows
}

// Wanted lists the messages of the tables that a state needs to be continued: those with the ids,
// and those between two positions in the thread.
type Wanted struct {
	IDs      []string
	From, To uint32
}

// None reports that no message is needed.
func (w *Wanted) None() bool { return len(w.IDs) == 0 && w.From >= w.To }

// Wants returns the messages that [State.Continue] needs for some events. It reports false if these
// do not all come after the events so far, in fold order: then all events must be folded again.
func (s *State) Wants(fresh []schema.Record) (Wanted, bool) {
	var wanted Wanted
	end := s.end
	for _, r := range schema.InOrder(fresh) {
		if !end.Append(r) {
			return wanted, false
		}
	}
	thread := &s.walk.thread
	if !thread.partial {
		return wanted, true
	}
	named := map[string]bool{}
	name := func(id string) {
		if thread.messages.find(id) == nil && !named[id] {
			named[id] = true
			wanted.IDs = append(wanted.IDs, id)
		}
	}
	wanted.From, wanted.To = thread.start(), thread.start()
	for i := range fresh {
		switch data := fresh[i].Event.Data.(type) {
		case *schema.Message:
			name(data.MessageID)
		case *schema.Deleted:
			name(data.MessageID)
		case *schema.Read:
			if data.UpTo != nil {
				name(*data.UpTo)
			}
			unread := uint32(0)
			if c := thread.covered[data.Reader]; c != nil {
				unread = c.end
			}
			wanted.From = min(wanted.From, unread)
		}
	}
	return wanted, true
}

// Continue folds more events, for which [State.Wants] has reported true, with the wanted messages
// that the tables have. It returns the rows before and after, with only the messages that have
// changed. The text of wanted messages is not needed.
//
// It reports false if the events change what earlier ones meant, which is so for
// a message that an earlier read names. Then the state is invalid, and all events must be folded again.
func (s *State) Continue(fresh []schema.Record, known []Message) (before, after Rows, ok bool) {
	w := &s.walk
	before = w.rows()
	before.Contacts, before.Transactions = slices.Clone(before.Contacts), slices.Clone(before.Transactions)
	if c := before.Customer; c != nil {
		before.Customer = new(*c)
	}
	if c := before.Seller; c != nil {
		before.Seller = new(*c)
	}
	w.thread.load(known)
	order := schema.InOrder(fresh)
	w.over(order)
	if w.thread.tangled {
		return before, after, false
	}
	for _, r := range order {
		s.end.Append(r)
	}
	after = w.rows()
	before.Messages, after.Messages = w.thread.changes()
	s.keep()
	return before, after, true
}

func (s *State) keep() {
	s.walk.thread.keep(s.latest)
}

// Size estimates the memory of the state in bytes.
func (s *State) Size() int {
	const each = 512 // an entry with its texts
	w := &s.walk
	entries := len(w.contacts.list) + len(w.contacts.routing) + len(w.thread.marks) + len(w.thread.messages.list) +
		len(w.thread.reads) + len(w.thread.deleted) + len(w.tags.list) + len(w.users.list) + len(w.sales.list) +
		len(w.opening.visitors)
	text := 0
	for i := range w.thread.messages.list {
		if t := w.thread.messages.list[i].Text; t != nil {
			text += len(*t)
		}
	}
	return each*(8+entries) + text + 8*len(w.attention.turns)
}
