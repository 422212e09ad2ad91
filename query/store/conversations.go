package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
)

// ClosedConversations implements query.ConversationReader.
func (s *Store) ClosedConversations(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, page query.Page, columns []string) ([]query.ConversationRow, error) {
	where := closed("a", scope, interval, filter).skipping(interval)
	where.keyset(page, "closed_at", "project_id, conversation_id")
	st := newStatement("closed_conversations", scope).
		where("where", where).
		with("order", order(page, "closed_at", "project_id", "conversation_id")).
		bind("limit", uint32(page.Limit))
	return readColumns(ctx, s, st, columnsOf(conversationColumns(), columns))
}

// CountClosedConversations implements query.ConversationReader.
func (s *Store) CountClosedConversations(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter) (uint64, error) {
	st := newStatement("count_closed_conversations", scope).where("where", closed("a", scope, interval, filter).skipping(interval)).settings(withoutClosings(interval, nil))
	return readCount(ctx, s, st)
}

// CreatedConversations implements query.ConversationReader.
func (s *Store) CreatedConversations(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, page query.Page, columns []string) ([]query.ConversationRow, error) {
	where := created("a", scope, interval, filter)
	where.keyset(page, "created_at", "project_id, conversation_id")
	st := newStatement("created_conversations", scope).
		where("where", where).settings(ofState(filter)).
		with("order", order(page, "created_at", "project_id", "conversation_id")).
		bind("limit", uint32(page.Limit))
	return readColumns(ctx, s, st, columnsOf(conversationColumns(), columns))
}

// CountCreatedConversations implements query.ConversationReader.
func (s *Store) CountCreatedConversations(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter) (uint64, error) {
	st := newStatement("count_created_conversations", scope).where("where", created("a", scope, interval, filter)).settings(ofState(filter))
	return readCount(ctx, s, st)
}

// Conversations implements query.ConversationReader.
func (s *Store) Conversations(ctx context.Context, scope query.Scope, ids []string, columns []string) ([]query.ConversationRow, error) {
	where := within("a", scope.Projects)
	where.add("conversation_id IN {$:Array(String)}", ids)
	st := newStatement("conversations", scope).where("where", where)
	return readColumns(ctx, s, st, columnsOf(conversationColumns(), columns))
}
