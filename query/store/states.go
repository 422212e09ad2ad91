package store

import (
	"context"
	"fmt"
	"slices"

	"github.com/parley-analytics/parley/query"
)

const (
	pushed  = "'parley.conversation.pushed.v1'"
	closing = "'parley.conversation.closed.v1'"
	snooze  = "'parley.conversation.snoozed.v1'"
	// turn is the condition on a mark that it changes whether its conversation is open.
	turn = "type IN (" + pushed + ", " + closing + ")"
	// millisOf is a parameter of milliseconds.
	millisOf = "{$:Int64}"
)

// changed is the condition that a push or a close happened in an interval to a conversation that was
// closed, or was not.
func changed(to, was string) string {
	return "arrayExists((at, type, before) -> type = " + to + " AND before " + was + " " + closing +
		" AND at >= " + millisOf + " AND at < " + millisOf + ",\n        " + turnsAt + ", " + turns + ", arraySlice(arrayPushFront(" + turns + ", ''), 1, length(" + turns + ")))"
}

// The marks that change whether a conversation is open, and their times in milliseconds.
const (
	turns   = "arrayFilter(type -> " + turn + ", _marks.type)"
	turnsAt = "arrayMap((at, type) -> toUnixTimestamp64Milli(at), arrayFilter((at, type) -> " + turn + ", _marks.at, _marks.type), " + turns + ")"
)

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
		c.add(changed(closing, "!="), from, to)
	case query.CountReopenings:
		c.add(changed(pushed, "="), from, to)
	case query.CountFirstClosing:
		first := "toUnixTimestamp64Milli(_marks.at[indexOf(_marks.type, " + closing + ")])"
		c.add("has(_marks.type, "+closing+") AND "+first+" >= "+millisOf+" AND "+first+" < "+millisOf, from, to)
	case query.CountSnoozedAtEnd:
		last := "arrayLastIndex((type, at) -> " + turn + " AND at < " + moment + ", _marks.type, _marks.at)"
		c.add("_marks.type["+last+"] = "+pushed+" AND _marks.type["+last+" + 1] = "+snooze+
			" AND _marks.at["+last+" + 1] < "+moment, to, to, to, to)
	default:
		c.add("arrayLast((type, at) -> "+turn+" AND at < "+moment+", _marks.type, _marks.at) != "+closing, to)
	}
	if of == query.CountUnattended {
		c.unattended(interval)
	}
}

// unattended adds that the last message before the end of an interval, automatic ones aside, was the visitor's.
func (c *conditions) unattended(interval query.Interval) {
	open := within(fmt.Sprintf("%s%do", c.prefix, len(c.args)), c.within)
	open.inState(query.CountOpen, interval)
	said := within(fmt.Sprintf("%s%dm", c.prefix, len(c.args)), c.within)
	said.add("sent_at < "+moment, int64(interval.To))
	said.nest(`(project_id, conversation_id) IN (
            SELECT project_id, conversation_id FROM {projection:Identifier}.conversations FINAL WHERE $)`, open)
	c.nest(`(project_id, conversation_id) IN (
        SELECT project_id, conversation_id
        FROM {projection:Identifier}.messages FINAL
        WHERE (author_kind = 'VISITOR' OR NOT automatic) AND $
        GROUP BY project_id, conversation_id
        HAVING argMax(author_kind = 'VISITOR', _position))`, said)
}

// ConversationStates implements query.FigureReader.
func (s *Store) ConversationStates(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, columns []string) ([]query.StateFigures, error) {
	plain := "reopen_count = 0"
	if slices.Contains(columns, "snoozedAtEnd") {
		plain += " AND snooze_count = 0"
	}
	st := newStatement("conversation_states", scope).with("plain", plain).
		where("where", living("a", scope, interval, filter)).
		bind("from", int64(interval.From)).bind("to", int64(interval.To))
	// One group more for each value: what happened before the interval.
	grouping.Limit *= 2
	return readColumns(ctx, s, st.grouped(grouping, "_change.1", conversationDimension, "last_sequence"), columnsOf(stateColumns(), columns))
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
	st := newStatement("conversations_unattended", scope).
		where("where", living("a", scope, interval, filter)).
		with("spans", spans).bind("bounds", lengths(append(bounds, interval.To))).
		bind("from", int64(interval.From)).bind("to", int64(interval.To))
	grouping.Limit *= 2
	columns := append(keyColumns(func(r *row) *query.GroupKey { return &r.GroupKey }),
		column[row]{"", "sum(_change.2)", func(r *row) any { return &r.Unattended }})
	return readColumns(ctx, s, st.grouped(grouping, "_change.1", conversationDimension, "last_sequence"), columns)
}

func stateColumns() []column[query.StateFigures] {
	type row = query.StateFigures
	return slices.Concat(
		keyColumns(func(r *row) *query.GroupKey { return &r.GroupKey }),
		[]column[row]{
			{"createdConversations", "toInt64(countIf(_place = 1))", func(r *row) any { return &r.Created }},
			{"closings", "toInt64(sum(_change.2))", func(r *row) any { return &r.Closings }},
			{"firstClosings", "toInt64(sum(_change.3))", func(r *row) any { return &r.FirstClosings }},
			{"reopenings", "toInt64(sum(_change.4))", func(r *row) any { return &r.Reopenings }},
			{"openAtEnd", "toInt64(countIf(_place = 1)) + sum(_change.4) - sum(_change.2)", func(r *row) any { return &r.Open }},
			{"snoozedAtEnd", "toInt64(sum(_change.5))", func(r *row) any { return &r.Snoozed }},
		},
	)
}

// living selects the conversations whose state could change in the interval, or was
// open at its start: those created before its end and not closed for good before its start.
func living(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects)
	c.openings = filter.Openings
	c.add("(closed_at IS NULL OR closed_at >= "+moment+")", int64(interval.From))
	c.add("created_at < "+moment, int64(interval.To))
	c.matching(filter)
	return c
}
