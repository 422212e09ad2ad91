package demo

import "time"

// The weekly curve: how busy an hour is compared to others. Days differ by a
// factor, from Monday on; hours are UTC.
var (
	hourWeights = [24]float64{1, .6, .4, .3, .3, .5, 1, 2, 5, 8, 10, 10, 8, 9, 10, 10, 9, 9, 8, 7, 6, 5, 3.5, 2}
	dayWeights  = [7]float64{1.15, 1.05, 1, 1, 1.05, .75, .5}
)

const (
	week      = 7 * 24 * time.Hour
	weekHours = 7 * 24
)

// epoch is a Monday long before any requested stream.
var epoch = time.Date(2018, time.January, 1, 0, 0, 0, 0, time.UTC)

// season maps busy time, in which conversations begin evenly, to clock time, in which they cluster
// in the busy hours. The two agree at the start of every week.
type season struct {
	// until[h] is the share of a week's conversations that begin before hour h.
	until [weekHours + 1]float64
}

func weekly() *season {
	var s season
	sum := 0.0
	for h := range weekHours {
		sum += hourWeights[h%24] * dayWeights[h/24]
		s.until[h+1] = sum
	}
	for h := range s.until {
		s.until[h] /= sum
	}
	return &s
}

// steady is a curve without busy hours.
func steady() *season {
	var s season
	for h := range s.until {
		s.until[h] = float64(h) / weekHours
	}
	return &s
}

// clock returns the moment that lies weeks of busy time after the epoch.
func (s *season) clock(weeks float64) time.Time {
	whole := int64(weeks)
	share := weeks - float64(whole)
	low, high := 0, weekHours
	for high-low > 1 {
		middle := (low + high) / 2
		if s.until[middle] <= share {
			low = middle
		} else {
			high = middle
		}
	}
	part := (share - s.until[low]) / (s.until[low+1] - s.until[low])
	return epoch.Add(time.Duration(whole) * week).Add(time.Duration((float64(low) + part) * float64(time.Hour)))
}

// busy is the inverse of clock.
func (s *season) busy(t time.Time) float64 {
	since := t.Sub(epoch)
	whole := since / week
	hours := float64(since%week) / float64(time.Hour)
	h := min(int(hours), weekHours-1)
	return float64(whole) + s.until[h] + (hours-float64(h))*(s.until[h+1]-s.until[h])
}
