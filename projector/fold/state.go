package fold

import "github.com/parley-analytics/parley/schema"

// State is a fold that can be continued: the state of the walk after its last event. It holds only
// the latest messages; the others are in the tables. It never changes: a continued fold is another one.
type State struct {
	walk   walk
	end    schema.End
	latest int // so many messages are held
}

// Begin folds all events of a conversation, like [Of], and returns the state to continue from.
// There must be at least one record. It holds the given number of latest messages.
func Begin(records []schema.Record, latest int) (*State, Rows) {
	p := NewPieces(records[0].Event.ConversationKey(), nil)
	p.Add(records)
	return p.End(latest)
}

// Pieces folds all events of a conversation piece by piece, for one that has too many to be in memory at
// once. What stays in memory is what the rows are made of, without most texts.
type Pieces struct {
	walk walk
	end  schema.End
}

// NewPieces begins a fold in pieces. texts reports of which messages the rows have their text, by the
// message's id; nil means all. Messages without one are in the rows as if they had none.
func NewPieces(key schema.ConversationKey, texts func(id string) bool) *Pieces {
	p := &Pieces{walk: begin(key)}
	p.walk.thread.texts = texts
	return p
}

// Add folds a piece, in any order: at least one event, and all of a later time than those before.
func (p *Pieces) Add(records []schema.Record) {
	order := schema.InOrder(records)
	p.walk.over(order)
	p.end = schema.EndOf(order)
}

// End returns the rows, and the state to continue from, which holds the given number of latest messages.
// At least one piece must have been added, and none may be afterwards.
func (p *Pieces) End(latest int) (*State, Rows) {
	rows := p.walk.rows()
	last := p.walk
	last.thread.texts = nil
	last.thread.keep(latest)
	return &State{walk: last.clone(), latest: latest, end: p.end}, rows
}

// Follow reports whether some events all come after those so far, in fold order.
func (s *State) Follow(fresh []schema.Record) bool {
	end := s.end
	for _, r := range schema.InOrder(fresh) {
		if !end.Append(r) {
			return false
		}
	}
	return true
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
	if !s.Follow(fresh) {
		return wanted, false
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
// that the tables have; more messages do no harm. It returns the state after them, and the rows before and after, with only the messages that have
// changed. The text of wanted messages is not needed.
//
// It reports false if the events change what earlier ones meant, which is so for
// a message that an earlier read names. Then all events must be folded again.
func (s *State) Continue(fresh []schema.Record, known []Message) (next *State, before, after Rows, ok bool) {
	next = &State{walk: s.walk.clone(), end: s.end, latest: s.latest}
	w := &next.walk
	w.thread.load(known)
	order := schema.InOrder(fresh)
	w.over(order)
	if w.thread.tangled {
		return nil, before, after, false
	}
	for _, r := range order {
		next.end.Append(r)
	}
	before, after = s.Rows(), w.rows()
	before.Messages, after.Messages = w.thread.changes()
	w.thread.keep(s.latest)
	return next, before, after, true
}

// Again is Continue for a state that was continued before, and whose tables have messages of after that: the events it was
// continued with must be among the fresh ones. It also reports false if a message may have been deleted by one of them or before.
func (s *State) Again(fresh []schema.Record, known []Message) (next *State, after Rows, ok bool) {
	then, ok := s.walk.thread.asOf(s.walk.now, known)
	if !ok {
		return nil, after, false
	}
	next, _, after, ok = s.Continue(fresh, then)
	return next, after, ok
}

// Events is how many events have been folded, without those of profiles.
func (s *State) Events() int { return s.walk.step }

// Rows returns the rows without messages.
func (s *State) Rows() Rows {
	rows := s.walk.rows()
	rows.Messages = nil
	return rows
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
