package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-analytics/parley/query"
)

// turned is the condition that a conversation turned in an interval: odd turns are closes, even ones reopenings.
func turned(odd int) string {
	return fmt.Sprintf("arrayExists((at, n) -> n %% 2 = %d AND at >= %s AND at < %[2]s, _turns, arrayEnumerate(_turns))", odd, moment)
}

// inState adds that conversations are behind a count of states over time.
func (c *conditions) inState(of query.Count, interval query.Interval) {
	from, to := int64(interval.From), int64(interval.To)
	switch of {
	case query.CountCreated:
		c.add("created_at >= "+moment, from)
		c.add("created_at < "+moment, to)
		return
	case query.CountClosings, query.CountFirstClosing, query.CountReopenings:
		// What is closed for good before the interval does not change in it.
		c.add("(closed_at IS NULL OR closed_at >= "+moment+")", from)
	default:
		c.add("(closed_at IS NULL OR closed_at >= "+moment+")", to)
	}
	c.add("created_at < "+moment, to)
	switch of {
	case query.CountClosings:
		c.add("(closed_at < "+moment+" OR "+turned(1)+")", to, from, to)
	case query.CountReopenings:
		c.add(turned(0), from, to)
	case query.CountFirstClosing:
		first := "if(empty(_turns), closed_at, _turns[1])"
		c.add(first+" >= "+moment+" AND "+first+" < "+moment, from, to)
	case query.CountSnoozedAtEnd:
		c.add("arrayCount(at -> at < "+moment+", _snoozed) % 2 = 1", to)
	case query.CountUnattended:
		c.add("arrayCount(at -> at < "+moment+", _unattended) % 2 = 1", to)
	default:
		c.add("arrayCount(at -> at < "+moment+", _turns) % 2 = 0", to)
	}
}

// ConversationStates implements query.FigureReader.
func (s *Store) ConversationStates(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, columns []string) ([]query.StateFigures, error) {
	snoozed := ""
	if slices.Contains(columns, "snoozedAtEnd") {
		snoozed = ", _snoozed"
	}
	st := newStatement("conversation_states", scope).with("members", membersOfConversations).with("snoozed", snoozed).
		where("where", living("a", scope, interval, filter)).
		bind("from", int64(interval.From)).bind("to", int64(interval.To))
	// One group more for each value: what happened before the interval.
	grouping.Limit *= 2
	return readColumns(ctx, s, st.grouped(grouping, "_change", conversationDimension, "last_sequence"), columnsOf(stateColumns(), columns))
}

// spans is the condition that a conversation is open at the end of a step, or has been since it was
// created: only such a one can be unattended there.
const spans = "(closed_at IS NULL OR roundDown(toUnixTimestamp64Milli(created_at), arrayCumSum({bounds:Array(Int64)})) != " +
	"roundDown(toUnixTimestamp64Milli(assumeNotNull(closed_at)), arrayCumSum({bounds:Array(Int64)})))"

// ConversationsUnattended implements query.FigureReader.
func (s *Store) ConversationsUnattended(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping) ([]query.StateFigures, error) {
	type row = query.StateFigures
	bounds := slices.Clone(grouping.Steps)
	if len(bounds) == 0 {
		bounds = append(bounds, interval.From)
	}
	st := newStatement("conversations_unattended", scope).with("members", membersOfConversations).
		where("where", living("a", scope, interval, filter)).
		with("spans", spans).bind("bounds", lengths(append(bounds, interval.To))).
		bind("from", int64(interval.From)).bind("to", int64(interval.To))
	grouping.Limit *= 2
	columns := append(keyColumns(func(r *row) *query.GroupKey { return &r.GroupKey }),
		column[row]{"", "toInt64(countIf(_place % 2 = 1)) - toInt64(countIf(_place % 2 = 0))", func(r *row) any { return &r.Unattended }})
	return readColumns(ctx, s, st.grouped(grouping, "_change", conversationDimension, "last_sequence"), columns)
}

func stateColumns() []column[query.StateFigures] {
	type row = query.StateFigures
	const (
		created     = "toInt64(countIf(_place = 1))"
		closings    = "toInt64(countIf(_place = 2 OR (_place > 2 AND _place <= 2 + _turned AND _place % 2 = 1)))"
		reopenings  = "toInt64(countIf(_place > 2 AND _place <= 2 + _turned AND _place % 2 = 0))"
		snoozeTurns = "_place > 2 + _turned AND _place % 2 = "
	)
	return slices.Concat(
		keyColumns(func(r *row) *query.GroupKey { return &r.GroupKey }),
		[]column[row]{
			{"createdConversations", created, func(r *row) any { return &r.Created }},
			{"closings", closings, func(r *row) any { return &r.Closings }},
			{"firstClosings", "toInt64(countIf(_place = if(_turned = 0, 2, 3)))", func(r *row) any { return &r.FirstClosings }},
			{"reopenings", reopenings, func(r *row) any { return &r.Reopenings }},
			{"openAtEnd", created + " + " + reopenings + " - " + closings, func(r *row) any { return &r.Open }},
			{"snoozedAtEnd", "toInt64(countIf(" + snoozeTurns + "1)) - toInt64(countIf(" + snoozeTurns + "0))", func(r *row) any { return &r.Snoozed }},
		},
	)
}

// living selects the conversations whose state could change in the interval, or was
// open at its start: those created before its end and not closed for good before its start.
func living(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects).since(scope)
	c.openings = filter.Openings
	c.add("(closed_at IS NULL OR closed_at >= "+moment+")", int64(interval.From))
	c.add("created_at < "+moment, int64(interval.To))
	c.matching(filter)
	return c
}
