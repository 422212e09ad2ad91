package store

import (
	"fmt"
	"slices"
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

// known is the timeline of the row's project: its lane, from where and to where it is known.
type known struct{ lane, begin, end string }

var knownOfRow = known{ofProject("hours_lanes"), ofProject("hours_begins"), ofProject("hours_ends")}

// placed is a moment in its lane, the start of the stretch that it is in, and what the timeline says of that.
type placed struct{ at, start, opened string }

// startOf writes the start of a stretch.
func startOf(at string) string { return "roundDown(" + at + ", _opening_starts)" }

// openedOf writes what the timeline says of a stretch: how long it is open, in seconds, in the lower 32 bits, and in the upper ones how long
// it was open before, all lanes together, which may overflow: only differences count, of less than 2^31 seconds.
func openedOf(start string) string {
	return "transform(" + start + ", _opening_starts, _openings, toInt64(0))"
}

// place writes a moment in milliseconds, in the lane of the row's project.
func (k known) place(moment string) placed {
	at := "(" + k.lane + " + " + moment + ")"
	return placed{at, startOf(at), openedOf(startOf(at))}
}

// length writes how long the stretch is open, in milliseconds.
func (p placed) length() string { return "bitAnd(" + p.opened + ", 4294967295) * 1000" }

// into writes how much of the stretch before the moment is open, in milliseconds.
func (p placed) into() string { return "least(" + p.at + " - " + p.start + ", " + p.length() + ")" }

// openAt writes whether the project of a row is open at a moment in milliseconds. It
// is NULL where the timeline does not know.
func openAt(moment string) string {
	k := knownOfRow
	p := k.place(moment)
	return fmt.Sprintf("if(%s > 0 AND %s >= %s AND %[2]s < %[4]s, toNullable(%[2]s - %[5]s < %[6]s), NULL)", k.lane, p.at, k.begin, k.end, p.start, p.length())
}

// business writes the business time between two moments in milliseconds: see
// hours.Timeline. It is NULL where the timeline does not know all of it.
func business(from, to string) string {
	return knownOfRow.between(from, to, knownOfRow.place("assumeNotNull("+from+")"), knownOfRow.place("assumeNotNull("+to+")"))
}

// between writes the business time between two moments that are placed.
func (k known) between(from, to string, a, b placed) string {
	all := fmt.Sprintf("isNotNull(%s) AND isNotNull(%s) AND %s > 0 AND %s <= %s AND %s >= %s AND %s <= %s", from, to, k.lane, a.at, b.at, a.at, k.begin, b.at, k.end)
	// Added, not chosen: to compute a branch only for the rows that it is chosen for takes longer than the rows that are saved.
	return fmt.Sprintf("toInt32(bitShiftRight(%s, 32) - bitShiftRight(%s, 32)) * 1000 + (%s - %s) + if(%s, toNullable(toInt64(0)), NULL)",
		b.opened, a.opened, b.into(), a.into(), all)
}

// businessColumns writes the columns of business time, and those that they are computed from: what has a name is analysed once.
func businessColumns(fields []string) string {
	k := known{"_lane", "_begin", "_end"}
	list := ", " + knownOfRow.lane + " AS _lane, " + knownOfRow.begin + " AS _begin, " + knownOfRow.end + " AS _end"
	var moments []string
	place := func(moment string) placed {
		n := slices.Index(moments, moment)
		if n < 0 {
			n, moments = len(moments), append(moments, moment)
			list += fmt.Sprintf(", _lane + assumeNotNull(%s) AS _moment%d, %s AS _start%[2]d, %[4]s AS _opened%[2]d",
				moment, n, startOf(fmt.Sprintf("_moment%d", n)), openedOf(fmt.Sprintf("_start%d", n)))
		}
		return placed{fmt.Sprintf("_moment%d", n), fmt.Sprintf("_start%d", n), fmt.Sprintf("_opened%d", n)}
	}
	for _, field := range fields {
		from, to := businessMoments(field)
		a, b := place(from), place(to)
		list += ", " + k.between(from, to, a, b) + " AS _" + field
	}
	return list
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
