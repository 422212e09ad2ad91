package query

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// Customer is the SDL's type. All fields are plain, except the conversations, which are read in pages.
type Customer struct {
	batch *customerBatch
	row   *CustomerRow

	NodeID  NodeID
	ID      Text
	Project Project

	ExternalID, FirstName, LastName, Email, Phone *Text
	Notes, IPAddress, IPLocation                  *Text
	CustomData                                    []CustomDatum

	Type                           string
	Channels                       []string
	ConversationCount, OrdersCount int32
	TotalSpent                     []Money
	CreatedAt, UpdatedAt           DateTime
	LastChatAt                     *DateTime

	EventCount                  int32
	FirstSequence, LastSequence Long
}

func newCustomer(b *customerBatch, r *CustomerRow) *Customer {
	t := b.request.texts
	return &Customer{
		batch: b, row: r, NodeID: t.nodeID("Customer", r.Project, r.ID), ID: t.of(r.ID), Project: t.project(r.Project),
		ExternalID: t.maybe(r.ExternalID), FirstName: t.maybe(r.FirstName), LastName: t.maybe(r.LastName),
		Email: t.maybe(r.Email), Phone: t.maybe(r.Phone),
		Notes: t.maybe(r.Notes), IPAddress: t.maybe(r.IPAddress), IPLocation: t.maybe(r.IPLocation), CustomData: t.customData(r.CustomData),
		Type: r.Type, Channels: append([]string{}, r.Channels...),
		ConversationCount: int32(r.ConversationCount), OrdersCount: int32(r.OrdersCount), TotalSpent: monies(r.TotalSpent),
		CreatedAt: DateTime(r.CreatedAt), UpdatedAt: DateTime(r.UpdatedAt), LastChatAt: moment(r.LastChatAt),
		EventCount: int32(r.EventCount), FirstSequence: Long(r.FirstSequence), LastSequence: Long(r.LastSequence),
	}
}

// customData lists custom data, ascending by key.
func (t texts) customData(values map[string]string) []CustomDatum {
	list := make([]CustomDatum, 0, len(values))
	for _, key := range slices.Sorted(maps.Keys(values)) {
		list = append(list, CustomDatum{t.of(key), t.of(values[key])})
	}
	return list
}

// customerBatch is the customers of one page. Their conversations are read for all
// of them together.
type customerBatch struct {
	api     *API
	request *request
	fields  fields // selected below the customers
	rows    []CustomerRow

	conversations onces[Page, map[CustomerKey][]*Conversation]
}

func newCustomers(a *API, r *request, selected fields) *customerBatch {
	return &customerBatch{api: a, request: r, fields: selected}
}

// columns returns the columns to read of the customers themselves.
func (b *customerBatch) columns() []string {
	columns := b.fields.columns()
	if b.fields.has("conversations.totalCount") {
		columns = append(columns, "conversationCount")
	}
	return columns
}

func (b *customerBatch) load(rows []CustomerRow) []*Customer {
	b.rows = rows
	list := make([]*Customer, len(rows))
	for i := range rows {
		list[i] = newCustomer(b, &rows[i])
	}
	return list
}

// page reads a page of the conversations of every customer; of a single customer if the page begins
// or ends at a cursor, which is valid only for that customer.
func (b *customerBatch) page(ctx context.Context, of CustomerKey, page Page) ([]*Conversation, error) {
	if page.After != nil || page.Before != nil {
		groups, err := b.read(ctx, []CustomerKey{of}, page)
		return groups[of], err
	}
	groups, err := b.conversations.get(page, func() (map[CustomerKey][]*Conversation, error) {
		keys := make([]CustomerKey, len(b.rows))
		for i := range b.rows {
			keys[i] = b.rows[i].CustomerKey
		}
		return b.read(ctx, keys, page)
	})
	return groups[of], err
}

func (b *customerBatch) read(ctx context.Context, of []CustomerKey, page Page) (map[CustomerKey][]*Conversation, error) {
	batch := newConversations(b.api, b.request.now(), b.fields.below("conversations.edges.node"))
	rows, err := b.api.store.ConversationsOf(ctx, b.request.scope(nil), of, page, append(batch.columns(), "createdAt", "visitor"))
	if err != nil {
		return nil, err
	}
	list, err := batch.load(ctx, rows)
	groups := map[CustomerKey][]*Conversation{}
	for _, c := range list {
		if c.row.VisitorID != nil {
			k := CustomerKey{c.row.Project, *c.row.VisitorID}
			groups[k] = append(groups[k], c)
		}
	}
	return groups, err
}

// CustomerConversationConnection is a page of a customer's conversations.
type CustomerConversationConnection struct {
	TotalCount Long
	PageInfo   PageInfo
	Edges      []CustomerConversationEdge
}

// CustomerConversationEdge is a conversation of the page.
type CustomerConversationEdge struct {
	Cursor Text
	Node   *Conversation
}

// Conversations returns a page of the customer's conversations.
func (c *Customer) Conversations(ctx context.Context, args pageInput) (*CustomerConversationConnection, error) {
	b := c.batch
	seal := b.api.seal(binding{
		Field: "customer.conversations", Rights: b.request.caller.Projects, Of: fmt.Sprintf("%d/%s", c.row.Project, c.row.ID),
	})
	page, err := args.page(b.request.texts, seal, false, b.request.live.Position)
	if err != nil {
		return nil, err
	}
	connection := &CustomerConversationConnection{TotalCount: Long(c.row.ConversationCount)}
	if !selectedFields(ctx).any("edges", "pageInfo") {
		return connection, nil
	}
	list, err := b.page(ctx, c.row.CustomerKey, page.Page)
	if err != nil {
		return nil, b.api.publicError(ctx, err)
	}
	place := func(c **Conversation) Place { return creationPlace((*c).row) }
	// Fields of one document share the rows read, and a page is reversed in place.
	list, connection.PageInfo = cut(page, slices.Clone(list), place)
	connection.Edges = make([]CustomerConversationEdge, len(list))
	for i := range list {
		connection.Edges[i] = CustomerConversationEdge{page.cursor(place(&list[i])), list[i]}
	}
	return connection, nil
}

// customers reads the customers of the conversations.
func (b *conversationBatch) customers(ctx context.Context, of map[schema.ConversationKey]*Conversation) error {
	var keys []CustomerKey
	for _, c := range of {
		if c.row.VisitorID != nil && *c.row.VisitorID != "" {
			keys = append(keys, CustomerKey{c.row.Project, *c.row.VisitorID})
		}
	}
	slices.SortFunc(keys, CustomerKey.compare)
	if keys = slices.Compact(keys); len(keys) == 0 {
		return nil
	}
	if b.request.asOf > 0 {
		return badInput("asOf", "does not apply to customer, which has no earlier state: leave the field out")
	}
	batch := newCustomers(b.api, b.request.request, b.fields.below("customer"))
	rows, err := b.api.store.CustomersOf(ctx, b.scope(), keys, batch.columns())
	if err != nil {
		return err
	}
	known := make(map[CustomerKey]*Customer, len(rows))
	for _, customer := range batch.load(rows) {
		known[customer.row.CustomerKey] = customer
	}
	for _, c := range of {
		if c.row.VisitorID != nil {
			c.Customer = known[CustomerKey{c.row.Project, *c.row.VisitorID}]
		}
	}
	return nil
}

// CustomerConnection is a page of customers.
type CustomerConnection struct {
	list *CustomerList
	rows []*Customer
}

// CustomerEdge is a customer of the page.
type CustomerEdge struct {
	list *CustomerList
	Node *Customer
}

// Cursor is the customer's place.
func (e CustomerEdge) Cursor() Text { return e.list.Cursor(e.Node.row) }

// Edges returns the rows.
func (c *CustomerConnection) Edges() []CustomerEdge {
	edges := make([]CustomerEdge, len(c.rows))
	for i, row := range c.rows {
		edges[i] = CustomerEdge{c.list, row}
	}
	return edges
}

// PageInfo describes the page.
func (c *CustomerConnection) PageInfo() PageInfo { return c.list.PageInfo }

// TotalCount counts the customers on all pages.
func (c *CustomerConnection) TotalCount(ctx context.Context) (Long, error) {
	n, err := c.list.Count(ctx)
	return Long(n), err
}

// Customers resolves the field of Query.
func (q *root) Customers(ctx context.Context, args struct {
	ProjectIDs *[]input
	pageInput
}) (*CustomerConnection, error) {
	var r reader
	projects := asProjects(r.integers("projectIds", args.ProjectIDs, -1<<31, 1<<31-1))
	if r.err != nil {
		return nil, q.publicError(ctx, r.err)
	}
	batch := newCustomers(q.API, nil, selectedFields(ctx).below("edges.node"))
	l, err := q.customers(ctx, "customers", projects, args.pageInput, batch.columns())
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	batch.request = l.request
	return &CustomerConnection{l, batch.load(l.Rows)}, nil
}

// Customer resolves the field of Query.
func (q *root) Customer(ctx context.Context, args struct {
	ID        input
	ProjectID *input
}) (*Customer, error) {
	r, err := q.begin(ctx)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	scope, err := r.now().within(args.ProjectID)
	if err != nil {
		return nil, err
	}
	batch := newCustomers(q.API, r, selectedFields(ctx))
	row, err := q.customer(ctx, scope, args.ID, batch.columns())
	switch {
	case errors.Is(err, errSeveral):
		return nil, badInput("projectId", "is required: customers of several projects have this id")
	case err != nil || row == nil:
		return nil, q.publicError(ctx, err)
	}
	return batch.load([]CustomerRow{*row})[0], nil
}
