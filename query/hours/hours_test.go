package hours_test

import (
	"encoding/json"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/timezone"
)

// open judges one moment as the rule says, and knows nothing of intervals.
func open(s *hours.Schedule, at int64) bool {
	var valid *hours.Version
	for i := range s.Versions {
		v := &s.Versions[i]
		// A date has begun once it was shown, though the clock be put back behind it.
		if max(date(at, v.TimeZone), date(at-61*60, v.TimeZone)) >= v.ValidFrom.String() {
			valid = v
		}
	}
	if valid == nil {
		return false
	}
	local := time.Unix(at, 0).In(zone(valid.TimeZone))
	var today hours.Date
	today.Year, today.Month, today.Day = local.Date()
	spans, holiday := valid.Holidays[today]
	if !holiday {
		w := valid.Week
		spans = [][]hours.Span{w.Sunday, w.Monday, w.Tuesday, w.Wednesday, w.Thursday, w.Friday, w.Saturday}[local.Weekday()]
	}
	minute := local.Hour()*60 + local.Minute()
	for _, span := range spans {
		if span.From <= minute && minute < span.To {
			return true
		}
	}
	return false
}

func zone(name string) *time.Location {
	z, err := timezone.Load(name)
	if err != nil {
		panic(err)
	}
	return z
}

func date(at int64, name string) string { return time.Unix(at, 0).In(zone(name)).Format(time.DateOnly) }

func dateOf(t time.Time) hours.Date {
	var d hours.Date
	d.Year, d.Month, d.Day = t.Date()
	return d
}

// spans draws hours of a day, in order and apart.
func spans(t *rapid.T) []hours.Span {
	var list []hours.Span
	at := 0
	for range rapid.IntRange(0, 3).Draw(t, "spans") {
		from := at + rapid.IntRange(0, 8*60).Draw(t, "from")
		to := from + rapid.IntRange(1, 9*60).Draw(t, "length")
		if to > 24*60 {
			break
		}
		list = append(list, hours.Span{From: from, To: to})
		at = to
	}
	return list
}

// TestEveryMinuteIsJudgedByTheScheduleAndTheOffsetThen compares with one look at each
// minute, around the days on which clocks change.
func TestEveryMinuteIsJudgedByTheScheduleAndTheOffsetThen(t *testing.T) {
	days := []string{"2024-12-29", "2010-11-06", "2024-03-29", "2024-10-25", "2024-03-08", "2024-11-01", "2011-12-28", "2024-10-04", "2024-04-05", "2024-06-10", "2018-11-02"}
	zones := []string{"Europe/Paris", "America/New_York", "Pacific/Apia", "Australia/Lord_Howe", "America/Sao_Paulo", "Asia/Kathmandu", "UTC", "Asia/Beirut", "America/St_Johns"}
	rapid.Check(t, func(t *rapid.T) {
		first, err := time.Parse(time.DateOnly, rapid.SampledFrom(days).Draw(t, "day"))
		if err != nil {
			t.Fatal(err)
		}
		var s hours.Schedule
		for range rapid.IntRange(1, 3).Draw(t, "versions") {
			v := hours.Version{
				ValidFrom: dateOf(first.AddDate(0, 0, rapid.IntRange(-2, 5).Draw(t, "valid from"))),
				TimeZone:  rapid.SampledFrom(zones).Draw(t, "zone"),
				Week:      hours.Week{Monday: spans(t), Tuesday: spans(t), Wednesday: spans(t), Thursday: spans(t), Friday: spans(t), Saturday: spans(t), Sunday: spans(t)},
				Holidays:  map[hours.Date][]hours.Span{dateOf(first.AddDate(0, 0, rapid.IntRange(0, 4).Draw(t, "holiday"))): spans(t)},
			}
			if err := s.Set(v); err != nil {
				t.Fatal(err)
			}
		}
		in := hours.Interval{From: first.AddDate(0, 0, -3).Unix(), To: first.AddDate(0, 0, 6).Unix()}
		const project schema.ProjectID = 7
		timeline := hours.NewTimeline(map[schema.ProjectID]*hours.Schedule{3: {Versions: s.Versions[:1]}, project: &s}, in)

		// Half a minute into each: no change of a clock lies between.
		known, _ := s.Begin()
		minutesOpen := int64(0)
		from := in.From + int64(rapid.IntRange(0, 6*24*60).Draw(t, "from"))*60
		to := from + int64(rapid.IntRange(0, 3*24*60).Draw(t, "to"))*60
		for at := from; at < to; at += 60 {
			if open(&s, at+30) {
				minutesOpen++
			}
		}
		got, ok := timeline.Between(project, schema.Timestamp(from*1000), schema.Timestamp(to*1000))
		if ok != (from >= known && to <= in.To) {
			t.Fatalf("known: %v, from %d, the schedule begins at %d", ok, from, known)
		}
		if ok && got != minutesOpen*60_000 {
			t.Fatalf("%s to %s: %d ms, want %d minutes", time.Unix(from, 0).UTC(), time.Unix(to, 0).UTC(), got, minutesOpen)
		}
		last := int64(-1 << 62)
		for _, o := range s.Openings(in) {
			if o.From <= last || o.From >= o.To {
				t.Fatalf("openings touch or are out of order: %v", s.Openings(in))
			}
			last = o.To
		}
	})
}

func TestDaysOnWhichClocksChange(t *testing.T) {
	var s hours.Schedule
	all := []hours.Span{{From: 0, To: 24 * 60}}
	if err := s.Set(hours.Version{ValidFrom: hours.Date{Year: 2024, Month: 1, Day: 1}, TimeZone: "Europe/Paris", Week: hours.Week{
		Sunday: all, Monday: []hours.Span{{From: 9 * 60, To: 17 * 60}},
	}}); err != nil {
		t.Fatal(err)
	}
	for date, want := range map[string]time.Duration{
		"2024-03-24": 24 * time.Hour, "2024-03-31": 23 * time.Hour, "2024-10-27": 25 * time.Hour,
		"2024-03-25": 8 * time.Hour, "2024-10-28": 8 * time.Hour, "2024-10-29": 0, "2023-12-31": 0,
	} {
		begin, err := time.ParseInLocation(time.DateOnly, date, zone("Europe/Paris"))
		if err != nil {
			t.Fatal(err)
		}
		total := int64(0)
		for _, o := range s.Openings(hours.Interval{From: begin.Unix(), To: begin.AddDate(0, 0, 1).Unix()}) {
			total += o.To - o.From
		}
		if got := time.Duration(total) * time.Second; got != want {
			t.Errorf("%s: %s, want %s", date, got, want)
		}
	}
}

func TestAScheduleIsWrittenAndRead(t *testing.T) {
	var v hours.Version
	const text = `{"validFrom":"2024-01-01","timeZone":"Europe/Paris","week":{"monday":["09:00-12:30","13:30-24:00"]},"holidays":{"2024-12-25":[]}}`
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatal(err)
	}
	if back, err := json.Marshal(v); err != nil || string(back) != text {
		t.Errorf("%s %v", back, err)
	}
	for _, wrong := range []string{
		`{"week":{"monday":["9-12"]}}`, `{"week":{"monday":["12:00-09:00"]}}`, `{"week":{"monday":["09:00-24:01"]}}`, `{"week":{"monday":["09:60-10:00"]}}`,
		`{"validFrom":"2024-13-01"}`, `{"holidays":{"christmas":[]}}`,
	} {
		if json.Unmarshal([]byte(wrong), new(hours.Version)) == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
	for _, wrong := range []string{
		`{"timeZone":"UTC"}`, `{"validFrom":"2024-01-01"}`, `{"validFrom":"2024-01-01","timeZone":"Mars/Base"}`, `{"validFrom":"2024-01-01","timeZone":"Local"}`,
		`{"validFrom":"2024-01-01","timeZone":"UTC","week":{"friday":["09:00-12:00","11:00-13:00"]}}`,
	} {
		var v hours.Version
		if err := json.Unmarshal([]byte(wrong), &v); err != nil {
			t.Fatal(err)
		}
		if new(hours.Schedule).Set(v) == nil {
			t.Errorf("%s is taken", wrong)
		}
	}
}

func TestAVersionReplacesTheOneOfItsDate(t *testing.T) {
	var s hours.Schedule
	from := hours.Date{Year: 2024, Month: 1, Day: 1}
	for _, name := range []string{"UTC", "Europe/Paris"} {
		if err := s.Set(hours.Version{ValidFrom: from, TimeZone: name}); err != nil {
			t.Fatal(err)
		}
	}
	if len(s.Versions) != 1 || s.Versions[0].TimeZone != "Europe/Paris" || !s.Remove(from) || s.Remove(from) {
		t.Errorf("%+v", s.Versions)
	}
}
