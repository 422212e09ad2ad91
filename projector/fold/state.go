package fold

import (
	"cmp"
	"math"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// State is a fold that can be continued: the state of the walk after its last event. It holds only
// the latest messages; the others are in the tables. It never changes: a continued fold is another one.
type State struct {
	walk   walk
	end    schema.End
	latest int             // so many messages are held
	upTo   schema.Sequence // the highest of its events

	earlier []*State // see Earlier
}

// Begin folds all events of a conversation, like [Of], and returns the state to continue from.
// There must be at least one record. It holds the given number of latest messages.
func Begin(records []schema.Record, latest int) (*State, Rows) {
	p := NewPieces(records[0].Event.ConversationKey(), latest, 0, nil)
	p.Add(records)
	return p.End()
}

// Pieces folds all events of a conversation piece by piece, for one that has too many to be in memory at
// once. What stays in memory is what the rows are made of, without most texts; where no message is wanted, of each message
// but the latest only the place in the thread, under a hash of its id.
type Pieces struct {
	walk   walk
	end    schema.End
	upTo   schema.Sequence
	latest int              // so many messages are held by the state
	since  schema.Timestamp // only messages that change from then on are wanted
}

// NoMessages is the time from which on no message is wanted.
const NoMessages = schema.Timestamp(math.MaxInt64)

// NewPieces begins a fold in pieces, up to a state that holds the given number of latest messages. The rows have only the messages that
// come or change with events from a time on, or [NoMessages]. texts reports which
// of them have their text, by the message's id; nil means all. Others are in the rows as if they had none.
func NewPieces(key schema.ConversationKey, latest int, since schema.Timestamp, texts func(id string) bool) *Pieces {
	p := &Pieces{walk: begin(key), latest: latest, since: since}
	p.walk.thread.texts = texts
	return p
}

// Add folds a piece, in any order: at least one event, and all of a later time than those before.
func (p *Pieces) Add(records []schema.Record) {
	order := schema.InOrder(records)
	n, _ := slices.BinarySearchFunc(order, p.since, func(r *schema.Record, since schema.Timestamp) int { return cmp.Compare(r.Event.Time, since) })
	p.walk.over(order[:n])
	if thread := &p.walk.thread; n < len(order) && thread.before == nil {
		thread.before = map[string]*Message{}
	}
	p.walk.over(order[n:])
	p.end = schema.EndOf(order)
	p.upTo = max(p.upTo, highest(order))
	if p.since == NoMessages {
		p.walk.thread.forget(p.latest)
	}
}

func highest(order []*schema.Record) (sequence schema.Sequence) {
	for _, r := range order {
		sequence = max(sequence, r.Sequence)
	}
	return sequence
}

// End returns the rows, and the state to continue from.
// At least one piece must have been added, and none may be afterwards.
func (p *Pieces) End() (*State, Rows) {
	rows := p.walk.rows()
	_, rows.Messages = p.walk.thread.changes()
	s := State{walk: p.walk, latest: p.latest, end: p.end, upTo: p.upTo}
	s.walk.thread.texts, s.walk.thread.forgotten = nil, nil
	return s.copy(), rows
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
	next = &State{walk: s.walk.clone(), end: s.end, latest: s.latest, upTo: s.upTo, earlier: s.earlier}
	next.remember(s)
	w := &next.walk
	w.thread.load(known)
	for _, order := range segments(schema.InOrder(fresh), max(1, s.latest)) {
		if next.upTo > s.upTo {
			next.remember(next)
		}
		w.over(order)
		next.upTo = max(next.upTo, highest(order))
		for _, r := range order {
			next.end.Append(r)
		}
	}
	if w.thread.tangled {
		return nil, before, after, false
	}
	before, after = s.Rows(), w.rows()
	before.Messages, after.Messages = w.thread.changes()
	w.thread.keep(s.latest)
	for len(next.earlier) > 1 && next.earlier[1].walk.step+mostEarlier*max(1, s.latest) <= w.step {
		next.earlier = next.earlier[1:]
	}
	return next, before, after, true
}

const (
	// mostEarlier bounds how far back earlier states are kept, in multiples of the messages that a state holds; there is
	// about one for each.
	mostEarlier = 5
	// largeState is the size, in bytes, from which on none are.
	largeState = 4 << 20
)

// Earlier returns earlier states of the fold, the latest last: a late event does not come before all of them.
func (s *State) Earlier() []*State { return s.earlier }

// UpTo is the highest sequence of the events so far. They are all of the conversation up to there.
func (s *State) UpTo() schema.Sequence { return s.upTo }

// remember keeps an earlier state, if there is none of shortly before.
func (s *State) remember(e *State) {
	n := len(s.earlier)
	if n > 0 && e.walk.step < s.earlier[n-1].walk.step+max(1, s.latest) || e.alone() > largeState {
		return
	}
	s.earlier = append(slices.Clip(s.earlier), e.copy())
}

// copy is the state alone.
func (s *State) copy() *State {
	c := *s
	c.earlier = nil
	c.walk.thread.keep(s.latest)
	c.walk = c.walk.clone()
	return &c
}

// segments cuts events in fold order where a part of them is all events up to a sequence: the latest ones, each time after so many.
func segments(order []*schema.Record, each int) [][]*schema.Record {
	var cut [][]*schema.Record
	from := max(len(order)-mostEarlier*each, 0)
	lowest := make([]schema.Sequence, len(order)+1) // of those from a place on
	lowest[len(order)] = math.MaxUint64
	for i := len(order) - 1; i >= from; i-- {
		lowest[i] = min(lowest[i+1], order[i].Sequence)
	}
	start, before := 0, highest(order[:from])
	for i := from; i < len(order); i++ {
		if i > start && i >= from && (len(order)-i)%each == 0 && before < lowest[i] {
			cut = append(cut, order[start:i])
			start = i
		}
		before = max(before, order[i].Sequence)
	}
	return append(cut, order[start:])
}

// Again is Continue for a state that was continued before, and whose tables have messages of after that: the events it was
// continued with must be among the fresh ones. before are the states that were earlier than it. It also reports false if a message may have been deleted by one of them or before.
func (s *State) Again(before []*State, fresh []schema.Record, known []Message) (next *State, after Rows, ok bool) {
	then, ok := s.walk.thread.asOf(s.walk.now, known)
	if !ok {
		return nil, after, false
	}
	with := *s
	with.earlier = before
	next, _, after, ok = with.Continue(fresh, then)
	return next, after, ok
}

// Rows returns the rows without messages.
func (s *State) Rows() Rows {
	rows := s.walk.rows()
	rows.Messages = nil
	return rows
}

// Size estimates the memory of the state in bytes, with the earlier ones.
func (s *State) Size() int {
	size := s.alone()
	for _, e := range s.earlier {
		size += e.alone()
	}
	return size
}

// alone estimates the memory of the state without the earlier ones.
func (s *State) alone() int {
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
