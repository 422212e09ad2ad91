package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/chatra"
	"github.com/parley-analytics/parley/schema"
)

// inProject begins a statement over one project, which is all of the scope.
func inProject(name string, scope query.Scope) *statement {
	return newStatement(name, scope).bind("project", uint32(scope.Projects.IDs[0]))
}

// first is the first of the rows, or nil.
func first[R any](rows []R, err error) (*R, error) {
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return &rows[0], nil
}

// ChatOfClient implements chatra.Tables.
func (s *Store) ChatOfClient(ctx context.Context, scope query.Scope, client string) (*chatra.ChatRow, error) {
	st := inProject("chat_of_client", scope).bind("client", client)
	return first(read(ctx, s, st, func(r *chatra.ChatRow) []any {
		return []any{&r.Conversation, &r.Closed, &r.Contacts, &r.Operator, &r.Total}
	}))
}

// ConversationExists implements chatra.Tables.
func (s *Store) ConversationExists(ctx context.Context, scope query.Scope, id schema.ConversationID) (bool, error) {
	n, err := readCount(ctx, s, inProject("conversation_exists", scope).bind("conversation", string(id)))
	return n > 0, err
}

// MessageByID implements chatra.Tables.
func (s *Store) MessageByID(ctx context.Context, scope query.Scope, id string) (*chatra.MessageRow, error) {
	st := inProject("message_by_id", scope).bind("message", id)
	return first(read(ctx, s, st, func(r *chatra.MessageRow) []any {
		return []any{&r.Conversation, &r.Visitor, &r.AuthorKind, &r.AuthorID, &r.Automatic, &r.SentAt, &r.Deleted}
	}))
}

// MessageEvents implements chatra.Tables.
func (s *Store) MessageEvents(ctx context.Context, scope query.Scope, key schema.ConversationKey, id string, limit int) ([]query.EventRow, error) {
	return s.archived(ctx, newStatement("message_events", scope).bind("message", id), scope, key, limit)
}

// OpeningEvents implements chatra.Tables.
func (s *Store) OpeningEvents(ctx context.Context, scope query.Scope, key schema.ConversationKey, limit int) ([]query.EventRow, error) {
	return s.archived(ctx, newStatement("opening_events", scope), scope, key, limit)
}

func (s *Store) archived(ctx context.Context, st *statement, scope query.Scope, key schema.ConversationKey, limit int) ([]query.EventRow, error) {
	st.where("keys", of("a", scope, []schema.ConversationKey{key})).bind("limit", uint32(limit))
	return read(ctx, s, st, func(r *query.EventRow) []any { return []any{&r.Sequence, &r.ReceivedAt, &r.Original} })
}

// Client implements chatra.Tables.
func (s *Store) Client(ctx context.Context, scope query.Scope, id string) (*chatra.ClientRow, error) {
	st := inProject("client", scope).bind("client", id)
	return first(read(ctx, s, st, func(r *chatra.ClientRow) []any {
		p, o := &r.Profile, &r.Opened
		return []any{
			&p.FirstName, &p.LastName, &p.Email, &p.Phone, &r.Notes, &r.ProfileAt,
			&o.FirstName, &o.LastName, &o.Email, &o.Phone, &r.Conversation, &r.Language, &r.CustomData,
		}
	}))
}
