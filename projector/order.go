package projector

import (
	"cmp"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/schema"
)

// rank is the place of a type inside one millisecond, in the order the
// contract gives. The life-cycle group ends with rankClosed.
type rank uint8

const (
	rankOpened rank = iota
	rankTransferred
	rankSnoozed
	rankRouted
	rankPushed
	rankMessage
	rankClosed
	rankUntagged
	rankTagged
	rankSatisfaction
	rankTransaction
)

// rankOf reads the rank off the data, whose set of types is closed.
func rankOf(data schema.Data) rank {
	switch data.(type) {
	case *schema.Opened:
		return rankOpened
	case *schema.Transferred:
		return rankTransferred
	case *schema.Snoozed:
		return rankSnoozed
	case *schema.Routed:
		return rankRouted
	case *schema.Pushed:
		return rankPushed
	case *schema.Message:
		return rankMessage
	case *schema.Closed:
		return rankClosed
	case *schema.Untagged:
		return rankUntagged
	case *schema.Tagged:
		return rankTagged
	case *schema.Satisfaction:
		return rankSatisfaction
	default: // *schema.Transaction
		return rankTransaction
	}
}

// lifeCycle tells whether the type is of the group that comes first inside a
// millisecond.
func (r rank) lifeCycle() bool { return r <= rankClosed }

// placed is a record with its rank.
type placed struct {
	*schema.Record
	rank rank
}

// InOrder gives the records in fold order, each event once: of records with
// one [schema.EventKey] the one with the lowest sequence counts. The records
// themselves are shared with the argument, which is left as it is.
//
// Fold order is time, then the life-cycle group before the other group, and
// inside such a group of one millisecond:
//
//   - the sender's `sequence`, if every event of the group in that millisecond
//     has one and all have one source;
//   - the type, in the order of the contract;
//   - source, then id, by their bytes.
func InOrder(records []schema.Record) []*schema.Record {
	order := inOrder(records)
	out := make([]*schema.Record, len(order))
	for i := range order {
		out[i] = order[i].Record
	}
	return out
}

func inOrder(records []schema.Record) []placed {
	order := distinct(records)
	slices.SortFunc(order, byTypeInInstant)
	for start := 0; start < len(order); {
		end := start + 1
		for end < len(order) && sameGroup(order[start], order[end]) {
			end++
		}
		if group := order[start:end]; len(group) > 1 && sequenced(group) {
			// Stable: events of equal sequence stay in the order of their types.
			slices.SortStableFunc(group, func(a, b placed) int {
				return cmp.Compare(a.Event.Order, b.Event.Order)
			})
		}
		start = end
	}
	return order
}

// distinct keeps of each event the record with the lowest sequence.
func distinct(records []schema.Record) []placed {
	out := make([]placed, 0, len(records))
	at := make(map[schema.EventKey]int, len(records))
	for i := range records {
		r := placed{&records[i], rankOf(records[i].Event.Data)}
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

// sameGroup tells whether two events fall into one group of one millisecond.
func sameGroup(a, b placed) bool {
	return a.Event.Time == b.Event.Time && a.rank.lifeCycle() == b.rank.lifeCycle()
}

// sequenced tells whether a group is ordered by its sender: every event of it
// has a `sequence`, and all have one source.
func sequenced(group []placed) bool {
	for _, r := range group {
		if !r.Event.HasOrder || r.Event.Source != group[0].Event.Source {
			return false
		}
	}
	return true
}
