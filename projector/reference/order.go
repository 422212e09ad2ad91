package reference

import (
	"cmp"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// rank numbers the types in the order of the contract; 0..6 are the life-cycle
// group, 10..17 the other group.
var rank = map[schema.Type]int{
	schema.TypeOpened: 0, schema.TypeTransferred: 1, schema.TypeSnoozed: 2, schema.TypeRouted: 3,
	schema.TypePushed: 4, schema.TypeMessage: 5, schema.TypeClosed: 6,
	schema.TypeUntagged: 10, schema.TypeTagged: 11, schema.TypeSatisfaction: 12, schema.TypeTransaction: 13,
	schema.TypeRead: 14, schema.TypeDeleted: 15, schema.TypeCustomer: 16, schema.TypeSeller: 17,
}

func lifeCycle(t schema.Type) bool { return rank[t] < 10 }

// ordered returns the distinct events in fold order. Where two records have one
// key, the one with the lower sequence counts.
func ordered(records []schema.Record) []schema.Record {
	lowest := map[schema.EventKey]schema.Record{}
	for _, r := range records {
		if had, ok := lowest[r.Event.Key()]; !ok || r.Sequence < had.Sequence {
			lowest[r.Event.Key()] = r
		}
	}
	instants := map[schema.Timestamp][]schema.Record{}
	for _, r := range lowest {
		instants[r.Event.Time] = append(instants[r.Event.Time], r)
	}
	var times []schema.Timestamp
	for t := range instants {
		times = append(times, t)
	}
	slices.Sort(times)

	var all []schema.Record
	for _, t := range times {
		var first, second []schema.Record
		for _, r := range instants[t] {
			if lifeCycle(r.Event.Type) {
				first = append(first, r)
			} else {
				second = append(second, r)
			}
		}
		all = append(all, sortGroup(first)...)
		all = append(all, sortGroup(second)...)
	}
	return all
}

// sortGroup orders the events of one group of one millisecond.
func sortGroup(group []schema.Record) []schema.Record {
	bySequence := true
	for _, r := range group {
		if !r.Event.HasOrder || r.Event.Source != group[0].Event.Source {
			bySequence = false
		}
	}
	slices.SortFunc(group, func(a, b schema.Record) int {
		if bySequence && a.Event.Order != b.Event.Order {
			return cmp.Compare(a.Event.Order, b.Event.Order)
		}
		return cmp.Or(
			cmp.Compare(rank[a.Event.Type], rank[b.Event.Type]),
			cmp.Compare(a.Event.Source, b.Event.Source),
			cmp.Compare(a.Event.ID, b.Event.ID),
		)
	})
	return group
}
