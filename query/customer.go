package query

import (
	"context"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// Argument is a scalar as it was given.
type Argument = input

// CustomerRow is a row of customers.
type CustomerRow struct {
	Project uint32
	ID      string

	Type                                string
	Channels                            []string
	OrdersCount                         uint32
	OrderCounts                         map[string]uint32
	TotalSpent                          map[string]decimal.Decimal
	CreatedAt, UpdatedAt                int64
	LastChatAt                          *int64
	ExternalID                          *string
	FirstName, LastName                 *string
	Email, Phone, IPAddress, IPLocation *string
}

// CustomerReader reads customers.
//
// Customers gives a page of those in the scope, ordered by creation, project and id;
// turned around when the page is Reversed.
//
// CustomersNamed gives those with the id, two at most: one in each project.
type CustomerReader interface {
	Customers(ctx context.Context, scope Scope, page Page) ([]CustomerRow, error)
	CountCustomers(ctx context.Context, scope Scope) (uint64, error)
	CustomersNamed(ctx context.Context, scope Scope, id string) ([]CustomerRow, error)
}

// CustomerList is a page of the caller's customers.
type CustomerList struct {
	Rows     []CustomerRow
	PageInfo PageInfo

	api    *API
	scope  Scope
	paging *paging
}

// Customers reads a page for a field that lists all customers of the caller. Its
// errors may be told.
func (a *API) Customers(ctx context.Context, field string, args PageArguments) (*CustomerList, error) {
	r, err := a.begin(ctx)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	l := &CustomerList{api: a, scope: r.scope(nil)}
	seal := a.seal(binding{Field: field, Rights: r.caller.Projects})
	if l.paging, err = args.page(r.texts, seal, false, r.live.Position); err != nil {
		return nil, a.publicError(ctx, err)
	}
	if l.scope.Empty() || !selectedFields(ctx).any("edges", "nodes", "pageInfo") {
		return l, nil
	}
	rows, err := a.store.Customers(ctx, l.scope, l.paging.Page)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	l.Rows, l.PageInfo = cut(l.paging, rows, creationPlace)
	return l, nil
}

// creationPlace is where a customer stands in a list.
func creationPlace(r *CustomerRow) Place {
	return Place{schema.Timestamp(r.CreatedAt), schema.ProjectID(r.Project), r.ID}
}

// Cursor is the place of a row of the page.
func (l *CustomerList) Cursor(r *CustomerRow) Text { return l.paging.cursor(creationPlace(r)) }

// Count counts the customers on all pages. Its errors may be told.
func (l *CustomerList) Count(ctx context.Context) (uint64, error) {
	if l.scope.Empty() {
		return 0, nil
	}
	n, err := l.api.store.CountCustomers(ctx, l.scope)
	return n, l.api.publicError(ctx, err)
}

// Customer reads one of the caller's customers; nil where there is none. Its errors
// may be told: one says that customers of several projects have the id.
func (a *API) Customer(ctx context.Context, id Argument) (*CustomerRow, error) {
	r, err := a.begin(ctx)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	name, err := id.text("id")
	scope := r.scope(nil)
	if err != nil || scope.Empty() {
		return nil, a.publicError(ctx, err)
	}
	rows, err := a.store.CustomersNamed(ctx, scope, name)
	switch {
	case err != nil || len(rows) == 0:
		return nil, a.publicError(ctx, err)
	case len(rows) > 1:
		return nil, badInput("id", "customers of several projects have this id: use a key for one project")
	}
	return &rows[0], nil
}
