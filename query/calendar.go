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
	StepQuarter Step = "QUARTER_HOUR"
	StepHalf    Step = "HALF_HOUR"
	StepHour    Step = "HOUR"
	StepDay     Step = "DAY"
	StepWeek    Step = "WEEK"
	StepMonth   Step = "MONTH"
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
	switch step {
	case StepQuarter:
		return nextPart(t, 15*time.Minute)
	case StepHalf:
		return nextPart(t, 30*time.Minute)
	case StepHour:
		return nextPart(t, time.Hour)
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

// nextPart is the next moment after t at which a local hour, or a part of one, begins:
// the clock shows a whole number of parts, or was changed past one.
func nextPart(t time.Time, length time.Duration) time.Time {
	for {
		next := t.Add(length - since(t, length))
		until, ends := timezone.EvenUntil(t)
		if !ends || next.Before(until) {
			return next
		}
		// The clock may change at the end of the part or before: if another part begins with the
		// change, the part ends there; otherwise it continues.
		if since(until, length) == 0 || !samePart(until, until.Add(-1), length) {
			return until
		}
		t = until
	}
}

// sinceHour is how long ago the clock showed a full hour, had it run evenly.
func sinceHour(t time.Time) time.Duration {
	return time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
}

// since is how long ago a part of an hour began, had the clock run evenly.
func since(t time.Time, length time.Duration) time.Duration { return sinceHour(t) % length }

// samePart reports whether the clock shows the same part of the same hour.
func samePart(a, b time.Time, length time.Duration) bool {
	return a.Hour() == b.Hour() && a.YearDay() == b.YearDay() && a.Year() == b.Year() && sinceHour(a)/length == sinceHour(b)/length
}

// LocalTime is the offsets of a local clock from UTC in milliseconds, each valid from its start
// to the next.
type LocalTime struct{ Starts, Offsets []int64 }

// localTime returns the offsets of a zone within an interval.
func localTime(interval Interval, location *time.Location) *LocalTime {
	local, at := new(LocalTime), interval.From.Time().In(location)
	for {
		_, seconds := at.Zone()
		local.Starts, local.Offsets = append(local.Starts, at.UnixMilli()), append(local.Offsets, int64(seconds)*1000)
		until, ends := timezone.EvenUntil(at)
		if !ends || schema.TimestampOf(until) >= interval.To {
			return local
		}
		at = until
	}
}
