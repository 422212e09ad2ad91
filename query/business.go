package query

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

// HoursReader reads opening hours: the schedules of the projects that have one.
type HoursReader interface {
	Schedules(ctx context.Context, projects schema.Projects) (map[schema.ProjectID]*hours.Schedule, error)
}

const (
	// aroundInterval is how far outside the requested interval a time may begin or
	// end and still have its business hours.
	aroundInterval = 400 * 24 * time.Hour
	// maxOpenings is the maximum number of intervals of opening hours in one statement.
	maxOpenings = 12_000
)

// openings computes when the projects of a scope are open around an interval. No
// row is later than tomorrow.
func (a *API) openings(ctx context.Context, scope Scope, interval Interval) (*hours.Timeline, error) {
	if a.hours == nil {
		return new(hours.Timeline), nil
	}
	schedules, err := a.hours.Schedules(ctx, scope.Projects)
	if err != nil {
		return nil, err
	}
	known := hours.Interval{
		From: max(0, interval.From.Time().Add(-aroundInterval).Unix()),
		To:   min(interval.To.Time().Add(aroundInterval).Unix(), time.Now().Add(48*time.Hour).Unix()),
	}
	t := hours.NewTimeline(schedules, known)
	if len(t.Starts) > maxOpenings {
		return nil, badInput("interval", "contains too many opening hours to compute business hours: use a shorter interval or fewer projects")
	}
	return t, nil
}

// ofBusinessHours reports whether a field is measured in business hours.
func ofBusinessHours(field string) bool { return strings.HasSuffix(field, "BusinessHours") }

// schedulesOnce reads the schedules at the first call.
func (a *API) schedulesOnce(ctx context.Context, projects schema.Projects) func() (map[schema.ProjectID]*hours.Schedule, error) {
	return sync.OnceValues(func() (map[schema.ProjectID]*hours.Schedule, error) {
		if a.hours == nil {
			return nil, nil
		}
		return a.hours.Schedules(ctx, projects)
	})
}

// businessTime is the business time of one row from a moment on, nil if it is not
// known.
func (r *request) businessTime(project uint32, from, took *int64) (*Long, error) {
	if from == nil || took == nil {
		return nil, nil
	}
	schedules, err := r.schedules()
	schedule := schedules[schema.ProjectID(project)]
	if err != nil || schedule == nil {
		return nil, err
	}
	begin, end := schema.Timestamp(*from), schema.Timestamp(*from+*took)
	around := hours.Interval{From: begin.Time().Unix(), To: end.Time().Unix() + 1}
	ms, ok := hours.NewTimeline(map[schema.ProjectID]*hours.Schedule{schema.ProjectID(project): schedule}, around).
		Between(schema.ProjectID(project), begin, end)
	if !ok {
		return nil, nil
	}
	return long(&ms), nil
}

// firstMessage is the time of the visitor's first message in a closed conversation.
func (r *ConversationRow) firstMessage() *int64 {
	if r.ClosedAt == nil || r.Resolution == nil {
		return nil
	}
	at := *r.ClosedAt - *r.Resolution
	return &at
}

// FirstResponseTimeBusinessHoursMs resolves the field.
func (c *Conversation) FirstResponseTimeBusinessHoursMs(ctx context.Context) (*Long, error) {
	ms, err := c.batch.request.businessTime(c.row.Project, c.row.firstMessage(), c.row.FirstResponse)
	return ms, c.batch.api.publicError(ctx, err)
}

// ResolutionTimeBusinessHoursMs resolves the field.
func (c *Conversation) ResolutionTimeBusinessHoursMs(ctx context.Context) (*Long, error) {
	ms, err := c.batch.request.businessTime(c.row.Project, c.row.firstMessage(), c.row.Resolution)
	return ms, c.batch.api.publicError(ctx, err)
}

// WaitTimeBusinessHoursMs resolves the field.
func (c *Contact) WaitTimeBusinessHoursMs(ctx context.Context) (*Long, error) {
	var began *int64
	if c.row.Wait != nil {
		at := c.row.StartedAt - *c.row.Wait
		began = &at
	}
	ms, err := c.batch.request.businessTime(c.row.Project, began, c.row.Wait)
	return ms, c.batch.api.publicError(ctx, err)
}

// FirstResponseTimeBusinessHoursMs resolves the field.
func (c *Contact) FirstResponseTimeBusinessHoursMs(ctx context.Context) (*Long, error) {
	ms, err := c.batch.request.businessTime(c.row.Project, &c.row.StartedAt, c.row.FirstResponse)
	return ms, c.batch.api.publicError(ctx, err)
}
