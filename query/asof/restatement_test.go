package asof_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// The figures of a bucket, as metrics answers them.
const (
	counts = `closedConversations abandonedConversations reopenedConversations visitorMessages operatorMessages transactions surveyAnswers npsAnswers
		contacts answeredContacts unansweredContacts transferredContacts snoozedContacts createdConversations closings firstClosings reopenings
		openAtEnd snoozedAtEnd unattendedAtEnd answerRate transferRate snoozeReturnRate csat nps conversionRate`
	amounts       = `revenue averageOrderValue revenuePerConversation`
	distributions = `wait contactFirstResponse contactDuration snoozeReturn conversationFirstResponse resolution handle duration
		waitBusinessHours contactFirstResponseBusinessHours conversationFirstResponseBusinessHours resolutionBusinessHours`
)

func everyFigure() string {
	all := counts
	for _, f := range strings.Fields(amounts) {
		all += " " + f + " { currency amount }"
	}
	for _, f := range strings.Fields(distributions) {
		all += " " + f + " { count meanMs medianMs p90Ms p95Ms p99Ms }"
	}
	return all
}

// flat reads the figures of an answer of metrics by bucket, name and currency.
func flat(t *testing.T, answer string) map[string]string {
	t.Helper()
	var data struct {
		Metrics struct{ Buckets []map[string]json.RawMessage }
	}
	read(t, answer, &data)
	all := map[string]string{}
	for _, b := range data.Metrics.Buckets {
		bucket := fmt.Sprint(string(b["from"]), string(b["dimensions"]))
		for _, f := range strings.Fields(counts) {
			all[bucket+" "+f] = string(b[f])
		}
		for _, f := range strings.Fields(amounts) {
			var list []struct {
				Currency string
				Amount   json.Number
			}
			read(t, string(b[f]), &list)
			for _, m := range list {
				all[bucket+" "+f+" "+m.Currency] = m.Amount.String()
			}
		}
		for _, f := range strings.Fields(distributions) {
			var members map[string]json.RawMessage
			read(t, string(b[f]), &members)
			for name, value := range members {
				all[bucket+" "+f+"."+name] = string(value)
			}
		}
	}
	return all
}

func read(t *testing.T, text string, into any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatalf("%.300s: %v", text, err)
	}
}

// restated is an answer of restatements.
type restated struct {
	Restatements struct {
		Since, Until string
		Figures      []restatement
	}
}

type restatement struct {
	From, Dimensions          json.RawMessage
	Figure                    string
	Currency                  *string
	Before, After, Difference *json.Number
	Conversations             int
	Rows                      []string
	Causes                    []cause
}

type cause struct {
	Kind                  string
	Events, Conversations int
}

// number writes a figure in one form: 1e3 and 1000.0 are 1000.
func number(t *testing.T, text string) string {
	t.Helper()
	if text == "" || text == "null" {
		return "null"
	}
	var f float64
	read(t, text, &f)
	return fmt.Sprint(f)
}

func (r *rig) restated(t *testing.T, since, until, more string) (all restated) {
	t.Helper()
	read(t, r.ask(t, fmt.Sprintf(`{ restatements(since: %q, until: %q, %s %s) { since until figures { from dimensions { name value } figure currency before after difference conversations rows causes { kind events conversations } } } }`,
		since, until, always, more)), &all)
	return all
}

// TestRestatementsAreTheDifferenceOfTwoAnswers compares them with all figures of metrics as of both positions, bucket by bucket.
func TestRestatementsAreTheDifferenceOfTwoAnswers(t *testing.T) {
	r := newRig(t)
	dice := foldtest.Seeded(23)
	events := foldtest.Stream(dice, 40)
	moments := []string{r.position(t)}
	for len(events) > 0 {
		n := min(len(events), 1+dice.IntN(300))
		r.append(t, events[:n]...)
		events = events[n:]
		moments = append(moments, r.position(t))
	}
	compared, differing := 0, 0
	for n, more := range []string{", step: MONTH", ", groupBy: [TAG]", ", groupBy: [OPERATOR, CHANNEL]", ", groupBy: [CUSTOMER_SATISFACTION], filters: {hasConversion: true}", ", step: MONTH, timeZone: \"Europe/Paris\", filters: {tagIds: [\"tag-1\", \"tag-2\", \"tag-3\", \"tag-4\", \"tag-5\"]}"} {
		since, until := moments[n%len(moments)], moments[len(moments)-1-n%2]
		sides := make([]map[string]string, 2)
		for i, position := range []string{since, until} {
			sides[i] = flat(t, r.ask(t, fmt.Sprintf(`{ metrics(%s, asOf: %q %s) { buckets { from dimensions { name value } %s } } }`, always, position, more, everyFigure())))
		}
		want := map[string]string{}
		for _, side := range sides {
			for figure := range side {
				var values [2]string
				for i := range sides {
					value, known := sides[i][figure]
					if values[i] = number(t, value); !known {
						values[i] = missing(figure)
					}
				}
				compared++
				if values[0] != values[1] {
					want[figure] = values[0] + " " + values[1]
				}
			}
		}
		got := r.restated(t, since, until, more)
		for _, f := range got.Restatements.Figures {
			name := fmt.Sprint(string(f.From), string(f.Dimensions), " ", f.Figure)
			if f.Currency != nil {
				name += " " + *f.Currency
			}
			if said := numberOf(t, f.Before) + " " + numberOf(t, f.After); want[name] != said {
				t.Errorf("%s: %s: %q, want %q", more, name, said, want[name])
			}
			if f.Conversations == 0 || len(f.Causes) == 0 || len(f.Rows) != 1 {
				t.Errorf("%s: %s has no cause: %+v", more, name, f)
			}
			delete(want, name)
			differing++
		}
		for name, values := range want {
			t.Errorf("%s: %s: %s is missing", more, name, values)
		}
	}
	t.Logf("%d figures compared, %d differ", compared, differing)
	if compared < 100_000 || differing < 500 {
		t.Errorf("only %d figures were compared, %d of them differ", compared, differing)
	}
	for _, position := range moments {
		if all := r.restated(t, position, position, ", step: MONTH"); len(all.Restatements.Figures) != 0 {
			t.Errorf("%d figures differ from themselves", len(all.Restatements.Figures))
		}
	}

	before := r.position(t)
	for n := range 2 {
		for project := range 3 {
			r.eraseConversation(t, schema.ConversationKey{Project: schema.ProjectID(1 + project), Conversation: foldtest.Conversation(1, n).Conversation})
		}
	}
	if after := r.position(t); after == before {
		t.Error("nothing was erased")
	} else if all := r.restated(t, before, after, ", step: MONTH"); len(all.Restatements.Figures) != 0 {
		t.Errorf("an erasure has changed figures: %+v", all.Restatements.Figures[0])
	}
}

// missing is a figure of a bucket that has no rows.
func missing(figure string) string {
	field := figure[strings.LastIndex(figure, "]")+2:]
	for _, rate := range []string{"Rate", "csat", "nps", "Ms", "averageOrderValue", "revenuePerConversation"} {
		if strings.HasPrefix(field, rate) && field != "npsAnswers" || strings.HasSuffix(field, rate) {
			return "null"
		}
	}
	return "0"
}

func numberOf(t *testing.T, n *json.Number) string {
	t.Helper()
	if n == nil {
		return "null"
	}
	return number(t, n.String())
}

// TestCausesOfARestatement changes closed conversations in each way, and follows the handles.
func TestCausesOfARestatement(t *testing.T) {
	r := newRig(t)
	const day = 86_400_000
	begin := schema.Timestamp(1_700_000_000_000)
	event := func(n int, kind schema.Type, at schema.Timestamp, data schema.Data) schema.Event {
		key := foldtest.Conversation(1, n)
		return schema.Event{Project: 1, Conversation: key.Conversation, Source: "s", ID: fmt.Sprint(n, kind, at), Type: kind, Time: at, Data: data}
	}
	var first []schema.Event
	for n := range 6 {
		first = append(first,
			event(n, schema.TypePushed, begin, &schema.Pushed{To: schema.User{ID: 7, Kind: schema.KindProfessional}}),
			event(n, schema.TypeClosed, begin+1000, &schema.Closed{}))
	}
	r.append(t, first...)
	since := r.position(t)
	score := uint8(5)
	r.append(t,
		event(0, schema.TypeSatisfaction, begin+day, &schema.Satisfaction{CustomerSatisfaction: &score}),
		event(1, schema.TypeTagged, begin+day, &schema.Tagged{Tag: schema.Ref{ID: "vip"}}),
		event(2, schema.TypePushed, begin+day, &schema.Pushed{To: schema.User{ID: 8, Kind: schema.KindProfessional}}),
		event(3, schema.TypeMessage, begin+500, &schema.Message{MessageID: "m", AuthorKind: schema.KindVisitor}),
	)
	released := event(4, schema.TypeClosed, begin+500, &schema.Closed{})
	released.Released = true
	r.append(t, released)
	all := r.restated(t, since, r.position(t), "")
	got := map[string]string{}
	for _, f := range all.Restatements.Figures {
		got[f.Figure] = fmt.Sprint(numberOf(t, f.Before), "→", numberOf(t, f.After), " ", numberOf(t, f.Difference), " ", f.Conversations, " ", f.Causes)
		if len(f.Rows) != 1 {
			t.Fatalf("%s: %d handles", f.Figure, len(f.Rows))
		}
		var page struct {
			Conversations struct {
				TotalCount int
				Edges      []struct{ Node struct{ ID string } }
			}
		}
		read(t, r.ask(t, fmt.Sprintf(`{ conversations(%s, filters: {rows: %q}) { totalCount edges { node { id } } } }`, always, f.Rows[0])), &page)
		if page.Conversations.TotalCount != f.Conversations || len(page.Conversations.Edges) != f.Conversations {
			t.Errorf("%s: the handle leads to %d conversations of %d", f.Figure, page.Conversations.TotalCount, f.Conversations)
		}
	}
	for figure, want := range map[string]string{
		"closedConversations": "6→5 -1 1 [{REOPENING 1 1}]",
		"openAtEnd":           "0→1 1 1 [{REOPENING 1 1}]",
		"contacts":            "6→7 1 1 [{REOPENING 1 1}]",
		"csat":                "null→100 null 1 [{LATE_ANSWER 1 1}]",
		"surveyAnswers":       "0→1 1 1 [{LATE_ANSWER 1 1}]",
		"visitorMessages":     "0→1 1 1 [{LATE_EVENT 1 1}]",
		"duration.meanMs":     "1000→900 -100 2 [{REOPENING 1 1} {QUARANTINE_RELEASE 1 1}]",
	} {
		if got[figure] != want {
			t.Errorf("%s: %s, want %s", figure, got[figure], want)
		}
	}
	tagged := r.restated(t, since, r.position(t), ", groupBy: [TAG]")
	found := slices.ContainsFunc(tagged.Restatements.Figures, func(f restatement) bool {
		return f.Figure == "closedConversations" && strings.Contains(string(f.Dimensions), "vip") && fmt.Sprint(f.Causes) == "[{TAG_CHANGE 1 1}]"
	})
	if !found {
		t.Errorf("no tag change: %+v", tagged)
	}
}

// TestAContactThatDidNotChangeIsNoCause has a contact that is not written again, because a late message concerns the other one of its
// conversation, while another conversation gets a contact.
func TestAContactThatDidNotChangeIsNoCause(t *testing.T) {
	r := newRig(t)
	begin := schema.Timestamp(1_700_000_000_000)
	event := func(n int, kind schema.Type, at schema.Timestamp, data schema.Data) schema.Event {
		key := foldtest.Conversation(1, n)
		return schema.Event{Project: 1, Conversation: key.Conversation, Source: "s", ID: fmt.Sprint(n, kind, at), Type: kind, Time: at, Data: data}
	}
	pushed := &schema.Pushed{To: schema.User{ID: 7, Kind: schema.KindProfessional}}
	var first []schema.Event
	for n := range 2 {
		first = append(first, event(n, schema.TypePushed, begin, pushed), event(n, schema.TypeSnoozed, begin+1000, &schema.Snoozed{}),
			event(n, schema.TypePushed, begin+2000, pushed), event(n, schema.TypeClosed, begin+9000, &schema.Closed{}))
	}
	r.append(t, first...)
	since := r.position(t)
	r.append(t, event(2, schema.TypePushed, begin, pushed),
		event(0, schema.TypeMessage, begin+3000, &schema.Message{MessageID: "m", AuthorKind: schema.KindVisitor}))
	got := map[string]string{}
	for _, f := range r.restated(t, since, r.position(t), "").Restatements.Figures {
		got[f.Figure] = fmt.Sprint(f.Conversations, " ", f.Causes, " ", r.pageOf(t, f))
	}
	late, other := foldtest.Conversation(1, 0).Conversation, foldtest.Conversation(1, 2).Conversation
	for figure, want := range map[string]string{
		"contacts":        fmt.Sprint("1 [{LATE_EVENT 1 1}] ", []schema.ConversationID{other}),
		"visitorMessages": fmt.Sprint("1 [{LATE_EVENT 1 1}] ", []schema.ConversationID{late}),
	} {
		if got[figure] != want {
			t.Errorf("%s was changed by %s, not %s", figure, got[figure], want)
		}
	}
}

// TestAnAnswerAloneIsACauseOfWhatItBegins has a conversation that nothing but an answer to a survey belongs to.
func TestAnAnswerAloneIsACauseOfWhatItBegins(t *testing.T) {
	r := newRig(t)
	key, score := foldtest.Conversation(1, 1), uint8(5)
	r.append(t, schema.Event{Project: 1, Conversation: foldtest.Conversation(1, 2).Conversation, Source: "s", ID: "a", Type: schema.TypeClosed, Time: 1_700_000_000_000, Data: &schema.Closed{}})
	since := r.position(t)
	r.append(t, schema.Event{Project: 1, Conversation: key.Conversation, Source: "s", ID: "b", Type: schema.TypeSatisfaction, Time: 1_700_000_000_000, Data: &schema.Satisfaction{CustomerSatisfaction: &score}})
	for _, f := range r.restated(t, since, r.position(t), "").Restatements.Figures {
		if fmt.Sprint(f.Conversations, f.Causes) != "1 [{LATE_ANSWER 1 1}]" {
			t.Errorf("%s was changed by %d conversations with %v", f.Figure, f.Conversations, f.Causes)
		}
	}
}
