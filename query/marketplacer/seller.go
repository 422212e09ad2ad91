package marketplacer

import (
	"context"
	"strconv"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Seller is a seller of a list. Details are read for all sellers of a list together.
type Seller struct {
	row   *SellerRow
	chats *chats

	ID, BusinessName, LegalBusinessName, EmailAddress, Phone query.Text
	LegacyID                                                 int32
	Online                                                   bool
	CreatedAt                                                *ISO8601DateTime
	UpdatedAt                                                ISO8601DateTime
	ExternalIDs                                              []Pair
	Metadata                                                 []Pair
	Tags                                                     *[]query.Text
}

// Pair is a named value.
type Pair struct{ Key, Value query.Text }

// sellersOf makes the sellers of rows, with their chats.
func (v *view) sellersOf(rows []SellerRow) []*Seller {
	c := &chats{view: v, sellers: make(map[schema.ConversationKey]*Seller, len(rows))}
	list := make([]*Seller, len(rows))
	for i := range rows {
		r := &rows[i]
		created := ISO8601DateTime(r.CreatedAt)
		s := &Seller{
			row: r, chats: c, ID: v.text(sellerID(r.ID)), BusinessName: v.textOr(r.Name), LegalBusinessName: v.textOr(r.LegalName),
			EmailAddress: v.textOr(r.Email), Phone: v.textOr(r.Phone), Online: r.Online != nil && *r.Online,
			CreatedAt: &created, UpdatedAt: ISO8601DateTime(r.UpdatedAt), ExternalIDs: []Pair{}, Metadata: []Pair{},
		}
		if n, err := strconv.ParseInt(r.ID, 10, 32); err == nil && n > 0 {
			s.LegacyID = int32(n)
		}
		list[i] = s
		c.keys = append(c.keys, s.key())
		c.sellers[s.key()] = s
	}
	return list
}

func (s *Seller) key() schema.ConversationKey {
	return chatOf(s.row.Project, s.row.Chat)
}

// visible narrows a filter to the sellers that the caller may see.
func (v *view) visible(filter SellerFilter) (narrowed SellerFilter, some bool) {
	if v.caller.Role == schema.RoleOperator {
		return filter, true
	}
	if v.caller.Role != schema.RoleSeller || v.caller.Seller == "" {
		return filter, false
	}
	own := []string{v.caller.Seller}
	if filter.IDs != nil {
		own = nil
		for _, id := range filter.IDs {
			if id == v.caller.Seller {
				own = []string{id}
			}
		}
	}
	filter.IDs = own
	return filter, len(own) > 0
}

// sellers reads a page of the sellers in a filter that the caller may see.
func (v *view) sellers(filter SellerFilter, page query.Page) ([]SellerRow, error) {
	narrowed, some := v.visible(filter)
	if !some || v.scope.Empty() {
		return nil, nil
	}
	return v.api.Store.Sellers(v.ctx, v.scope, narrowed, page)
}

// mostNamed is how many sellers are read by their ids at a time: of several projects
// each.
const mostNamed = 1000

// ambiguous is the message for an id that sellers of several projects have.
const ambiguous = "names sellers of several projects: use a key for one project"

// named finds the seller that an argument names, or the caller's own without one:
// nil when there is none.
func (v *view) named(field string, id *graphql.ID) (*Seller, error) {
	own := v.caller.Seller
	if id != nil {
		var ok bool
		if own, ok = decodeSeller(string(*id)); !ok {
			return nil, nil
		}
	}
	if _, some := v.visible(SellerFilter{IDs: []string{own}}); own == "" || !some {
		return nil, nil
	}
	if !v.scope.Projects.All && len(v.scope.Projects.IDs) == 1 {
		row, found, err := v.api.sellers.of(v.ctx, v.scope.Projection, sellerKey{v.scope.Projects.IDs[0], own})
		if err != nil || !found {
			return nil, v.public(err)
		}
		return v.sellersOf([]SellerRow{row})[0], nil
	}
	rows, err := v.sellers(SellerFilter{IDs: []string{own}}, query.Page{Limit: 2})
	switch {
	case err != nil:
		return nil, v.public(err)
	case len(rows) == 0:
		return nil, nil
	case len(rows) > 1:
		return nil, &query.Error{Code: query.CodeBadInput, Message: field + ": " + ambiguous}
	}
	return v.sellersOf(rows)[0], nil
}

// SellersConnection is a page of sellers.
type SellersConnection struct {
	view   *view
	filter SellerFilter

	Edges    *[]*SellerEdge
	Nodes    *[]*Seller
	PageInfo query.PageInfo
}

// SellerEdge is a seller of a page.
type SellerEdge struct {
	Cursor query.Text
	Node   *Seller
}

// SellersForChats returns a page of sellers, by their last message.
func (r *root) SellersForChats(ctx context.Context, args struct {
	query.PageArguments
	Q graphql.NullString
}) (*SellersConnection, error) {
	v, err := r.look(ctx)
	if err != nil {
		return nil, err
	}
	c := &SellersConnection{view: v}
	if args.Q.Value != nil {
		c.filter.Name = *args.Q.Value
	}
	page, err := query.OpenPage(r.Key, v.meter, "marketplacer.sellersForChats", c.filter.Name+"/"+v.caller.Seller, v.caller.Projects, args.PageArguments, true)
	if err != nil {
		return nil, err
	}
	rows, err := v.sellers(c.filter, page.Page)
	if err != nil {
		return nil, v.public(err)
	}
	place := func(s *SellerRow) query.Place {
		return query.Place{At: schema.Timestamp(s.Rank), Project: schema.ProjectID(s.Project), ID: s.ID}
	}
	rows, c.PageInfo = query.CutPage(page, rows, place)
	nodes, edges := v.sellersOf(rows), make([]*SellerEdge, len(rows))
	for i := range rows {
		edges[i] = &SellerEdge{query.CursorOf(page, place(&rows[i])), nodes[i]}
	}
	c.Nodes, c.Edges = &nodes, &edges
	return c, nil
}

// TotalCount counts the sellers of the list.
func (c *SellersConnection) TotalCount() (int32, error) {
	narrowed, some := c.view.visible(c.filter)
	if !some || c.view.scope.Empty() {
		return 0, nil
	}
	n, err := c.view.api.Store.CountSellers(c.view.ctx, c.view.scope, narrowed)
	return int32(min(n, 1<<31-1)), c.view.public(err)
}

// User is a person of a seller; there are none.
type User struct{ ID query.Text }

// UserConnection is a page of people.
type UserConnection struct {
	Edges      *[]*UserEdge
	Nodes      *[]*User
	PageInfo   query.PageInfo
	TotalCount int32
}

// UserEdge is a person of a page.
type UserEdge struct {
	Cursor query.Text
	Node   *User
}

// Users returns the people of the seller: none are stored.
func (s *Seller) Users(args query.PageArguments) (*UserConnection, error) {
	v := s.chats.view
	_, err := query.OpenPage(v.api.Key, v.meter, "marketplacer.users", s.row.Chat, v.caller.Projects, args, false)
	return &UserConnection{Edges: new([]*UserEdge), Nodes: new([]*User)}, err
}
