package query

import (
	"fmt"
	"time"

	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/timezone"
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
	location, err := timezone.Load(name)
	if err != nil {
		return nil, badInput("timeZone", "%s", err)
	}
	return location, nil
}

// steps splits an interval at the beginnings of the local calendar's steps and returns the start of
// each part: the first is the start of the interval. More than most parts are an error.
func steps(interval Interval, step Step, location *time.Location, most int) ([]schema.Timestamp, error) {
	starts := []schema.Timestamp{interval.From}
	at := interval.From.Time().In(location)
	for {
		next := nextStep(at, step)
		if schema.TimestampOf(next) >= interval.To {
			return starts, nil
		}
		if len(starts) == most {
			return nil, badInput("step", "must divide the interval into at most %d steps", most)
		}
		starts = append(starts, schema.TimestampOf(next))
		at = next
	}
}

// nextStep is the first beginning of a step after t, in t's zone.
func nextStep(t time.Time, step Step) time.Time {
	if step == StepHour {
		return nextHour(t)
	}
	year, month, day := t.Date()
	for {
		switch step {
		case StepDay:
			day++
		case StepWeek:
			sinceMonday := (int(time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Weekday()) + 6) % 7
			day += 7 - sinceMonday
		case StepMonth:
			month, day = month+1, 1
		default:
			panic(fmt.Sprintf("unknown step %q", step))
		}
		// If the clock is set back over midnight, it shows the previous date again after the step
		// of the next one has begun.
		if next := timezone.StartOfDay(year, month, day, t.Location()); next.After(t) {
			return next
		}
	}
}

// nextHour is the next moment after t at which a local hour begins: the clock
// shows a full hour, or was changed past one.
func nextHour(t time.Time) time.Time {
	for {
		next := t.Add(time.Hour - sinceHour(t))
		until, ends := timezone.EvenUntil(t)
		if !ends || next.Before(until) {
			return next
		}
		// The clock may change at the end of the hour or before: if another hour begins with the
		// change, the hour ends there; otherwise it continues.
		if sinceHour(until) == 0 || !sameHour(until, until.Add(-1)) {
			return until
		}
		t = until
	}
}

// sinceHour is how long ago the clock showed a full hour, had it run evenly.
func sinceHour(t time.Time) time.Duration {
	return time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
}

// sameHour reports whether the clock shows the same hour of the same day.
func sameHour(a, b time.Time) bool {
	return a.Hour() == b.Hour() && a.YearDay() == b.YearDay() && a.Year() == b.Year()
}
