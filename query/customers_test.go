package query_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// customer is a customer as documents of these tests ask for one.
type customer struct {
	ID                             string
	Project                        struct{ ID uint32 }
	FirstName                      *string
	Type                           string
	Channels                       []string
	ConversationCount, OrdersCount uint32
	TotalSpent                     []struct {
		Currency string
		Amount   float64
	}
	CreatedAt     string
	Conversations connection
}

const asCustomer = `id project { id } firstName type channels conversationCount ordersCount totalSpent { currency amount } createdAt
	conversations(first: 4) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } }`

// is compares a customer with what the conversations of the world add up to.
func (c *customer) is(t *testing.T, w *storetest.World, want *storetest.Customer) {
	t.Helper()
	conversations := w.Of(want)
	var ids []string
	for _, of := range conversations[:min(4, len(conversations))] {
		ids = append(ids, of.ID)
	}
	spent := []string{}
	for _, s := range c.TotalSpent {
		spent = append(spent, fmt.Sprintf("%s %.4f", s.Currency, s.Amount))
	}
	wantSpent := []string{}
	for currency, sum := range want.Spent {
		wantSpent = append(wantSpent, currency+" "+sum)
	}
	slices.Sort(wantSpent)
	switch {
	case c.ID != want.ID || c.Project.ID != want.Project || c.Type != want.Type || c.FirstName == nil || *c.FirstName != *want.FirstName,
		c.OrdersCount != want.Orders || int(c.ConversationCount) != len(conversations) || c.Conversations.TotalCount != len(conversations),
		millis(c.CreatedAt) != want.CreatedAt || !slices.Equal(c.Channels, want.Channels) || !slices.Equal(spent, wantSpent),
		!slices.Equal(c.Conversations.ids(), ids) || c.Conversations.PageInfo.HasNextPage != (len(conversations) > 4):
		t.Errorf("%+v\nwant %+v with %v", c, want, ids)
	}
}

// TestCustomersEqualWhatTheirConversationsAddUpTo compares every customer of a
// random world, asked for in a page and alone.
func TestCustomersEqualWhatTheirConversationsAddUpTo(t *testing.T) {
	r := theRig(t)
	var want []storetest.Customer
	for _, c := range r.world.Customers() {
		if c.Project <= 2 {
			want = append(want, c)
		}
	}
	type page struct {
		Customers struct {
			TotalCount int
			Edges      []struct{ Node customer }
		}
	}
	got := ask[page](t, r, reader(1, 2), `{ customers { totalCount edges { node { `+asCustomer+` } } } }`, nil).Customers
	if len(want) < 40 || got.TotalCount != len(want) || len(got.Edges) != len(want) {
		t.Fatalf("%d customers, %d on the page, want %d", got.TotalCount, len(got.Edges), len(want))
	}
	for i := range want {
		got.Edges[i].Node.is(t, r.world, &want[i])
	}
	for _, i := range rand.New(rand.NewPCG(5, 6)).Perm(len(want))[:10] {
		one := ask[struct{ Customer *customer }](t, r, reader(1, 2, 3), fmt.Sprintf(`{ customer(id: %q, projectId: %d) { %s } }`, want[i].ID, want[i].Project, asCustomer), nil)
		if one.Customer == nil {
			t.Fatalf("%s of project %d is not found", want[i].ID, want[i].Project)
		}
		one.Customer.is(t, r.world, &want[i])
	}
}

// TestTheConversationsOfACustomerPageBothWays walks through them with cursors, and
// back to the customer.
func TestTheConversationsOfACustomerPageBothWays(t *testing.T) {
	r := theRig(t)
	customers := r.world.Customers()
	at := slices.IndexFunc(customers, func(c storetest.Customer) bool { return c.Project == 1 && c.Conversations > 4 })
	of := &customers[at]
	other := &customers[slices.IndexFunc(customers, func(c storetest.Customer) bool { return c.Project == 1 && c.ID != of.ID })]
	var want []string
	for _, c := range r.world.Of(of) {
		want = append(want, c.ID)
	}
	page := func(of *storetest.Customer, arguments string) connection {
		document := fmt.Sprintf(`{ customer(id: %q) { conversations(%s) { pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id } } } } }`, of.ID, arguments)
		return ask[struct{ Customer *customer }](t, r, reader(1), document, nil).Customer.Conversations
	}
	for _, direction := range []struct{ size, cursor string }{{"first: 2", "after"}, {"last: 2", "before"}} {
		var seen []string
		arguments := direction.size
		for more := true; more; {
			got := page(of, arguments)
			if direction.cursor == "after" {
				seen, more = append(seen, got.ids()...), got.PageInfo.HasNextPage
				arguments = fmt.Sprintf("%s, after: %q", direction.size, *got.PageInfo.EndCursor)
			} else {
				seen, more = append(got.ids(), seen...), got.PageInfo.HasPreviousPage
				arguments = fmt.Sprintf("%s, before: %q", direction.size, *got.PageInfo.StartCursor)
			}
			if len(seen) > len(want) {
				break
			}
		}
		if !slices.Equal(seen, want) {
			t.Errorf("%s: %v, want %v", direction.cursor, seen, want)
		}
	}
	cursor := *page(of, "first: 1").PageInfo.EndCursor
	refused(t, r, reader(1), query.CodeBadInput, fmt.Sprintf(`{ customer(id: %q) { conversations(after: %q) { edges { cursor } } } }`, other.ID, cursor), nil)

	back := ask[struct{ Conversation struct{ Customer *customer } }](t, r, reader(1), fmt.Sprintf(`{ conversation(id: %q) { customer { %s } } }`, want[0], asCustomer), nil)
	if back.Conversation.Customer == nil {
		t.Fatal("the conversation has no customer")
	}
	back.Conversation.Customer.is(t, r.world, of)
	nobody := r.world.Closed(func(c *storetest.Conversation) bool { return c.Project == 1 && c.Visitor == nil })[0]
	got := ask[struct{ Conversation struct{ Customer *customer } }](t, r, reader(1), fmt.Sprintf(`{ conversation(id: %q) { customer { id } } }`, nobody.ID), nil)
	if got.Conversation.Customer != nil {
		t.Errorf("a conversation without a visitor is of %+v", got.Conversation.Customer)
	}
}

func TestACustomerOfTwoProjectsNeedsTheProject(t *testing.T) {
	r := theRig(t)
	twin := &r.world.Of(&storetest.Customer{Project: 1, ID: "visitor 3"})[0].Visitor
	if len(r.world.Of(&storetest.Customer{Project: 2, ID: **twin})) == 0 {
		t.Fatal("project 2 has no such visitor")
	}
	document := fmt.Sprintf(`{ customer(id: %q) { project { id } } }`, **twin)
	if got := refused(t, r, reader(1, 2), query.CodeBadInput, document, nil); !strings.HasPrefix(got, "projectId: ") {
		t.Error(got)
	}
	if got := ask[struct{ Customer *customer }](t, r, reader(2, 900), document, nil); got.Customer == nil || got.Customer.Project.ID != 2 {
		t.Errorf("the only one of the caller's: %+v", got.Customer)
	}
}
