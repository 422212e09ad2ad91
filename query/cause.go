package query

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/schema"
)

// RestatementKind is what events do that change figures after the fact.
type RestatementKind string

// What the events did; kinds has their order.
const (
	KindLateAnswer RestatementKind = "LATE_ANSWER"
	KindLateSale   RestatementKind = "LATE_SALE"
	KindReopening  RestatementKind = "REOPENING"
	KindTagChange  RestatementKind = "TAG_CHANGE"
	KindErasure    RestatementKind = "ERASURE"
	KindRelease    RestatementKind = "QUARANTINE_RELEASE"
	KindLateEvent  RestatementKind = "LATE_EVENT"
)

const (
	// maxContributions is the maximum number of groups in which changed conversations are counted.
	maxContributions = 500_000
	// maxRestating is the maximum number of conversations whose events are read.
	maxRestating = 50_000
)

var errRestating = &Error{CodeTooLarge, "since: too many conversations have changed in this interval: request a shorter interval, fewer dimensions or fewer projects"}

// RestatedEvents is how many events of a type a conversation got between two positions. Moved ones were in the log before, and
// an erasure has appended them again; Released ones come from quarantine.
type RestatedEvents struct {
	Project      uint32
	Conversation string
	Type         string
	Moved        bool
	Released     bool
	Count        uint64
}

// contribution is what a conversation counts in a bucket.
type contribution struct {
	conversations [2]ConversationFigures // before and after
	contacts      [2]ContactFigures
	states        StateFigures // the difference
}

// causes are the conversations that have changed between two positions, and their events in between.
type causes struct {
	restatements  *Restatements
	contributions map[group]map[schema.ConversationKey]*contribution
	events        map[schema.ConversationKey][]RestatedEvents
	reopened      map[schema.ConversationKey]bool
	byGroup       onces[group, []changer]
	differing     onces[restated, []changer]
}

// restated is a figure of a bucket.
type restated struct {
	group group
	what  figure
}

// cause reads the causes, once.
func (r *Restatements) cause(ctx context.Context) (*causes, error) {
	return r.causes.get(true, func() (*causes, error) {
		c, err := r.changed(ctx)
		if err != nil {
			return nil, err
		}
		return c, c.readEvents(ctx)
	})
}

// changed reads what the changed conversations count, once.
func (r *Restatements) changed(ctx context.Context) (*causes, error) {
	return r.causes.get(false, func() (*causes, error) {
		c := &causes{restatements: r, contributions: map[group]map[schema.ConversationKey]*contribution{}}
		before, after := *r.before, *r.after
		before.scope.Straddling = true // the others are the same now
		after.scope.Since = before.position
		states := map[lane]map[int64]*StateFigures{}
		var rows [2]figureRows
		if err := together([]func() error{
			func() (err error) { rows[0], err = before.each(ctx); return err },
			func() (err error) { rows[1], err = after.each(ctx); return err },
		}); err != nil {
			return nil, err
		}
		for when := range rows {
			c.count(&rows[when], when, states)
		}
		for l, steps := range states {
			c.level(l, steps)
		}
		return c, nil
	})
}

// narrowed leaves the steps in which a changed conversation counts differently: other figures cannot differ. Closed conversations and contacts are
// read of these alone, states also of those in between. There are none if no conversation does. Contacts also depend on rows other than their own
// if the filter names visitors or rows: then all steps are left.
func (m *metrics) narrowed(ctx context.Context, c *causes, differs func(*contribution) bool) (*metrics, error) {
	if c == nil || m.filter.Visitors != nil || m.filter.Rows != nil {
		return m, nil
	}
	touched := c.steps(differs)
	if len(touched) == 0 {
		return nil, nil
	}
	steps := m.grouping.Steps
	if len(steps) == 0 {
		return m, nil
	}
	narrow := *m
	from, _ := slices.BinarySearch(steps, touched[0])
	to, _ := slices.BinarySearch(steps, touched[len(touched)-1])
	narrow.grouping.Steps = steps[from : to+1]
	if from > 0 {
		narrow.interval.From = steps[from]
	}
	if to+1 < len(steps) {
		narrow.interval.To = steps[to+1]
	}
	narrow.grouping.Spans = narrow.spans(touched)
	var err error
	narrow.grouping.Openings, err = m.openings(ctx, m.scope, m.interval) // conversations may have begun long before
	return &narrow, err
}

// steps are the starts of the steps in which a conversation counts differently, ascending.
func (c *causes) steps(differs func(*contribution) bool) []schema.Timestamp {
	var starts []schema.Timestamp
	for g, in := range c.contributions {
		at := schema.Timestamp(g.step)
		if slices.Contains(starts, at) {
			continue
		}
		for _, one := range in {
			if differs(one) {
				starts = append(starts, at)
				break
			}
		}
	}
	slices.Sort(starts)
	return starts
}

// spans are some of the steps as intervals, neighbours as one.
func (m *metrics) spans(starts []schema.Timestamp) []Interval {
	var list []Interval
	for _, start := range starts {
		n, _ := slices.BinarySearch(m.grouping.Steps, start)
		span := Interval{From: start, To: m.interval.To}
		if n == 0 {
			span.From = min(start, m.interval.From)
		}
		if n+1 < len(m.grouping.Steps) {
			span.To = m.grouping.Steps[n+1]
		}
		if last := len(list) - 1; last >= 0 && list[last].To == span.From {
			list[last].To = span.To
			continue
		}
		list = append(list, span)
	}
	return list
}

// lane is a conversation among those with some values.
type lane struct {
	values       [maxDimensions]groupValue
	conversation schema.ConversationKey
}

// place splits the group of a conversation.
func (c *causes) place(k *GroupKey) (group, schema.ConversationKey) {
	g, at := k.group(), len(c.restatements.after.grouping.By)
	project, id, _ := strings.Cut(g.values[at].text, "/")
	g.values[at] = groupValue{}
	n, _ := strconv.ParseUint(project, 10, 32) // the statement has written it
	return g, key(uint32(n), id)
}

// of returns what a conversation contributes to a bucket.
func (c *causes) contribution(g group, of schema.ConversationKey) *contribution {
	in := c.contributions[g]
	if in == nil {
		in = map[schema.ConversationKey]*contribution{}
		c.contributions[g] = in
	}
	if in[of] == nil {
		in[of] = new(contribution)
	}
	return in[of]
}

// each reads the figures of each conversation on its own.
func (m *metrics) each(ctx context.Context) (figureRows, error) {
	grouping := m.grouping
	grouping.By = append(slices.Clone(grouping.By), ByConversation)
	grouping.Limit = maxContributions
	rows, err := m.read(ctx, &grouping, m.restated())
	if err == nil && max(len(rows.conversations), len(rows.contacts), len(rows.states)) >= maxContributions {
		err = errRestating
	}
	return rows, err
}

// count notes what each conversation counts.
func (c *causes) count(rows *figureRows, when int, states map[lane]map[int64]*StateFigures) {
	for i := range rows.conversations {
		c.contribution(c.place(&rows.conversations[i].GroupKey)).conversations[when] = rows.conversations[i]
	}
	for i := range rows.contacts {
		c.contribution(c.place(&rows.contacts[i].GroupKey)).contacts[when] = rows.contacts[i]
	}
	for i := range rows.states {
		g, of := c.place(&rows.states[i].GroupKey)
		l := lane{g.values, of}
		if states[l] == nil {
			states[l] = map[int64]*StateFigures{}
		}
		if states[l][g.step] == nil {
			states[l][g.step] = new(StateFigures)
		}
		change := rows.states[i]
		if when == 0 {
			change.negate()
		}
		states[l][g.step].add(&change)
	}
}

func (f *StateFigures) negate() {
	f.Created, f.Closings, f.FirstClosings, f.Reopenings = -f.Created, -f.Closings, -f.FirstClosings, -f.Reopenings
	f.Open, f.Snoozed, f.Unattended = -f.Open, -f.Snoozed, -f.Unattended
}

// level adds up the differences of a conversation's states over the steps.
func (c *causes) level(l lane, steps map[int64]*StateFigures) {
	var now StateFigures
	if earlier := steps[-1]; earlier != nil {
		now.Open, now.Snoozed, now.Unattended = earlier.Open, earlier.Snoozed, earlier.Unattended
	}
	for _, start := range c.restatements.after.grouping.starts() {
		now.Created, now.Closings, now.FirstClosings, now.Reopenings = 0, 0, 0, 0
		if change := steps[int64(start)]; change != nil {
			now.add(change)
		}
		if now != (StateFigures{}) {
			c.contribution(group{int64(start), l.values}, l.conversation).states = now
		}
	}
}

// readEvents reads which events the conversations got, and which of them have been reopened more often.
func (c *causes) readEvents(ctx context.Context) error {
	r := c.restatements
	found := map[schema.ConversationKey]bool{}
	for _, in := range c.contributions {
		for of := range in {
			found[of] = true
		}
	}
	if len(found) == 0 {
		return nil
	}
	if len(found) > maxRestating {
		return errRestating
	}
	keys := make([]schema.ConversationKey, 0, len(found))
	for of := range found {
		keys = append(keys, of)
	}
	var rows []RestatedEvents
	if err := together([]func() error{
		func() (err error) {
			rows, err = r.after.store.RestatedEvents(ctx, r.after.scope, keys, r.before.position)
			return err
		},
		func() error { return c.readReopened(ctx) },
	}); err != nil {
		return err
	}
	c.events = map[schema.ConversationKey][]RestatedEvents{}
	for _, row := range rows {
		of := key(row.Project, row.Conversation)
		c.events[of] = append(c.events[of], row)
	}
	return nil
}

// readReopened finds out which conversations have been reopened more often.
func (c *causes) readReopened(ctx context.Context) error {
	before, after := c.restatements.before, c.restatements.after
	straddling, changed := before.scope, after.scope
	straddling.Straddling, changed.Since = true, before.position
	var counted, counts map[schema.ConversationKey]uint32
	if err := together([]func() error{
		func() (err error) { counted, err = before.store.ReopenCounts(ctx, straddling); return err },
		func() (err error) { counts, err = after.store.ReopenCounts(ctx, changed); return err },
	}); err != nil {
		return err
	}
	c.reopened = map[schema.ConversationKey]bool{}
	for of, n := range counts {
		c.reopened[of] = n > counted[of]
	}
	return nil
}

// changer is a conversation with events between the positions, and what it counts in a bucket.
type changer struct {
	schema.ConversationKey
	*contribution
	events []RestatedEvents
}

// of returns the conversations that count differently in a figure, in order. They are looked for once.
func (c *causes) of(d *Restatement) []changer {
	all, _ := c.differing.get(restated{d.bucket.group, d.what}, func() ([]changer, error) {
		var differing []changer
		for _, one := range c.changers(d.bucket.group) {
			if one.differs(d.what) {
				differing = append(differing, one)
			}
		}
		return differing, nil
	})
	return all
}

// changers are the conversations of a bucket, in order.
func (c *causes) changers(g group) []changer {
	all, _ := c.byGroup.get(g, func() ([]changer, error) {
		var all []changer
		for of, in := range c.contributions[g] {
			if events := c.events[of]; len(events) > 0 {
				all = append(all, changer{of, in, events})
			}
		}
		slices.SortFunc(all, func(a, b changer) int {
			return cmp.Or(cmp.Compare(a.Project, b.Project), cmp.Compare(a.Conversation, b.Conversation))
		})
		return all, nil
	})
	return all
}

// inState reports whether the conversation counts differently in states over time.
func (c *contribution) inState() bool {
	return slices.ContainsFunc(stateFigures(), func(field string) bool { return stateOf(figure{name: field}, &c.states) != 0 })
}

// inRows reports whether it counts differently among closed conversations or contacts.
func (c *contribution) inRows() bool {
	was, is := &c.conversations[0], &c.conversations[1]
	return !sameSums(was.Revenue, is.Revenue) || !maps.Equal(was.TransactionCounts, is.TransactionCounts) ||
		slices.ContainsFunc(slices.Concat(conversationFigures(), contactFigures()), func(field string) bool { return c.differs(figure{name: field}) })
}

func sameSums(a, b map[string]decimal.Decimal) bool {
	return maps.EqualFunc(a, b, func(x, y decimal.Decimal) bool { return x.Equal(y) })
}

func (c *contribution) differs(f figure) bool {
	before, after := partsOf(f, &c.conversations[0], &c.contacts[0]), partsOf(f, &c.conversations[1], &c.contacts[1])
	return stateOf(f, &c.states) != 0 || !before.equal(&after)
}

// kinds are all kinds, in the order of answers.
var kinds = [...]RestatementKind{KindLateAnswer, KindLateSale, KindReopening, KindTagChange, KindErasure, KindRelease, KindLateEvent}

// kindsOf returns the events that changed a figure, by kind.
func (c *causes) kindsOf(d *Restatement) []RestatementCause {
	touched := map[RestatementKind]bool{}
	for _, kind := range kinds {
		touched[kind] = c.touches(kind, d.what)
	}
	var all [len(kinds)]RestatementCause
	for _, one := range c.of(d) {
		touches := func(e *RestatedEvents) bool { return touched[c.kindOfType(one.ConversationKey, e)] }
		// Without other events, a conversation begins with the first answer, sale or tag.
		if !slices.ContainsFunc(one.events, func(e RestatedEvents) bool { return touches(&e) }) {
			touches = func(*RestatedEvents) bool { return true }
		}
		var events [len(kinds)]Long
		for i := range one.events {
			if e := &one.events[i]; touches(e) {
				events[slices.Index(kinds[:], c.kind(one.ConversationKey, e))] += Long(e.Count)
			}
		}
		for i, n := range events {
			if n > 0 {
				all[i].Events += n
				all[i].Conversations++
			}
		}
	}
	list := []RestatementCause{}
	for i, cause := range all {
		if cause.Events > 0 {
			cause.Kind = string(kinds[i])
			list = append(list, cause)
		}
	}
	return list
}

func (c *causes) kind(of schema.ConversationKey, e *RestatedEvents) RestatementKind {
	switch {
	case e.Moved:
		return KindErasure
	case e.Released:
		return KindRelease
	}
	return c.kindOfType(of, e)
}

// kindOfType is the kind of events that came in as they should.
func (c *causes) kindOfType(of schema.ConversationKey, e *RestatedEvents) RestatementKind {
	switch {
	case e.Type == string(schema.TypeSatisfaction):
		return KindLateAnswer
	case e.Type == string(schema.TypeTransaction):
		return KindLateSale
	case e.Type == string(schema.TypeTagged), e.Type == string(schema.TypeUntagged):
		return KindTagChange
	case e.Type == string(schema.TypePushed) && c.reopened[of]:
		return KindReopening
	}
	return KindLateEvent
}

// touches reports whether events of a kind can change a figure: by what it counts, or by where it is counted.
func (c *causes) touches(kind RestatementKind, f figure) bool {
	m := c.restatements.after
	by := func(names ...Dimension) bool {
		return m.filter.Rows != nil || m.filter.UpdatedSince != nil || slices.ContainsFunc(names, func(d Dimension) bool { return slices.Contains(m.grouping.By, d) })
	}
	switch kind {
	case KindLateAnswer:
		return slices.Contains([]string{"surveyAnswers", "npsAnswers", "csat", "nps"}, f.field()) ||
			by(BySatisfaction, ByScore) || m.filter.CustomerSatisfaction != nil || m.filter.Scored
	case KindLateSale:
		return slices.Contains([]string{"transactions", "conversionRate", "revenue", "averageOrderValue", "revenuePerConversation"}, f.field()) ||
			by() || m.filter.HasConversion != nil
	case KindTagChange:
		return by(ByTag) || m.filter.Tags != nil
	}
	return true
}
