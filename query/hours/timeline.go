package hours

import (
	"cmp"
	"slices"
	"sort"

	"github.com/parley-analytics/parley/schema"
)

// Timeline is the openings of several projects in one sequence of moments, so that
// one search in one array answers for all of them: each project has a lane of its
// own, Lane apart from the next.
//
// SQL finds the last start s ≤ lane + t and computes the time open before t as
// before(s) + min(t − s, length(s)). What lies before s in other lanes is the same
// for both ends of a stretch and falls away in the difference.
type Timeline struct {
	Projects []uint32 // that have a schedule, ascending
	Begins   []int64  // the first moment each is known, in seconds, in its lane
	Ends     []int64  // the first moment it is not, in its lane
	Lanes    []int64  // where each lane begins
	Starts   []int64  // of stretches, in their lanes, ascending
	Lengths  []int64  // how long each is open
}

// Lane is the length of a lane in seconds: longer than the time of the tables.
const Lane int64 = 1 << 34

// NewTimeline computes the openings of the range.
func NewTimeline(schedules map[schema.ProjectID]*Schedule, in Interval) *Timeline {
	t := &Timeline{}
	var projects []schema.ProjectID
	for project := range schedules {
		projects = append(projects, project)
	}
	slices.Sort(projects)
	for n, project := range projects {
		begin, known := schedules[project].Begin()
		begin = max(begin, in.From)
		if !known || begin >= in.To {
			continue
		}
		lane := int64(n+1) * Lane
		t.Projects = append(t.Projects, uint32(project))
		t.Begins, t.Ends, t.Lanes = append(t.Begins, lane+begin), append(t.Ends, lane+in.To), append(t.Lanes, lane)
		// Every moment of the lane has a stretch that begins before it.
		t.Starts, t.Lengths = append(t.Starts, lane), append(t.Lengths, 0)
		for _, open := range schedules[project].Openings(in) {
			t.Starts, t.Lengths = append(t.Starts, lane+open.From), append(t.Lengths, open.To-open.From)
		}
	}
	return t
}

// Between is the business time from one moment to another, in milliseconds; false
// when the timeline does not know all of it.
func (t *Timeline) Between(project schema.ProjectID, from, to schema.Timestamp) (int64, bool) {
	n, found := slices.BinarySearchFunc(t.Projects, uint32(project), func(a, b uint32) int { return cmp.Compare(a, b) })
	if !found || from > to {
		return 0, false
	}
	a, b := t.Lanes[n]*1000+int64(from), t.Lanes[n]*1000+int64(to)
	if a < t.Begins[n]*1000 || b > t.Ends[n]*1000 {
		return 0, false
	}
	return t.before(b) - t.before(a), true
}

// before is how long it was open before a moment, all lanes together.
func (t *Timeline) before(at int64) int64 {
	last := sort.Search(len(t.Starts), func(i int) bool { return t.Starts[i]*1000 > at }) - 1
	open := min(at-t.Starts[last]*1000, t.Lengths[last]*1000)
	for _, length := range t.Lengths[:last] {
		open += length * 1000
	}
	return open
}
