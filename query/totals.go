package query

import (
	"context"
	"slices"
)

// totals are what the total and the buckets of an answer read in one statement: the rows are the same, and to read them is most of the work.
type totals struct {
	total, buckets fields // selected
	grouping       Grouping

	conversations onces[string, []ConversationFigures]
	contacts      onces[string, []ContactFigures]
	within        onces[string, []Within]
}

// newTotals returns what an answer shares; nil where total and buckets are the same, or one of them is not selected.
func newTotals(grouping Grouping, selected fields) *totals {
	t := &totals{total: selected.below("total"), buckets: selected.below("buckets"), grouping: grouping}
	if grouping.whole() || len(t.total) == 0 || len(t.buckets) == 0 {
		return nil
	}
	t.grouping.Total = true
	t.grouping.Labels = t.buckets.has("dimensions.label")
	return t
}

// whole reports whether there is one group, of all rows.
func (g *Grouping) whole() bool { return len(g.Steps) == 0 && len(g.By) == 0 }

// share reports whether both select one of the fields, of rows that have one value of each dimension: one that has several is in
// several groups.
func (t *totals) share(several func(Dimension) bool, fields ...string) bool {
	return t != nil && t.total.any(fields...) && t.buckets.any(fields...) && !slices.ContainsFunc(t.grouping.By, several)
}

// columns are the fields that one of them selects.
func (t *totals) columns() []string { return slices.Concat(t.total.columns(), t.buckets.columns()) }

// grouped is the grouping of the shared statement.
func (t *totals) grouped(own *Grouping) Grouping {
	grouping := t.grouping
	grouping.Openings = own.Openings
	return grouping
}

// part picks the total of rows, which has no values, or the groups.
func part[R any](rows []R, total bool, key func(*R) *GroupKey) []R {
	rows = slices.DeleteFunc(slices.Clone(rows), func(r R) bool { return key(&r).Total != total })
	for i := range rows {
		if total {
			*key(&rows[i]) = GroupKey{Total: true}
		}
	}
	return rows
}

// readConversations reads the figures of conversations.
func (m *metrics) readConversations(ctx context.Context, grouping Grouping, columns []string) ([]ConversationFigures, error) {
	read := func(grouping Grouping, columns []string) ([]ConversationFigures, error) {
		return m.store.ConversationFigures(ctx, m.scope, m.interval, m.filter, grouping, columns)
	}
	t := m.totals
	if !t.share(Dimension.severalOfConversations, conversationFigures()...) {
		return read(grouping, columns)
	}
	rows, err := t.conversations.get("", func() ([]ConversationFigures, error) { return read(t.grouped(&grouping), t.columns()) })
	return part(rows, grouping.whole(), func(r *ConversationFigures) *GroupKey { return &r.GroupKey }), err
}

// readContacts reads the figures of contacts.
func (m *metrics) readContacts(ctx context.Context, grouping Grouping, columns []string) ([]ContactFigures, error) {
	read := func(grouping Grouping, columns []string) ([]ContactFigures, error) {
		return m.store.ContactFigures(ctx, m.scope, m.interval, m.filter, grouping, columns)
	}
	t := m.totals
	if !t.share(Dimension.severalOfContacts, contactFigures()...) {
		return read(grouping, columns)
	}
	rows, err := t.contacts.get("", func() ([]ContactFigures, error) { return read(t.grouped(&grouping), t.columns()) })
	return part(rows, grouping.whole(), func(r *ContactFigures) *GroupKey { return &r.GroupKey }), err
}

// readWithin counts the rows with at most each duration of a distribution, for a member of it: the key says which.
func (m *metrics) readWithin(ctx context.Context, grouping Grouping, key, field, member string, most []int64) ([]Within, error) {
	from, several := m.store.ConversationsWithin, Dimension.severalOfConversations
	if slices.Contains(contactFigures(), field) {
		from, several = m.store.ContactsWithin, Dimension.severalOfContacts
	}
	t := m.totals
	if !t.share(several, field+"."+member) {
		grouping.Labels = false
		return from(ctx, m.scope, m.interval, m.filter, grouping, field, most)
	}
	rows, err := t.within.get(key, func() ([]Within, error) {
		shared := t.grouped(&grouping)
		shared.Labels = false
		return from(ctx, m.scope, m.interval, m.filter, shared, field, most)
	})
	return part(rows, grouping.whole(), func(r *Within) *GroupKey { return &r.GroupKey }), err
}
