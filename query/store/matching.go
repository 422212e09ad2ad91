package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
)

// Matching implements query.ChangeReader.
func (s *Store) Matching(ctx context.Context, table query.Table, scope query.Scope, interval query.Interval, filter *query.Filter, conversations []string) ([]query.RowVersion, error) {
	where := within("a", scope.Projects)
	if table == query.TableContacts {
		where = started("a", scope, interval, filter)
	} else {
		where.matching(filter)
	}
	where.add("conversation_id IN {$:Array(String)}", conversations)
	st := newStatement("matching_"+string(table), scope).where("where", where)
	return read(ctx, s, st, func(r *query.RowVersion) []any { return []any{&r.Project, &r.ID, &r.Version} })
}
