package query

import (
	"fmt"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/timezone"
)

// zones have every kind of change: by an hour and by half an hour, over
// midnight in both directions, a whole day left out, offsets of 45 minutes.
var zones = []string{
	"UTC", "Europe/Paris", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "America/Sao_Paulo", "Asia/Beirut",
	"Pacific/Apia", "America/Havana", "Africa/Cairo", "America/St_Johns", "Antarctica/Troll", "Asia/Gaza", "Europe/Dublin",
}

// wall is what the local clock and calendar show, as far as a step cares.
func wall(t time.Time, step Step) [4]int {
	year, month, day := t.Date()
	switch step {
	case StepQuarter:
		return [4]int{year, t.YearDay(), t.Hour(), t.Minute() / 15}
	case StepHalf:
		return [4]int{year, t.YearDay(), t.Hour(), t.Minute() / 30}
	case StepHour:
		return [4]int{year, int(month), day, t.Hour()}
	case StepDay:
		return [4]int{year, int(month), day}
	case StepWeek:
		year, week := t.ISOWeek()
		return [4]int{year, week}
	}
	return [4]int{year, int(month)}
}

// TestStepsBeginWhereTheLocalCalendarTurns walks through time a quarter of an
// hour at a time, in which the offset of every zone is constant, and expects a
// step to begin exactly where the calendar shows another one.
func TestStepsBeginWhereTheLocalCalendarTurns(t *testing.T) {
	const quarter = schema.Timestamp(15 * time.Minute / time.Millisecond)
	for _, name := range zones {
		location, err := zone(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, span := range [][2]string{{"2011-12-25T00:00:00Z", "2012-01-05T00:00:00Z"}, {"2014-01-01T00:00:00Z", "2015-01-01T00:00:00Z"}, {"2018-10-01T00:00:00Z", "2019-04-30T00:00:00Z"}} {
			interval := Interval{at(span[0]), at(span[1])}
			for _, step := range []Step{StepQuarter, StepHalf, StepHour, StepDay, StepWeek, StepMonth} {
				got, err := steps(interval, step, location, 100_000)
				if err != nil {
					t.Fatal(err)
				}
				want := []schema.Timestamp{interval.From}
				for now := interval.From + quarter; now < interval.To; now += quarter {
					before, after := (now - quarter).Time().In(location), now.Time().In(location)
					turned := wall(before, step) != wall(after, step)
					// The same hour on the clock twice is two hours; so is a day on which the
					// clock is put back into the day before.
					length := map[Step]int{StepQuarter: 15, StepHalf: 30, StepHour: 60}[step]
					if length > 0 && !turned && after.Minute()%length == 0 {
						turned = true
					}
					if turned {
						want = append(want, now)
					}
				}
				compareSteps(t, name, step, location, got, want)
			}
		}
	}
}

func compareSteps(t *testing.T, name string, step Step, location *time.Location, got, want []schema.Timestamp) {
	t.Helper()
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			t.Errorf("%s %s: step %d begins %s, want %s", name, step, i, got[i].Time().In(location), want[i].Time().In(location))
			return
		}
	}
	if len(got) != len(want) {
		t.Errorf("%s %s: %d steps, want %d", name, step, len(got), len(want))
	}
}

func at(text string) schema.Timestamp {
	moment, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return schema.TimestampOf(moment)
}

func TestTheFirstStepBeginsWithTheInterval(t *testing.T) {
	paris, err := zone("Europe/Paris")
	if err != nil {
		t.Fatal(err)
	}
	got, err := steps(Interval{at("2020-03-28T12:30:00Z"), at("2020-03-30T22:00:00Z")}, StepDay, paris, 10)
	want := []schema.Timestamp{at("2020-03-28T12:30:00Z"), at("2020-03-28T23:00:00Z"), at("2020-03-29T22:00:00Z")}
	if err != nil || len(got) != 3 || got[0] != want[0] || got[1] != want[1] || got[2] != want[2] {
		t.Errorf("%v %v", got, err)
	}
	if _, err := steps(Interval{0, at("2020-01-01T00:00:00Z")}, StepHour, time.UTC, 10_000); err == nil {
		t.Error("too many steps are taken")
	}
}

// instants are the moments of an interval at which a local calendar can turn, and
// no others: full units of time by every offset the zone has in it, and changes of
// the clock.
func instants(interval Interval, unit schema.Timestamp, location *time.Location) []schema.Timestamp {
	var all []schema.Timestamp
	for at := interval.From; at < interval.To; {
		_, offset := at.Time().In(location).Zone()
		all = append(all, at)
		until := interval.To
		if even, ends := timezone.EvenUntil(at.Time().In(location)); ends {
			until = min(until, schema.TimestampOf(even))
		}
		shift := schema.Timestamp(offset) * 1000
		for full := (at + shift) - (at+shift)%unit - shift; full < until; full += unit {
			if full <= at {
				continue
			}
			all = append(all, full)
		}
		at = until
	}
	return all
}

// begins reports whether a step begins at an instant, by what the clock showed
// before and shows then. Dates that the clock was put back behind are not new
// when it shows them again: latest is the latest shown so far.
func begins(step Step, before, now time.Time, latest string) bool {
	if step == StepHour {
		return wall(before, step) != wall(now, step) || now.Minute() == 0 && now.Second() == 0
	}
	return now.Format(time.DateOnly) > latest && wall(dateOf(latest), step) != wall(now, step)
}

func dateOf(text string) time.Time {
	date, err := time.Parse(time.DateOnly, text)
	if err != nil {
		panic(err)
	}
	return date
}

// TestStepsOfEveryZoneAtEveryChangeOfItsClock compares, for every zone and around
// each change of its clock from 1970 to 2040, with a walk over all instants at
// which the calendar can turn. So every instant is in exactly one step, and steps
// ascend.
func TestStepsOfEveryZoneAtEveryChangeOfItsClock(t *testing.T) {
	const day = schema.Timestamp(24 * time.Hour / time.Millisecond)
	first, last := at("1970-01-01T00:00:00Z"), at("2040-01-01T00:00:00Z")
	changes, asked := 0, 0
	seen := map[string]bool{}
	for _, name := range timezone.Names() {
		location, err := zone(name)
		if err != nil {
			t.Fatal(err)
		}
		var moments []schema.Timestamp
		for now := first.Time().In(location); ; {
			even, ends := timezone.EvenUntil(now)
			if !ends || schema.TimestampOf(even) >= last {
				break
			}
			_, before := now.Zone()
			if _, after := even.Zone(); after != before {
				moments = append(moments, schema.TimestampOf(even))
			}
			now = even
		}
		_, offset := first.Time().In(location).Zone()
		if same := fmt.Sprint(offset, moments, last.Time().In(location)); seen[same] {
			continue // an alias
		} else {
			seen[same] = true
		}
		for _, change := range moments {
			changes++
			for _, step := range []Step{StepHour, StepDay, StepWeek, StepMonth} {
				around := 2 * day
				if step == StepWeek || step == StepMonth {
					around = 9 * day
				}
				// Questions begin at odd moments, too, also right at the change and within what
				// comes twice.
				for _, from := range []schema.Timestamp{change - around, change - 1, change, change + 40*60_000} {
					interval := Interval{max(from, first), change + around}
					got, err := steps(interval, step, location, 10_000)
					if err != nil {
						t.Fatal(err)
					}
					asked++
					compareSteps(t, name, step, location, got, turns(interval, step, location))
				}
			}
			if t.Failed() {
				t.FailNow()
			}
		}
	}
	t.Logf("%d zones, %d changes, %d questions", len(seen), changes, asked)
	if len(seen) < 300 || changes < 10_000 {
		t.Errorf("only %d zones with %d changes", len(seen), changes)
	}
}

// turns finds where steps begin by walking over the instants.
func turns(interval Interval, step Step, location *time.Location) []schema.Timestamp {
	want := []schema.Timestamp{interval.From}
	// What the clock has shown before the interval counts for the latest date.
	const hour = schema.Timestamp(time.Hour / time.Millisecond)
	unit := 24 * hour
	if step == StepHour {
		unit = hour
	}
	var before time.Time
	latest := ""
	for _, instant := range instants(Interval{interval.From - 48*hour, interval.To}, unit, location) {
		now := instant.Time().In(location)
		if instant > interval.From && begins(step, before, now, latest) {
			want = append(want, instant)
		}
		before, latest = now, max(latest, now.Format(time.DateOnly))
	}
	return want
}
