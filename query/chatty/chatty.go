package chatty

import (
	"context"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// New parses the SDL against the resolvers.
func New(api *query.API, log *slog.Logger, options []graphql.SchemaOpt) (*graphql.Schema, error) {
	return query.Parse(sdl.Chatty(), &root{api}, log, options)
}

// Prices are those of the schema: counting reads every row.
func Prices() transport.Prices {
	return transport.Prices{"CustomerConnection.totalCount": {Points: 200}}
}

// Door wraps an authenticator; a rejected caller gets no reason.
type Door struct{ endpoint.Authenticator }

// Authenticate implements endpoint.Authenticator.
func (d Door) Authenticate(r *http.Request) (schema.Caller, error) {
	caller, err := d.Authenticator.Authenticate(r)
	if refused, ok := err.(endpoint.Refusal); ok && refused.HTTPStatus() == http.StatusUnauthorized { //nolint:errorlint // an Authenticator returns it unchanged
		err = unauthorized{refused}
	}
	return caller, err
}

type unauthorized struct{ endpoint.Refusal }

func (unauthorized) Error() string { return "Unauthorized" }

// root has the fields of Query.
type root struct{ api *query.API }

// Customer is the SDL's type.
type Customer struct {
	ID, ShopID                                                       query.Text
	ShopifyCustomerID, LastName, Email, Phone, IPLocation, IPAddress *query.Text
	FirstName, FullName                                              query.Text
	Type                                                             string
	Channels                                                         []string
	OrdersCount                                                      int32
	TotalSpent                                                       float64
	CreatedAt                                                        query.DateTime
	UpdatedAt                                                        *query.DateTime
	LastChatAt                                                       *query.DateTime

	row *query.CustomerRow
}

// columns are the columns of a customer.
func columns() []string {
	return []string{
		"type", "channels", "ordersCount", "orderCounts", "totalSpent", "updatedAt", "lastChatAt",
		"externalId", "firstName", "lastName", "email", "phone", "ipAddress", "ipLocation",
	}
}

func newCustomer(ctx context.Context, r *query.CustomerRow) *Customer {
	m := meter.From(ctx)
	text := func(value string) query.Text { return query.TextOf(m, value) }
	maybe := func(value *string) *query.Text {
		if value == nil {
			return nil
		}
		given := text(*value)
		return &given
	}
	first, last := "", ""
	if r.FirstName != nil {
		first = *r.FirstName
	}
	if r.LastName != nil {
		last = *r.LastName
	}
	return &Customer{
		row: r, ID: text(r.ID), ShopID: text(strconv.FormatUint(uint64(r.Project), 10)), ShopifyCustomerID: maybe(r.ExternalID),
		FirstName: text(first), LastName: maybe(r.LastName), FullName: text(strings.TrimSpace(first + " " + last)),
		Email: maybe(r.Email), Phone: maybe(r.Phone), IPLocation: maybe(r.IPLocation), IPAddress: maybe(r.IPAddress),
		Type: r.Type, Channels: channels(r.Channels), OrdersCount: int32(r.OrdersCount), TotalSpent: spent(r),
		CreatedAt: query.DateTime(r.CreatedAt), UpdatedAt: (*query.DateTime)(&r.UpdatedAt), LastChatAt: (*query.DateTime)(r.LastChatAt),
	}
}

const onlineStore = "ONLINE_STORE"

// channels maps Parley's channels, in the order of their first use.
func channels(ours []string) []string {
	theirs := map[schema.Channel]string{
		"CHAT": onlineStore, "CALL": onlineStore, "VIDEO": onlineStore, "MOBILE_APP": onlineStore, "EMAIL": "EMAIL", "WHATSAPP": "WHATSAPP",
		"FACEBOOK": "FACEBOOK", "FACEBOOK_BUSINESS_ON_MESSENGER": "FACEBOOK", "INSTAGRAM": "INSTAGRAM",
	}
	var used []string
	for _, channel := range ours {
		if name := theirs[schema.Channel(channel)]; name != "" && !slices.Contains(used, name) {
			used = append(used, name)
		}
	}
	if used == nil {
		return []string{onlineStore}
	}
	return used
}

// spent is the sum in the currency that most orders are in.
func spent(r *query.CustomerRow) float64 {
	most, of := "", uint32(0)
	for _, currency := range slices.Sorted(maps.Keys(r.OrderCounts)) {
		if n := r.OrderCounts[currency]; n > of {
			most, of = currency, n
		}
	}
	return r.TotalSpent[most].InexactFloat64()
}

// Customer resolves the field of Query.
func (q *root) Customer(ctx context.Context, args struct{ ID query.Argument }) (*Customer, error) {
	row, err := q.api.Customer(ctx, args.ID, columns())
	if err != nil || row == nil {
		return nil, err
	}
	return newCustomer(ctx, row), nil
}

// CustomerConnection is a page of customers.
type CustomerConnection struct {
	list  *query.CustomerList
	Nodes []*Customer
}

// CustomerEdge is a customer of the page.
type CustomerEdge struct {
	Cursor query.Text
	Node   *Customer
}

// Customers resolves the field of Query.
func (q *root) Customers(ctx context.Context, args query.PageArguments) (*CustomerConnection, error) {
	list, err := q.api.Customers(ctx, "chatty.customers", args, columns())
	if err != nil {
		return nil, err
	}
	c := &CustomerConnection{list: list, Nodes: make([]*Customer, len(list.Rows))}
	for i := range list.Rows {
		c.Nodes[i] = newCustomer(ctx, &list.Rows[i])
	}
	return c, nil
}

// Edges returns the customers with their places.
func (c *CustomerConnection) Edges() []CustomerEdge {
	edges := make([]CustomerEdge, len(c.Nodes))
	for i, node := range c.Nodes {
		edges[i] = CustomerEdge{c.list.Cursor(node.row), node}
	}
	return edges
}

// PageInfo is what the page says about itself.
func (c *CustomerConnection) PageInfo() query.PageInfo { return c.list.PageInfo }

// TotalCount counts the customers on all pages.
func (c *CustomerConnection) TotalCount(ctx context.Context) (int32, error) {
	n, err := c.list.Count(ctx)
	return int32(min(n, 1<<31-1)), err
}
