package query

import (
	"context"

	"github.com/parley-analytics/parley/schema"
)

// conversationBatch is the conversations of one page. Whatever hangs on them is
// read for all of them when the first is asked, in one statement.
type conversationBatch struct {
	api     *API
	request *request
	fields  fields // selected below the conversations
	rows    []ConversationRow

	onceContacts     once[map[schema.ConversationKey][]*Contact]
	onceVisitors     once[map[schema.ConversationKey]VisitorRow]
	onceTransactions once[map[schema.ConversationKey][]TransactionRow]
	onceMessages     onces[Page, map[schema.ConversationKey][]MessageRow]
}

func newConversations(a *API, r *request, selected fields) *conversationBatch {
	return &conversationBatch{api: a, request: r, fields: selected}
}

// columns gives what has to be read of the conversations themselves.
func (b *conversationBatch) columns() []string {
	columns := b.fields.columns()
	messages := b.fields.below("messages")
	if messages.any("edges", "pageInfo", "totalCount") {
		columns = append(columns, "marks")
	}
	if messages.has("totalCount") {
		columns = append(columns, "visitorMessageCount", "operatorMessageCount")
	}
	if messages.has("edges.node.author.user") || b.fields.has("conversions.transactions.attributedTo") {
		columns = append(columns, "users")
	}
	return columns
}

// fill makes the conversations of the rows read.
func (b *conversationBatch) fill(rows []ConversationRow) []*Conversation {
	b.rows = rows
	list := make([]*Conversation, len(rows))
	for i := range rows {
		list[i] = newConversation(b, &rows[i])
	}
	return list
}

// scope is the caller's projects: all rows of the batch are in them.
func (b *conversationBatch) scope() Scope { return b.request.scope(nil) }

func (b *conversationBatch) keys() []schema.ConversationKey {
	keys := make([]schema.ConversationKey, len(b.rows))
	for i := range b.rows {
		keys[i] = key(b.rows[i].Project, b.rows[i].ID)
	}
	return keys
}

// byConversation groups rows, keeping their order.
func byConversation[R any](rows []R, of func(*R) schema.ConversationKey) map[schema.ConversationKey][]R {
	groups := map[schema.ConversationKey][]R{}
	for i := range rows {
		k := of(&rows[i])
		groups[k] = append(groups[k], rows[i])
	}
	return groups
}

func (b *conversationBatch) visitors(ctx context.Context) (map[schema.ConversationKey]VisitorRow, error) {
	return b.onceVisitors.get(func() (map[schema.ConversationKey]VisitorRow, error) {
		rows, err := b.api.store.Visitors(ctx, b.scope(), b.keys())
		visitors := make(map[schema.ConversationKey]VisitorRow, len(rows))
		for _, r := range rows {
			visitors[key(r.Project, r.Conversation)] = r
		}
		return visitors, err
	})
}

func (b *conversationBatch) transactions(ctx context.Context) (map[schema.ConversationKey][]TransactionRow, error) {
	return b.onceTransactions.get(func() (map[schema.ConversationKey][]TransactionRow, error) {
		rows, err := b.api.store.Transactions(ctx, b.scope(), b.keys())
		return byConversation(rows, func(r *TransactionRow) schema.ConversationKey { return key(r.Project, r.Conversation) }), err
	})
}

// messages reads a piece of every thread of the page; of one thread alone where
// the piece begins or ends at a cursor, which is good for that thread only.
func (b *conversationBatch) messages(ctx context.Context, of *Conversation, page Page) ([]MessageRow, error) {
	columns := b.fields.below("messages.edges.node").columns()
	k := key(of.row.Project, of.row.ID)
	if page.After != nil || page.Before != nil {
		return b.api.store.Messages(ctx, b.scope(), []schema.ConversationKey{k}, page, columns)
	}
	groups, err := b.onceMessages.get(page, func() (map[schema.ConversationKey][]MessageRow, error) {
		rows, err := b.api.store.Messages(ctx, b.scope(), b.keys(), page, columns)
		return byConversation(rows, func(r *MessageRow) schema.ConversationKey { return key(r.Project, r.Conversation) }), err
	})
	return groups[k], err
}

// contacts reads the contacts that started between the earliest first and the
// latest last contact of the page.
func (b *conversationBatch) contacts(ctx context.Context) (map[schema.ConversationKey][]*Contact, error) {
	return b.onceContacts.get(func() (map[schema.ConversationKey][]*Contact, error) {
		var ids []string
		within := Interval{lastMoment, firstMoment}
		for i := range b.rows {
			r := &b.rows[i]
			if r.FirstContactAt == nil || r.LastContactAt == nil {
				continue
			}
			ids = append(ids, r.ID)
			within.From = min(within.From, schema.Timestamp(*r.FirstContactAt))
			within.To = max(within.To, schema.Timestamp(*r.LastContactAt)+1)
		}
		grouped := map[schema.ConversationKey][]*Contact{}
		for i := range b.rows {
			grouped[key(b.rows[i].Project, b.rows[i].ID)] = []*Contact{}
		}
		if len(ids) == 0 {
			return grouped, nil
		}
		batch := newContacts(b.api, b.request, b.fields.below("contacts"))
		rows, err := b.api.store.ContactsOf(ctx, b.scope(), within, ids, batch.columns())
		for _, c := range batch.fill(rows) {
			k := key(c.row.Project, c.row.Conversation)
			if _, asked := grouped[k]; asked {
				grouped[k] = append(grouped[k], c)
			}
		}
		return grouped, err
	})
}

// contactBatch is the contacts of one page.
type contactBatch struct {
	api     *API
	request *request
	fields  fields
	rows    []ContactRow

	onceConversations once[map[schema.ConversationKey]*Conversation]
}

func newContacts(a *API, r *request, selected fields) *contactBatch {
	return &contactBatch{api: a, request: r, fields: selected}
}

func (b *contactBatch) columns() []string { return b.fields.columns() }

func (b *contactBatch) fill(rows []ContactRow) []*Contact {
	b.rows = rows
	list := make([]*Contact, len(rows))
	for i := range rows {
		list[i] = newContact(b, &rows[i])
	}
	return list
}

// conversations reads the conversations of the contacts.
func (b *contactBatch) conversations(ctx context.Context) (map[schema.ConversationKey]*Conversation, error) {
	return b.onceConversations.get(func() (map[schema.ConversationKey]*Conversation, error) {
		seen := map[string]bool{}
		var ids []string
		for i := range b.rows {
			if id := b.rows[i].Conversation; !seen[id] {
				seen[id] = true
				ids = append(ids, id)
			}
		}
		batch := newConversations(b.api, b.request, b.fields.below("conversation"))
		rows, err := b.api.store.Conversations(ctx, b.request.scope(nil), ids, batch.columns())
		conversations := make(map[schema.ConversationKey]*Conversation, len(rows))
		for _, c := range batch.fill(rows) {
			conversations[key(c.row.Project, c.row.ID)] = c
		}
		return conversations, err
	})
}
