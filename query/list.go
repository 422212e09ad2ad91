package query

import (
	"context"

	"github.com/parley-analytics/parley/schema"
)

// list is one list of rows: its contents, the caller, and the page.
type list struct {
	*API
	request  reading
	scope    Scope
	interval Interval
	filter   *Filter
	paging   *paging
	pageInfo PageInfo
	all      *int // rows of the list, if the page has all of them
}

// found keeps the page that was cut, and how many rows the list has if it has no others.
func (l *list) found(rows int, info PageInfo) {
	l.pageInfo = info
	if p := l.paging; p.After == nil && p.Before == nil && !info.HasNextPage && !info.HasPreviousPage {
		l.all = &rows
	}
}

// asked are the arguments of a list.
type asked struct {
	field      string
	contacts   bool // it lists contacts, not conversations
	closed     bool // it lists closed conversations only
	filters    *filtersInput
	ofContacts *contactFiltersInput
	state      ConversationState
	interval   intervalInput
	page       pageInput
	descending bool
	asOf       *input
}

// open reads the arguments of a list and binds its cursors to them.
func (a *API) open(ctx context.Context, asked asked) (*list, error) {
	r, err := a.beginAt(ctx, asked.asOf)
	if err != nil {
		return nil, err
	}
	l := &list{API: a, request: r}
	if l.interval, err = asked.interval.interval(); err != nil {
		return nil, err
	}
	if l.filter, err = a.filter(asked.filters, asked.ofContacts); err != nil {
		return nil, err
	}
	l.filter.State = asked.state
	if err := l.filter.leadTo(asked.contacts); err != nil {
		return nil, err
	}
	if asked.closed {
		if err := l.filter.leadToClosed(); err != nil {
			return nil, err
		}
	}
	l.scope = r.scope(l.filter.Projects)
	if err := l.filter.openings(ctx, a, l.scope, l.interval); err != nil {
		return nil, err
	}
	seal := a.seal(binding{
		Field: asked.field, Filter: l.filter, Interval: l.interval, Backward: asked.descending, Rights: r.caller.Projects,
	})
	l.paging, err = asked.page.page(r.texts, seal, asked.descending, r.position())
	if err == nil && r.asOf > 0 && l.paging.position != r.asOf {
		err = badInput("asOf", "must be the position at which the first page was read")
	}
	return l, err
}

// PageInfo describes the page.
func (l *list) PageInfo() PageInfo { return l.pageInfo }

// Position is where an incremental read continues.
func (l *list) Position() string { return writePosition(l.paging.position) }

// one reads the conversation with the id: nil when there is none in the scope,
// an error when several projects have one.
func (a *API) one(ctx context.Context, scope Scope, id string, columns []string) (*ConversationRow, error) {
	if scope.Empty() {
		return nil, nil
	}
	rows, err := a.store.Conversations(ctx, scope, []string{id}, columns)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	if len(rows) > 1 {
		return nil, badInput("projectId", "is required: conversations of several projects have this id")
	}
	return &rows[0], nil
}

// named reads the conversation identified by an id and an optional project.
func (r reading) named(field string, id input, project *input) (Scope, string, error) {
	key, err := id.uuid(field)
	if err != nil {
		return Scope{}, "", err
	}
	scope, err := r.within(project)
	return scope, key, err
}

// within narrows the caller's projects to the one given; without one they are all.
func (r reading) within(project *input) (Scope, error) {
	if project == nil {
		return r.scope(nil), nil
	}
	n, err := project.integer("projectId", -1<<31, 1<<31-1)
	if err != nil {
		return Scope{}, err
	}
	return r.scope(asProjects([]int64{n})), nil
}

// key names the conversation of a row.
func key(project uint32, id string) schema.ConversationKey {
	return schema.ConversationKey{Project: schema.ProjectID(project), Conversation: schema.ConversationID(id)}
}
