package query

import (
	"cmp"
	"context"
	"errors"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// Argument is a scalar as received.
type Argument = input

// CustomerKey names a customer.
type CustomerKey struct {
	Project uint32
	ID      string
}

func (k CustomerKey) compare(other CustomerKey) int {
	return cmp.Or(cmp.Compare(k.Project, other.Project), cmp.Compare(k.ID, other.ID))
}

// CustomerRow is a row of customers.
type CustomerRow struct {
	CustomerKey
	CreatedAt int64

	Type                                string
	Channels                            []string
	ConversationCount, OrdersCount      uint32
	OrderCounts                         map[string]uint32
	TotalSpent                          map[string]decimal.Decimal
	UpdatedAt                           int64
	LastChatAt                          *int64
	ExternalID                          *string
	FirstName, LastName                 *string
	Email, Phone, IPAddress, IPLocation *string
	Notes                               *string
	CustomData                          map[string]string
	EventCount                          uint32
	FirstSequence, LastSequence         uint64
}

// CustomerReader reads customers.
//
// Customers returns a page of those in the scope, ordered by creation, project and id; in reverse
// order if the page is Reversed.
//
// CustomersNamed returns those with the id, two at most: one in each project.
//
// CustomersOf returns those with the keys, in no particular order.
type CustomerReader interface {
	Customers(ctx context.Context, scope Scope, page Page, columns []string) ([]CustomerRow, error)
	CountCustomers(ctx context.Context, scope Scope) (uint64, error)
	CustomersNamed(ctx context.Context, scope Scope, id string, columns []string) ([]CustomerRow, error)
	CustomersOf(ctx context.Context, scope Scope, keys []CustomerKey, columns []string) ([]CustomerRow, error)
}

// CustomerList is a page of the caller's customers.
type CustomerList struct {
	Rows     []CustomerRow
	PageInfo PageInfo

	api     *API
	request *request
	scope   Scope
	paging  *paging
}

// Customers reads a page for a field that lists all customers of the caller. Its
// errors may be shown to callers.
func (a *API) Customers(ctx context.Context, field string, args PageArguments, columns []string) (*CustomerList, error) {
	l, err := a.customers(ctx, field, nil, args, columns)
	return l, a.publicError(ctx, err)
}

// customers reads a page of the customers of some of the caller's projects; nil
// means all of them.
func (a *API) customers(ctx context.Context, field string, projects []schema.ProjectID, args PageArguments, columns []string) (*CustomerList, error) {
	r, err := a.begin(ctx)
	if err != nil {
		return nil, err
	}
	l := &CustomerList{api: a, request: r, scope: r.scope(projects)}
	seal := a.seal(binding{Field: field, Filter: &Filter{Projects: projects}, Rights: r.caller.Projects})
	if l.paging, err = args.page(r.texts, seal, false, r.live.Position); err != nil {
		return nil, err
	}
	if l.scope.Empty() || !selectedFields(ctx).any("edges", "nodes", "pageInfo") {
		return l, nil
	}
	rows, err := a.store.Customers(ctx, l.scope, l.paging.Page, columns)
	if err != nil {
		return nil, err
	}
	l.Rows, l.PageInfo = cut(l.paging, rows, customerPlace)
	return l, nil
}

// customerPlace is the place of a customer in a list.
func customerPlace(r *CustomerRow) Place {
	return Place{schema.Timestamp(r.CreatedAt), schema.ProjectID(r.Project), r.ID}
}

// Cursor is the place of a row of the page.
func (l *CustomerList) Cursor(r *CustomerRow) Text { return l.paging.cursor(customerPlace(r)) }

// Count counts the customers on all pages. Its errors may be shown to callers.
func (l *CustomerList) Count(ctx context.Context) (uint64, error) {
	if l.scope.Empty() {
		return 0, nil
	}
	n, err := l.api.store.CountCustomers(ctx, l.scope)
	return n, l.api.publicError(ctx, err)
}

// Customer reads one of the caller's customers; nil if there is none. Its errors may be shown to
// callers: one of them is that customers of several projects have the id.
func (a *API) Customer(ctx context.Context, id Argument, columns []string) (*CustomerRow, error) {
	r, err := a.begin(ctx)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	row, err := a.customer(ctx, r.scope(nil), id, columns)
	switch {
	case errors.Is(err, errSeveral):
		return nil, badInput("id", "customers of several projects have this id: use a key for one project")
	case err != nil:
		return nil, a.publicError(ctx, err)
	}
	return row, nil
}

var errSeveral = errors.New("customers of several projects have the id")

func (a *API) customer(ctx context.Context, scope Scope, id Argument, columns []string) (*CustomerRow, error) {
	name, err := id.text("id")
	if err != nil || scope.Empty() {
		return nil, err
	}
	rows, err := a.store.CustomersNamed(ctx, scope, name, columns)
	switch {
	case err != nil || len(rows) == 0:
		return nil, err
	case len(rows) > 1:
		return nil, errSeveral
	}
	return &rows[0], nil
}
