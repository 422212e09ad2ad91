package query_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// shape is a Distribution with thresholds and bins.
type shape struct {
	Count  int
	Rows   string
	Within []struct {
		Ms, Count int
		Share     *float64
		Rows      string
	}
	Histogram []struct {
		From, To *int64
		Count    int
		Share    *float64
		Rows     string
	}
}

const shapeFields = ` { count rows within(ms: [60000, 0, 1000, 600000]) { ms count share rows } histogram(bounds: [0, 2, 1000, 60000]) { from to count share rows } } `

// checkShape compares thresholds and bins with the durations.
func checkShape(t *testing.T, what string, got shape, durations []int64) {
	t.Helper()
	count := func(from, to int64) (n int) {
		for _, ms := range durations {
			if ms >= from && ms < to {
				n++
			}
		}
		return n
	}
	share := func(n int) *float64 {
		if len(durations) == 0 {
			return nil
		}
		s := float64(n) / float64(len(durations))
		return &s
	}
	if got.Count != len(durations) || len(got.Within) != 4 || len(got.Histogram) != 5 {
		t.Fatalf("%s: %d durations, want %d; %d thresholds, %d bins", what, got.Count, len(durations), len(got.Within), len(got.Histogram))
	}
	for i, ms := range []int{60000, 0, 1000, 600000} {
		w, want := got.Within[i], count(-1, int64(ms)+1)
		if w.Ms != ms || w.Count != want {
			t.Errorf("%s: %d within %d ms, want %d within %d", what, w.Count, w.Ms, want, ms)
		}
		near(t, what+" share", w.Share, share(want))
	}
	for i, bin := range got.Histogram {
		from, to := int64(-1), int64(1)<<60
		if (bin.From == nil) != (i == 0) || (bin.To == nil) != (i == 4) {
			t.Fatalf("%s: bin %d is from %v to %v", what, i, bin.From, bin.To)
		}
		if bin.From != nil {
			from = *bin.From
		}
		if bin.To != nil {
			to = *bin.To
		}
		if want := count(from, to); bin.Count != want {
			t.Errorf("%s: %d from %d to %d ms, want %d", what, bin.Count, from, to, want)
		}
		near(t, what+" share", bin.Share, share(bin.Count))
	}
}

// leads opens the handles of a shape and compares how many rows each has.
func leads(t *testing.T, r *rig, list string, s shape) {
	t.Helper()
	want, document := map[string]int{"all": s.Count}, fmt.Sprintf(`{ all: %s(%s, filters: {rows: %q}) { totalCount }`, list, always, s.Rows)
	for i, w := range s.Within {
		want[fmt.Sprintf("w%d", i)] = w.Count
		document += fmt.Sprintf(` w%d: %s(%s, filters: {rows: %q}) { totalCount }`, i, list, always, w.Rows)
	}
	for i, b := range s.Histogram {
		want[fmt.Sprintf("b%d", i)] = b.Count
		document += fmt.Sprintf(` b%d: %s(%s, filters: {rows: %q}) { totalCount }`, i, list, always, b.Rows)
	}
	for name, got := range ask[map[string]struct{ TotalCount int }](t, r, reader(1, 2), document+" }", nil) {
		if got.TotalCount != want[name] {
			t.Errorf("%s of %s: the handle leads to %d rows, want %d", name, list, got.TotalCount, want[name])
		}
	}
}

// TestThresholdsAndBinsEqualAnIndependentCount compares them in the total, in steps
// and in a dimension, for every distribution, and opens their handles.
func TestThresholdsAndBinsEqualAnIndependentCount(t *testing.T) {
	r := theRig(t)
	fields := "from to dimensions { value }"
	for _, name := range []string{"wait", "contactFirstResponse", "contactDuration", "snoozeReturn", "conversationFirstResponse", "resolution", "handle", "duration"} {
		fields += " " + name + shapeFields
	}
	type bucket struct {
		From, To                                                                                                           *string
		Dimensions                                                                                                         []struct{ Value *string }
		Wait, ContactFirstResponse, ContactDuration, SnoozeReturn, ConversationFirstResponse, Resolution, Handle, Duration shape
	}
	for _, q := range []struct{ dimension, arguments string }{{"CHANNEL", "groupBy: CHANNEL"}, {"TAG", "groupBy: TAG, step: WEEK"}} {
		got := ask[struct {
			Metrics struct {
				Total   bucket
				Buckets []bucket
			}
		}](t, r, reader(1, 2), fmt.Sprintf(`{ metrics(%s, %s) { total { ...B } buckets { ...B } } } fragment B on MetricsBucket { %s }`,
			`interval: {from: "2020-03-23T00:00:00Z", to: "2020-04-03T00:00:00Z"}`, q.arguments, fields), nil)
		for i, b := range append(got.Metrics.Buckets, got.Metrics.Total) {
			from, to := millis("2020-03-23T00:00:00Z"), millis("2020-04-03T00:00:00Z")
			if b.From != nil {
				from, to = millis(*b.From), millis(*b.To)
			}
			mine := func(c *storetest.Conversation) bool {
				return c.Project <= 2 && (len(b.Dimensions) == 0 || holds(values(q.dimension, c, nil), b.Dimensions[0].Value))
			}
			f := r.world.Count(
				r.world.Closed(func(c *storetest.Conversation) bool { return *c.ClosedAt >= from && *c.ClosedAt < to && mine(c) }),
				r.world.Started(func(k *storetest.Contact, c *storetest.Conversation) bool {
					return k.StartedAt >= from && k.StartedAt < to && mine(c)
				}))
			for name, s := range map[string]shape{
				"wait": b.Wait, "contactFirstResponse": b.ContactFirstResponse, "contactDuration": b.ContactDuration, "snoozeReturn": b.SnoozeReturn,
				"conversationFirstResponse": b.ConversationFirstResponse, "resolution": b.Resolution, "handle": b.Handle, "duration": b.Duration,
			} {
				checkShape(t, fmt.Sprintf("%s bucket %d: %s", q.arguments, i, name), s, f.Times[name])
			}
			if i == 0 || len(b.Dimensions) == 0 {
				leads(t, r, "contacts", b.Wait)
				leads(t, r, "contacts", b.SnoozeReturn)
				leads(t, r, "closedConversations", b.Handle)
			}
		}
	}
}

// TestThresholdsInBusinessHoursLeadToTheirRows opens the handles of the twins.
func TestThresholdsInBusinessHoursLeadToTheirRows(t *testing.T) {
	r := theRig(t)
	with := r.with(t, query.Config{Hours: someHours(t)})
	total := ask[struct {
		Metrics struct{ Total map[string]shape }
	}](t, with, reader(1, 2), `{ metrics(interval: {from: "2020-03-23T00:00:00Z", to: "2020-04-03T00:00:00Z"}) { total {
		waitBusinessHours`+shapeFields+`resolutionBusinessHours`+shapeFields+`} } }`, nil).Metrics.Total
	for name, s := range total {
		sum := 0
		for _, bin := range s.Histogram {
			sum += bin.Count
		}
		if s.Count < 20 || sum != s.Count {
			t.Errorf("%s: %d rows, the bins hold %d", name, s.Count, sum)
		}
		list := "closedConversations"
		if name == "waitBusinessHours" {
			list = "contacts"
		}
		leads(t, with, list, s)
	}
}

func TestBrokenBoundsNameTheRule(t *testing.T) {
	r := theRig(t)
	many := strings.Repeat("1,", 101)
	for field, want := range map[string]string{
		"within(ms: [1, -1]) { count }":            "ms[1]: must be an integer from 0 to 9007199254740991",
		"within(ms: [" + many + "]) { count }":     "ms: must hold at most 100 values",
		"histogram(bounds: [2, 1]) { count }":      "bounds: must ascend, each bound once",
		"histogram(bounds: [1, 1]) { count }":      "bounds: must ascend, each bound once",
		"histogram(bounds: [1.5]) { count }":       "bounds[0]: must be an integer from 0 to 9007199254740991",
		"histogram(bounds: [" + many + "]) { to }": "bounds: must hold at most 100 values",
	} {
		if got := refused(t, r, reader(1), query.CodeBadInput, `{ metrics(`+always+`) { total { wait { `+field+` } } } }`, nil); got != want {
			t.Errorf("%s: %q, want %q", field, got, want)
		}
	}
}
