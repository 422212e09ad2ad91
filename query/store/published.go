package store

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema/clickhouse"
	"github.com/parley-analytics/parley/schema/definition"
)

// Statements for others: see query.Publisher. Their figures are the measures of the definitions, their conditions those of the
// statements of this package. What these read of hidden columns is put together from the views ([statement.published]).

// published is the figures of a publication that count by the same time.
type published struct {
	times     []string // as definitions name it
	column    string
	table     string // with a placeholder for the database
	level     bool   // the figures are what all changes up to the end of a step add up to
	dimension func(query.Dimension) dimension
	where     *conditions
	figures   []definition.Figure
}

// parts are the figures of a publication that have a measure, by their times.
func parts(p *query.Publication) []*published {
	const conversations = "{projection:Identifier}.conversations FINAL"
	changes := strings.TrimSpace(newStatement("published_with_changes", query.Scope{}).text)
	byTime := []*published{
		{times: []string{"closedAt"}, column: "closed_at", table: conversations, dimension: conversationDimension, where: closed("a", p.Scope, p.Interval, p.Filter)},
		{times: []string{"startedAt"}, column: "started_at", table: "{projection:Identifier}.contacts FINAL", dimension: contactDimension, where: started("b", p.Scope, p.Interval, p.Filter)},
	}
	if !slices.ContainsFunc(p.Grouping.By, query.Dimension.Local) {
		byTime = append(byTime,
			&published{times: []string{"createdAt"}, column: "created_at", table: conversations, dimension: conversationDimension, where: created("c", p.Scope, p.Interval, p.Filter)},
			&published{times: []string{"the close", "the push"}, column: "changed_at", table: changes, dimension: conversationDimension, where: changed("d", p.Scope, p.Interval, p.Filter)},
			&published{times: []string{"end of the step"}, column: "changed_at", table: changes, level: true, dimension: conversationDimension,
				where: changed("e", p.Scope, query.Interval{To: p.Interval.To}, p.Filter)})
	}
	for _, part := range byTime {
		for _, f := range definition.Read().Figures {
			if f.Type == "MetricsBucket" && f.Measure != nil && slices.Contains(part.times, f.Time) && slices.Contains(p.Figures, f.Name) {
				part.figures = append(part.figures, f)
			}
		}
		for _, v := range p.By {
			if v.Name.Local() {
				part.where.add(clock(v.Name, part.column, "{$:String}")+" = {$:String}", p.Zone, *v.Value)
			} else {
				part.where.has(part.dimension(v.Name), v, nil)
			}
		}
	}
	return slices.DeleteFunc(byTime, func(part *published) bool { return len(part.figures) == 0 })
}

// changed selects the changes of state in the interval, of conversations that the filter selects.
func changed(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects)
	c.openings = filter.Openings
	c.add("changed_at >= "+moment, int64(interval.From))
	c.add("changed_at < "+moment, int64(interval.To))
	c.matching(filter)
	return c
}

// clock is the hour or the day of the week that a local clock shows, in digits.
func clock(name query.Dimension, column, zone string) string {
	if name == query.ByHourOfDay {
		return "toString(toHour(" + column + ", " + zone + "))"
	}
	return "toString(toDayOfWeek(" + column + ", 0, " + zone + "))"
}

// PublishBucket implements query.Publisher.
func (s *Store) PublishBucket(p *query.Publication) string {
	var rows, tables []string
	for _, part := range parts(p) {
		text := part.row(columnsOfFigures(part.figures))
		if text == "" {
			return ""
		}
		rows, tables = append(rows, text), append(tables, fmt.Sprintf("(\n%s) AS row%d", text, len(rows)+1))
	}
	if len(rows) < 2 {
		return strings.Join(rows, "")
	}
	return newStatement("published_rows", query.Scope{}).with("rows", strings.Join(tables, "\nCROSS JOIN ")).text
}

// row writes a statement with one row.
func (part *published) row(columns []string) string {
	return newStatement("published_row", query.Scope{}).with("columns", selection(columns)).with("table", part.table).
		where("where", part.where).published()
}

// PublishBuckets implements query.Publisher.
func (s *Store) PublishBuckets(p *query.Publication) []string {
	var statements []string
	for _, part := range parts(p) {
		if text := part.buckets(p, columnsOfFigures(part.figures)); text != "" {
			statements = append(statements, text)
		}
	}
	return statements
}

// buckets writes a statement with a row for each bucket that has rows; empty if the total is the only bucket.
func (part *published) buckets(p *query.Publication, figures []string) string {
	columns, keys, elements := part.keys(p)
	switch {
	case p.Step == "" && len(keys) == 0:
		return ""
	case p.Step == "":
		return part.grouped(p, append(columns, figures...), keys, elements).published()
	case part.level:
		return part.levels(p, append(columns, figures...), keys, elements).published()
	}
	columns = append([]string{stepOf(p.Step, part.column) + " AS step"}, columns...)
	return part.grouped(p, append(columns, figures...), append([]string{"step"}, keys...), elements).published()
}

// grouped begins a statement with a row for each group.
func (part *published) grouped(p *query.Publication, columns, keys []string, elements string) *statement {
	return part.bound(p, "published", columns, keys).with("table", part.table).with("elements", elements).where("where", part.where)
}

// levels begins a statement that adds up the changes to levels at the ends of steps.
func (part *published) levels(p *query.Publication, columns, keys []string, elements string) *statement {
	changes := part.grouped(p, append([]string{"roundDown(toUnixTimestamp64Milli(changed_at), {steps:Array(Int64)}) AS changed_in"}, columns...),
		append([]string{"changed_in"}, keys...), elements)
	of := append([]string{stepOf(p.Step, "fromUnixTimestamp64Milli(starts_at, 'UTC')") + " AS step"}, keys...)
	for _, f := range part.figures {
		of = append(of, "sum(changes."+f.Column()+") AS "+f.Column())
	}
	st := part.bound(p, "published_levels", of, append([]string{"step"}, keys...)).with("changes", changes.text)
	st.args = append(st.args, changes.args...)
	return st
}

// bound begins a statement with groups.
func (part *published) bound(p *query.Publication, file string, columns, keys []string) *statement {
	st := newStatement(file, query.Scope{}).with("columns", selection(columns)).with("keys", strings.Join(keys, ", ")).
		bind("zone", p.Zone).bind("custom_data_key", p.Grouping.Key)
	if len(p.Grouping.Steps) > 0 {
		st.bind("steps", milliseconds(p.Grouping.Steps))
	}
	return st
}

// keys are the columns of dimensions, their names, and the clauses that expand lists.
func (part *published) keys(p *query.Publication) (columns, names []string, elements string) {
	var clauses []string
	for i, by := range p.Grouping.By {
		name := strings.ToLower(string(by))
		value, _, clause := part.dimension(by).in(fmt.Sprint(i+1), false)
		switch {
		case by.Local():
			value = clock(by, part.column, "{zone:String}")
		case by == query.ByCustomData:
			name = "custom_data_value" // the column has the other name
		}
		if clause != "" {
			clauses = append(clauses, clause)
		}
		columns, names = append(columns, value+" AS "+name), append(names, name)
	}
	return columns, names, strings.Join(clauses, "\n")
}

// stepOf is the beginning of a step. Parts of hours are listed: where clocks change, they begin at any minute.
func stepOf(step query.Step, column string) string {
	switch step {
	case query.StepDay:
		return "toStartOfDay(" + column + ", {zone:String})"
	case query.StepWeek:
		return "toStartOfWeek(" + column + ", 1, {zone:String})"
	case query.StepMonth:
		return "toStartOfMonth(" + column + ", {zone:String})"
	}
	return "fromUnixTimestamp64Milli(roundDown(toUnixTimestamp64Milli(assumeNotNull(" + column + ")), {steps:Array(Int64)}), 'UTC')"
}

// columnsOfFigures writes the figures, each with its name.
func columnsOfFigures(figures []definition.Figure) []string {
	var columns []string
	add := func(name, expression string) { columns = append(columns, expression+" AS "+name) }
	for _, f := range figures {
		name := f.Column()
		switch expression := f.Measure.Expression; {
		case f.Unit == "amount per currency":
			add(name, perCurrency(f.Name))
		case f.Measure.Aggregate == definition.Distributed:
			add(name+"_count", "count("+expression+")")
			add(name+"_mean_ms", "avg("+expression+")")
			for _, q := range []struct{ name, level string }{{"median", "0.5"}, {"p90", "0.9"}, {"p95", "0.95"}, {"p99", "0.99"}} {
				add(name+"_"+q.name+"_ms", "quantileExactInclusive("+q.level+")("+expression+")")
			}
		case f.Over == nil:
			add(name, aggregate(f.Measure))
		case f.Scale == 0:
			add(name, quotient(&f))
		default:
			add(name, fmt.Sprintf("%s * %d", quotient(&f), f.Scale))
		}
	}
	return columns
}

func aggregate(m *definition.Measure) string {
	if m.Aggregate == definition.Count {
		return "countIf(" + m.Expression + ")"
	}
	return "sum(" + m.Expression + ")"
}

func quotient(f *definition.Figure) string {
	return aggregate(f.Measure) + " / nullIf(" + aggregate(f.Over) + ", 0)"
}

// perCurrency writes a figure of amounts: a map by currency, of closed conversations.
func perCurrency(figure string) string {
	const revenue = "sumMap(conversations.revenue)"
	each := func(by string) string {
		return "mapApply((currency, amount) -> (currency, CAST(round(divideDecimal(amount, toDecimal64(" + by + ", 0), 5), 4), 'Decimal(38, 4)')), " + revenue + ")"
	}
	switch figure {
	case "averageOrderValue":
		return each("sumMap(_transaction_counts)[currency]")
	case "revenuePerConversation":
		return each("count()")
	}
	return revenue
}

// What statements of this package read of hidden columns, and what it is in the views.
var (
	fromContacts = map[string]string{
		"_operator_ids":      "groupUniqArray(operator_id) AS operator_ids",
		"_operator_kinds":    "groupUniqArray(operator_kind) AS operator_kinds",
		"_routing_rule_ids":  "groupUniqArray(routing_rule_id) AS routing_rule_ids",
		"_routing_group_ids": "groupUniqArray(routing_group_id) AS routing_group_ids",
	}
	fromTransactions = "_transaction_counts"
	fromStates       = map[string]string{
		"_turns":      "arraySlice(arraySort(groupArrayIf(changed_at, change IN ('CLOSED', 'REOPENED'))) AS closings, 1, length(closings) - length(closings) % 2) AS turns",
		"_snoozed":    "groupArrayIf(changed_at, change IN ('SNOOZED', 'RESUMED')) AS snoozed",
		"_unattended": "groupArrayIf(changed_at, change IN ('UNATTENDED', 'ATTENDED')) AS unattended",
	}
	fromConversation = map[string]string{
		"_closed": "closed_at IS NOT NULL AS closed", "_version": "last_sequence", "_answered": "answered", "_answered_by_human": "answered_by_human",
		"_automation_level": "automation_level", "_customer_satisfaction": "customer_satisfaction", "_net_promoter_score": "net_promoter_score",
		"_language": "language", "_campaign_id": "campaign_id", "_tag_ids": "tag_ids", "_contact_count": "contact_count",
		"_transfer_count": "transfer_count", "_snooze_count": "snooze_count", "_reopen_count": "reopen_count",
		"_transaction_count": "transaction_count", "_initiator": "initiator", "_custom_data": "custom_data",
	}
	hiddenName = regexp.MustCompile(`\b_\w+`)
	element    = regexp.MustCompile(`^_element\d$`)
)

// shown replaces what is computed from opening hours by the columns that have it, and what marks tell by contacts.
func shown(text string) string {
	pairs := []string{withOperator, "(project_id, conversation_id) IN (SELECT project_id, conversation_id FROM " + clickhouse.ViewDatabase + ".contacts WHERE ended_at IS NULL)"}
	for _, open := range []string{openAt(createdMoment), openAt(startedMoment)} {
		pairs = append(pairs, "CAST("+open+", 'Nullable(Bool)')", "in_business_hours", open, "in_business_hours")
	}
	return strings.NewReplacer(append(pairs,
		durationOf("waitBusinessHours"), "wait_business_hours_ms",
		durationOf("contactFirstResponseBusinessHours"), "first_response_business_hours_ms",
		durationOf("conversationFirstResponseBusinessHours"), "first_response_business_hours_ms",
		durationOf("resolutionBusinessHours"), "resolution_business_hours_ms")...).Replace(text)
}

// published writes the statement over the views, with literals in place of the parameters; empty if it reads what they do not show.
func (s *statement) published() string {
	text := shown(s.text)
	var lists, states, traits []string
	transactions := false
	for _, name := range hiddenName.FindAllString(text, -1) {
		switch {
		case fromContacts[name] != "":
			lists = append(lists, fromContacts[name])
		case fromStates[name] != "":
			states = append(states, fromStates[name])
		case fromConversation[name] != "":
			traits = append(traits, fromConversation[name])
		case name == fromTransactions:
			transactions = true
		case !element.MatchString(name):
			return ""
		}
	}
	conversations, contacts := clickhouse.ViewDatabase+".conversations", clickhouse.ViewDatabase+".contacts"
	with := func(file, mark string, columns []string, table string) string {
		slices.Sort(columns)
		return newStatement(file, query.Scope{}).with(mark, strings.Join(slices.Compact(columns), ", ")).with("table", table).text
	}
	if len(lists) > 0 {
		conversations = with("published_with_contacts", "lists", lists, conversations)
	}
	if len(states) > 0 {
		conversations = with("published_with_states", "lists", states, conversations)
	}
	if transactions {
		conversations = with("published_with_transactions", "lists", nil, conversations)
	}
	if len(traits) > 0 {
		contacts = with("published_with_conversation", "traits", traits, contacts)
	}
	text = strings.NewReplacer("_version", "last_sequence").Replace(text)
	text = hiddenName.ReplaceAllStringFunc(text, func(name string) string { return name[1:] })
	text = strings.NewReplacer("{projection:Identifier}.conversations FINAL", conversations, "{projection:Identifier}.contacts FINAL", contacts).Replace(text)
	return blank.ReplaceAllString(s.literal(text), "\n")
}

// blank is an empty line, of a clause that the statement does not have.
var blank = regexp.MustCompile(`\n\s*\n`)
