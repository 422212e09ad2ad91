package query

import (
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
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
// hour at a time, in which the clock of every zone stands still, and expects a
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
			for _, step := range []Step{StepHour, StepDay, StepWeek, StepMonth} {
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
					if step == StepHour && !turned && after.Minute() == 0 {
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
