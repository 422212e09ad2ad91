package query_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
)

// schedules are opening hours by project.
type schedules map[schema.ProjectID]*hours.Schedule

func (s schedules) Schedules(_ context.Context, projects schema.Projects) (map[schema.ProjectID]*hours.Schedule, error) {
	found := map[schema.ProjectID]*hours.Schedule{}
	for id, schedule := range s {
		if projects.Contains(id) {
			found[id] = schedule
		}
	}
	return found, nil
}

// someHours are schedules of projects 1 and 2 over the change of clocks of March
// 2020: that of project 1 is changed in April, that of project 2 begins in the
// middle of the rows. Project 3 has none.
func someHours(t *testing.T) schedules {
	t.Helper()
	long, short := []hours.Span{{From: 8 * 60, To: 20 * 60}}, []hours.Span{{From: 9 * 60, To: 12*60 + 30}, {From: 13*60 + 30, To: 18 * 60}}
	all := []hours.Span{{From: 0, To: 24 * 60}}
	s := schedules{1: {}, 2: {}}
	for _, v := range []struct {
		project schema.ProjectID
		hours.Version
	}{
		{1, hours.Version{ValidFrom: hours.Date{Year: 2019, Month: 1, Day: 1}, TimeZone: "Europe/Paris",
			Week: hours.Week{Monday: long, Tuesday: long, Wednesday: long, Thursday: long, Friday: short, Sunday: all}, Holidays: map[hours.Date][]hours.Span{{Year: 2020, Month: 3, Day: 25}: nil}}},
		{1, hours.Version{ValidFrom: hours.Date{Year: 2020, Month: 4, Day: 2}, TimeZone: "America/New_York",
			Week: hours.Week{Monday: short, Tuesday: short, Wednesday: short, Thursday: short, Friday: all, Saturday: all}}},
		{2, hours.Version{ValidFrom: hours.Date{Year: 2020, Month: 3, Day: 28}, TimeZone: "Asia/Kathmandu",
			Week: hours.Week{Monday: all, Tuesday: short, Wednesday: long, Thursday: all, Friday: short, Saturday: long, Sunday: short}}},
	} {
		if err := s[v.project].Set(v.Version); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// inclusive is the quantile with linear interpolation between ranks.
func inclusive(sorted []int64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(math.Floor(at))
	high := min(low+1, len(sorted)-1)
	return float64(sorted[low]) + (at-float64(low))*float64(sorted[high]-sorted[low])
}

// TestBusinessHoursInSQLEqualThoseInGo computes the figures of each project, and of all,
// from the rows.
func TestBusinessHoursInSQLEqualThoseInGo(t *testing.T) {
	r := theRig(t)
	set := someHours(t)
	with := r.with(t, query.Config{Hours: set})
	known := hours.NewTimeline(set, hours.Interval{From: time.Date(2019, 1, 1, 0, 0, 0, 0, time.UTC).Unix(), To: time.Date(2021, 1, 1, 0, 0, 0, 0, time.UTC).Unix()})

	got := ask[struct{ Metrics struct{ Total bucketOfHours } }](t, with, reader(1, 2, 3), `{
		metrics(`+always+`) { total { `+hoursFields+` } } }`, nil).Metrics.Total
	grouped := ask[struct {
		Metrics struct {
			Buckets []struct {
				Dimensions []struct{ Value string }
				bucketOfHours
			}
		}
	}](t, with, reader(1, 2, 3), `{ metrics(`+always+`, groupBy: PROJECT) { buckets { dimensions { value } `+hoursFields+` } } }`, nil).Metrics.Buckets
	compare := func(name string, got bucketOfHours, projects ...uint32) {
		t.Helper()
		values := map[string][]int64{}
		note := func(field string, project uint32, from, to storetest.Millis) {
			if ms, ok := known.Between(schema.ProjectID(project), schema.Timestamp(from), schema.Timestamp(to)); ok {
				values[field] = append(values[field], ms)
			}
		}
		for _, c := range r.world.Conversations {
			if c.ClosedAt == nil || c.Resolution == nil || !slices.Contains(projects, c.Project) {
				continue
			}
			first := *c.ClosedAt - storetest.Millis(*c.Resolution)
			note("resolution", c.Project, first, *c.ClosedAt)
			if c.FirstResponse != nil {
				note("conversationFirstResponse", c.Project, first, first+storetest.Millis(*c.FirstResponse))
			}
		}
		for _, k := range r.world.Contacts {
			if !slices.Contains(projects, k.Project) {
				continue
			}
			if k.Wait != nil {
				note("wait", k.Project, k.StartedAt-storetest.Millis(*k.Wait), k.StartedAt)
			}
			if k.FirstResponse != nil {
				note("contactFirstResponse", k.Project, k.StartedAt, k.StartedAt+storetest.Millis(*k.FirstResponse))
			}
		}
		for field, spread := range map[string]spread{
			"wait": got.WaitBusinessHours, "contactFirstResponse": got.ContactFirstResponseBusinessHours,
			"conversationFirstResponse": got.ConversationFirstResponseBusinessHours, "resolution": got.ResolutionBusinessHours,
		} {
			want := values[field]
			slices.Sort(want)
			if spread.Count != len(want) {
				t.Errorf("%s %s: %d rows, want %d", name, field, spread.Count, len(want))
				continue
			}
			if len(want) == 0 {
				continue
			}
			sum := 0.0
			for _, ms := range want {
				sum += float64(ms)
			}
			for part, pair := range map[string][2]float64{
				"mean": {*spread.MeanMs, sum / float64(len(want))}, "median": {*spread.MedianMs, inclusive(want, 0.5)},
				"p90": {*spread.P90Ms, inclusive(want, 0.9)}, "p99": {*spread.P99Ms, inclusive(want, 0.99)},
			} {
				if math.Abs(pair[0]-pair[1]) > 0.001 {
					t.Errorf("%s %s: %s is %f, want %f", name, field, part, pair[0], pair[1])
				}
			}
		}
		if name == "project 1" && (len(values["resolution"]) < 20 || inclusive(values["resolution"], 0.9) == 0) {
			t.Errorf("the rows show nothing: %v", values["resolution"])
		}
	}
	compare("all", got, 1, 2, 3)
	for _, b := range grouped {
		var project uint32
		if _, err := fmt.Sscan(b.Dimensions[0].Value, &project); err != nil {
			t.Fatal(err)
		}
		compare("project "+b.Dimensions[0].Value, b.bucketOfHours, project)
	}
	if len(grouped) != 3 {
		t.Errorf("%d projects", len(grouped))
	}
	// By what only conversations know, which joins them.
	ask[any](t, with, reader(1, 2), `{ metrics(`+always+`, groupBy: [TAG, CAMPAIGN]) { buckets { `+hoursFields+` } } }`, nil)
	// Rows show the same, each for itself.
	rows := ask[struct {
		ClosedConversations struct{ Edges []struct{ Node rowOfHours } }
		Contacts            struct{ Edges []struct{ Node rowOfHours } }
	}](t, with, reader(1, 2, 3), `{ closedConversations(`+always+`) { edges { node { id project { id } firstResponseTimeBusinessHoursMs resolutionTimeBusinessHoursMs } } }
		contacts(`+always+`) { edges { node { id project { id } firstResponseTimeBusinessHoursMs waitTimeBusinessHoursMs } } } }`, nil)
	informative := 0
	agree := func(row rowOfHours, name string, got *int64, project uint32, from storetest.Millis, took *int64) {
		t.Helper()
		var want *int64
		if took != nil {
			if ms, ok := known.Between(schema.ProjectID(project), schema.Timestamp(from), schema.Timestamp(from+storetest.Millis(*took))); ok {
				want = &ms
				informative++
			}
		}
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s of %s is not what the schedule says", name, row.ID)
		}
	}
	for _, edge := range rows.ClosedConversations.Edges {
		for _, c := range r.world.Conversations {
			if c.ID != edge.Node.ID || int(c.Project) != edge.Node.Project.ID || c.Resolution == nil {
				continue
			}
			first := *c.ClosedAt - storetest.Millis(*c.Resolution)
			agree(edge.Node, "first response", edge.Node.FirstResponseTimeBusinessHoursMs, c.Project, first, c.FirstResponse)
			agree(edge.Node, "resolution", edge.Node.ResolutionTimeBusinessHoursMs, c.Project, first, c.Resolution)
		}
	}
	for _, edge := range rows.Contacts.Edges {
		for _, k := range r.world.Contacts {
			if k.ID != edge.Node.ID || int(k.Project) != edge.Node.Project.ID {
				continue
			}
			agree(edge.Node, "first response", edge.Node.FirstResponseTimeBusinessHoursMs, k.Project, k.StartedAt, k.FirstResponse)
			if k.Wait != nil {
				agree(edge.Node, "wait", edge.Node.WaitTimeBusinessHoursMs, k.Project, k.StartedAt-storetest.Millis(*k.Wait), k.Wait)
			}
		}
	}
	if informative < 30 {
		t.Errorf("only %d rows are informative", informative)
	}
	// Without any schedule nothing is counted.
	if none := ask[struct{ Metrics struct{ Total bucketOfHours } }](t, r, reader(1), `{ metrics(`+always+`) { total { `+hoursFields+` } } }`, nil).Metrics.Total; none != (bucketOfHours{}) {
		t.Errorf("without schedules: %+v", none)
	}
}

// isOpen looks a moment up in the openings of a project; nil where no schedule says anything.
func (s schedules) isOpen(project uint32, at storetest.Millis) *bool {
	schedule := s[schema.ProjectID(project)]
	if schedule == nil {
		return nil
	}
	if begin, known := schedule.Begin(); !known || int64(at) < begin*1000 {
		return nil
	}
	open := slices.ContainsFunc(schedule.Openings(hours.Interval{From: int64(at)/1000 - 1, To: int64(at)/1000 + 1}), func(o hours.Interval) bool {
		return o.From*1000 <= int64(at) && int64(at) < o.To*1000
	})
	return &open
}

// TestRowsAreFilteredAndGroupedByBusinessHours compares the filter in all lists and in
// metrics, and the dimension, with the schedules.
func TestRowsAreFilteredAndGroupedByBusinessHours(t *testing.T) {
	set := someHours(t)
	r := theRig(t).with(t, query.Config{Hours: set})
	type totals struct{ ClosedConversations, Contacts int }
	buckets := ask[struct {
		Metrics struct {
			Buckets []struct {
				Dimensions []struct{ Value *string }
				Rows       string
				totals
			}
		}
	}](t, r, reader(1, 2, 3), `{ metrics(`+always+`, groupBy: IN_BUSINESS_HOURS) { buckets { dimensions { value } rows closedConversations contacts } } }`, nil).Metrics.Buckets
	if len(buckets) != 3 {
		t.Fatalf("%d buckets, want false, true and null", len(buckets))
	}
	for i, asked := range []*bool{new(bool), ptr(true), nil} {
		same := func(project uint32, at storetest.Millis) bool {
			open := set.isOpen(project, at)
			return project <= 3 && (open == nil) == (asked == nil) && (open == nil || *open == *asked)
		}
		closed := len(r.world.Closed(func(c *storetest.Conversation) bool { return same(c.Project, c.CreatedAt) }))
		contacts := len(r.world.Started(func(k *storetest.Contact, _ *storetest.Conversation) bool { return same(k.Project, k.StartedAt) }))
		all := 0
		for _, c := range r.world.Conversations {
			if same(c.Project, c.CreatedAt) {
				all++
			}
		}
		if closed < 30 || contacts < 30 {
			t.Fatalf("only %d conversations and %d contacts", closed, contacts)
		}
		b := buckets[i]
		if want := (totals{closed, contacts}); b.totals != want || (b.Dimensions[0].Value == nil) != (asked == nil) || asked != nil && *b.Dimensions[0].Value != fmt.Sprint(*asked) {
			t.Errorf("bucket %d: %+v, want %+v", i, b.totals, want)
		}
		filters := fmt.Sprintf("rows: %q", b.Rows)
		if asked != nil {
			filters += fmt.Sprintf(", inBusinessHours: %t", *asked)
		}
		lists := func(filters string) {
			t.Helper()
			got := ask[struct {
				ClosedConversations, Conversations, Contacts struct{ TotalCount int }
				Metrics                                      struct{ Total totals }
			}](t, r, reader(1, 2, 3), fmt.Sprintf(`{ closedConversations(%[1]s) { totalCount } conversations(%[1]s) { totalCount } contacts(%[1]s) { totalCount }
				metrics(%[1]s) { total { closedConversations contacts } } }`, always+", filters: {"+filters+"}"), nil)
			listed := all
			if strings.Contains(filters, "rows") {
				listed = closed
			}
			if got.Metrics.Total != (totals{closed, contacts}) || got.ClosedConversations.TotalCount != closed || got.Contacts.TotalCount != contacts || got.Conversations.TotalCount != listed {
				t.Errorf("%s: %+v, want %d closed conversations, %d contacts, %d conversations", filters, got, closed, contacts, listed)
			}
		}
		lists(filters)
		if asked != nil {
			lists(fmt.Sprintf("inBusinessHours: %t", *asked))
		}
	}
	// A handle keeps the filter it was written with.
	narrowed := ask[struct {
		Metrics struct{ Total struct{ Rows string } }
	}](t, r, reader(1, 2, 3), `{ metrics(`+always+`, filters: {inBusinessHours: true}) { total { rows } } }`, nil).Metrics.Total.Rows
	got := ask[struct{ Contacts struct{ TotalCount int } }](t, r, reader(1, 2, 3), fmt.Sprintf(`{ contacts(%s, filters: {rows: %q}) { totalCount } }`, always, narrowed), nil)
	if want := buckets[1].Contacts; got.Contacts.TotalCount != want {
		t.Errorf("the handle of open hours leads to %d contacts, want %d", got.Contacts.TotalCount, want)
	}
}

func ptr[V any](v V) *V { return &v }

type bucketOfHours struct {
	WaitBusinessHours, ContactFirstResponseBusinessHours, ConversationFirstResponseBusinessHours, ResolutionBusinessHours spread
}

const ofSpread = ` { count meanMs medianMs p90Ms p95Ms p99Ms } `

const hoursFields = `waitBusinessHours` + ofSpread + `contactFirstResponseBusinessHours` + ofSpread +
	`conversationFirstResponseBusinessHours` + ofSpread + `resolutionBusinessHours` + ofSpread

type rowOfHours struct {
	ID                                                                                       string
	Project                                                                                  struct{ ID int }
	FirstResponseTimeBusinessHoursMs, ResolutionTimeBusinessHoursMs, WaitTimeBusinessHoursMs *int64
}
