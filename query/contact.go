package query

import (
	"context"

	"github.com/parley-analytics/parley/schema"
)

// Contact is the SDL's type.
type Contact struct {
	batch *contactBatch
	row   *ContactRow

	NodeID  NodeID
	ID      ID
	Ordinal int32
	Project Project
	Channel string

	Conversation *Conversation

	StartedAt  DateTime
	EndedAt    *DateTime
	DurationMs *Long

	Status         string
	Ending         *string
	EndingInferred bool
	CloseReason    *Text

	Operator     User
	RoutingRule  *Named
	RoutingGroup *Named

	WaitTimeMs, FirstResponseTimeMs           *Long
	VisitorMessageCount, OperatorMessageCount int32
}

func newContact(batch *contactBatch, r *ContactRow) *Contact {
	request, t := batch.request, batch.request.texts
	return &Contact{
		batch: batch, row: r,
		NodeID: t.nodeID("Contact", r.Project, r.ID), ID: ID(r.ID),
		Ordinal: int32(r.Ordinal), Project: t.project(r.Project), Channel: r.Channel,
		StartedAt: DateTime(r.StartedAt), EndedAt: moment(r.EndedAt), DurationMs: long(r.Duration),
		Status: r.Status, Ending: r.Ending, EndingInferred: r.EndingInferred, CloseReason: t.maybe(r.CloseReason),
		Operator:    request.user(r.Project, r.OperatorID),
		RoutingRule: request.entity(typeRoutingRule, r.Project, r.RuleID), RoutingGroup: request.entity(typeRoutingGroup, r.Project, r.GroupID),
		WaitTimeMs: long(r.Wait), FirstResponseTimeMs: long(r.FirstResponse),
		VisitorMessageCount: int32(r.VisitorMessages), OperatorMessageCount: int32(r.OperatorMessages),
	}
}

// ContactConnection is a page of contacts.
type ContactConnection struct {
	*list
	rows    []*Contact
	LeftOut int32
}

// ContactEdge is a row of the page.
type ContactEdge struct {
	paging *paging
	Node   *Contact
}

// Cursor is the row's place.
func (e ContactEdge) Cursor() Text { return e.paging.cursor(startPlace(e.Node.row)) }

// Edges returns the rows.
func (c *ContactConnection) Edges() []ContactEdge {
	edges := make([]ContactEdge, len(c.rows))
	for i, row := range c.rows {
		edges[i] = ContactEdge{c.paging, row}
	}
	return edges
}

// TotalCount counts what matches on all pages.
func (c *ContactConnection) TotalCount(ctx context.Context) (Long, error) {
	if c.scope.Empty() {
		return 0, nil
	}
	if c.all != nil {
		return Long(*c.all), nil
	}
	n, err := c.store.CountContacts(ctx, c.scope, c.interval, c.filter)
	return Long(n), c.publicError(ctx, err)
}

// startPlace is the place of a contact in a list.
func startPlace(r *ContactRow) Place {
	return Place{schema.Timestamp(r.StartedAt), schema.ProjectID(r.Project), r.ID}
}

// Contacts resolves the field of Query.
func (q *root) Contacts(ctx context.Context, args struct {
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	Interval       intervalInput
	pageInput
	OrderBy input
	AsOf    *input
}) (*ContactConnection, error) {
	l, err := q.open(ctx, asked{
		field: "contacts", contacts: true, filters: args.Filters, ofContacts: args.ContactFilters,
		interval: args.Interval, page: args.pageInput, descending: args.OrderBy.value == "STARTED_AT_DESC",
		asOf: args.AsOf,
	})
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	result := &ContactConnection{list: l}
	selected := selectedFields(ctx)
	if l.scope.Empty() || !selected.any("edges", "pageInfo") {
		return result, nil
	}
	batch := newContacts(q.API, l.request, selected.below("edges.node"))
	rows, err := q.store.Contacts(ctx, l.scope, l.interval, l.filter, l.paging.Page, batch.columns())
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	rows, info := cut(l.paging, rows, startPlace)
	l.found(len(rows), info)
	result.rows, err = batch.load(ctx, rows)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	result.LeftOut = int32(len(rows) - len(result.rows))
	return result, nil
}
