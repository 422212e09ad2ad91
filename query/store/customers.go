package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
)

// Customers implements query.CustomerReader.
//
// A page is looked for among the rows up to the 400th that stands in the table, all
// versions counted: their keys are read in the order of the table, and only their
// granules are merged. Where these hold fewer rows than asked for, all are read:
// there are no more, or many versions of them.
func (s *Store) Customers(ctx context.Context, scope query.Scope, page query.Page) ([]query.CustomerRow, error) {
	const sorted = "project_id, customer_id"
	by := order(page, "created_at", "project_id", "customer_id")
	keys := func(prefix string) *conditions {
		c := within(prefix, scope.Projects)
		c.add("created_at >= "+moment, int64(0))
		c.keyset(page, "created_at", sorted)
		return c
	}
	find := func(c *conditions) ([]query.CustomerRow, error) {
		return s.customers(ctx, newStatement("customers", scope).where("keys", c).with("order", by).bind("limit", uint32(page.Limit)))
	}
	near := keys("a")
	bound := "created_at <= ifNull((\n        SELECT created_at FROM {projection:Identifier}.customers PREWHERE $ ORDER BY " + by + " LIMIT 1 OFFSET 400), toDateTime64('2299-12-31', 3, 'UTC'))"
	if page.Reversed() {
		bound = "created_at >= ifNull((\n        SELECT created_at FROM {projection:Identifier}.customers PREWHERE $ ORDER BY " + by + " LIMIT 1 OFFSET 400), toDateTime64('1970-01-01', 3, 'UTC'))"
	}
	near.nest(bound, keys("b"))
	rows, err := find(near)
	if err == nil && len(rows) < page.Limit {
		rows, err = find(keys("a"))
	}
	return rows, err
}

// CountCustomers implements query.CustomerReader.
func (s *Store) CountCustomers(ctx context.Context, scope query.Scope) (uint64, error) {
	keys := within("a", scope.Projects)
	keys.add("created_at >= "+moment, int64(0))
	return readCount(ctx, s, newStatement("count_customers", scope).where("keys", keys))
}

// CustomersNamed implements query.CustomerReader.
func (s *Store) CustomersNamed(ctx context.Context, scope query.Scope, id string) ([]query.CustomerRow, error) {
	keys := within("a", scope.Projects)
	keys.add("customer_id = {$:String}", id)
	st := newStatement("customers", scope).where("keys", keys).with("order", order(query.Page{}, "project_id")).bind("limit", uint32(2))
	return s.customers(ctx, st)
}

func (s *Store) customers(ctx context.Context, st *statement) ([]query.CustomerRow, error) {
	return read(ctx, s, st, func(r *query.CustomerRow) []any {
		return []any{
			&r.Project, &r.ID, &r.Type, &r.Channels, &r.OrdersCount, &r.OrderCounts, &r.TotalSpent, &r.CreatedAt, &r.UpdatedAt, &r.LastChatAt,
			&r.ExternalID, &r.FirstName, &r.LastName, &r.Email, &r.Phone, &r.IPAddress, &r.IPLocation,
		}
	})
}
