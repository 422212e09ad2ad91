package query

import (
	"context"
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// UserConnection is a page of users.
type UserConnection struct {
	api      *API
	scope    Scope
	Edges    []UserEdge
	PageInfo PageInfo
}

// UserEdge is a row of the page.
type UserEdge struct {
	Cursor Text
	Node   User
}

// userPlace is the place of an operator in a list.
func userPlace(r *UserRow) Place {
	return Place{At: schema.Timestamp(r.ID), Project: schema.ProjectID(r.Project)}
}

// TotalCount counts the operators on all pages.
func (c *UserConnection) TotalCount(ctx context.Context) (Long, error) {
	if c.scope.Empty() {
		return 0, nil
	}
	n, err := c.api.store.CountUsers(ctx, c.scope)
	return Long(n), c.api.publicError(ctx, err)
}

// Users resolves the field of Query.
func (q *root) Users(ctx context.Context, args struct {
	ProjectIDs *[]input
	pageInput
}) (*UserConnection, error) {
	c, err := q.users(ctx, args.ProjectIDs, args.pageInput)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	return c, nil
}

func (a *API) users(ctx context.Context, projectIDs *[]input, args pageInput) (*UserConnection, error) {
	var read reader
	projects := asProjects(read.integers("projectIds", projectIDs, -1<<31, 1<<31-1))
	if read.err != nil {
		return nil, read.err
	}
	r, err := a.begin(ctx)
	if err != nil {
		return nil, err
	}
	c := &UserConnection{api: a, scope: r.scope(projects), Edges: []UserEdge{}}
	seal := a.seal(binding{Field: "users", Filter: &Filter{Projects: projects}, Rights: r.caller.Projects})
	page, err := args.page(r.texts, seal, false, r.live.Position)
	if err != nil {
		return nil, err
	}
	if c.scope.Empty() || !selectedFields(ctx).any("edges", "pageInfo") {
		return c, nil
	}
	rows, err := a.store.Users(ctx, c.scope, page.Page)
	if err != nil {
		return nil, err
	}
	rows, c.PageInfo = cut(page, rows, userPlace)
	r.directory.learn(func(say func(identity, description)) {
		for i := range rows {
			row := &rows[i]
			say(identity{typeUser, row.Project, strconv.FormatInt(row.ID, 10)}, description{int64(lastMoment), nonEmpty(row.Kind), row.Name, row.Email})
		}
	})
	for i := range rows {
		c.Edges = append(c.Edges, UserEdge{page.cursor(userPlace(&rows[i])), r.user(rows[i].Project, rows[i].ID)})
	}
	return c, nil
}
