package fold

import (
	"maps"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// Version is raised by one with every change after which [Of] returns other rows for the same
// events: a build is continued only by the fold that began it.
const Version = 4

// Of computes the rows of a conversation from its events: contract section 3. The records are of
// one conversation, in any order; of records with one event, the one with the lowest sequence
// counts. Without records it returns the zero Rows.
//
// Of does not modify its argument. The rows share strings and data with it,
// so neither may be modified afterwards.
//
// Choices that the contract leaves open:
//
//   - A user's kind, in Users, is the one of the latest push to that operator,
//     or of the latest message if there is none; name and email are the last ones in a push.
//   - A later text replaces a message's text only if there is one: a repeated
//     messageId without text (or with a null) changes nothing. An empty text
//     is a text.
//   - An `opened` with customData {} sets custom data: an empty set. A later
//     one does not fill it. Of a key written twice the last value counts.
//   - Of a transaction id recorded twice, the last record counts as a whole.
//   - Every pushed, snoozed, transferred and closed event leaves a mark, even if it changes no contact.
//   - A read without upTo covers the messages of the other side before it in
//     fold order; one with upTo those up to and including that message, even if it is folded later (clocks differ), and none while it is unknown.
//   - A deletion applies to the message's texts before and after it.
//   - Of a profile, clear removes what earlier events have set; customData is
//     replaced as a whole.
func Of(records []schema.Record) Rows {
	if len(records) == 0 {
		return Rows{}
	}
	w := begin(records[0].Event.ConversationKey())
	w.over(schema.InOrder(records))
	return w.rows()
}

// walk is the state of a fold between two events.
type walk struct {
	key  schema.ConversationKey
	step int              // place of the current event in fold order, from 1
	now  schema.Timestamp // its time

	lineage   lineage
	opening   opening
	closing   closing
	contacts  contacts
	thread    thread
	attention attention
	survey    survey
	tags      tags
	users     users
	sales     sales
	profiles  profiles
}

func begin(key schema.ConversationKey) walk {
	return walk{key: key, contacts: contacts{conversation: key.Conversation}}
}

// clone copies everything that a further event may change in place, or append to.
func (w *walk) clone() walk {
	c := *w
	c.opening.visitors, c.opening.named = slices.Clip(w.opening.visitors), maps.Clone(w.opening.named)
	c.contacts.list, c.contacts.routing = slices.Clone(w.contacts.list), slices.Clip(w.contacts.routing)
	c.thread = w.thread.clone()
	c.attention.turns = slices.Clip(w.attention.turns)
	c.tags.keyed, c.users.keyed, c.sales.keyed = w.tags.clone(), w.users.clone(), w.sales.clone()
	if customer := w.profiles.customer; customer != nil {
		c.profiles.customer = new(*customer)
	}
	if seller := w.profiles.seller; seller != nil {
		c.profiles.seller = new(*seller)
	}
	return c
}

// over folds the next events.
func (w *walk) over(order []*schema.Record) {
	for _, r := range order {
		if r.Event.Type.Profile() {
			w.profiles.take(r)
		} else {
			w.take(r)
		}
	}
}

// take folds the next event. Contacts are updated before the conversation, because a push must see
// whether the conversation is closed.
func (w *walk) take(r *schema.Record) {
	w.step++
	w.now = r.Event.Time
	w.lineage.take(r)

	switch data := r.Event.Data.(type) {
	case *schema.Opened:
		w.opening.take(data)
	case *schema.Routed:
		w.contacts.route(w.step, w.now, data)
	case *schema.Pushed:
		w.contacts.push(w.step, w.now, data.To, w.closing.closed())
		w.closing.push()
		w.users.pushed(data.To)
		w.thread.mark(Mark{EventID: r.Event.ID, At: w.now, Type: r.Event.Type, To: &data.To})
	case *schema.Snoozed:
		w.contacts.leave(w.step, w.now, EndedSnoozed)
		w.thread.mark(Mark{EventID: r.Event.ID, At: w.now, Type: r.Event.Type, From: data.By, Until: data.Until})
	case *schema.Transferred:
		w.contacts.leave(w.step, w.now, EndedTransferred)
		w.thread.mark(Mark{EventID: r.Event.ID, At: w.now, Type: r.Event.Type,
			From: data.From, To: data.To, ToRule: data.ToRule, ToGroup: data.ToGroup})
	case *schema.Closed:
		w.contacts.close(w.step, w.now, data.Reason)
		w.closing.close(w.now, data.Reason)
		w.thread.mark(Mark{EventID: r.Event.ID, At: w.now, Type: r.Event.Type, From: data.By, Reason: data.Reason})
	case *schema.Message:
		if first := w.thread.message(w.now, data, w.contacts.openID); first {
			w.contacts.message(w.now, data)
			w.users.wrote(data)
			w.attention.message(data)
		}
	case *schema.Read:
		w.thread.read(w.now, data)
	case *schema.Deleted:
		w.thread.delete(w.now, data.MessageID)
	case *schema.Tagged:
		w.tags.tag(data.Tag)
	case *schema.Untagged:
		w.tags.untag(data.Tag.ID)
	case *schema.Satisfaction:
		w.survey.answer(w.now, data)
	case *schema.Transaction:
		w.sales.record(data)
	}
	w.attention.turn(w.now, w.closing.closed())
}

// rows assembles the rows after the last event.
func (w *walk) rows() Rows {
	c := Conversation{ConversationKey: w.key}
	if w.step == 0 {
		return Rows{Conversation: c, Customer: w.profiles.customer, Seller: w.profiles.seller}
	}
	w.lineage.fill(&c)
	w.opening.fill(&c)
	w.closing.fill(&c)
	w.contacts.fill(&c)
	w.thread.fill(&c)
	w.attention.fill(&c)
	w.survey.fill(&c)
	w.tags.fill(&c)
	w.users.fill(&c)
	w.sales.fill(&c)
	measure(&c, &w.closing, &w.thread)
	return Rows{
		Conversation: c,
		Contacts:     w.contacts.list,
		Messages:     w.thread.finish(),
		Transactions: w.sales.list,
		Customer:     w.profiles.customer,
		Seller:       w.profiles.seller,

		Visitors:             w.opening.visitors,
		LastMessageAt:        w.thread.said,
		LastVisitorMessageAt: w.thread.heard,
	}
}
