package query

import (
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // zones must not depend on the machine

	"github.com/parley-analytics/parley/schema"
)

// Step is a length of the local calendar.
type Step string

// The steps. A week begins on Monday.
const (
	StepHour  Step = "HOUR"
	StepDay   Step = "DAY"
	StepWeek  Step = "WEEK"
	StepMonth Step = "MONTH"
)

// zone finds a time zone by its IANA name.
func zone(name string) (*time.Location, error) {
	wrong := badInput("timeZone", "must be the IANA name of a time zone, for example Europe/Paris")
	if name == "" || strings.EqualFold(name, "local") {
		return nil, wrong
	}
	location, err := time.LoadLocation(name)
	if err != nil {
		return nil, wrong
	}
	return location, nil
}

// steps cuts an interval at the beginnings of the local calendar's steps and
// gives the start of each piece: the first is the start of the interval. More
// than most pieces are an error.
func steps(interval Interval, step Step, location *time.Location, most int) ([]schema.Timestamp, error) {
	starts := []schema.Timestamp{interval.From}
	at := interval.From.Time().In(location)
	for {
		next := nextStep(at, step)
		if schema.TimestampOf(next) >= interval.To {
			return starts, nil
		}
		if len(starts) == most {
			return nil, badInput("step", "must cut the interval into at most %d pieces", most)
		}
		starts = append(starts, schema.TimestampOf(next))
		at = next
	}
}

// nextStep is the first beginning of a step after t, in t's zone.
func nextStep(t time.Time, step Step) time.Time {
	year, month, day := t.Date()
	switch step {
	case StepHour:
		return nextHour(t)
	case StepDay:
		return startOfDay(year, month, day+1, t.Location())
	case StepWeek:
		sinceMonday := (int(t.Weekday()) + 6) % 7
		return startOfDay(year, month, day+7-sinceMonday, t.Location())
	case StepMonth:
		return startOfDay(year, month+1, 1, t.Location())
	}
	panic(fmt.Sprintf("unknown step %q", step))
}

// nextHour is the next moment after t at which a local hour begins: the clock
// shows a full hour, or was changed past one.
func nextHour(t time.Time) time.Time {
	within := time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	next := t.Add(time.Hour - within)
	if _, change := t.ZoneBounds(); !change.IsZero() && !change.After(next) {
		// The clock changes when the hour is over, or before: the hour ends with the
		// change where another one begins, and goes on where it does not.
		if change.Hour() != t.Hour() || change.Minute() == 0 {
			return change
		}
		rest := time.Duration(change.Minute())*time.Minute + time.Duration(change.Second())*time.Second
		return change.Add(time.Hour - rest)
	}
	return next
}

// startOfDay is the first moment of a local day. Where the clock is put forward
// over midnight that is the moment of the change; where it is put back over
// midnight, the first of the two midnights.
func startOfDay(year int, month time.Month, day int, location *time.Location) time.Time {
	guess := time.Date(year, month, day, 0, 0, 0, 0, location)
	wall := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	// Midnight by the offset that holds half a day before and after; both agree
	// unless the clock changes in between.
	for _, near := range []time.Duration{-12 * time.Hour, 12 * time.Hour} {
		_, offset := guess.Add(near).Zone()
		at := wall.Add(-time.Duration(offset) * time.Second).In(location)
		if y, m, d := at.Date(); y == wall.Year() && m == wall.Month() && d == wall.Day() && at.Hour() == 0 && at.Minute() == 0 {
			return at
		}
	}
	// There is no midnight: the clock jumps over it.
	_, change := guess.Add(-12 * time.Hour).ZoneBounds()
	return change.In(location)
}
