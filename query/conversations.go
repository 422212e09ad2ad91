package query

import (
	"context"

	"github.com/parley-analytics/parley/schema"
)

// conversationsArgs are the arguments of the lists of closed conversations.
type conversationsArgs struct {
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	Interval       intervalInput
	pageInput
	OrderBy input
	AsOf    *input
}

// asked reads the arguments.
func (args conversationsArgs) asked(field string) asked {
	return asked{
		field: field, closed: true, filters: args.Filters, ofContacts: args.ContactFilters,
		interval: args.Interval, page: args.pageInput, descending: args.OrderBy.value == "CLOSED_AT_DESC",
		asOf: args.AsOf,
	}
}

// inOrder is how conversations are listed by one of their times.
type inOrder struct {
	place   func(*ConversationRow) Place
	needs   []string // columns of the sort key
	page    func(context.Context, Scope, Interval, *Filter, Page, []string) ([]ConversationRow, error)
	count   func(context.Context, Scope, Interval, *Filter) (uint64, error)
	publish func(Scope, Interval, *Filter, bool) string
}

func (a *API) byClosing() inOrder {
	return inOrder{closingPlace, nil, a.store.ClosedConversations, a.store.CountClosedConversations, a.store.PublishClosedConversations}
}

func (a *API) byCreation() inOrder {
	return inOrder{creationPlace, []string{"createdAt"}, a.store.CreatedConversations, a.store.CountCreatedConversations, a.store.PublishCreatedConversations}
}

// conversationList is a page of a list of conversations.
type conversationList struct {
	*list
	order inOrder
	rows  []*Conversation
}

// conversations reads a page. The paths of conversations lie below node.
func (a *API) conversations(ctx context.Context, asked asked, order inOrder, below func(fields) fields) (*conversationList, error) {
	l, err := a.open(ctx, asked)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	result := &conversationList{list: l, order: order}
	selected := selectedFields(ctx)
	if l.scope.Empty() || !selected.any("edges", "pageInfo") {
		return result, nil
	}
	batch := newConversations(a, l.request, below(selected))
	rows, err := order.page(ctx, l.scope, l.interval, l.filter, l.paging.Page, append(batch.columns(), order.needs...))
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	rows, info := cut(l.paging, rows, order.place)
	l.found(len(rows), info)
	result.rows, err = batch.load(ctx, rows)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	return result, nil
}

// closingPlace is the place of a conversation among the closed ones.
func closingPlace(r *ConversationRow) Place {
	return Place{schema.Timestamp(*r.ClosedAt), schema.ProjectID(r.Project), r.ID}
}

// creationPlace is the place of a conversation among all.
func creationPlace(r *ConversationRow) Place {
	return Place{schema.Timestamp(r.CreatedAt), schema.ProjectID(r.Project), r.ID}
}

// cursor is the cursor of a row of the page.
func (l *conversationList) cursor(c *Conversation) Text { return l.paging.cursor(l.order.place(c.row)) }

// TotalCount counts what matches on all pages.
func (l *conversationList) TotalCount(ctx context.Context) (Long, error) {
	if l.scope.Empty() {
		return 0, nil
	}
	if l.all != nil {
		return Long(*l.all), nil
	}
	n, err := l.order.count(ctx, l.scope, l.interval, l.filter)
	return Long(n), l.publicError(ctx, err)
}

// ConversationConnection is a page of conversations or closedConversations.
type ConversationConnection struct{ *conversationList }

// ConversationEdge is a row of the page.
type ConversationEdge struct {
	list *conversationList
	Node *Conversation
}

// Cursor is the row's place.
func (e ConversationEdge) Cursor() Text { return e.list.cursor(e.Node) }

// Edges returns the rows.
func (c *ConversationConnection) Edges() []ConversationEdge {
	edges := make([]ConversationEdge, len(c.rows))
	for i, row := range c.rows {
		edges[i] = ConversationEdge{c.conversationList, row}
	}
	return edges
}

// ClosedConversations resolves the field of Query.
func (q *root) ClosedConversations(ctx context.Context, args conversationsArgs) (*ConversationConnection, error) {
	below := func(selected fields) fields { return selected.below("edges.node") }
	l, err := q.conversations(ctx, args.asked("closedConversations"), q.byClosing(), below)
	if err != nil {
		return nil, err
	}
	return &ConversationConnection{l}, nil
}

// Conversations resolves the field of Query: open ones too.
func (q *root) Conversations(ctx context.Context, args struct {
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	Interval       intervalInput
	State          *string
	pageInput
	OrderBy input
}) (*ConversationConnection, error) {
	a := asked{
		field: "conversations", filters: args.Filters, ofContacts: args.ContactFilters,
		interval: args.Interval, page: args.pageInput, descending: args.OrderBy.value == "CREATED_AT_DESC",
	}
	if args.State != nil {
		a.state = ConversationState(*args.State)
	}
	below := func(selected fields) fields { return selected.below("edges.node") }
	l, err := q.conversations(ctx, a, q.byCreation(), below)
	if err != nil {
		return nil, err
	}
	return &ConversationConnection{l}, nil
}

// ClosedConversationConnection is a page of searchClosedConversations.
type ClosedConversationConnection struct{ *conversationList }

// ClosedConversationEdge is a row of the page.
type ClosedConversationEdge struct {
	list *conversationList
	Node ClosedConversation
}

// ClosedConversation shows a conversation, its survey and its conversions side
// by side.
type ClosedConversation struct{ Conversation *Conversation }

// SatisfactionSurvey is the conversation's.
func (c ClosedConversation) SatisfactionSurvey() *SatisfactionSurvey {
	return c.Conversation.SatisfactionSurvey
}

// Conversions is the conversation's.
func (c ClosedConversation) Conversions() Conversions { return c.Conversation.Conversions }

// Cursor is the row's place.
func (e ClosedConversationEdge) Cursor() Text { return e.list.cursor(e.Node.Conversation) }

// Edges returns the rows.
func (c *ClosedConversationConnection) Edges() []ClosedConversationEdge {
	edges := make([]ClosedConversationEdge, len(c.rows))
	for i, row := range c.rows {
		edges[i] = ClosedConversationEdge{c.conversationList, ClosedConversation{row}}
	}
	return edges
}

// SearchClosedConversations resolves the field of Query.
func (q *root) SearchClosedConversations(ctx context.Context, args conversationsArgs) (*ClosedConversationConnection, error) {
	below := func(selected fields) fields {
		node := selected.below("edges.node")
		return append(node.below("conversation"), node...)
	}
	l, err := q.conversations(ctx, args.asked("searchClosedConversations"), q.byClosing(), below)
	if err != nil {
		return nil, err
	}
	return &ClosedConversationConnection{l}, nil
}

// Conversation resolves the field of Query: one conversation, open or closed.
func (q *root) Conversation(ctx context.Context, args struct {
	ID        input
	ProjectID *input
	AsOf      *input
}) (*Conversation, error) {
	r, err := q.beginAt(ctx, args.AsOf)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	scope, id, err := r.named("id", args.ID, args.ProjectID)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	batch := newConversations(q.API, r, selectedFields(ctx))
	row, err := q.one(ctx, scope, id, batch.columns())
	if err != nil || row == nil {
		return nil, q.publicError(ctx, err)
	}
	loaded, err := batch.load(ctx, []ConversationRow{*row})
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	return loaded[0], nil
}
