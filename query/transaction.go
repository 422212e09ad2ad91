package query

import (
	"context"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// Transaction is a sale or a refund.
type Transaction struct {
	NodeID                              NodeID
	ID                                  Text
	TransactionID, ExternalConversionID Text
	Project                             Project
	ConversationID                      UUID
	Amount                              Decimal
	Currency                            string
	ReceivedAt, VisitorDate, EventDate  DateTime
	Source                              *string
	AttributedTo                        *User
}

// transaction turns a row into the SDL's type. iAdvize has two more names for the time of receipt.
func (r *request) transaction(t *TransactionRow) Transaction {
	id, at := r.of(t.ID), DateTime(t.ReceivedAt)
	transaction := Transaction{
		NodeID: r.nodeID("Transaction", t.Project, t.Conversation, t.ID), ID: id, TransactionID: id, ExternalConversionID: r.of(t.Conversion),
		Project: r.project(t.Project), ConversationID: UUID(t.Conversation),
		Amount: Decimal{t.Amount}, Currency: t.Currency, ReceivedAt: at, VisitorDate: at, EventDate: at, Source: t.Source,
	}
	if t.AttributedTo != nil {
		user := r.user(t.Project, *t.AttributedTo)
		transaction.AttributedTo = &user
	}
	return transaction
}

// TransactionConnection is a page of conversions.
type TransactionConnection struct {
	*list
	rows []TransactionRow
}

// TransactionEdge is a row of the page.
type TransactionEdge struct {
	Cursor Text
	Node   Transaction
}

// receiptPlace is the place of a transaction in a list.
func receiptPlace(r *TransactionRow) Place {
	return Place{schema.Timestamp(r.ReceivedAt), schema.ProjectID(r.Project), r.Conversation + r.ID}
}

// Edges returns the rows.
func (c *TransactionConnection) Edges() []TransactionEdge {
	edges := make([]TransactionEdge, len(c.rows))
	for i := range c.rows {
		edges[i] = TransactionEdge{c.paging.cursor(receiptPlace(&c.rows[i])), c.request.transaction(&c.rows[i])}
	}
	return edges
}

// TotalCount counts what matches on all pages.
func (c *TransactionConnection) TotalCount(ctx context.Context) (Long, error) {
	if c.scope.Empty() {
		return 0, nil
	}
	n, err := c.store.CountReceivedTransactions(ctx, c.scope, c.interval, c.filter)
	return Long(n), c.publicError(ctx, err)
}

// Conversions resolves the field of Query.
func (q *root) Conversions(ctx context.Context, args struct {
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	Interval       intervalInput
	pageInput
}) (*TransactionConnection, error) {
	l, err := q.open(ctx, asked{
		field: "conversions", filters: args.Filters, ofContacts: args.ContactFilters, interval: args.Interval, page: args.pageInput,
	})
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	result := &TransactionConnection{list: l}
	selected := selectedFields(ctx)
	if l.scope.Empty() || !selected.any("edges", "pageInfo") {
		return result, nil
	}
	rows, err := q.store.ReceivedTransactions(ctx, l.scope, l.interval, l.filter, l.paging.Page)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	result.rows, l.pageInfo = cut(l.paging, rows, receiptPlace)
	if selected.below("edges.node").has("attributedTo") {
		err = l.attributed(ctx, result.rows)
	}
	return result, q.publicError(ctx, err)
}

// attributed learns the names of the operators that transactions are attributed to, from the
// conversations of these.
func (l *list) attributed(ctx context.Context, rows []TransactionRow) error {
	var ids []string
	for i := range rows {
		if rows[i].AttributedTo != nil {
			ids = append(ids, rows[i].Conversation)
		}
	}
	slices.Sort(ids)
	if ids = slices.Compact(ids); len(ids) == 0 {
		return nil
	}
	conversations, err := l.store.Conversations(ctx, l.request.scope(nil), ids, []string{"users"})
	l.request.directory.learn(func(say func(identity, description)) {
		for i := range conversations {
			conversations[i].describe(say)
		}
	})
	return err
}
