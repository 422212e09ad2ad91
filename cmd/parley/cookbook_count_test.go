package main

import (
	"fmt"
	"slices"
	"time"
)

var (
	paris = func() *time.Location {
		location, err := time.LoadLocation("Europe/Paris")
		if err != nil {
			panic(err)
		}
		return location
	}()
	cookbookFrom = time.Date(2025, 5, 5, 0, 0, 0, 0, paris)
	cookbookTo   = time.Date(2025, 6, 2, 0, 0, 0, 0, paris)
)

// moment reads a time of a row; nil where there is none.
func moment(row map[string]any, name string) *time.Time {
	text, ok := row[name].(string)
	if !ok {
		return nil
	}
	found, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return &found
}

func asked(at *time.Time) bool { return at != nil && !at.Before(cookbookFrom) && at.Before(cookbookTo) }

// ranks interpolates the median and the 90th percentile.
func ranks(values []float64) (median, p90 float64) {
	slices.Sort(values)
	rank := func(p float64) float64 {
		place := p * float64(len(values)-1)
		low := int(place)
		high := min(low+1, len(values)-1)
		return values[low] + (values[high]-values[low])*(place-float64(low))
	}
	return rank(.5), rank(.9)
}

// closed are the conversations closed in the interval.
func (d *demonstrated) closed() (rows []map[string]any) {
	for _, c := range d.conversations {
		if asked(moment(c, "closed_at")) {
			rows = append(rows, c)
		}
	}
	return rows
}

// started are the contacts started in it.
func (d *demonstrated) started() (rows []map[string]any) {
	for _, k := range d.contacts {
		if asked(moment(k, "started_at")) {
			rows = append(rows, k)
		}
	}
	return rows
}

// distinct are the values that the contacts of a conversation have.
func (d *demonstrated) distinct(c map[string]any, column string) map[string]bool {
	values := map[string]bool{}
	for _, k := range d.of[label(c, "conversation_id")] {
		if k[column] != nil {
			values[label(k, column)] = true
		}
	}
	return values
}

func (d *demonstrated) csat() table {
	answers, satisfied, want := map[string]float64{}, map[string]float64{}, table{}
	for _, c := range d.closed() {
		if c["customer_satisfaction"] == nil {
			continue
		}
		for operator := range d.distinct(c, "operator_id") {
			answers[operator]++
			if number(c, "customer_satisfaction") >= 4 {
				satisfied[operator]++
			}
		}
	}
	for operator, n := range answers {
		want[operator] = []float64{n, 100 * satisfied[operator] / n}
	}
	return want
}

func (d *demonstrated) firstResponses() table {
	values, want := map[string][]float64{}, table{}
	for _, k := range d.started() {
		if k["first_response_time_ms"] != nil {
			local := moment(k, "started_at").In(paris)
			key := fmt.Sprint(k["channel"], " ", (int(local.Weekday())+6)%7+1, " ", local.Hour())
			values[key] = append(values[key], number(k, "first_response_time_ms"))
		}
	}
	for key, of := range values {
		median, p90 := ranks(of)
		want[key] = []float64{float64(len(of)), median, p90}
	}
	return want
}

func (d *demonstrated) containment() table {
	var contained, all float64
	for _, c := range d.closed() {
		bots, people := 0, 0
		for _, k := range d.of[label(c, "conversation_id")] {
			if k["operator_kind"] == "BOT" {
				bots++
			} else {
				people++
			}
		}
		if bots > 0 {
			all++
			if people == 0 {
				contained++
			}
		}
	}
	return table{"": {contained, all, contained / all}}
}

func (d *demonstrated) transfers() table {
	want := table{}
	for _, k := range d.started() {
		if k["ending"] != "TRANSFERRED" {
			continue
		}
		next, of := "<nil>", d.of[label(k, "conversation_id")]
		if n := int(number(k, "ordinal")); n < len(of) {
			next = label(of[n], "routing_group_id")
		}
		key := label(k, "routing_group_id") + " " + next
		if want[key] == nil {
			want[key] = []float64{0}
		}
		want[key][0]++
	}
	return want
}

func (d *demonstrated) revenue() table {
	closed, sums, want := map[string]float64{}, map[string]map[string]float64{}, table{}
	for _, c := range d.closed() {
		for rule := range d.distinct(c, "routing_rule_id") {
			closed[rule]++
			if sums[rule] == nil {
				sums[rule] = map[string]float64{}
			}
			for currency := range c["revenue"].(map[string]any) {
				sums[rule][currency] += number(c, "revenue", currency)
			}
		}
	}
	for rule, n := range closed {
		want[rule] = []float64{n}
		for currency, sum := range sums[rule] {
			want[rule+" "+currency] = []float64{sum / n}
		}
	}
	return want
}

func (d *demonstrated) snoozes() table {
	snoozed, away := 0.0, []float64{}
	for _, k := range d.started() {
		if k["ending"] != "SNOOZED" {
			continue
		}
		snoozed++
		of, id, left := d.of[label(k, "conversation_id")], label(k, "conversation_id"), *moment(k, "ended_at")
		n := int(number(k, "ordinal"))
		if n >= len(of) {
			continue
		}
		back := *moment(of[n], "started_at")
		if !slices.ContainsFunc(d.closes[id], func(at time.Time) bool { return !at.Before(left) && !at.After(back) }) {
			away = append(away, float64(back.Sub(left).Milliseconds()))
		}
	}
	median, p90 := ranks(away)
	return table{"": {snoozed, float64(len(away)) / snoozed, float64(len(away)), median, p90}}
}

func (d *demonstrated) backlog() table {
	want := table{}
	for day := cookbookFrom; day.Before(cookbookTo); day = day.AddDate(0, 0, 1) {
		end, open := day.AddDate(0, 0, 1), 0.0
		for _, c := range d.conversations {
			latest := func(times []time.Time) (last time.Time) {
				for _, at := range times {
					if at.Before(end) && at.After(last) {
						last = at
					}
				}
				return last
			}
			id := label(c, "conversation_id")
			closed, pushed := latest(d.closes[id]), latest(d.pushes[id])
			if moment(c, "created_at").Before(end) && (closed.IsZero() || pushed.After(closed)) {
				open++
			}
		}
		want[day.Format(time.DateOnly)] = []float64{open}
	}
	return want
}

func (d *demonstrated) reopened() table {
	type cohort struct {
		closed, answers, satisfied float64
		handle                     []float64
	}
	of, want := map[bool]*cohort{true: {}, false: {}}, table{}
	for _, c := range d.closed() {
		// It was pushed after a close.
		closes := d.closes[label(c, "conversation_id")]
		again := slices.ContainsFunc(d.pushes[label(c, "conversation_id")], func(at time.Time) bool { return len(closes) > 0 && at.After(closes[0]) })
		cohort := of[again]
		cohort.closed++
		cohort.handle = append(cohort.handle, number(c, "handle_time_ms"))
		if c["customer_satisfaction"] != nil {
			cohort.answers++
			if number(c, "customer_satisfaction") >= 4 {
				cohort.satisfied++
			}
		}
	}
	for again, cohort := range of {
		median, _ := ranks(cohort.handle)
		want[fmt.Sprint(again)] = []float64{cohort.closed, 100 * cohort.satisfied / max(cohort.answers, 1), median}
	}
	return want
}

func (d *demonstrated) serviceLevel() table {
	var within, all float64
	for _, k := range d.started() {
		local := moment(k, "started_at").In(paris)
		working := local.Weekday() != time.Saturday && local.Weekday() != time.Sunday && local.Hour() >= 9 && local.Hour() < 18
		if !working || k["first_response_time_ms"] == nil {
			continue
		}
		all++
		if number(k, "first_response_time_ms") <= 60_000 {
			within++
		}
	}
	return table{"": {within, within / all}}
}

func (d *demonstrated) concurrency() table {
	type span struct{ from, to time.Time }
	spans, want := map[string][]span{}, table{}
	for _, k := range d.contacts {
		from, to := *moment(k, "started_at"), moment(k, "ended_at")
		if to == nil {
			now := time.Now()
			to = &now
		}
		if k["operator_kind"] == "PROFESSIONAL" && from.Before(cookbookTo) && to.After(cookbookFrom) {
			s := span{from, *to}
			if s.from.Before(cookbookFrom) {
				s.from = cookbookFrom
			}
			if s.to.After(cookbookTo) {
				s.to = cookbookTo
			}
			spans[label(k, "operator_id")] = append(spans[label(k, "operator_id")], s)
		}
	}
	for operator, all := range spans {
		peak, handled := 0.0, 0.0
		for _, s := range all {
			open := 0.0
			for _, other := range all {
				if !other.from.After(s.from) && other.to.After(s.from) {
					open++
				}
			}
			peak, handled = max(peak, open), handled+float64(s.to.Sub(s.from).Milliseconds())
		}
		want[operator] = []float64{peak, handled}
	}
	return want
}
