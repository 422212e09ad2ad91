package query

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/parley-analytics/parley/schema"
)

// conversationBatch is the conversations of one page. Their details are read for all of them
// together, in one statement for each kind.
type conversationBatch struct {
	api     *API
	request reading
	fields  fields // selected below the conversations
	rows    []ConversationRow

	outdated atomic.Bool // some of their details are newer than they are

	threads onces[Page, map[schema.ConversationKey][]MessageRow]
}

func newConversations(a *API, r reading, selected fields) *conversationBatch {
	return &conversationBatch{api: a, request: r, fields: selected}
}

// columns returns the columns to read of the conversations themselves.
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
	if b.fields.has("customer") {
		columns = append(columns, "visitor")
	}
	if b.spans() {
		columns = append(columns, "lastSequence")
	}
	return columns
}

// load creates the conversations of the rows read, with their details except their threads, which
// are read by page. All of it belongs to one state.
func (b *conversationBatch) load(ctx context.Context, rows []ConversationRow) ([]*Conversation, error) {
	for b.spans() {
		settled, err := b.request.settle(ctx, b.api, latest(rows, conversationVersion))
		if err != nil {
			return nil, err
		}
		b.outdated.Store(false)
		list, err := b.loadOnce(ctx, rows)
		if err != nil || !b.outdated.Load() || !settled || !b.request.motion.mayReread() {
			return list, err
		}
		ctx = again(ctx)
		if err := b.refresh(ctx, rows); err != nil {
			return nil, err
		}
	}
	return b.loadOnce(ctx, rows)
}

func (b *conversationBatch) loadOnce(ctx context.Context, rows []ConversationRow) ([]*Conversation, error) {
	b.rows = rows
	b.request.directory.learn(func(say func(identity, description)) {
		for i := range rows {
			rows[i].describe(say)
		}
	})
	list := make([]*Conversation, len(rows))
	byKey := make(map[schema.ConversationKey]*Conversation, len(rows))
	for i := range rows {
		list[i] = newConversation(b, &rows[i])
		byKey[key(rows[i].Project, rows[i].ID)] = list[i]
	}
	if len(rows) == 0 {
		return list, nil
	}
	var loads []func() error
	if b.fields.below("visitor").any("externalId", "firstName", "lastName", "email", "phone") {
		loads = append(loads, func() error { return b.visitors(ctx, byKey) })
	}
	if b.fields.has("conversions.transactions") {
		loads = append(loads, func() error { return b.transactions(ctx, byKey) })
	}
	if b.fields.has("customer") {
		loads = append(loads, func() error { return b.customers(ctx, byKey) })
	}
	if b.fields.has("contacts") {
		loads = append(loads, func() error { return b.contacts(ctx, byKey) })
	}
	return list, together(loads)
}

// together runs functions concurrently and returns the first error. A panic counts as an error.
func together(loads []func() error) error {
	errs := make([]error, len(loads))
	var group sync.WaitGroup
	for i, load := range loads {
		group.Go(func() {
			defer func() {
				if value := recover(); value != nil {
					errs[i] = fmt.Errorf("panic: %v", value)
				}
			}()
			errs[i] = load()
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
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

func (b *conversationBatch) visitors(ctx context.Context, of map[schema.ConversationKey]*Conversation) error {
	rows, err := b.api.store.Visitors(ctx, b.scope(), b.keys())
	for _, r := range rows {
		if c := of[key(r.Project, r.Conversation)]; c != nil && c.Visitor != nil {
			t := b.request.texts
			c.Visitor.ExternalID, c.Visitor.FirstName, c.Visitor.LastName = t.maybe(r.ExternalID), t.maybe(r.FirstName), t.maybe(r.LastName)
			c.Visitor.Email, c.Visitor.Phone = t.maybe(r.Email), t.maybe(r.Phone)
		}
	}
	return err
}

func (b *conversationBatch) transactions(ctx context.Context, of map[schema.ConversationKey]*Conversation) error {
	rows, err := b.api.store.Transactions(ctx, b.scope(), b.keys())
	for i := range rows {
		if c := of[key(rows[i].Project, rows[i].Conversation)]; c != nil {
			b.newer(c, rows[i].Version)
			c.Conversions.Transactions = append(c.Conversions.Transactions, b.request.transaction(&rows[i]))
		}
	}
	return err
}

// messages reads a part of every thread of the page; of a single thread if the part begins or ends
// at a cursor, which is valid only for that thread.
func (b *conversationBatch) messages(ctx context.Context, of *Conversation, page Page) ([]MessageRow, error) {
	columns := b.fields.below("messages.edges.node").columns()
	k := key(of.row.Project, of.row.ID)
	if page.After != nil || page.Before != nil {
		return b.api.store.Messages(ctx, b.scope(), []schema.ConversationKey{k}, page, columns)
	}
	groups, err := b.threads.get(page, func() (map[schema.ConversationKey][]MessageRow, error) {
		rows, err := b.api.store.Messages(ctx, b.scope(), b.keys(), page, columns)
		return byConversation(rows, func(r *MessageRow) schema.ConversationKey { return key(r.Project, r.Conversation) }), err
	})
	return groups[k], err
}

// contacts reads the contacts that started between the earliest first and the
// latest last contact of the page.
func (b *conversationBatch) contacts(ctx context.Context, of map[schema.ConversationKey]*Conversation) error {
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
	if len(ids) == 0 {
		return nil
	}
	batch := newContacts(b.api, b.request, b.fields.below("contacts"))
	rows, err := b.api.store.ContactsOf(ctx, b.scope(), within, ids, append(batch.columns(), "version"))
	if err != nil {
		return err
	}
	contacts, err := batch.load(ctx, rows)
	for _, k := range contacts {
		if c := of[key(k.row.Project, k.row.Conversation)]; c != nil {
			b.newer(c, k.row.Version)
			c.Contacts = append(c.Contacts, k)
		}
	}
	return err
}

// contactBatch is the contacts of one page.
type contactBatch struct {
	api     *API
	request reading
	fields  fields
}

func newContacts(a *API, r reading, selected fields) *contactBatch {
	return &contactBatch{api: a, request: r, fields: selected}
}

func (b *contactBatch) columns() []string {
	columns := b.fields.columns()
	if b.fields.has("conversation") {
		columns = append(columns, "version")
	}
	return columns
}

// load creates the contacts of the rows read, with their conversations. Both belong to one state; a
// contact whose conversation is not written yet is left out.
func (b *contactBatch) load(ctx context.Context, rows []ContactRow) ([]*Contact, error) {
	var ids []string
	seen := map[string]bool{}
	for i := range rows {
		if id := rows[i].Conversation; !seen[id] {
			seen[id] = true
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 || !b.fields.has("conversation") {
		b.learn(rows, nil)
		return b.contacts(rows), nil
	}
	for {
		settled, err := b.request.settle(ctx, b.api, latest(rows, contactVersion))
		if err != nil {
			return nil, err
		}
		batch := newConversations(b.api, b.request, b.fields.below("conversation"))
		found, err := b.api.store.Conversations(ctx, b.request.scope(nil), ids, append(batch.columns(), "lastSequence"))
		if err != nil {
			return nil, err
		}
		b.learn(rows, found)
		conversations, err := batch.load(ctx, found)
		if err != nil {
			return nil, err
		}
		// A conversation written while its contacts were read may belong to a newer state than the contact rows.
		moving := latest(found, conversationVersion)
		if settled && moving > uint64(b.request.live.Written) && b.request.motion.mayReread() {
			if settled, err = b.request.settle(ctx, b.api, moving); err != nil {
				return nil, err
			}
			if err := b.refresh(ctx, rows, ids); err != nil {
				return nil, err
			}
		}
		list, newer := b.join(b.contacts(rows), conversations)
		if !newer || !settled || !b.request.motion.mayReread() {
			return list, nil
		}
		ctx = again(ctx)
	}
}

// learn takes what contacts, and the conversations they belong to, say of objects.
func (b *contactBatch) learn(contacts []ContactRow, conversations []ConversationRow) {
	b.request.directory.learn(func(say func(identity, description)) {
		for i := range contacts {
			contacts[i].describe(say)
		}
		for i := range conversations {
			conversations[i].describe(say)
		}
	})
}

func (b *contactBatch) contacts(rows []ContactRow) []*Contact {
	list := make([]*Contact, len(rows))
	for i := range rows {
		list[i] = newContact(b, &rows[i])
	}
	return list
}

// join returns the contacts that have a conversation, with it, and reports whether one
// of them is newer.
func (b *contactBatch) join(contacts []*Contact, conversations []*Conversation) (list []*Contact, newer bool) {
	byKey := make(map[schema.ConversationKey]*Conversation, len(conversations))
	for _, c := range conversations {
		byKey[key(c.row.Project, c.row.ID)] = c
	}
	list = contacts[:0]
	for _, k := range contacts {
		if k.Conversation = byKey[key(k.row.Project, k.row.Conversation)]; k.Conversation == nil {
			newer = true
			continue
		}
		newer = newer || k.row.Version > k.Conversation.row.LastSequence
		list = append(list, k)
	}
	return list, newer
}
