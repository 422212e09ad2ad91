package fold

import (
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// State is a fold that can be continued: what the walk knows after its last
// event. Of the messages it holds the latest; the others are in the tables. It
// is for one goroutine.
type State struct {
	walk   walk
	end    schema.End
	latest int // so many messages are held
}

// Begin folds all events of a conversation, as [Of] does, and returns how to
// continue. There must be a record. So many of the latest messages are held.
func Begin(records []schema.Record, latest int) (*State, Rows) {
	order := schema.InOrder(records)
	s := &State{walk: begin(records[0].Event.ConversationKey()), latest: latest, end: schema.EndOf(order)}
	s.walk.over(order)
	rows := s.walk.rows()
	s.keep()
	return s, rows
}

// Wanted is which messages of the tables a state needs to be continued: those
// with the ids, and those from a place in the thread on up to another.
type Wanted struct {
	IDs      []string
	From, To uint32
}

// None reports that no message is needed.
func (w *Wanted) None() bool { return len(w.IDs) == 0 && w.From >= w.To }

// Wants returns the messages that [State.Continue] has to be given for some
// events. It reports false if these do not all come after the events so far, in
// fold order: then all have to be folded again.
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

// Continue folds more events in, for which [State.Wants] has reported true, given
// the messages wanted as far as the tables have them. It returns the rows before
// and after; of the messages only those that have changed. The text of a message
// given is not needed.
//
// It reports false if the events change what earlier ones meant, which is so for
// a message that an earlier read names. The state is of no use then, and all
// events have to be folded again.
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
		len(w.thread.reads) + len(w.thread.deleted) + len(w.tags.list) + len(w.users.list) + len(w.sales.list)
	text := 0
	for i := range w.thread.messages.list {
		if t := w.thread.messages.list[i].Text; t != nil {
			text += len(*t)
		}
	}
	return each*(8+entries) + text
}
