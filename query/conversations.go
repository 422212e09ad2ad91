package query

import (
	"context"

	"github.com/parley-analytics/parley/schema"
)

// conversationsArgs are the arguments of both lists of conversations.
type conversationsArgs struct {
	Filters  *filtersInput
	Interval intervalInput
	pageInput
	OrderBy input
}

// conversationList is a page of either list of conversations.
type conversationList struct {
	*list
	rows []*Conversation
}

// conversations reads a page. The paths of conversations lie below node.
func (a *API) conversations(ctx context.Context, field string, args conversationsArgs, below func(fields) fields) (*conversationList, error) {
	descending := args.OrderBy.value == "CLOSED_AT_DESC"
	l, err := a.open(ctx, field, args.Filters, args.Interval, args.pageInput, descending)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	result := &conversationList{list: l}
	selected := selectedFields(ctx)
	if l.scope.Empty() || !selected.any("edges", "pageInfo") {
		return result, nil
	}
	batch := newConversations(a, l.request, below(selected))
	rows, err := a.store.ClosedConversations(ctx, l.scope, l.interval, l.filter, l.paging.Page, batch.columns())
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	rows, l.pageInfo = cut(l.paging, rows, closingPlace)
	result.rows, err = batch.load(ctx, rows)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	return result, nil
}

// closingPlace is the place of a conversation in a list.
func closingPlace(r *ConversationRow) Place {
	return Place{schema.Timestamp(r.ClosedKey), schema.ProjectID(r.Project), r.ID}
}

// TotalCount counts what matches on all pages.
func (l *conversationList) TotalCount(ctx context.Context) (Long, error) {
	if l.scope.Empty() {
		return 0, nil
	}
	n, err := l.store.CountClosedConversations(ctx, l.scope, l.interval, l.filter)
	return Long(n), l.publicError(ctx, err)
}

// ConversationConnection is a page of closedConversations.
type ConversationConnection struct{ *conversationList }

// ConversationEdge is a row of the page.
type ConversationEdge struct {
	paging *paging
	Node   *Conversation
}

// Cursor is the row's place.
func (e ConversationEdge) Cursor() Text { return e.paging.cursor(closingPlace(e.Node.row)) }

// Edges returns the rows.
func (c *ConversationConnection) Edges() []ConversationEdge {
	edges := make([]ConversationEdge, len(c.rows))
	for i, row := range c.rows {
		edges[i] = ConversationEdge{c.paging, row}
	}
	return edges
}

// ClosedConversations resolves the field of Query.
func (q *root) ClosedConversations(ctx context.Context, args conversationsArgs) (*ConversationConnection, error) {
	below := func(selected fields) fields { return selected.below("edges.node") }
	l, err := q.conversations(ctx, "closedConversations", args, below)
	if err != nil {
		return nil, err
	}
	return &ConversationConnection{l}, nil
}

// ClosedConversationConnection is a page of searchClosedConversations.
type ClosedConversationConnection struct{ *conversationList }

// ClosedConversationEdge is a row of the page.
type ClosedConversationEdge struct {
	paging *paging
	Node   ClosedConversation
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
func (e ClosedConversationEdge) Cursor() Text {
	return e.paging.cursor(closingPlace(e.Node.Conversation.row))
}

// Edges returns the rows.
func (c *ClosedConversationConnection) Edges() []ClosedConversationEdge {
	edges := make([]ClosedConversationEdge, len(c.rows))
	for i, row := range c.rows {
		edges[i] = ClosedConversationEdge{c.paging, ClosedConversation{row}}
	}
	return edges
}

// SearchClosedConversations resolves the field of Query.
func (q *root) SearchClosedConversations(ctx context.Context, args conversationsArgs) (*ClosedConversationConnection, error) {
	below := func(selected fields) fields {
		node := selected.below("edges.node")
		return append(node.below("conversation"), node...)
	}
	l, err := q.conversations(ctx, "searchClosedConversations", args, below)
	if err != nil {
		return nil, err
	}
	return &ClosedConversationConnection{l}, nil
}

// Conversation resolves the field of Query: one conversation, open or closed.
func (q *root) Conversation(ctx context.Context, args struct {
	ID        input
	ProjectID *input
}) (*Conversation, error) {
	r, err := q.begin(ctx)
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
