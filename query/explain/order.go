package explain

import (
	"cmp"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// ranks number the types in the order of one millisecond; from otherGroup on
// they are of the second group.
func rank(t schema.Type) int {
	return slices.Index([]schema.Type{
		schema.TypeOpened, schema.TypeTransferred, schema.TypeSnoozed, schema.TypeRouted, schema.TypePushed,
		schema.TypeMessage, schema.TypeClosed,
		schema.TypeUntagged, schema.TypeTagged, schema.TypeSatisfaction, schema.TypeTransaction,
	}, t)
}

const otherGroup = 7

func lifeCycle(r *schema.Record) bool { return rank(r.Event.Type) < otherGroup }

// ordered gives the records in fold order, each event once: the one with the
// lowest sequence.
func ordered(records []schema.Record) []schema.Record {
	lowest := map[schema.EventKey]schema.Record{}
	for _, r := range records {
		if had, ok := lowest[r.Event.Key()]; !ok || r.Sequence < had.Sequence {
			lowest[r.Event.Key()] = r
		}
	}
	list := make([]schema.Record, 0, len(lowest))
	for _, r := range lowest {
		list = append(list, r)
	}
	instant := func(a, b *schema.Record) int {
		second := func(r *schema.Record) int {
			if lifeCycle(r) {
				return 0
			}
			return 1
		}
		return cmp.Or(cmp.Compare(a.Event.Time, b.Event.Time), cmp.Compare(second(a), second(b)))
	}
	slices.SortFunc(list, func(a, b schema.Record) int { return cmp.Or(instant(&a, &b), byName(&a, &b)) })
	// Groups of one instant whose events all say their order, in one source.
	for start := 0; start < len(list); {
		end := start + 1
		for end < len(list) && instant(&list[start], &list[end]) == 0 {
			end++
		}
		sequenced(list[start:end])
		start = end
	}
	return list
}

func byName(a, b *schema.Record) int {
	return cmp.Or(
		cmp.Compare(rank(a.Event.Type), rank(b.Event.Type)),
		cmp.Compare(a.Event.Source, b.Event.Source),
		cmp.Compare(a.Event.ID, b.Event.ID),
	)
}

func sequenced(group []schema.Record) {
	for i := range group {
		if !group[i].Event.HasOrder || group[i].Event.Source != group[0].Event.Source {
			return
		}
	}
	slices.SortStableFunc(group, func(a, b schema.Record) int { return cmp.Compare(a.Event.Order, b.Event.Order) })
}
