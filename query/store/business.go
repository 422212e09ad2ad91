package store

import (
	"fmt"
	"strings"

	"github.com/parley-analytics/parley/query/hours"
)

// The timeline travels as differences and lengths, which are shorter.
const (
	openStarts  = "arrayMap(s -> s * 1000, arrayCumSum({hours_steps:Array(Int64)}))"
	openLengths = "arrayMap(l -> l * 1000, {hours_lengths:Array(Int64)})"
	openSums    = "arrayMap((sum, l) -> (sum - l) * 1000, arrayCumSum({hours_lengths:Array(Int64)}), {hours_lengths:Array(Int64)})"
)

// ofProject writes what a parameter says for the project of a row, in
// milliseconds; 0 for one without a schedule.
func ofProject(parameter string) string {
	return fmt.Sprintf("transform(project_id, {hours_projects:Array(UInt32)}, {%s:Array(Int64)}, toInt64(0)) * 1000", parameter)
}

// The moments that are inside or outside business hours, in milliseconds.
const (
	createdMoment = "toUnixTimestamp64Milli(created_at)"
	startedMoment = "toUnixTimestamp64Milli(started_at)"
)

// openAt writes whether the project of a row is open at a moment in milliseconds. It
// is NULL where the timeline does not know.
func openAt(moment string) string {
	at := "(" + ofProject("hours_lanes") + " + " + moment + ")"
	start := "roundDown(" + at + ", " + openStarts + ")"
	return strings.NewReplacer("LANE", ofProject("hours_lanes"), "BEGIN", ofProject("hours_begins"), "END", ofProject("hours_ends"), "START", start, "AT", at).Replace(
		"if(LANE > 0 AND AT >= BEGIN AND AT < END, toNullable(AT - START < transform(START, " + openStarts + ", " + openLengths + ", toInt64(0))), NULL)")
}

// business writes the business time between two moments in milliseconds: see
// hours.Timeline. It is NULL where the timeline does not know all of it.
func business(from, to string) string {
	inLane := func(moment string) string { return "(" + ofProject("hours_lanes") + " + " + moment + ")" }
	before := func(at string) string {
		start := "roundDown(" + at + ", " + openStarts + ")"
		return strings.NewReplacer("START", start, "AT", at).Replace(
			"(transform(START, " + openStarts + ", " + openSums + ", toInt64(0)) + least(AT - START, transform(START, " + openStarts + ", " + openLengths + ", toInt64(0))))")
	}
	a, b := inLane("assumeNotNull("+from+")"), inLane("assumeNotNull("+to+")")
	return fmt.Sprintf("if(isNotNull(%s) AND isNotNull(%s) AND %s > 0 AND %s <= %s AND %s >= %s AND %s <= %s, toNullable(%s - %s), NULL)",
		from, to, ofProject("hours_lanes"), a, b, a, ofProject("hours_begins"), b, ofProject("hours_ends"), before(b), before(a))
}

// open binds the timeline that [business] reads, the first one given. An empty one
// knows a project that there is not.
func (s *statement) open(t *hours.Timeline) *statement {
	if t == nil || s.opened {
		return s
	}
	s.opened = true
	if len(t.Projects) == 0 {
		t = &hours.Timeline{Projects: []uint32{0}, Begins: []int64{0}, Ends: []int64{0}, Lanes: []int64{0}, Starts: []int64{0}, Lengths: []int64{0}}
	}
	steps := make([]int64, len(t.Starts))
	for i, start := range t.Starts {
		steps[i] = start
		if i > 0 {
			steps[i] -= t.Starts[i-1]
		}
	}
	return s.bind("hours_projects", t.Projects).bind("hours_lanes", t.Lanes).bind("hours_begins", t.Begins).bind("hours_ends", t.Ends).
		bind("hours_steps", steps).bind("hours_lengths", t.Lengths)
}
