package query

import (
	"time"

	"github.com/parley-analytics/parley/schema"
)

// Interval is a half-open interval: From ≤ t < To.
type Interval struct{ From, To schema.Timestamp }

// The range of times in the tables; no row is outside of it.
const (
	firstMoment schema.Timestamp = 0
	lastMoment  schema.Timestamp = 7_258_118_400_000 // 2200-01-01
)

type intervalInput struct{ From, To input }

// interval reads an interval. Bounds finer than a millisecond are moved up to
// the next one: rows are on whole milliseconds, so the same rows are within.
func (i intervalInput) interval() (Interval, error) {
	from, err := i.From.moment("interval.from")
	if err != nil {
		return Interval{}, err
	}
	to, err := i.To.moment("interval.to")
	if err != nil {
		return Interval{}, err
	}
	if !from.Before(to) {
		return Interval{}, badInput("interval", "from must be before to")
	}
	return Interval{ceiling(from), ceiling(to)}, nil
}

func ceiling(t time.Time) schema.Timestamp {
	if t.Nanosecond()%int(time.Millisecond) != 0 {
		t = t.Add(time.Millisecond)
	}
	return min(max(schema.TimestampOf(t), firstMoment), lastMoment)
}
