package hours

import (
	"time"

	"github.com/parley-analytics/parley/schema/timezone"
)

// Interval is a stretch of time in Unix seconds: From ≤ t < To.
type Interval struct{ From, To int64 }

// Begin is the first moment the schedule says something about, in Unix seconds;
// false when it never does.
func (s *Schedule) Begin() (int64, bool) {
	if len(s.Versions) == 0 {
		return 0, false
	}
	return s.Versions[0].begin(), true
}

// Openings are the stretches of the range that are open: ascending, apart, and
// none that touch. What lies before the first version is not open.
func (s *Schedule) Openings(in Interval) []Interval {
	var all []Interval
	for i := range s.Versions {
		valid := in
		valid.From = max(valid.From, s.Versions[i].begin())
		for _, later := range s.Versions[i+1:] {
			valid.To = min(valid.To, later.begin())
		}
		for _, open := range s.Versions[i].openings(valid) {
			if n := len(all); n > 0 && all[n-1].To == open.From {
				all[n-1].To = open.To
				continue
			}
			all = append(all, open)
		}
	}
	return all
}

// segment is a stretch during which the zone keeps one offset from UTC.
type segment struct {
	Interval
	offset int64 // seconds east of UTC
}

// segments cut a range at the changes of offset.
func segments(in Interval, zone *time.Location) []segment {
	var all []segment
	for at := in.From; at < in.To; {
		t := time.Unix(at, 0).In(zone)
		_, offset := t.Zone()
		until := in.To
		if even, ends := timezone.EvenUntil(t); ends {
			until = min(until, even.Unix())
		}
		all = append(all, segment{Interval{at, until}, int64(offset)})
		at = until
	}
	return all
}

func (v *Version) zone() *time.Location {
	zone, err := timezone.Load(v.TimeZone)
	if err != nil {
		return time.UTC // Set has checked it
	}
	return zone
}

const day = 24 * 60 * 60

// begin is the first moment at which a clock of the zone shows the date or a later
// one.
func (v *Version) begin() int64 {
	return timezone.StartOfDay(v.ValidFrom.Year, v.ValidFrom.Month, v.ValidFrom.Day, v.zone()).Unix()
}

// openings are the openings of one version.
func (v *Version) openings(in Interval) []Interval {
	var all []Interval
	for _, s := range segments(in, v.zone()) {
		// Within a segment the local clock runs evenly: midnights are a day apart.
		first := floor(s.From+s.offset, day)
		for midnight := first; midnight < s.To+s.offset; midnight += day {
			year, month, number := time.Unix(midnight, 0).UTC().Date()
			spans, holiday := v.Holidays[Date{year, month, number}]
			if !holiday {
				spans = v.Week.day(time.Unix(midnight, 0).UTC().Weekday())
			}
			for _, span := range spans {
				open := Interval{
					max(s.From, midnight-s.offset+int64(span.From)*60),
					min(s.To, midnight-s.offset+int64(span.To)*60),
				}
				switch n := len(all); {
				case open.From >= open.To:
				case n > 0 && all[n-1].To == open.From:
					all[n-1].To = open.To
				default:
					all = append(all, open)
				}
			}
		}
	}
	return all
}

// floor rounds down to a multiple.
func floor(n, of int64) int64 {
	rest := n % of
	if rest < 0 {
		rest += of
	}
	return n - rest
}
