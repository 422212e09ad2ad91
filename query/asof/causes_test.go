package asof_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// bucket is the month of a restatement.
func (f *restatement) bucket(t *testing.T) string {
	t.Helper()
	var from string
	read(t, string(f.From), &from)
	return from[:len("2006-01")]
}

// name is that of the figure in its bucket.
func (f *restatement) name(t *testing.T) string {
	t.Helper()
	name := f.bucket(t) + " " + f.Figure
	if f.Currency != nil {
		name += " " + *f.Currency
	}
	return name
}

// parts are what a figure is made of.
func (l *ledger) parts(bucket, figure string) string {
	name, currency, _ := strings.Cut(figure, " ")
	sum := func(name string) string { return fmt.Sprint(l.sums[bucket+" "+name], " ") }
	switch name {
	case "revenue":
		return sum(figure)
	case "averageOrderValue":
		return sum("revenue "+currency) + sum("sales "+currency)
	case "revenuePerConversation":
		return sum("revenue "+currency) + sum("closedConversations")
	}
	if of, rate := foldedRates[name]; rate {
		return sum(of[0]) + sum(of[1])
	}
	if spread, _, of := strings.Cut(name, "."); of {
		return fmt.Sprint(slices.Sorted(slices.Values(l.durations[bucket+" "+spread])))
	}
	return sum(name)
}

// conversation is its ledger; one without rows has an empty one.
func (l *ledger) conversation(id string) *ledger {
	if of := l.each[id]; of != nil {
		return of
	}
	return newLedger(nil)
}

// between are the events that count, by conversation, of those that the log took after a position, up to another one.
func (r *rig) between(t *testing.T, since, until schema.Sequence) map[string][]schema.Record {
	t.Helper()
	var records []schema.Record
	for _, e := range r.log.entries {
		event, fault := schema.Decode(e.Payload, time.Now())
		if fault != nil {
			t.Fatal(fault)
		}
		records = append(records, schema.Record{Sequence: e.Sequence, Event: event})
	}
	found := map[string][]schema.Record{}
	for key, of := range foldtest.Distinct(records) {
		for _, e := range of {
			at := e.Sequence
			if origin := e.Event.Origin; at > until && origin > 0 {
				at = origin // it was erased later
			}
			if at > since && at <= until {
				found[string(key.Conversation)] = append(found[string(key.Conversation)], e)
			}
		}
	}
	return found
}

// figuresOf are the figures that answers and sales alone can change.
var figuresOf = map[string]string{
	"LATE_ANSWER": "surveyAnswers npsAnswers csat nps",
	"LATE_SALE":   "transactions conversionRate revenue averageOrderValue revenuePerConversation",
	"TAG_CHANGE":  "",
}

// causesOf counts the events of conversations that changed a figure, by kind.
func causesOf(figure string, ids []string, events map[string][]schema.Record, since schema.Sequence, reopened func(string) bool) map[string]cause {
	all := map[string]cause{}
	for _, id := range ids {
		counts, others := map[string]int{}, map[string]int{}
		for _, e := range events[id] {
			kind := "LATE_EVENT"
			switch e.Event.Type {
			case schema.TypeSatisfaction:
				kind = "LATE_ANSWER"
			case schema.TypeTransaction:
				kind = "LATE_SALE"
			case schema.TypeTagged, schema.TypeUntagged:
				kind = "TAG_CHANGE"
			case schema.TypePushed:
				if reopened(id) {
					kind = "REOPENING"
				}
			}
			of, limited := figuresOf[kind]
			into := counts
			if limited && !slices.Contains(strings.Fields(of), figure) {
				into = others
			}
			if e.Event.Origin > 0 && e.Event.Origin <= since {
				kind = "ERASURE"
			}
			into[kind]++
		}
		if len(counts) == 0 {
			counts = others
		}
		for kind, n := range counts {
			all[kind] = cause{kind, all[kind].Events + n, all[kind].Conversations + 1}
		}
	}
	return all
}

// checkCauses compares the causes of restatements with the conversations whose parts of a figure differ, and their events.
// It returns how many events of erasures were among them.
func (r *rig) checkCauses(t *testing.T, restatements []restatement, before, after *ledger, events map[string][]schema.Record, since schema.Sequence) (erased int) {
	t.Helper()
	ids := slices.Sorted(maps.Keys(after.each))
	off, conversations := 0, 0
	for i, f := range restatements {
		bucket, name, _ := strings.Cut(f.name(t), " ")
		var want []string
		for _, id := range ids {
			if before.conversation(id).parts(bucket, name) != after.conversation(id).parts(bucket, name) {
				want = append(want, id)
			}
		}
		conversations += len(want)
		field, _, _ := strings.Cut(f.Figure, ".")
		causes := causesOf(field, want, events, since, func(id string) bool { return after.reopened[id] > before.reopened[id] })
		got := map[string]cause{}
		for _, c := range f.Causes {
			got[c.Kind] = c
		}
		erased += got["ERASURE"].Events
		said := want
		if i%9 == 0 || f.Conversations != len(want) { // a page for each figure would take long
			said = r.pageOf(t, f)
		}
		if f.Conversations != len(want) || !slices.Equal(said, want) || !maps.Equal(got, causes) {
			if off++; off <= 10 {
				t.Errorf("%s %s: changed by %d conversations %v with %v; it is %d %v with %v", bucket, name, f.Conversations, said, got, len(want), want, causes)
			}
		}
	}
	t.Logf("causes of %d figures compared, with %d conversations and %d erased events; %d off", len(restatements), conversations, erased, off)
	if off > 0 {
		t.Errorf("%d are off", off)
	}
	return erased
}

// pageOf returns the ids of the conversations behind a restatement, in order.
func (r *rig) pageOf(t *testing.T, f restatement) []string {
	t.Helper()
	var ids []string
	for _, handle := range f.Rows {
		var page struct {
			Conversations struct {
				Edges []struct{ Node struct{ ID string } }
			}
		}
		read(t, r.ask(t, fmt.Sprintf(`{ conversations(%s, first: 100, filters: {rows: %q}) { edges { node { id } } } }`, always, handle)), &page)
		for _, e := range page.Conversations.Edges {
			ids = append(ids, e.Node.ID)
		}
	}
	slices.Sort(ids)
	return ids
}
