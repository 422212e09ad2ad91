package query_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/timezone"
)

// bucket is a MetricsBucket as it is answered.
type bucket struct {
	From, To   *string
	Dimensions []struct{ Name, Value, Label *string }
	Rows       string

	ClosedConversations, Contacts, AnsweredContacts, UnansweredContacts, TransferredContacts, SnoozedContacts int
	AbandonedConversations, ReopenedConversations, VisitorMessages, OperatorMessages, Transactions            int
	SurveyAnswers, NpsAnswers                                                                                 int

	AnswerRate, TransferRate, SnoozeReturnRate, Csat, Nps, ConversionRate *float64

	Revenue, AverageOrderValue, RevenuePerConversation []struct {
		Currency string
		Amount   json.Number
	}

	Wait, ContactFirstResponse, ContactDuration, SnoozeReturn, ConversationFirstResponse, Resolution, Handle, Duration spread
}

type spread struct {
	Count                                 int
	MeanMs, MedianMs, P90Ms, P95Ms, P99Ms *float64
}

const bucketFields = ` ...B } } } fragment B on MetricsBucket { from to dimensions { name value label } rows
	closedConversations contacts answeredContacts unansweredContacts transferredContacts snoozedContacts
	abandonedConversations reopenedConversations visitorMessages operatorMessages transactions surveyAnswers npsAnswers
	answerRate transferRate snoozeReturnRate csat nps conversionRate
	revenue { currency amount } averageOrderValue { currency amount } revenuePerConversation { currency amount }
	wait { ...D } contactFirstResponse { ...D } contactDuration { ...D } snoozeReturn { ...D } conversationFirstResponse { ...D }
	resolution { ...D } handle { ...D } duration { ...D } }
	fragment D on Distribution { count meanMs medianMs p90Ms p95Ms p99Ms }`

type metricsAnswer struct {
	Metrics struct {
		Total   bucket
		Buckets []bucket
	}
}

func metrics(t *testing.T, r *rig, caller schema.Caller, arguments string) metricsAnswer {
	t.Helper()
	return ask[metricsAnswer](t, r, caller, `{ metrics(`+arguments+`) { total { ...B } buckets {`+bucketFields, nil)
}

// check compares a bucket with figures counted in Go.
func check(t *testing.T, what string, b *bucket, f storetest.Figures) {
	t.Helper()
	for name, pair := range map[string][2]int{
		"closedConversations": {b.ClosedConversations, f.Closed}, "contacts": {b.Contacts, f.Contacts},
		"answeredContacts": {b.AnsweredContacts, f.Answered}, "unansweredContacts": {b.UnansweredContacts, f.Unanswered},
		"transferredContacts": {b.TransferredContacts, f.Transferred}, "snoozedContacts": {b.SnoozedContacts, f.Snoozed},
		"abandonedConversations": {b.AbandonedConversations, f.Abandoned}, "reopenedConversations": {b.ReopenedConversations, f.Reopened},
		"visitorMessages": {b.VisitorMessages, f.VisitorMessages}, "operatorMessages": {b.OperatorMessages, f.OperatorMessages},
		"transactions": {b.Transactions, f.Transactions}, "surveyAnswers": {b.SurveyAnswers, f.Surveys}, "npsAnswers": {b.NpsAnswers, f.Scores},
	} {
		if pair[0] != pair[1] {
			t.Fatalf("%s: %s is %d, want %d", what, name, pair[0], pair[1])
		}
	}
	share := func(part, whole int, scale float64) *float64 {
		if whole == 0 {
			return nil
		}
		v := float64(part) / float64(whole) * scale
		return &v
	}
	near(t, what+" answerRate", b.AnswerRate, share(f.Answered, f.Contacts, 1))
	near(t, what+" transferRate", b.TransferRate, share(f.Transferred, f.Contacts, 1))
	near(t, what+" snoozeReturnRate", b.SnoozeReturnRate, share(len(f.Times["snoozeReturn"]), f.Snoozed, 1))
	near(t, what+" csat", b.Csat, share(f.Satisfied, f.Surveys, 100))
	near(t, what+" nps", b.Nps, share(f.Promoters-f.Detractors, f.Scores, 100))
	near(t, what+" conversionRate", b.ConversionRate, share(f.Converted, f.Closed, 1))

	if len(b.Revenue) != len(f.Revenue) || len(b.AverageOrderValue) != len(f.Revenue) || len(b.RevenuePerConversation) != len(f.Revenue) {
		t.Fatalf("%s: revenue in %d currencies, want %d", what, len(b.Revenue), len(f.Revenue))
	}
	for i, m := range b.Revenue {
		sum := f.Revenue[m.Currency]
		equalMoney(t, what+" revenue", m.Amount, sum, 1)
		equalMoney(t, what+" averageOrderValue", b.AverageOrderValue[i].Amount, sum, f.Sales[m.Currency])
		equalMoney(t, what+" revenuePerConversation", b.RevenuePerConversation[i].Amount, sum, int64(f.Closed))
	}
	for name, got := range map[string]spread{
		"wait": b.Wait, "contactFirstResponse": b.ContactFirstResponse, "contactDuration": b.ContactDuration, "snoozeReturn": b.SnoozeReturn,
		"conversationFirstResponse": b.ConversationFirstResponse, "resolution": b.Resolution, "handle": b.Handle, "duration": b.Duration,
	} {
		values, of := f.Times[name], what+" "+name
		if got.Count != len(values) {
			t.Fatalf("%s: count %d, want %d", of, got.Count, len(values))
		}
		if len(values) == 0 {
			if got != (spread{}) {
				t.Fatalf("%s: %+v over nothing", of, got)
			}
			continue
		}
		for p, v := range map[float64]*float64{0.5: got.MedianMs, 0.9: got.P90Ms, 0.95: got.P95Ms, 0.99: got.P99Ms} {
			want := storetest.Percentile(values, p)
			near(t, fmt.Sprintf("%s p%v", of, p), v, &want)
		}
		mean := storetest.Mean(values)
		near(t, of+" mean", got.MeanMs, &mean)
	}
}

func near(t *testing.T, what string, got, want *float64) {
	t.Helper()
	if (got == nil) != (want == nil) || (got != nil && math.Abs(*got-*want) > 1e-9*math.Max(1, math.Abs(*want))) {
		t.Fatalf("%s: %v, want %v", what, show(got), show(want))
	}
}

func show(v *float64) string {
	if v == nil {
		return "null"
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// equalMoney wants the amount to be sum / by, to four digits exactly.
func equalMoney(t *testing.T, what string, got json.Number, sum storetest.Amount, by int64) {
	t.Helper()
	have, ok := new(big.Rat).SetString(got.String())
	want := new(big.Rat).SetFrac64(int64(sum), by*10_000)
	if !ok || new(big.Rat).Abs(new(big.Rat).Sub(have, want)).Cmp(big.NewRat(1, 20_000)) > 0 {
		t.Fatalf("%s: %s, want %s", what, got, want.FloatString(6))
	}
}

// values returns the values that conversations and contacts have in a dimension;
// a single nil is none.
func values(dimension string, c *storetest.Conversation, k *storetest.Contact) []*string {
	some := func(list []string) []*string {
		if len(list) == 0 {
			return []*string{nil}
		}
		var values []*string
		for i := range list {
			values = append(values, &list[i])
		}
		return values
	}
	id := func(n int64) string { return strconv.FormatInt(n, 10) }
	switch dimension {
	case "PROJECT":
		return some([]string{id(int64(c.Project))})
	case "CHANNEL":
		return some([]string{c.Channel})
	case "OPERATOR":
		if k != nil {
			return some([]string{id(k.Operator)})
		}
		var ids []string
		for _, n := range c.OperatorIDs {
			ids = append(ids, id(n))
		}
		return some(ids)
	case "OPERATOR_KIND":
		if k != nil {
			return some([]string{k.OperatorKind})
		}
		return some(c.OperatorKinds)
	case "ROUTING_RULE":
		if k != nil {
			return []*string{k.Rule}
		}
		return some(c.RoutingRules)
	case "ROUTING_GROUP":
		if k != nil {
			return []*string{k.Group}
		}
		return some(c.RoutingGroups)
	case "TAG":
		return some(c.TagIDs)
	case "CAMPAIGN":
		return []*string{c.Campaign}
	case "LANGUAGE":
		return []*string{c.Language}
	case "CLOSE_REASON":
		if k != nil {
			return []*string{k.CloseReason}
		}
		return []*string{c.CloseReason}
	case "AUTOMATION_LEVEL":
		return []*string{c.Automation}
	case "CUSTOMER_SATISFACTION":
		return digits(c.Satisfaction)
	case "NET_PROMOTER_SCORE":
		return digits(c.Score)
	case "INITIATOR":
		return []*string{c.Initiator}
	case "STATUS", "ENDING":
		switch {
		case k == nil:
			return []*string{nil}
		case dimension == "STATUS":
			return []*string{&k.Status}
		}
		return []*string{k.Ending}
	}
	if name, zone, found := strings.Cut(dimension, " "); found {
		if name == "CUSTOM_DATA" {
			if value, has := c.CustomData[zone]; has {
				return []*string{&value}
			}
			return []*string{nil}
		}
		location, err := timezone.Load(zone)
		if err != nil {
			panic(err)
		}
		at := c.ClosedAt
		if k != nil {
			at = &k.StartedAt
		}
		clock := time.UnixMilli(int64(*at)).In(location)
		if name == "HOUR_OF_DAY" {
			return some([]string{strconv.Itoa(clock.Hour())})
		}
		return some([]string{strconv.Itoa((int(clock.Weekday())+6)%7 + 1)})
	}
	panic(dimension)
}

// digits are the digits of an answer; none is nil.
func digits(answer *uint8) []*string {
	if answer == nil {
		return []*string{nil}
	}
	text := strconv.Itoa(int(*answer))
	return []*string{&text}
}

func holds(values []*string, v *string) bool {
	for _, have := range values {
		if (have == nil) == (v == nil) && (v == nil || *have == *v) {
			return true
		}
	}
	return false
}

// TestFiguresEqualAnIndependentCount compares total and buckets, in every
// dimension, in some combinations and over steps, with a count in plain Go.
func TestFiguresEqualAnIndependentCount(t *testing.T) {
	r := theRig(t)
	for _, c := range []struct {
		arguments  string
		dimensions []string
	}{
		{"", nil},
		{"groupBy: PROJECT", []string{"PROJECT"}},
		{"groupBy: CHANNEL", []string{"CHANNEL"}},
		{"groupBy: OPERATOR", []string{"OPERATOR"}},
		{"groupBy: OPERATOR_KIND", []string{"OPERATOR_KIND"}},
		{"groupBy: ROUTING_RULE", []string{"ROUTING_RULE"}},
		{"groupBy: ROUTING_GROUP", []string{"ROUTING_GROUP"}},
		{"groupBy: TAG", []string{"TAG"}},
		{"groupBy: CAMPAIGN", []string{"CAMPAIGN"}},
		{"groupBy: LANGUAGE", []string{"LANGUAGE"}},
		{"groupBy: CLOSE_REASON", []string{"CLOSE_REASON"}},
		{"groupBy: AUTOMATION_LEVEL", []string{"AUTOMATION_LEVEL"}},
		{"groupBy: INITIATOR", []string{"INITIATOR"}},
		{`groupBy: CUSTOM_DATA, customDataKey: "plan"`, []string{"CUSTOM_DATA plan"}},
		{`groupBy: [TAG, CUSTOM_DATA, INITIATOR], customDataKey: "plan", step: WEEK`, []string{"TAG", "CUSTOM_DATA plan", "INITIATOR"}},
		{"groupBy: STATUS", []string{"STATUS"}},
		{"groupBy: ENDING", []string{"ENDING"}},
		{"groupBy: CUSTOMER_SATISFACTION", []string{"CUSTOMER_SATISFACTION"}},
		{"groupBy: [NET_PROMOTER_SCORE, TAG]", []string{"NET_PROMOTER_SCORE", "TAG"}},
		{`groupBy: HOUR_OF_DAY, timeZone: "Australia/Lord_Howe"`, []string{"HOUR_OF_DAY Australia/Lord_Howe"}},
		{`groupBy: DAY_OF_WEEK, timeZone: "America/New_York", step: WEEK`, []string{"DAY_OF_WEEK America/New_York"}},
		{`groupBy: [CHANNEL, DAY_OF_WEEK, HOUR_OF_DAY], timeZone: "Europe/Paris"`, []string{"CHANNEL", "DAY_OF_WEEK Europe/Paris", "HOUR_OF_DAY Europe/Paris"}},
		{"groupBy: [TAG, OPERATOR, ROUTING_RULE]", []string{"TAG", "OPERATOR", "ROUTING_RULE"}},
		{"groupBy: [TAG, OPERATOR]", []string{"TAG", "OPERATOR"}},
		{"groupBy: [LANGUAGE, ROUTING_GROUP]", []string{"LANGUAGE", "ROUTING_GROUP"}},
		{`step: DAY, timeZone: "Europe/Paris"`, nil},
		{`step: HOUR, timeZone: "Australia/Lord_Howe"`, nil},
		{`step: WEEK, timeZone: "Pacific/Auckland", groupBy: CHANNEL`, []string{"CHANNEL"}},
		{`step: MONTH, timeZone: "America/New_York", groupBy: [PROJECT, CLOSE_REASON]`, []string{"PROJECT", "CLOSE_REASON"}},
	} {
		from, to := millis("2020-03-21T13:17:00Z"), millis("2020-04-08T22:30:00.123Z")
		got := metrics(t, r, reader(1, 2), `interval: {from: "2020-03-21T13:17:00Z", to: "2020-04-08T22:30:00.123Z"}, `+c.arguments)
		count := func(from, to storetest.Millis, dimensions []string, of []*string) storetest.Figures {
			mine := func(c *storetest.Conversation, k *storetest.Contact) bool {
				if c.Project != 1 && c.Project != 2 {
					return false
				}
				for i, d := range dimensions {
					if !holds(values(d, c, k), of[i]) {
						return false
					}
				}
				return true
			}
			conversations := r.world.Closed(func(c *storetest.Conversation) bool {
				return *c.ClosedAt >= from && *c.ClosedAt < to && mine(c, nil)
			})
			contacts := r.world.Started(func(k *storetest.Contact, c *storetest.Conversation) bool {
				return k.StartedAt >= from && k.StartedAt < to && mine(c, k)
			})
			return r.world.Count(conversations, contacts)
		}
		total := count(from, to, nil, nil)
		if total.Closed < 100 || total.Contacts < 100 {
			t.Fatalf("only %d conversations and %d contacts to count", total.Closed, total.Contacts)
		}
		check(t, c.arguments+" total", &got.Metrics.Total, total)
		conversations, contacts := 0, 0
		for i := range got.Metrics.Buckets {
			b := &got.Metrics.Buckets[i]
			start, end := from, to
			if b.From != nil {
				start, end = millis(*b.From), millis(*b.To)
			}
			var of []*string
			what := fmt.Sprintf("%s %v", c.arguments, start)
			for _, d := range b.Dimensions {
				of = append(of, d.Value)
				if d.Value != nil {
					what += " " + *d.Value
				}
			}
			check(t, what, b, count(start, end, c.dimensions, of))
			conversations, contacts = conversations+b.ClosedConversations, contacts+b.Contacts
		}
		if conversations < total.Closed || contacts < total.Contacts {
			t.Fatalf("%s: the buckets hold %d conversations and %d contacts, the total %d and %d", c.arguments, conversations, contacts, total.Closed, total.Contacts)
		}
	}
}

// TestABucketLeadsBackToItsRows opens the handles of some twenty buckets, in the metrics
// of which a filter narrows the rows, and narrows it again.
func TestABucketLeadsBackToItsRows(t *testing.T) {
	r := theRig(t).with(t, query.Config{Hours: someHours(t)})
	for _, groupBy := range []string{"", "groupBy: PROJECT", "groupBy: CHANNEL", "groupBy: OPERATOR", "groupBy: OPERATOR_KIND", "groupBy: [ROUTING_RULE, ROUTING_GROUP]", "groupBy: TAG", "groupBy: [CAMPAIGN, LANGUAGE]", "groupBy: [CLOSE_REASON, AUTOMATION_LEVEL]", "step: DAY",
		"groupBy: [STATUS, ENDING]", "groupBy: [CUSTOMER_SATISFACTION, NET_PROMOTER_SCORE]", `groupBy: [INITIATOR, CUSTOM_DATA, TAG], customDataKey: "plan"`,
		`groupBy: [HOUR_OF_DAY, DAY_OF_WEEK], timeZone: "America/New_York"`, "groupBy: [PROJECT, IN_BUSINESS_HOURS, DAY_OF_WEEK]",
	} {
		got := metrics(t, r, reader(1, 2), `interval: {from: "2020-03-21T13:17:00Z", to: "2020-03-29T00:00:00Z"}, filters: {minContacts: 1, projectIds: [1, 2, 3]}, `+groupBy)
		every := 1 + len(got.Metrics.Buckets)/20
		for i := 0; i < len(got.Metrics.Buckets); i += every {
			b := &got.Metrics.Buckets[i]
			handle := fmt.Sprintf(`%s, filters: {rows: %q}`, always, b.Rows)
			rows := ask[struct {
				ClosedConversations, Contacts connection
				Metrics                       struct{ Total, Answered bucket }
			}](t, r, reader(1, 2), fmt.Sprintf(`{
				closedConversations(%[1]s) { totalCount } contacts(%[1]s) { totalCount }
				metrics(%[1]s) { total { closedConversations contacts wait { p99Ms } duration { meanMs } rows } } }`, handle), nil)
			if rows.ClosedConversations.TotalCount != b.ClosedConversations || rows.Contacts.TotalCount != b.Contacts {
				t.Fatalf("%s %v: %d conversations and %d contacts, the bucket says %d and %d", groupBy, b.Dimensions, rows.ClosedConversations.TotalCount, rows.Contacts.TotalCount, b.ClosedConversations, b.Contacts)
			}
			near(t, groupBy, rows.Metrics.Total.Wait.P99Ms, b.Wait.P99Ms)
			near(t, groupBy, rows.Metrics.Total.Duration.MeanMs, b.Duration.MeanMs)
			// Rows of rows are the same rows.
			again := fmt.Sprintf(`{ closedConversations(%s, filters: {rows: %q}) { totalCount } }`, always, rows.Metrics.Total.Rows)
			if got := ask[struct{ ClosedConversations connection }](t, r, reader(1, 2), again, nil).ClosedConversations.TotalCount; got != b.ClosedConversations {
				t.Fatalf("%s: rows of rows are %d, want %d", groupBy, got, b.ClosedConversations)
			}
		}
	}
}

func TestLabelsAreTheNamesOfIds(t *testing.T) {
	r := theRig(t)
	for dimension, label := range map[string]string{"OPERATOR": "Operator ", "ROUTING_RULE": "Name of ", "CAMPAIGN": "Campaign ", "TAG": "Tag "} {
		found := 0
		for _, b := range metrics(t, r, reader(), always+`, groupBy: `+dimension).Metrics.Buckets {
			d := b.Dimensions[0]
			if d.Value == nil {
				if d.Label != nil {
					t.Errorf("%s: none is called %s", dimension, *d.Label)
				}
				continue
			}
			if d.Label == nil || *d.Label != label+*d.Value {
				t.Errorf("%s: %s is called %v", dimension, *d.Value, d.Label)
			}
			found++
		}
		if found == 0 {
			t.Errorf("%s: no values", dimension)
		}
	}
}

func TestDaysOfTheWeekHaveNames(t *testing.T) {
	r := theRig(t)
	days := map[string]string{"1": "Monday", "2": "Tuesday", "3": "Wednesday", "4": "Thursday", "5": "Friday", "6": "Saturday", "7": "Sunday"}
	for _, b := range metrics(t, r, reader(), always+`, groupBy: DAY_OF_WEEK`).Metrics.Buckets {
		if d := b.Dimensions[0]; d.Label == nil || *d.Label != days[*d.Value] {
			t.Errorf("day %s is called %v", *d.Value, d.Label)
		}
		delete(days, *b.Dimensions[0].Value)
	}
	if len(days) > 0 {
		t.Errorf("no rows on %v", days)
	}
}

func TestStepsWithoutRowsAreShown(t *testing.T) {
	r := theRig(t)
	got := metrics(t, r, reader(77), `interval: {from: "2020-03-28T12:00:00Z", to: "2020-03-30T12:00:00Z"}, step: DAY, timeZone: "Europe/Paris"`)
	bounds := []string{"2020-03-28T12:00:00.000Z", "2020-03-28T23:00:00.000Z", "2020-03-29T22:00:00.000Z", "2020-03-30T12:00:00.000Z"}
	if len(got.Metrics.Buckets) != 3 {
		t.Fatalf("%d steps", len(got.Metrics.Buckets))
	}
	for i := range got.Metrics.Buckets {
		b := &got.Metrics.Buckets[i]
		if *b.From != bounds[i] || *b.To != bounds[i+1] {
			t.Errorf("step %d is from %s to %s", i, *b.From, *b.To)
		}
		check(t, "a step of nothing", b, storetest.Figures{})
	}
	check(t, "a total of nothing", &got.Metrics.Total, storetest.Figures{})
}

func TestBrokenQuestionsAreRefused(t *testing.T) {
	r := theRig(t)
	for _, arguments := range []string{
		`timeZone: "Mars/Olympus"`, `timeZone: ""`, `timeZone: "Local"`, `timeZone: "../../etc/passwd"`, `timeZone: "CET; DROP"`,
		`groupBy: [PROJECT, CHANNEL, TAG, LANGUAGE]`, `groupBy: [TAG, TAG]`, `step: HOUR`,
		`groupBy: CUSTOM_DATA`, `groupBy: TAG, customDataKey: "plan"`, `groupBy: CUSTOM_DATA, customDataKey: "` + strings.Repeat("k", 257) + `"`,
	} {
		refused(t, r, reader(1), query.CodeBadInput, `{ metrics(`+always+`, `+arguments+`) { total { contacts } } }`, nil)
	}
	refused(t, r, reader(1), query.CodeBadInput, `{ metrics(interval: {from: "2020-01-01T00:00:00Z", to: "2021-01-01T00:00:00Z"}, step: HOUR, groupBy: CHANNEL) { buckets { contacts } } }`, nil)
}

// TestHandlesBreakWhenTouched changes and cuts a handle at every place.
func TestHandlesBreakWhenTouched(t *testing.T) {
	r := theRig(t)
	handle := metrics(t, r, reader(1), `interval: {from: "2020-03-21T00:00:00Z", to: "2020-03-22T00:00:00Z"}`).Metrics.Total.Rows
	for i := 0; i < len(handle); i++ {
		broken := []byte(handle)
		if broken[i]++; broken[i] == '"' || broken[i] == '\\' {
			broken[i]++
		}
		for _, text := range []string{string(broken), handle[:i]} {
			refused(t, r, reader(1), query.CodeBadInput, fmt.Sprintf(`{ contacts(%s, filters: {rows: %q}) { totalCount } }`, always, text), nil)
		}
	}
}
