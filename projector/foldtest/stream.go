package foldtest

import (
	"cmp"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// Stream interleaves conversations of several projects, realistic and nasty
// ones, and profiles of customers and sellers into the order in which a log may get them: mostly as they happen, some
// events late, some sent twice. A second sending may say something else, even
// for another conversation; what counts is the first.
func Stream(d Dice, conversations int) []schema.Event {
	type arrival struct {
		schema.Event
		at schema.Timestamp
	}
	var arrivals []arrival
	for n := range conversations {
		key := Conversation(schema.ProjectID(1+d.IntN(3)), n)
		events := Realistic(d, key, nastyEpoch+schema.Timestamp(d.IntN(1+conversations*10_000)))
		if chance(d, 40) {
			events = Nasty(d, key, d.IntN(25))
		}
		if n < 3 { // a customer of some of the conversations, one of none, and a seller
			project := schema.ProjectID(n + 1)
			events = append(events, Profile(d, project, schema.ProfileCustomer, pick(d, "v1", "v2", "v9"), d.IntN(6))...)
			events = append(events, Profile(d, project, schema.ProfileSeller, "660119", d.IntN(4))...)
		}
		for _, e := range events {
			at := e.Time
			if chance(d, 10) {
				at += schema.Timestamp(d.IntN(86_400_000))
			}
			arrivals = append(arrivals, arrival{e, at})
			if chance(d, 8) {
				arrivals = append(arrivals, arrival{again(d, e, arrivals[d.IntN(len(arrivals))].Event), at + schema.Timestamp(d.IntN(3_600_000))})
			}
		}
	}
	slices.SortStableFunc(arrivals, func(a, b arrival) int { return cmp.Compare(a.at, b.at) })
	events := make([]schema.Event, len(arrivals))
	for i := range arrivals {
		events[i] = arrivals[i].Event
	}
	return events
}

// again is a second event of the same key: the same, another time, or with what
// another event says.
func again(d Dice, e, other schema.Event) schema.Event {
	switch d.IntN(3) {
	case 0:
		e.Time += schema.Timestamp(d.IntN(1000))
	case 1:
		if e.Project == other.Project {
			other.Source, other.ID = e.Source, e.ID
			return other
		}
	}
	return e
}

// Distinct returns the records that count, by conversation: of each event key the one with the lowest
// sequence, whichever conversation the others name, or the one that announces its erasure.
func Distinct(records []schema.Record) map[schema.ConversationKey][]schema.Record {
	counting := map[schema.EventKey]schema.Record{}
	inOrder := slices.SortedFunc(slices.Values(records), func(a, b schema.Record) int { return cmp.Compare(a.Sequence, b.Sequence) })
	for _, r := range inOrder {
		if had, seen := counting[r.Event.Key()]; !seen || r.Event.Announces(had.Sequence) {
			counting[r.Event.Key()] = r
		}
	}
	conversations := map[schema.ConversationKey][]schema.Record{}
	for _, r := range counting {
		key := r.Event.ConversationKey()
		conversations[key] = append(conversations[key], r)
	}
	for _, of := range conversations {
		slices.SortFunc(of, func(a, b schema.Record) int { return cmp.Compare(a.Sequence, b.Sequence) })
	}
	return conversations
}
