package explain

import (
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// none is the place of an event that is not there.
const none = -1

// contact is the places of the events of one contact.
type contact struct {
	start, end       int
	routing, waiting int // the routing that counts; the one waited from
	answer           int
	human            int // first answer by a human
	visitor          []int
	operator         []int
	closedAfter      bool // the conversation closed between its end and the next start
}

// walk is the places of the events behind each number of a conversation.
type walk struct {
	events   []*schema.Record
	contacts []contact
	open     bool  // the last contact is
	within   []int // number of the contact each event belongs to, from 1; 0 for none

	firstClose, closing int // of all; the one that sets closedAt
	closed              bool
	routing             int

	reopenings, anomalies []int

	visitorMessages, operatorMessages []int
	said                              map[string]bool // message ids
	firstVisitor, firstHuman          int

	opened       map[string]int // field → the opening that gave it
	satisfaction map[string]int // question → the last answer
	tags         []string       // by first tagging
	tagging      map[string]int // the tagging in effect, none after an untagging
	sales        []string       // by first record
	sale         map[string]int
	users        map[schema.OperatorID][]int
}

func walkOver(events []*schema.Record) *walk {
	w := &walk{
		events: events, within: make([]int, len(events)),
		firstClose: none, closing: none, routing: none, firstVisitor: none, firstHuman: none,
		said: map[string]bool{}, opened: map[string]int{}, satisfaction: map[string]int{},
		tagging: map[string]int{}, sale: map[string]int{}, users: map[schema.OperatorID][]int{},
	}
	for i := range events {
		w.take(i)
	}
	return w
}

func (w *walk) at(i int) schema.Timestamp { return w.events[i].Event.Time }

// last is the latest contact.
func (w *walk) last() *contact { return &w.contacts[len(w.contacts)-1] }

func (w *walk) take(i int) {
	if w.open {
		w.within[i] = len(w.contacts)
	}
	switch data := w.events[i].Event.Data.(type) {
	case *schema.Opened:
		w.opening(i, data)
	case *schema.Routed:
		w.routing = i
	case *schema.Pushed:
		w.push(i, data)
	case *schema.Snoozed, *schema.Transferred:
		if !w.open {
			w.anomalies = append(w.anomalies, i)
		}
		w.end(i)
	case *schema.Closed:
		w.close(i)
	case *schema.Message:
		w.message(i, data)
	case *schema.Tagged:
		if _, seen := w.tagging[data.Tag.ID]; !seen {
			w.tags = append(w.tags, data.Tag.ID)
		}
		w.tagging[data.Tag.ID] = i
	case *schema.Untagged:
		if _, seen := w.tagging[data.Tag.ID]; seen {
			w.tagging[data.Tag.ID] = none
		}
	case *schema.Satisfaction:
		w.survey(i, data)
	case *schema.Transaction:
		if _, seen := w.sale[data.TransactionID]; !seen {
			w.sales = append(w.sales, data.TransactionID)
		}
		w.sale[data.TransactionID] = i
	}
}

// opening notes which fields an opening is the first to give.
func (w *walk) opening(i int, data *schema.Opened) {
	given := map[string]bool{
		"channel": true, "language": data.Language != nil, "initiator": data.Initiator != nil,
		"visitor": data.Visitor != nil, "campaign": data.Campaign != nil, "customData": data.CustomData != nil,
	}
	for field, is := range given {
		if _, had := w.opened[field]; is && !had {
			w.opened[field] = i
		}
	}
}

func (w *walk) push(i int, data *schema.Pushed) {
	if w.closed {
		w.reopenings = append(w.reopenings, i)
	}
	w.closed, w.closing = false, none
	since := none // the event after which a routing is waited from
	if len(w.contacts) > 0 {
		since = w.last().end
		if w.open {
			since = w.last().start
		}
	}
	w.end(i)
	c := contact{start: i, end: none, routing: w.routing, waiting: none, answer: none, human: none}
	if w.routing > since {
		c.waiting = w.routing
	}
	w.contacts = append(w.contacts, c)
	w.open = true
	w.within[i] = len(w.contacts)
	w.tookPart(data.To.ID, i)
}

// end ends the open contact, if there is one.
func (w *walk) end(i int) {
	if w.open {
		w.last().end, w.open = i, false
	}
}

func (w *walk) close(i int) {
	if w.closed {
		w.anomalies = append(w.anomalies, i)
	} else {
		w.closing = i
	}
	if w.firstClose == none {
		w.firstClose = i
	}
	if len(w.contacts) > 0 && !w.open {
		w.last().closedAfter = true
	}
	w.end(i)
	w.closed = true
}

func (w *walk) message(i int, data *schema.Message) {
	if w.said[data.MessageID] {
		return
	}
	w.said[data.MessageID] = true
	visitor := data.AuthorKind == schema.KindVisitor
	if visitor {
		w.visitorMessages = append(w.visitorMessages, i)
		if w.firstVisitor == none {
			w.firstVisitor = i
		}
	} else {
		w.operatorMessages = append(w.operatorMessages, i)
		if data.OperatorID != nil {
			w.tookPart(*data.OperatorID, i)
		}
	}
	answer := !visitor && !data.Automatic
	human := answer && data.AuthorKind != schema.KindBot
	if human && w.firstVisitor != none && w.firstHuman == none {
		w.firstHuman = i
	}
	if !w.open {
		return
	}
	c := w.last()
	if visitor {
		c.visitor = append(c.visitor, i)
	} else {
		c.operator = append(c.operator, i)
	}
	if answer && c.answer == none {
		c.answer = i
	}
	if human && c.human == none {
		c.human = i
	}
}

func (w *walk) survey(i int, data *schema.Satisfaction) {
	if data.CustomerSatisfaction != nil {
		w.satisfaction["customerSatisfaction"] = i
	}
	if data.NetPromoterScore != nil {
		w.satisfaction["netPromoterScore"] = i
	}
	if data.Comment != nil {
		w.satisfaction["comment"] = i
	}
}

func (w *walk) tookPart(id schema.OperatorID, i int) {
	if !slices.Contains(w.users[id], i) {
		w.users[id] = append(w.users[id], i)
	}
}

// ended returns how a contact ended; a push ends it by inference.
func (w *walk) ended(c *contact) (ending string, inferred bool) {
	if c.end == none {
		return "", false
	}
	switch data := w.events[c.end].Event.Data.(type) {
	case *schema.Pushed:
		if data.To.ID == w.events[c.start].Event.Data.(*schema.Pushed).To.ID {
			return "REPUSHED", true
		}
		return "TRANSFERRED", true
	case *schema.Snoozed:
		return "SNOOZED", false
	case *schema.Transferred:
		return "TRANSFERRED", false
	default:
		return "CLOSED", false
	}
}
