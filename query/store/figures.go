package store

import (
	"context"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

// quantiles are exact, with linear interpolation between ranks.
const quantiles = "quantilesExactInclusive(0.5, 0.9, 0.95, 0.99)"

// spread reads how a column of milliseconds is distributed.
func spread[R any](field string, of func(*R) *query.Spread) []column[R] {
	sql := spreadOf(field)
	return []column[R]{
		{field, "count(" + sql + ")", func(r *R) any { return &of(r).Count }},
		{field, "toNullable(avg(" + sql + "))", func(r *R) any { return &of(r).Mean }},
		{field, quantiles + "(" + sql + ")", func(r *R) any { return &of(r).Quantiles }},
	}
}

// spreadOf names the duration in a statement of figures, which computes business time once for a row.
func spreadOf(field string) string {
	if slices.Contains(openSpreadsOfConversations, field) || slices.Contains(openSpreadsOfContacts, field) {
		return "_" + field
	}
	return durationOf(field)
}

// The distributions of business time.
var (
	openSpreadsOfConversations = []string{"conversationFirstResponseBusinessHours", "resolutionBusinessHours"}
	openSpreadsOfContacts      = []string{"waitBusinessHours", "contactFirstResponseBusinessHours"}
)

// forOpenColumns is the setting by which business time is computed for whole blocks, which takes less than to choose the rows first. No expression of
// figures depends on a choice: none can fail.
func forOpenColumns(spreads, fields []string, t *hours.Timeline) []string {
	if t == nil || len(t.Projects) == 0 || !slices.ContainsFunc(spreads, func(field string) bool { return slices.Contains(fields, field) }) {
		return nil
	}
	return []string{"short_circuit_function_evaluation = 'disable'"}
}

// openColumns are the columns of business time that the fields need. Nobody is ever open on an empty timeline; the expression, which takes
// longer to prepare than all other figures together, is left out.
func openColumns(spreads, fields []string, t *hours.Timeline) string {
	var asked []string
	for _, field := range spreads {
		if slices.Contains(fields, field) {
			asked = append(asked, field)
		}
	}
	switch {
	case len(asked) == 0:
		return ""
	case t == nil || len(t.Projects) == 0:
		return ", CAST(NULL, 'Nullable(Int64)') AS _" + strings.Join(asked, ", CAST(NULL, 'Nullable(Int64)') AS _")
	}
	return businessColumns(asked)
}

// keyColumns identify the groups.
func keyColumns[R any](key func(*R) *query.GroupKey) []column[R] {
	return []column[R]{
		{"", "_step", func(r *R) any { return &key(r).Step }},
		{"", "CAST(toString(_value1), 'Nullable(String)')", func(r *R) any { return &key(r).Value1 }},
		{"", "CAST(toString(_value2), 'Nullable(String)')", func(r *R) any { return &key(r).Value2 }},
		{"", "CAST(toString(_value3), 'Nullable(String)')", func(r *R) any { return &key(r).Value3 }},
		{"", "_label1", func(r *R) any { return &key(r).Label1 }},
		{"", "_label2", func(r *R) any { return &key(r).Label2 }},
		{"", "_label3", func(r *R) any { return &key(r).Label3 }},
	}
}

func conversationFigureColumns() []column[query.ConversationFigures] {
	type row = query.ConversationFigures
	closed := func(field string) column[row] {
		return column[row]{field, "count()", func(r *row) any { return &r.Closed }}
	}
	surveys := func(field string) column[row] {
		return column[row]{field, countOf(query.CountSurveys), func(r *row) any { return &r.Surveys }}
	}
	scores := func(field string) column[row] {
		return column[row]{field, countOf(query.CountScores), func(r *row) any { return &r.Scores }}
	}
	revenue := func(field string) column[row] {
		return column[row]{field, "sumMap(revenue)", func(r *row) any { return &r.Revenue }}
	}
	return slices.Concat(
		keyColumns(func(r *row) *query.GroupKey { return &r.GroupKey }),
		[]column[row]{
			closed("closedConversations"),
			{"abandonedConversations", countOf(query.CountAbandoned), func(r *row) any { return &r.Abandoned }},
			{"reopenedConversations", countOf(query.CountReopened), func(r *row) any { return &r.Reopened }},
			{"visitorMessages", "sum(visitor_message_count)", func(r *row) any { return &r.VisitorMessages }},
			{"operatorMessages", "sum(operator_message_count)", func(r *row) any { return &r.OperatorMessages }},
			{"transactions", "sum(transaction_count)", func(r *row) any { return &r.Transactions }},
			surveys("surveyAnswers"),
			scores("npsAnswers"),
			surveys("csat"),
			{"csat", "countIf(customer_satisfaction >= 4)", func(r *row) any { return &r.Satisfied }},
			scores("nps"),
			{"nps", "countIf(net_promoter_score >= 9)", func(r *row) any { return &r.Promoters }},
			{"nps", "countIf(net_promoter_score <= 6)", func(r *row) any { return &r.Detractors }},
			closed("conversionRate"),
			{"conversionRate", countOf(query.CountTransactions), func(r *row) any { return &r.Converted }},
			revenue("revenue"),
			revenue("averageOrderValue"),
			{"averageOrderValue", "sumMap(_transaction_counts)", func(r *row) any { return &r.TransactionCounts }},
			revenue("revenuePerConversation"),
			closed("revenuePerConversation"),
		},
		spread("conversationFirstResponse", func(r *row) *query.Spread { return &r.FirstResponse }),
		spread("resolution", func(r *row) *query.Spread { return &r.Resolution }),
		spread("conversationFirstResponseBusinessHours", func(r *row) *query.Spread { return &r.FirstResponseOpen }),
		spread("resolutionBusinessHours", func(r *row) *query.Spread { return &r.ResolutionOpen }),
		spread("handle", func(r *row) *query.Spread { return &r.Handle }),
		spread("duration", func(r *row) *query.Spread { return &r.Duration }),
	)
}

func contactFigureColumns() []column[query.ContactFigures] {
	type row = query.ContactFigures
	contacts := func(field string) column[row] {
		return column[row]{field, "count()", func(r *row) any { return &r.Contacts }}
	}
	answered := func(field string) column[row] {
		return column[row]{field, countOf(query.CountAnswered), func(r *row) any { return &r.Answered }}
	}
	transferred := func(field string) column[row] {
		return column[row]{field, countOf(query.CountTransferred), func(r *row) any { return &r.Transferred }}
	}
	return slices.Concat(
		keyColumns(func(r *row) *query.GroupKey { return &r.GroupKey }),
		[]column[row]{
			contacts("contacts"), contacts("answerRate"), contacts("transferRate"),
			answered("answeredContacts"), answered("answerRate"),
			{"unansweredContacts", countOf(query.CountUnanswered), func(r *row) any { return &r.Unanswered }},
			transferred("transferredContacts"), transferred("transferRate"),
			{"snoozedContacts", countOf(query.CountSnoozed), func(r *row) any { return &r.Snoozed }},
			{"snoozeReturnRate", countOf(query.CountSnoozed), func(r *row) any { return &r.Snoozed }},
			{"snoozeReturnRate", "count(" + durationOf("snoozeReturn") + ")", func(r *row) any { return &r.SnoozeReturn.Count }},
		},
		spread("wait", func(r *row) *query.Spread { return &r.Wait }),
		spread("contactFirstResponse", func(r *row) *query.Spread { return &r.FirstResponse }),
		spread("waitBusinessHours", func(r *row) *query.Spread { return &r.WaitOpen }),
		spread("contactFirstResponseBusinessHours", func(r *row) *query.Spread { return &r.FirstResponseOpen }),
		spread("contactDuration", func(r *row) *query.Spread { return &r.Duration }),
		spread("snoozeReturn", func(r *row) *query.Spread { return &r.SnoozeReturn }),
	)
}

// lengths are the steps as sent: the first start, and the differences between them, which are
// shorter.
func lengths(steps []schema.Timestamp) []int64 {
	lengths := make([]int64, len(steps))
	for i, at := range steps {
		lengths[i] = int64(at)
		if i > 0 {
			lengths[i] -= int64(steps[i-1])
		}
	}
	return lengths
}

// grouped fills in the columns that distinguish the groups, by a time in milliseconds. Steps are cut at moments that
// the caller has computed: calendars stay out of SQL. The version of the rows orders the names of one id.
func (s *statement) grouped(g query.Grouping, at string, of func(query.Dimension) dimension, version string) *statement {
	step := "toInt64(0)"
	if len(g.Steps) > 0 {
		s.bind("steps", lengths(g.Steps))
		step = "roundDown(" + at + ", arrayCumSum({steps:Array(Int64)}))"
	}
	if g.Local != nil {
		s.bind("local_starts", g.Local.Starts).bind("local_offsets", g.Local.Offsets)
	}
	if slices.Contains(g.By, query.ByCustomData) {
		s.bind("custom_data_key", g.Key)
	}
	var clauses []string
	for i, place := range []string{"1", "2", "3"} {
		value, label, clause := nothing, nameless, ""
		if i < len(g.By) {
			value, label, clause = of(g.By[i]).in(place, g.Labels)
		}
		if label != nameless {
			label = "argMax(" + label + ", " + version + ")"
		}
		s.with("value"+place, value).with("label"+place, label)
		clauses = append(clauses, clause)
	}
	return s.with("step", step).with("elements", strings.TrimSpace(strings.Join(clauses, "\n"))).
		totalled(g).open(g.Openings)
}

// totalled fills in the groups of rows, and with them the total, which comes first.
func (s *statement) totalled(g query.Grouping) *statement {
	const each = "_step, _value1, _value2, _value3"
	if !g.Total {
		return s.with("groups", each).with("ordered", "").bind("limit", uint32(g.Limit))
	}
	return s.with("groups", "GROUPING SETS (("+each+"), ())").with("ordered", "ORDER BY "+isTotal+" DESC").bind("limit", uint32(g.Limit)+1)
}

// isTotal tells the total from the groups.
const isTotal = "grouping(_step) = 1"

// withTotal adds the column that tells the total.
func withTotal[R any](columns []column[R], g query.Grouping, key func(*R) *query.GroupKey) []column[R] {
	if !g.Total {
		return columns
	}
	return append(columns, column[R]{"", "CAST(" + isTotal + ", 'Bool')", func(r *R) any { return &key(r).Total }})
}

// conversationFigures counts conversations by closing time.
func conversationFigures(scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, fields []string) *statement {
	return newStatement("conversation_figures", scope).with("members", membersOfConversations).
		where("where", closed("a", scope, interval, filter).skipping(interval).during("closed_at", grouping.Spans)).
		settings(slices.Concat(withoutClosings(interval, grouping.Spans), forOpenColumns(openSpreadsOfConversations, fields, grouping.Openings))).
		with("open", openColumns(openSpreadsOfConversations, fields, grouping.Openings)).
		grouped(grouping, millis("assumeNotNull(closed_at)"), conversationDimension, "last_sequence")
}

// contactFigures counts contacts by start.
func contactFigures(scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, fields []string) *statement {
	return newStatement("contact_figures", scope).
		where("where", started("a", scope, interval, filter).during("started_at", grouping.Spans)).
		with("open", openColumns(openSpreadsOfContacts, fields, grouping.Openings)).
		settings(forOpenColumns(openSpreadsOfContacts, fields, grouping.Openings)).
		grouped(grouping, millis("started_at"), contactDimension, "_version")
}

// ConversationFigures implements query.FigureReader.
func (s *Store) ConversationFigures(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, columns []string) ([]query.ConversationFigures, error) {
	return readColumns(ctx, s, conversationFigures(scope, interval, filter, grouping, columns),
		withTotal(columnsOf(conversationFigureColumns(), columns), grouping, func(r *query.ConversationFigures) *query.GroupKey { return &r.GroupKey }))
}

// ContactFigures implements query.FigureReader.
func (s *Store) ContactFigures(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, columns []string) ([]query.ContactFigures, error) {
	return readColumns(ctx, s, contactFigures(scope, interval, filter, grouping, columns),
		withTotal(columnsOf(contactFigureColumns(), columns), grouping, func(r *query.ContactFigures) *query.GroupKey { return &r.GroupKey }))
}

// ConversationsWithin implements query.FigureReader.
func (s *Store) ConversationsWithin(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, field string, most []int64) ([]query.Within, error) {
	return s.within(ctx, conversationFigures(scope, interval, filter, grouping, []string{field}), grouping, field, most)
}

// ContactsWithin implements query.FigureReader.
func (s *Store) ContactsWithin(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, field string, most []int64) ([]query.Within, error) {
	return s.within(ctx, contactFigures(scope, interval, filter, grouping, []string{field}), grouping, field, most)
}

func (s *Store) within(ctx context.Context, st *statement, grouping query.Grouping, field string, most []int64) ([]query.Within, error) {
	type row = query.Within
	counts := "sumForEach(arrayMap(most -> toUInt64(ifNull(" + spreadOf(field) + " <= most, 0)), {most:Array(Int64)}))"
	columns := append(keyColumns(func(r *row) *query.GroupKey { return &r.GroupKey }),
		column[row]{"", counts, func(r *row) any { return &r.Counts }})
	return readColumns(ctx, s, st.bind("most", most), withTotal(columns, grouping, func(r *row) *query.GroupKey { return &r.GroupKey }))
}
