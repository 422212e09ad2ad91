package store

import (
	"context"
	"slices"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Messages implements query.ThreadReader.
func (s *Store) Messages(ctx context.Context, scope query.Scope, keys []schema.ConversationKey, page query.Page, columns []string) ([]query.MessageRow, error) {
	where := &conditions{prefix: "b"}
	if page.After != nil {
		where.add("_position > {$:Int64}", int64(page.After.At))
	}
	if page.Before != nil {
		where.add("_position < {$:Int64}", int64(page.Before.At))
	}
	st := newStatement("messages", scope)
	if slices.Contains(columns, "text") {
		st = newStatement("messages_with_text", scope).where("texts", of("t", scope, keys))
	}
	st.where("keys", of("a", scope, keys)).where("where", where).with("order", order(page, "_position")).bind("limit", uint32(page.Limit))
	return readColumns(ctx, s, st, columnsOf(messageColumns(), columns))
}

// Transactions implements query.ThreadReader.
func (s *Store) Transactions(ctx context.Context, scope query.Scope, keys []schema.ConversationKey) ([]query.TransactionRow, error) {
	st := newStatement("transactions", scope).where("keys", of("a", scope, keys))
	return read(ctx, s, st, transactionValues)
}

func transactionValues(r *query.TransactionRow) []any {
	return []any{&r.Project, &r.Conversation, &r.ID, &r.Conversion, &r.Amount, &r.Currency, &r.ReceivedAt, &r.Source, &r.AttributedTo, &r.Version}
}

// Visitors implements query.ThreadReader.
func (s *Store) Visitors(ctx context.Context, scope query.Scope, keys []schema.ConversationKey) ([]query.VisitorRow, error) {
	st := newStatement("visitors", scope).where("keys", of("a", scope, keys))
	return read(ctx, s, st, func(r *query.VisitorRow) []any {
		return []any{&r.Project, &r.Conversation, &r.ID, &r.ExternalID, &r.FirstName, &r.LastName, &r.Email, &r.Phone}
	})
}

// Events implements query.EventReader.
func (s *Store) Events(ctx context.Context, scope query.Scope, key schema.ConversationKey, limit int) ([]query.EventRow, error) {
	st := newStatement("events", scope).where("keys", of("a", scope, []schema.ConversationKey{key})).bind("limit", uint32(limit))
	return read(ctx, s, st, func(r *query.EventRow) []any { return []any{&r.Sequence, &r.ReceivedAt, &r.Original} })
}
