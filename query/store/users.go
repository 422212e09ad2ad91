package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
)

// Users implements query.UserReader.
func (s *Store) Users(ctx context.Context, scope query.Scope, page query.Page) ([]query.UserRow, error) {
	where := within("a", scope.Projects)
	after, before := page.After, page.Before
	if page.Descending {
		after, before = before, after
	}
	if after != nil {
		where.add("(_id, project_id) > ({$:Int64}, {$:UInt32})", int64(after.At), uint32(after.Project))
	}
	if before != nil {
		where.add("(_id, project_id) < ({$:Int64}, {$:UInt32})", int64(before.At), uint32(before.Project))
	}
	st := newStatement("users", scope).
		where("where", where).
		with("order", order(page, "_id", "project_id")).
		bind("limit", uint32(page.Limit))
	return read(ctx, s, st, func(r *query.UserRow) []any { return []any{&r.Project, &r.ID, &r.Kind, &r.Name, &r.Email} })
}

// CountUsers implements query.UserReader.
func (s *Store) CountUsers(ctx context.Context, scope query.Scope) (uint64, error) {
	return readCount(ctx, s, newStatement("count_users", scope).where("where", within("a", scope.Projects)))
}
