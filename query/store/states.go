package store

import (
	"context"
	"slices"

	"github.com/parley-analytics/parley/query"
)

// ConversationStates implements query.FigureReader.
func (s *Store) ConversationStates(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, columns []string) ([]query.StateFigures, error) {
	st := newStatement("conversation_states", scope).
		where("where", living("a", scope, interval, filter)).
		bind("from", int64(interval.From)).bind("to", int64(interval.To))
	// One group more for each value: what happened before the interval.
	grouping.Limit *= 2
	return readColumns(ctx, s, st.grouped(grouping, "_change.1", conversationDimension), columnsOf(stateColumns(), columns))
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
	columns := append(keyColumns("last_sequence", func(r *row) *query.GroupKey { return &r.GroupKey }),
		column[row]{"", "sum(_change.2)", func(r *row) any { return &r.Unattended }})
	return readColumns(ctx, s, st.grouped(grouping, "_change.1", conversationDimension), columns)
}

func stateColumns() []column[query.StateFigures] {
	type row = query.StateFigures
	return slices.Concat(
		keyColumns("last_sequence", func(r *row) *query.GroupKey { return &r.GroupKey }),
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
