package explain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// Field is a number, or another value, and the events it came from.
type Field struct {
	Name  string  // as in the SDL
	Value *string // as in JSON, strings without quotes; nil is null
	From  []schema.Sequence
}

// Contact is the numbers of one contact.
type Contact struct {
	ID      string
	Ordinal int
	Fields  []Field
}

// Event is one event in fold order.
type Event struct {
	schema.Record
	Contact string // id of the contact it starts, ends or happens in; empty for none
}

// Conversation is a conversation explained.
type Conversation struct {
	Events   []Event
	Fields   []Field
	Contacts []Contact
}

// Of explains the conversation whose events these are, in any order.
func Of(records []schema.Record) Conversation {
	w := walkOver(schema.InOrder(records))
	var c Conversation
	ids := w.contactIDs()
	for i, r := range w.events {
		event := Event{Record: *r}
		if n := w.within[i]; n > 0 {
			event.Contact = ids[n-1]
		}
		c.Events = append(c.Events, event)
	}
	if len(w.events) == 0 {
		return c
	}
	e := &explaining{walk: w}
	e.times()
	e.counts()
	e.sums()
	e.answers()
	e.rest()
	c.Fields = e.fields
	for n := range w.contacts {
		c.Contacts = append(c.Contacts, Contact{ids[n], n + 1, w.contactFields(n)})
	}
	return c
}

func (w *walk) contactIDs() []string {
	ids := make([]string, len(w.contacts))
	same := map[schema.Timestamp]int{}
	for n, c := range w.contacts {
		at := w.at(c.start)
		ids[n] = fmt.Sprintf("%s:%d", w.events[c.start].Event.Conversation, at)
		if same[at]++; same[at] > 1 {
			ids[n] += ":" + strconv.Itoa(same[at])
		}
	}
	return ids
}

// explaining collects fields.
type explaining struct {
	*walk
	fields []Field
}

// add appends a field; places that are none are left out, each event counts
// once.
func (e *explaining) add(name string, value *string, places ...int) {
	f := Field{Name: name, Value: value, From: []schema.Sequence{}}
	slices.Sort(places)
	for _, i := range slices.Compact(places) {
		if i != none {
			f.From = append(f.From, e.events[i].Sequence)
		}
	}
	e.fields = append(e.fields, f)
}

func text(v any) *string {
	s := fmt.Sprint(v)
	return &s
}

func list(v any) *string {
	s, _ := json.Marshal(v) // strings and numbers
	return text(string(s))
}

// since is the milliseconds between two events; null without both, or when
// negative.
func (w *walk) since(from, to int) *string {
	if from == none || to == none || w.at(to) < w.at(from) {
		return nil
	}
	return text(int64(w.at(to) - w.at(from)))
}

func (w *walk) moment(i int) *string {
	if i == none {
		return nil
	}
	return text(w.at(i))
}

// created is the event that createdAt is the time of.
func (w *walk) created() int {
	return max(0, slices.IndexFunc(w.events, func(r *schema.Record) bool { return r.Event.Type.LifeCycle() }))
}

func (e *explaining) times() {
	created := e.created()
	e.add("createdAt", e.moment(created), created)
	e.add("closedAt", e.moment(e.closing), e.closing)
	e.spent("durationMs", created, e.closing)
	e.spent("firstResponseTimeMs", e.firstVisitor, e.firstHuman)
	e.spent("resolutionTimeMs", e.firstVisitor, e.closing)
	e.spent("firstResolutionTimeMs", e.firstVisitor, e.firstClose)
}

// spent adds the time between two events. Where there is none, neither event
// made it.
func (e *explaining) spent(name string, from, to int) {
	value := e.since(from, to)
	if value == nil && (from == none || to == none) {
		e.add(name, nil)
		return
	}
	e.add(name, value, from, to)
}

// ends returns the places at which contacts ended in a way.
func (w *walk) ends(ending string) []int {
	var places []int
	for n := range w.contacts {
		if how, _ := w.ended(&w.contacts[n]); how == ending {
			places = append(places, w.contacts[n].end)
		}
	}
	return places
}

func (w *walk) pushes() []int {
	var places []int
	for _, c := range w.contacts {
		places = append(places, c.start)
	}
	return places
}

func (e *explaining) counts() {
	count := func(name string, places []int) { e.add(name, text(len(places)), slices.Clone(places)...) }
	count("contactCount", e.pushes())
	count("snoozeCount", e.ends("SNOOZED"))
	count("transferCount", e.ends("TRANSFERRED"))
	count("reopenCount", e.reopenings)
	count("anomalyCount", e.anomalies)
	count("visitorMessageCount", e.visitorMessages)
	count("operatorMessageCount", e.operatorMessages)
	all := make([]int, len(e.events))
	for i := range all {
		all[i] = i
	}
	count("eventCount", all)
}

// sums adds the times that contacts took together.
func (e *explaining) sums() {
	var handle, human, snooze int64
	var handling, humans, snoozes []int
	for n := range e.contacts {
		c := &e.contacts[n]
		if c.end == none || e.at(c.end) < e.at(c.start) {
			continue
		}
		took := int64(e.at(c.end) - e.at(c.start))
		handle, handling = handle+took, append(handling, c.start, c.end)
		if e.events[c.start].Event.Data.(*schema.Pushed).To.Kind != schema.KindBot {
			human, humans = human+took, append(humans, c.start, c.end)
		}
		if how, _ := e.ended(c); how == "SNOOZED" && n+1 < len(e.contacts) && !c.closedAfter {
			next := e.contacts[n+1].start
			snooze, snoozes = snooze+int64(e.at(next)-e.at(c.end)), append(snoozes, c.end, next)
		}
	}
	e.add("handleTimeMs", text(handle), handling...)
	e.add("humanHandleTimeMs", text(human), humans...)
	e.add("snoozeTimeMs", text(snooze), snoozes...)
}

func (e *explaining) answers() {
	answer, human, bots := none, none, 0
	for _, c := range e.contacts {
		if answer == none {
			answer = c.answer
		}
		if human == none {
			human = c.human
		}
		if e.events[c.start].Event.Data.(*schema.Pushed).To.Kind == schema.KindBot {
			bots++
		}
	}
	e.add("answered", text(answer != none), answer)
	e.add("answeredByHuman", text(human != none), human)
	var level *string
	switch {
	case len(e.contacts) == 0:
	case bots == 0:
		level = text("NOT_AUTOMATED")
	case bots == len(e.contacts):
		level = text("FULLY_AUTOMATED")
	default:
		level = text("PARTIALLY_AUTOMATED")
	}
	e.add("automationLevel", level, e.pushes()...)
	abandoned := e.closing != none && len(e.contacts) == 0
	if abandoned {
		e.add("abandoned", text(true), e.closing)
	} else {
		e.add("abandoned", text(false), e.pushes()...)
	}
}

// rest adds what is neither a time nor a count.
func (e *explaining) rest() {
	var reason *string
	if e.closing != none {
		reason = e.events[e.closing].Event.Data.(*schema.Closed).Reason
	}
	e.add("closeReason", reason, e.closing)
	e.openings()
	for _, question := range []string{"customerSatisfaction", "netPromoterScore", "comment"} {
		i, answered := e.satisfaction[question]
		if !answered {
			e.add(question, nil)
			continue
		}
		e.add(question, answerTo(question, e.events[i].Event.Data.(*schema.Satisfaction)), i)
	}
	tags, taggings := []string{}, []int{}
	for _, id := range e.tags {
		if i := e.tagging[id]; i != none {
			tags, taggings = append(tags, id), append(taggings, i)
		}
	}
	e.add("tags", list(tags), taggings...)
	users, took := slices.Sorted(maps.Keys(e.users)), []int{}
	for _, id := range users {
		took = append(took, e.users[id]...)
	}
	e.add("users", list(append([]schema.OperatorID{}, users...)), took...)
	e.revenue()
}

func answerTo(question string, s *schema.Satisfaction) *string {
	switch question {
	case "customerSatisfaction":
		return text(*s.CustomerSatisfaction)
	case "netPromoterScore":
		return text(*s.NetPromoterScore)
	}
	return s.Comment
}

// openings adds what the openings gave. What of the visitor and of custom data
// was given stays with the conversation: this says by which event only.
func (e *explaining) openings() {
	for _, field := range []string{"channel", "language", "initiator", "campaign", "visitor", "customData"} {
		i, given := e.opened[field]
		if !given {
			e.add(field, map[string]*string{"channel": text(schema.ChannelUnknown), "customData": text("[]")}[field])
			continue
		}
		data := e.events[i].Event.Data.(*schema.Opened)
		switch field {
		case "channel":
			e.add(field, text(data.Channel), i)
		case "language":
			e.add(field, data.Language, i)
		case "initiator":
			e.add(field, text(*data.Initiator), i)
		case "campaign":
			e.add(field, &data.Campaign.ID, i)
		case "visitor":
			e.add(field, &data.Visitor.ID, i)
		case "customData":
			keys := map[string]bool{}
			for _, v := range data.CustomData {
				keys[v.Key] = true
			}
			e.add(field, list(append([]string{}, slices.Sorted(maps.Keys(keys))...)), i)
		}
	}
}

// revenue adds the transactions, and their sum in each currency.
func (e *explaining) revenue() {
	sums, places := map[schema.Currency]decimal.Decimal{}, map[schema.Currency][]int{}
	var all []int
	for _, id := range e.sales {
		i := e.sale[id]
		t := e.events[i].Event.Data.(*schema.Transaction)
		sums[t.Currency] = sums[t.Currency].Add(decimal.New(int64(t.Amount), -4))
		places[t.Currency] = append(places[t.Currency], i)
		all = append(all, i)
	}
	e.add("transactions", list(append([]string{}, e.sales...)), all...)
	for _, currency := range slices.Sorted(maps.Keys(sums)) {
		e.add("revenue."+string(currency), text(sums[currency]), places[currency]...)
	}
}

// contactFields explains the n-th contact.
func (w *walk) contactFields(n int) []Field {
	c := &w.contacts[n]
	e := &explaining{walk: w}
	ending, inferred := w.ended(c)
	e.add("startedAt", w.moment(c.start), c.start)
	e.add("endedAt", w.moment(c.end), c.end)
	e.spent("durationMs", c.start, c.end)
	status, why := "UNANSWERED", []int{c.end}
	switch {
	case c.end == none:
		status, why = "ONGOING", []int{c.start}
	case c.answer != none:
		status, why = "ANSWERED", []int{c.answer, c.end}
	}
	e.add("status", &status, why...)
	if c.end == none {
		e.add("ending", nil)
	} else {
		e.add("ending", &ending, c.end)
	}
	e.add("endingInferred", text(inferred), c.end)
	var reason *string
	if ending == "CLOSED" {
		reason = w.events[c.end].Event.Data.(*schema.Closed).Reason
	}
	e.add("closeReason", reason, c.end)
	e.spent("waitTimeMs", c.waiting, c.start)
	e.spent("firstResponseTimeMs", c.start, c.answer)
	e.add("visitorMessageCount", text(len(c.visitor)), slices.Clone(c.visitor)...)
	e.add("operatorMessageCount", text(len(c.operator)), slices.Clone(c.operator)...)
	e.add("operator", text(w.events[c.start].Event.Data.(*schema.Pushed).To.ID), c.start)
	var rule, group *string
	if c.routing != none {
		routed := w.events[c.routing].Event.Data.(*schema.Routed)
		rule = &routed.Rule.ID
		if routed.Group != nil {
			group = &routed.Group.ID
		}
	}
	e.add("routingRule", rule, c.routing)
	e.add("routingGroup", group, c.routing)
	return e.fields
}
