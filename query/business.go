package query

import (
	"context"
	"strings"
	"time"

	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

// HoursReader reads opening hours: the schedules of those of the projects that
// have one.
type HoursReader interface {
	Schedules(ctx context.Context, projects schema.Projects) (map[schema.ProjectID]*hours.Schedule, error)
}

const (
	// aroundInterval is how far outside the interval asked for a time may begin or
	// end and still have its business hours.
	aroundInterval = 400 * 24 * time.Hour
	// maxOpenings is the most stretches of opening hours one statement takes.
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
		return nil, badInput("interval", "holds too many opening hours for figures of business hours: ask for a shorter one or for fewer projects")
	}
	return t, nil
}

// ofBusinessHours tells whether a field is measured in business hours.
func ofBusinessHours(field string) bool { return strings.HasSuffix(field, "BusinessHours") }
