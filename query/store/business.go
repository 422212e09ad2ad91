package store

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/hours"
)

// The timeline travels as differences and lengths, which are shorter, in text: an array among the parameters is analysed value by
// value, wherever it stands.
const openingSteps, openingLengths = "hours_steps", "hours_lengths"

// sent is the text as it is sent. One that reads a timeline begins with what is computed of it: scalar subqueries, which are
// evaluated once and stand in what is analysed by a short name.
func (s *statement) sent() string {
	if !s.opened {
		return s.text
	}
	lists := newStatement("with_openings", query.Scope{}).text
	if rest, others := strings.CutPrefix(s.text, "WITH"); others {
		return lists + "," + rest
	}
	return lists + "\n" + s.text
}

// stretch writes what a list says for the stretch that a moment in a lane is in.
func stretch(at, list string) string {
	return "transform(roundDown(" + at + ", _opening_starts), _opening_starts, " + list + ", toInt64(0))"
}

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

// inLane writes a moment in milliseconds in the lane of the row's project.
func inLane(moment string) string { return "(" + ofProject("hours_lanes") + " + " + moment + ")" }

// openAt writes whether the project of a row is open at a moment in milliseconds. It
// is NULL where the timeline does not know.
func openAt(moment string) string {
	at := inLane(moment)
	return fmt.Sprintf("if(%s > 0 AND %s >= %s AND %[2]s < %[4]s, toNullable(%[2]s - %[5]s < %[6]s), NULL)",
		ofProject("hours_lanes"), at, ofProject("hours_begins"), ofProject("hours_ends"), stretch(at, "_closed_until"), stretch(at, "_open_until"))
}

// business writes the business time between two moments in milliseconds: see
// hours.Timeline. It is NULL where the timeline does not know all of it.
func business(from, to string) string {
	before := func(at string) string {
		return "least(" + at + " - " + stretch(at, "_closed_until") + ", " + stretch(at, "_open_until") + ")"
	}
	a, b := inLane("assumeNotNull("+from+")"), inLane("assumeNotNull("+to+")")
	known := fmt.Sprintf("isNotNull(%s) AND isNotNull(%s) AND %s > 0 AND %s <= %s AND %s >= %s AND %s <= %s",
		from, to, ofProject("hours_lanes"), a, b, a, ofProject("hours_begins"), b, ofProject("hours_ends"))
	// Added, not chosen: to compute a branch only for the rows that it is chosen for takes longer than the rows that are saved.
	return fmt.Sprintf("(%s - %s) + if(%s, toNullable(toInt64(0)), NULL)", before(b), before(a), known)
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
		bind(openingSteps, inText(steps)).bind(openingLengths, inText(t.Lengths))
}

// inText writes a list as ClickHouse reads an array.
func inText(list []int64) string {
	text := []byte{'['}
	for i, n := range list {
		if i > 0 {
			text = append(text, ',')
		}
		text = strconv.AppendInt(text, n, 10)
	}
	return string(append(text, ']'))
}
