package query_test

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// workload is a ConcurrencyBucket.
type workload struct {
	From, To                                 string
	Value, Label                             *string
	Contacts, HandleTimeMs, BusyTimeMs, Peak int64
	ContactsPerHour, Average                 float64
	AverageWhileBusy                         *float64
}

const workloadFields = `{ from to value label contacts contactsPerHour handleTimeMs busyTimeMs average averageWhileBusy peak }`

// TestEveryCountOfConcurrencyLeadsToItsContacts opens the handles of buckets, also of steps in the future.
func TestEveryCountOfConcurrencyLeadsToItsContacts(t *testing.T) {
	r := theRig(t)
	type bucket struct {
		From, To              string
		Value, PeakAt         *string
		Contacts, Peak        int
		Open, Started, AtPeak string
	}
	for _, c := range []struct{ arguments, dimension string }{
		{`interval: {from: "2020-03-26T10:10:00.5Z", to: "2020-03-30T02:03:04Z"}, by: OPERATOR`, "OPERATOR"},
		{`interval: {from: "2020-03-26T10:10:00.5Z", to: "2020-03-30T02:03:04Z"}, by: GROUP, step: DAY, timeZone: "Europe/Paris"`, "ROUTING_GROUP"},
		{`interval: {from: "2020-03-26T10:10:00.5Z", to: "2020-03-26T20:00:00Z"}, step: QUARTER_HOUR, contactFilters: {operatorKinds: [PROFESSIONAL]}`, ""},
		{`interval: {from: "2020-04-09T00:00:00Z", to: "2199-12-01T00:00:00Z"}, by: CHANNEL`, "CHANNEL"},
		{`interval: {from: "2190-04-09T00:00:00Z", to: "2190-04-10T00:00:00Z"}, step: HOUR`, ""},
	} {
		mine := func(k *storetest.Contact) bool {
			return k.Project <= 2 && (!strings.Contains(c.arguments, "PROFESSIONAL") || k.OperatorKind == "PROFESSIONAL")
		}
		now := storetest.Millis(time.Now().UnixMilli())
		buckets := ask[struct{ Concurrency struct{ Buckets []bucket } }](t, r, reader(1, 2), `{ concurrency(`+c.arguments+`) { buckets { from to value contacts peak peakAt
			open: rows started: rows(of: CONTACTS) atPeak: rows(of: PEAK) } } }`, nil).Concurrency.Buckets
		if len(buckets) < 3 {
			t.Fatalf("%s: %d buckets", c.arguments, len(buckets))
		}
		for _, b := range buckets {
			from, to := millis(b.From), millis(b.To)
			open := 0
			for _, k := range r.world.Started(func(k *storetest.Contact, of *storetest.Conversation) bool {
				return mine(k) && (c.dimension == "" || holds(values(c.dimension, of, k), b.Value))
			}) {
				end := now
				if k.EndedAt != nil {
					end = *k.EndedAt
				}
				if k.StartedAt < to && end > from {
					open++
				}
			}
			got := ask[map[string]struct{ TotalCount int }](t, r, reader(1, 2), fmt.Sprintf(
				`{ open: contacts(%[1]s, filters: {rows: %[2]q}) { totalCount } started: contacts(%[1]s, filters: {rows: %[3]q}) { totalCount } peak: contacts(%[1]s, filters: {rows: %[4]q}) { totalCount } }`,
				always, b.Open, b.Started, b.AtPeak), nil)
			if got["open"].TotalCount != open || got["started"].TotalCount != b.Contacts || got["peak"].TotalCount != b.Peak || (b.PeakAt == nil) != (b.Peak == 0) {
				t.Fatalf("%s, %s from %s: %v, want %d open, %d started, %d at the peak (%s)", c.arguments, str(b.Value), b.From, got, open, b.Contacts, b.Peak, str(b.PeakAt))
			}
		}
	}
	rows := ask[struct {
		Concurrency struct{ Total struct{ Rows string } }
	}](t, r, reader(1), `{ concurrency(`+always+`) { total { rows } } }`, nil).Concurrency.Total.Rows
	refused(t, r, reader(1), query.CodeBadInput, fmt.Sprintf(`{ conversations(%s, filters: {rows: %q}) { totalCount } }`, always, rows), nil)
}

// checkWorkload compares a bucket with the contacts, looked at one by one.
func checkWorkload(t *testing.T, what string, b workload, contacts []*storetest.Contact) {
	t.Helper()
	from, to := millis(b.From), millis(b.To)
	end := func(k *storetest.Contact) storetest.Millis {
		if k.EndedAt == nil {
			return to
		}
		return *k.EndedAt
	}
	want := workload{}
	moments := []storetest.Millis{from}
	var edges []storetest.Millis
	for _, k := range contacts {
		start, stop := max(from, k.StartedAt), min(to, end(k))
		if k.StartedAt >= from && k.StartedAt < to {
			want.Contacts++
			moments = append(moments, k.StartedAt)
		}
		if start < stop {
			want.HandleTimeMs += int64(stop - start)
			edges = append(edges, start, stop)
		}
	}
	open := func(at storetest.Millis) (n int64) {
		for _, k := range contacts {
			if k.StartedAt <= at && at < end(k) {
				n++
			}
		}
		return n
	}
	for _, at := range moments {
		want.Peak = max(want.Peak, open(at))
	}
	slices.Sort(edges)
	for i := 1; i < len(edges); i++ {
		if open(edges[i-1]) > 0 {
			want.BusyTimeMs += int64(edges[i] - edges[i-1])
		}
	}
	if b.Contacts != want.Contacts || b.HandleTimeMs != want.HandleTimeMs || b.BusyTimeMs != want.BusyTimeMs || b.Peak != want.Peak {
		t.Fatalf("%s from %s: %+v, want %+v", what, b.From, b, want)
	}
	length := float64(to - from)
	near(t, what, &b.Average, ptr(float64(want.HandleTimeMs)/length))
	near(t, what, &b.ContactsPerHour, ptr(float64(want.Contacts)/(length/3_600_000)))
	if want.BusyTimeMs == 0 {
		near(t, what, b.AverageWhileBusy, nil)
	} else {
		near(t, what, b.AverageWhileBusy, ptr(float64(want.HandleTimeMs)/float64(want.BusyTimeMs)))
	}
}

// TestConcurrencyEqualsAnIndependentCount compares total and buckets, by each dimension and over steps.
func TestConcurrencyEqualsAnIndependentCount(t *testing.T) {
	r := theRig(t)
	var peak int64
	for _, c := range []struct{ arguments, dimension string }{
		{"", ""}, {"by: OPERATOR", "OPERATOR"}, {"by: GROUP, step: DAY", "ROUTING_GROUP"}, {`by: CHANNEL, step: HOUR, timeZone: "Asia/Kathmandu"`, "CHANNEL"},
		{"step: QUARTER_HOUR", ""}, {`by: OPERATOR, step: DAY, filters: {tagIds: "vip"}, contactFilters: {operatorKinds: [PROFESSIONAL]}`, "OPERATOR"},
	} {
		mine := func(k *storetest.Contact, of *storetest.Conversation) bool {
			return k.Project <= 2 && (c.arguments[max(0, len(c.arguments)-1):] != "}" || slices.Contains(of.TagIDs, "vip") && k.OperatorKind == "PROFESSIONAL")
		}
		all := r.world.Started(mine)
		got := ask[struct {
			Concurrency struct {
				Total   workload
				Buckets []workload
			}
		}](t, r, reader(1, 2), fmt.Sprintf(`{ concurrency(interval: {from: "2020-03-26T10:10:00.5Z", to: "2020-03-30T02:03:04Z"}, %s) { total %s buckets %s } }`, c.arguments, workloadFields, workloadFields), nil).Concurrency
		checkWorkload(t, c.arguments+" total", got.Total, all)
		peak = max(peak, got.Total.Peak)
		started, previous := int64(0), ""
		for _, b := range got.Buckets {
			checkWorkload(t, fmt.Sprint(c.arguments, " ", str(b.Value)), b, r.world.Started(func(k *storetest.Contact, of *storetest.Conversation) bool {
				return mine(k, of) && (c.dimension == "" || holds(values(c.dimension, of, k), b.Value))
			}))
			started += b.Contacts
			if c.dimension == "OPERATOR" && str(b.Label) != "Operator "+str(b.Value) {
				t.Errorf("operator %s is called %s", str(b.Value), str(b.Label))
			}
			if b.From < previous {
				t.Errorf("%s: %s comes after %s", c.arguments, b.From, previous)
			}
			previous = b.From
		}
		if started != got.Total.Contacts || started == 0 {
			t.Errorf("%s: %d contacts in the buckets, %d in the total", c.arguments, started, got.Total.Contacts)
		}
	}
	if peak < 3 {
		t.Errorf("at most %d contacts at a time show nothing", peak)
	}
}

func str(text *string) string {
	if text == nil {
		return "null"
	}
	return *text
}

// TestContactsThatHaveNotEndedLastUntilNow asks for an interval that reaches into the future.
func TestContactsThatHaveNotEndedLastUntilNow(t *testing.T) {
	r := theRig(t)
	var ongoing, ended int64
	for _, k := range r.world.Started(func(k *storetest.Contact, _ *storetest.Conversation) bool { return k.Project == 1 }) {
		if k.EndedAt == nil {
			ongoing++
			ended -= int64(k.StartedAt)
		} else {
			ended += int64(*k.EndedAt - k.StartedAt)
		}
	}
	before := time.Now().UnixMilli()
	got := ask[struct{ Concurrency struct{ Total workload } }](t, r, reader(1), `{ concurrency(`+always+`) { total { handleTimeMs peak } } }`, nil).Concurrency.Total
	if least, most := ended+ongoing*before, ended+ongoing*time.Now().UnixMilli(); ongoing == 0 || got.HandleTimeMs < least || got.HandleTimeMs > most {
		t.Errorf("%d ms, want from %d to %d", got.HandleTimeMs, least, most)
	}
	nothing := ask[struct{ Concurrency struct{ Buckets []workload } }](t, r, reader(77), `{ concurrency(interval: {from: "2020-03-26T00:00:00Z", to: "2020-03-28T00:00:00Z"}, step: DAY) { buckets `+workloadFields+` } }`, nil).Concurrency.Buckets
	if len(nothing) != 2 || nothing[1].From != "2020-03-27T00:00:00.000Z" || nothing[1].Peak != 0 || nothing[1].AverageWhileBusy != nil {
		t.Errorf("steps of nothing: %+v", nothing)
	}
}

// TestTransfersEqualAnIndependentCount compares the matrix with the next contacts, in each
// dimension, and opens the handle of every cell.
func TestTransfersEqualAnIndependentCount(t *testing.T) {
	r := theRig(t)
	for by, dimension := range map[string]string{"OPERATOR": "OPERATOR", "OPERATOR_KIND": "OPERATOR_KIND", "GROUP": "ROUTING_GROUP", "RULE": "ROUTING_RULE"} {
		want := map[string]int{}
		place := func(k *storetest.Contact) string {
			if k == nil {
				return "null"
			}
			return str(values(dimension, nil, k)[0])
		}
		from, to := millis("2020-03-22T00:00:00Z"), millis("2020-04-08T00:00:00Z")
		all := r.world.Started(func(k *storetest.Contact, _ *storetest.Conversation) bool { return k.Project <= 2 })
		for _, k := range all {
			if !is(k.Ending, "TRANSFERRED") || k.StartedAt < from || k.StartedAt >= to {
				continue
			}
			var next *storetest.Contact
			for _, n := range all {
				if n.Project == k.Project && n.Conversation == k.Conversation && n.Ordinal == k.Ordinal+1 {
					next = n
				}
			}
			want[place(k)+" → "+place(next)]++
		}
		argument := "by: " + by
		if by == "OPERATOR" {
			argument = ""
		}
		got := ask[struct {
			Transfers []struct {
				From, To struct{ Value, Label *string }
				Count    int
				Rows     string
			}
		}](t, r, reader(1, 2), `{ transfers(interval: {from: "2020-03-22T00:00:00Z", to: "2020-04-08T00:00:00Z"}, `+argument+`) { from { value label } to { value label } count rows } }`, nil).Transfers
		if len(got) != len(want) || len(want) < 4 {
			t.Fatalf("%s: %d pairs, want %d", by, len(got), len(want))
		}
		document := "{"
		for i, cell := range got {
			if pair := str(cell.From.Value) + " → " + str(cell.To.Value); cell.Count != want[pair] {
				t.Errorf("%s: %s %d times, want %d", by, pair, cell.Count, want[pair])
			}
			if by == "OPERATOR" && str(cell.From.Label) != "Operator "+str(cell.From.Value) {
				t.Errorf("operator %s is called %s", str(cell.From.Value), str(cell.From.Label))
			}
			if i > 0 && cell.Count > got[i-1].Count {
				t.Errorf("%s: pair %d is more frequent than the one before", by, i)
			}
			document += fmt.Sprintf(` c%d: contacts(%s, filters: {rows: %q}) { totalCount }`, i, always, cell.Rows)
		}
		for name, list := range ask[map[string]struct{ TotalCount int }](t, r, reader(1, 2), document+" }", nil) {
			i, err := strconv.Atoi(name[1:])
			if err != nil || list.TotalCount != got[i].Count {
				t.Errorf("%s: the handle of pair %d leads to %d contacts, want %d", by, i, list.TotalCount, got[i].Count)
			}
		}
	}
}

func TestWorkloadRefusesRowsOfConversationsAndTooManySteps(t *testing.T) {
	r := theRig(t)
	rows := ask[struct {
		Metrics struct{ Total struct{ Rows string } }
	}](t, r, reader(1), `{ metrics(`+always+`) { total { rows(of: ABANDONED_CONVERSATIONS) } } }`, nil).Metrics.Total.Rows
	for _, document := range []string{
		fmt.Sprintf(`{ transfers(%s, filters: {rows: %q}) { count } }`, always, rows),
		fmt.Sprintf(`{ concurrency(%s, filters: {rows: %q}) { total { peak } } }`, always, rows),
		`{ concurrency(` + always + `, step: HOUR) { total { peak } } }`,
		`{ concurrency(interval: {from: "2020-03-01T00:00:00Z", to: "2020-05-20T00:00:00Z"}, step: QUARTER_HOUR, by: OPERATOR) { buckets { peak } } }`,
	} {
		refused(t, r, reader(1), query.CodeBadInput, document, nil)
	}
}
