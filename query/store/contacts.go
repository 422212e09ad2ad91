package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
)

// Contacts implements query.ContactReader.
func (s *Store) Contacts(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, page query.Page, columns []string) ([]query.ContactRow, error) {
	where := started("a", scope, interval, filter)
	where.keyset(page, "started_at", "project_id, contact_id")
	st := newStatement("contacts", scope).
		where("where", where).
		with("order", order(page, "started_at", "project_id", "contact_id")).
		bind("limit", uint32(page.Limit))
	return readColumns(ctx, s, st, columnsOf(contactColumns(), columns))
}

// CountContacts implements query.ContactReader.
func (s *Store) CountContacts(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter) (uint64, error) {
	st := newStatement("count_contacts", scope).where("where", started("a", scope, interval, filter))
	return readCount(ctx, s, st)
}

// ContactsOf implements query.ContactReader.
func (s *Store) ContactsOf(ctx context.Context, scope query.Scope, interval query.Interval, ids []string, columns []string) ([]query.ContactRow, error) {
	keys := within("a", scope.Projects)
	keys.add("started_at >= "+moment, int64(interval.From))
	keys.add("started_at < "+moment, int64(interval.To))
	keys.add("conversation_id IN {$:Array(String)}", ids)
	st := newStatement("contacts_of", scope).where("keys", keys)
	return readColumns(ctx, s, st, columnsOf(contactColumns(), columns))
}
