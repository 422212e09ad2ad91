package hours

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema/timezone"
)

// Schedule is the opening hours of a project, by when they hold.
type Schedule struct {
	Versions []Version `json:"versions"`
}

// Version is opening hours from a date on.
type Version struct {
	ValidFrom Date            `json:"validFrom" yaml:"validFrom"`
	TimeZone  string          `json:"timeZone" yaml:"timeZone"` // IANA name
	Week      Week            `json:"week" yaml:"week"`
	Holidays  map[Date][]Span `json:"holidays,omitempty" yaml:"holidays"` // empty: closed
}

// Week is the opening hours of each day; a day without any is closed.
type Week struct {
	Monday    []Span `json:"monday,omitempty" yaml:"monday"`
	Tuesday   []Span `json:"tuesday,omitempty" yaml:"tuesday"`
	Wednesday []Span `json:"wednesday,omitempty" yaml:"wednesday"`
	Thursday  []Span `json:"thursday,omitempty" yaml:"thursday"`
	Friday    []Span `json:"friday,omitempty" yaml:"friday"`
	Saturday  []Span `json:"saturday,omitempty" yaml:"saturday"`
	Sunday    []Span `json:"sunday,omitempty" yaml:"sunday"`
}

func (w *Week) day(d time.Weekday) []Span {
	return [...][]Span{w.Sunday, w.Monday, w.Tuesday, w.Wednesday, w.Thursday, w.Friday, w.Saturday}[d]
}

// Span is a stretch of a local day, in minutes since its midnight: From ≤ t < To.
// Its text is 09:00-12:30; 24:00 is the end of the day.
type Span struct{ From, To int }

// MarshalText writes 09:00-12:30.
func (s Span) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%02d:%02d-%02d:%02d", s.From/60, s.From%60, s.To/60, s.To%60), nil
}

// UnmarshalText reads 09:00-12:30.
func (s *Span) UnmarshalText(text []byte) error {
	from, to, ok := strings.Cut(string(text), "-")
	var wrong error
	s.From, wrong = minutes(strings.TrimSpace(from))
	if wrong == nil {
		s.To, wrong = minutes(strings.TrimSpace(to))
	}
	if !ok || wrong != nil || s.From >= s.To {
		return fmt.Errorf("hours %q: must be written as 09:00-12:30, within one day", text)
	}
	return nil
}

func minutes(clock string) (int, error) {
	h, m, ok := strings.Cut(clock, ":")
	hour, wrong := strconv.ParseUint(h, 10, 8)
	minute, alsoWrong := strconv.ParseUint(m, 10, 8)
	n := int(hour)*60 + int(minute)
	if !ok || wrong != nil || alsoWrong != nil || minute > 59 || n > 24*60 {
		return 0, errors.New("is not a time of day")
	}
	return n, nil
}

// Date is a day of a local calendar; its text is 2024-12-25.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

// MarshalText writes 2024-12-25.
func (d Date) MarshalText() ([]byte, error) {
	return fmt.Appendf(nil, "%04d-%02d-%02d", d.Year, d.Month, d.Day), nil
}

// UnmarshalText reads 2024-12-25.
func (d *Date) UnmarshalText(text []byte) error {
	t, err := time.Parse(time.DateOnly, string(text))
	if err != nil || t.Year() < 1970 || t.Year() > 2199 {
		return fmt.Errorf("date %q: must be written as 2024-12-25, from 1970 to 2199", text)
	}
	d.Year, d.Month, d.Day = t.Date()
	return nil
}

// String is the text.
func (d Date) String() string {
	text, _ := d.MarshalText() // never fails
	return string(text)
}

// maxHolidays and maxVersions bound a schedule.
const (
	maxHolidays = 1000
	maxVersions = 100
)

// Set adds a version, in the place of one from the same date.
func (s *Schedule) Set(v Version) error {
	if err := v.check(); err != nil {
		return err
	}
	s.Remove(v.ValidFrom)
	if len(s.Versions) >= maxVersions {
		return fmt.Errorf("a schedule has at most %d versions", maxVersions)
	}
	s.Versions = append(s.Versions, v)
	slices.SortFunc(s.Versions, func(a, b Version) int { return strings.Compare(a.ValidFrom.String(), b.ValidFrom.String()) })
	return nil
}

// Remove removes a version and reports whether there was one.
func (s *Schedule) Remove(from Date) bool {
	before := len(s.Versions)
	s.Versions = slices.DeleteFunc(s.Versions, func(v Version) bool { return v.ValidFrom == from })
	return len(s.Versions) < before
}

func (v *Version) check() error {
	if v.ValidFrom == (Date{}) {
		return errors.New("validFrom: is required, e.g. 2024-01-01")
	}
	if _, err := timezone.Load(v.TimeZone); err != nil {
		return fmt.Errorf("timeZone: %w", err)
	}
	if len(v.Holidays) > maxHolidays {
		return fmt.Errorf("holidays: must be at most %d", maxHolidays)
	}
	for day := time.Sunday; day <= time.Saturday; day++ {
		if err := apart(v.Week.day(day)); err != nil {
			return fmt.Errorf("week: %s: %w", strings.ToLower(day.String()), err)
		}
	}
	for date, spans := range v.Holidays {
		if err := apart(spans); err != nil {
			return fmt.Errorf("holidays: %s: %w", date, err)
		}
	}
	return nil
}

// apart checks that hours come in order and do not meet.
func apart(spans []Span) error {
	for i, s := range spans {
		if s.From < 0 || s.To > 24*60 || s.From >= s.To || i > 0 && s.From < spans[i-1].To {
			return errors.New("hours must come in order and not overlap")
		}
	}
	return nil
}
