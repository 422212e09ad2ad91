package schema

import (
	"cmp"
	"slices"
	"strings"
)

// Rank is the position of the type within one millisecond, from 0. The life-cycle
// group comes first and ends with `closed`. The contract does not place read,
// deleted, customer and seller: they come last in the other group. An unknown type comes after all others.
func (t Type) Rank() int {
	switch t {
	case TypeOpened:
		return 0
	case TypeTransferred:
		return 1
	case TypeSnoozed:
		return 2
	case TypeRouted:
		return 3
	case TypePushed:
		return 4
	case TypeMessage:
		return 5
	case TypeClosed:
		return rankClosed
	case TypeUntagged:
		return 7
	case TypeTagged:
		return 8
	case TypeSatisfaction:
		return 9
	case TypeTransaction:
		return 10
	case TypeRead:
		return 11
	case TypeDeleted:
		return 12
	case TypeCustomer:
		return 13
	case TypeSeller:
		return 14
	default:
		return 15
	}
}

const rankClosed = 6

// Profile reports whether events of the type are about a customer or seller,
// not about a conversation.
func (t Type) Profile() bool { return t == TypeCustomer || t == TypeSeller }

// LifeCycle reports whether the type is of the group that comes first inside a
// millisecond.
func (t Type) LifeCycle() bool { return t.Rank() <= rankClosed }

// placed is a record with the rank of its type.
type placed struct {
	*Record
	rank int
}

// InOrder returns the records in fold order, each event once: of records with one [EventKey], the
// one with the lowest sequence is kept. The records are shared with the argument, which is not
// modified.
//
// Fold order is time, then the life-cycle group before the other group, and
// inside such a group of one millisecond:
//
//   - the sender's `sequence`, if every event of the group in that millisecond
//     has one and all have one source;
//   - the type, in the order of the contract;
//   - source, then id, by their bytes.
func InOrder(records []Record) []*Record {
	order := distinct(records)
	slices.SortFunc(order, byTypeInInstant)
	for start := 0; start < len(order); {
		end := start + 1
		for end < len(order) && sameGroup(order[start], order[end]) {
			end++
		}
		if group := order[start:end]; len(group) > 1 && sequenced(group) {
			// Stable: events with equal sequences keep the order of their types.
			slices.SortStableFunc(group, func(a, b placed) int {
				return cmp.Compare(a.Event.Order, b.Event.Order)
			})
		}
		start = end
	}
	out := make([]*Record, len(order))
	for i := range order {
		out[i] = order[i].Record
	}
	return out
}

// distinct keeps the record with the lowest sequence of each event.
func distinct(records []Record) []placed {
	out := make([]placed, 0, len(records))
	at := make(map[EventKey]int, len(records))
	for i := range records {
		r := placed{&records[i], records[i].Event.Type.Rank()}
		if first, seen := at[r.Event.Key()]; !seen {
			at[r.Event.Key()] = len(out)
			out = append(out, r)
		} else if r.Sequence < out[first].Sequence {
			out[first] = r
		}
	}
	return out
}

// byTypeInInstant orders by time, type, source and id. As types are ranked
// group by group, it keeps each group of a millisecond together.
func byTypeInInstant(a, b placed) int {
	if c := cmp.Compare(a.Event.Time, b.Event.Time); c != 0 {
		return c
	}
	if c := cmp.Compare(a.rank, b.rank); c != 0 {
		return c
	}
	if c := strings.Compare(a.Event.Source, b.Event.Source); c != 0 {
		return c
	}
	return strings.Compare(a.Event.ID, b.Event.ID)
}

// sameGroup reports whether two events fall into one group of one millisecond.
func sameGroup(a, b placed) bool {
	return a.Event.Time == b.Event.Time && (a.rank <= rankClosed) == (b.rank <= rankClosed)
}

// sequenced reports whether a group is ordered by its sender: every event of it
// has a `sequence`, and all have one source.
func sequenced(group []placed) bool {
	for _, r := range group {
		if !r.Event.HasOrder || r.Event.Source != group[0].Event.Source {
			return false
		}
	}
	return true
}

// End is the end of records in fold order: as much of them as decides whether
// another record comes after all of them.
type End struct {
	last placed
	// Of the group of the last one: whether its sender orders it, and whether it
	// is in the order of types too.
	sequenced, typed bool
}

// EndOf returns the end of records that are in fold order, of which there is one
// at least.
func EndOf(order []*Record) End {
	var group []placed
	for i := len(order) - 1; i >= 0; i-- {
		r := placed{order[i], order[i].Event.Type.Rank()}
		if len(group) > 0 && !sameGroup(group[0], r) {
			break
		}
		group = append(group, r)
	}
	slices.Reverse(group)
	return End{last: group[len(group)-1], sequenced: sequenced(group), typed: slices.IsSortedFunc(group, byTypeInInstant)}
}

// Append puts a record behind the end, if it comes after all before it and leaves
// them in their order, and reports whether it does. Of some records that do, they
// must be appended in fold order; it may report false if they do only
// together.
func (e *End) Append(r *Record) bool {
	next := placed{r, r.Event.Type.Rank()}
	last := e.last
	byType := byTypeInInstant(last, next)
	if !sameGroup(last, next) {
		if byType > 0 {
			return false
		}
		*e = End{last: next, sequenced: r.Event.HasOrder, typed: true}
		return true
	}
	ordered := e.sequenced && r.Event.HasOrder && r.Event.Source == last.Event.Source
	switch {
	case ordered:
		if c := cmp.Compare(last.Event.Order, r.Event.Order); c > 0 || c == 0 && byType > 0 {
			return false
		}
	case !e.typed || byType > 0:
		return false
	}
	*e = End{last: next, sequenced: ordered, typed: e.typed && byType < 0}
	return true
}
