package store

import (
	"fmt"
	"strings"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// moment is a parameter of milliseconds as the tables' times. It is written
// without arithmetic on the column, so that sort keys and indexes are used.
const moment = "fromUnixTimestamp64Milli({$:Int64}, 'UTC')"

// closed selects the conversations closed in the interval.
func closed(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects).since(scope)
	c.openings = filter.Openings
	c.closedIn(interval, filter)
	return c
}

// since adds that conversations have events above a position, if the scope has one.
func (c *conditions) since(scope query.Scope) *conditions {
	if scope.Since > 0 {
		c.add("last_sequence > {$:UInt64}", uint64(scope.Since))
	}
	return c
}

// skipping adds to an interval of closing times what the index of creation skips by: a conversation is created before it is closed. The one
// of closing times, for which an open conversation was closed in 1970, skips what was closed earlier.
func (c *conditions) skipping(interval query.Interval) *conditions {
	c.add("created_at < "+moment, int64(interval.To))
	return c
}

// during adds that a time is in one of the spans, if there are any.
func (c *conditions) during(column string, spans []query.Interval) *conditions {
	if len(spans) == 0 {
		return c
	}
	either, values := make([]string, len(spans)), make([]any, 0, 2*len(spans))
	for i, span := range spans {
		either[i] = "(" + column + " >= " + moment + " AND " + column + " < " + moment + ")"
		values = append(values, int64(span.From), int64(span.To))
	}
	c.add("("+strings.Join(either, " OR ")+")", values...)
	return c
}

// longInterval is the length in milliseconds from which on the index of closing times, which holds every one of them, costs more than
// what it skips beside the others, as measured in SORT_KEY.md of package schema/clickhouse.
const longInterval = 28 * 24 * 3_600_000

// noClosings leaves out the index of closing times.
const noClosings = "ignore_data_skipping_indices = 'closed_at_values'"

// withoutClosings is the setting that leaves out the index of closing times where all of a long interval is read.
func withoutClosings(interval query.Interval, spans []query.Interval) []string {
	if len(spans) > 0 || interval.To-interval.From < longInterval {
		return nil
	}
	return []string{noClosings}
}

// ofState is the setting for conversations in a state: to read whether they are closed costs a fifth of asking the index of closing times,
// which has no shorter word for an open conversation.
func ofState(filter *query.Filter) []string {
	if filter.State == "" {
		return nil
	}
	return []string{noClosings}
}

// created selects the conversations created in the interval.
func created(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects)
	c.openings = filter.Openings
	c.state(filter.State)
	c.add("created_at >= "+moment, int64(interval.From))
	c.add("created_at < "+moment, int64(interval.To))
	c.matching(filter)
	return c
}

// withOperator is the condition that an open conversation has an ongoing contact: whatever ends a contact leaves a mark.
const withOperator = "_marks.type[-1] = 'parley.conversation.pushed.v1'"

// state adds the state of conversations.
func (c *conditions) state(state query.ConversationState) {
	switch state {
	case query.StateOpen:
		c.add("closed_at IS NULL")
	case query.StateSnoozed:
		c.add("closed_at IS NULL AND length(_snoozed) % 2 = 1")
	case query.StateWaiting:
		c.add("closed_at IS NULL AND length(_snoozed) % 2 = 0 AND NOT (" + withOperator + ")")
	case query.StateClosed:
		c.add("closed_at IS NOT NULL")
	}
}

// closedIn adds interval and filter of closed conversations.
func (c *conditions) closedIn(interval query.Interval, f *query.Filter) {
	c.add("closed_at >= "+moment, int64(interval.From))
	c.add("closed_at < "+moment, int64(interval.To))
	c.matching(f)
}

// matching adds a filter of conversations, and those of the rows they are narrowed
// to.
func (c *conditions) matching(f *query.Filter) {
	c.conversation(f)
	c.strings("visitor_id IN {$:Array(String)}", f.Visitors)
	c.ofConversation(own, f)
	c.flag(openAt(createdMoment), f.InBusinessHours)
	c.anyContact(f.Contacts)
	if f.Rows == nil {
		return
	}
	c.projects(f.Rows.Filter)
	for _, v := range f.Rows.By {
		c.has(conversationDimension(v.Name), v, f.Rows.Local)
	}
	if f.Rows.Of.OfStates() {
		c.inState(f.Rows.Of, f.Rows.Interval)
		c.matching(f.Rows.Filter)
		return
	}
	c.counted(f.Rows, false)
	c.closedIn(f.Rows.Interval, f.Rows.Filter)
}

// anyContact asks for a contact that matches the filter.
func (c *conditions) anyContact(f *query.ContactFilter) {
	if f == nil {
		return
	}
	contacts := within(fmt.Sprintf("%s%dk", c.prefix, len(c.args)), c.within)
	contacts.contact(f)
	c.nest(`(project_id, conversation_id) IN (
        SELECT project_id, conversation_id FROM {projection:Identifier}.contacts FINAL WHERE $)`, contacts)
}

// contact adds a filter on values of contacts.
func (c *conditions) contact(f *query.ContactFilter) {
	if f == nil {
		return
	}
	c.strings("status IN {$:Array(String)}", f.Statuses)
	c.strings("ending IN {$:Array(String)}", f.Endings)
	c.flag("ending_inferred", f.EndingInferred)
	c.between("wait_time_ms", f.Wait)
	c.between("first_response_time_ms", f.FirstResponse)
	c.between("duration_ms", f.Duration)
	c.strings("operator_kind IN {$:Array(String)}", f.OperatorKinds)
	c.flag("ended_at IS NULL", f.Ongoing)
}

// between asks for a duration within a range, or for any.
func (c *conditions) between(column string, span *query.Range) {
	if span == nil {
		return
	}
	if span.Min == nil && span.Max == nil {
		c.add(column + " IS NOT NULL")
	}
	if span.Min != nil {
		c.add(column+" >= {$:Int64}", *span.Min)
	}
	if span.Max != nil {
		c.add(column+" <= {$:Int64}", *span.Max)
	}
}

// flag asks for a condition to hold or not.
func (c *conditions) flag(condition string, asked *bool) {
	switch {
	case asked == nil:
	case *asked:
		c.add(condition)
	default:
		c.add("NOT (" + condition + ")")
	}
}

// counted narrows to what a count or a distribution counts. No row is there of those
// of the other kind of rows.
func (c *conditions) counted(rows *query.Rows, contacts bool) {
	switch condition := countCondition(rows.Of); {
	case rows.Of == "" && rows.Over == "" && rows.Open == nil:
	case rows.OfContacts() != contacts:
		c.add("0")
	case rows.Open != nil:
		c.openWithin(rows.Open)
	case rows.Over != "":
		c.between(durationOf(rows.Over), rows.Span)
	case condition != "":
		c.add(condition)
	}
}

// projects adds the projects that the rows of a bucket were asked of. Those of
// the request itself are in its scope.
func (c *conditions) projects(f *query.Filter) {
	if f.Projects == nil {
		return
	}
	ids := make([]uint32, len(f.Projects))
	for i, id := range f.Projects {
		ids[i] = uint32(id)
	}
	c.add("project_id IN {$:Array(UInt32)}", ids)
}

// conversation adds the filters that conversations and contacts each hold in
// columns of their own, as conversations have them.
func (c *conditions) conversation(f *query.Filter) {
	c.strings("channel IN {$:Array(String)}", f.Channels)
	c.strings("close_reason IN {$:Array(String)}", f.CloseReasons)
	c.strings("conversation_id IN {$:Array(String)}", f.Conversations)
	c.strings("hasAny(_routing_rule_ids, {$:Array(String)})", f.RoutingRules)
	c.strings("hasAny(_routing_group_ids, {$:Array(String)})", f.RoutingGroups)
	c.integers("hasAny(_operator_ids, {$:Array(Int64)})", f.Operators)
	if f.UpdatedSince != nil {
		c.add("last_sequence > {$:UInt64}", uint64(*f.UpdatedSince))
	}
}

// traits is the prefix of the columns that describe a conversation: its own, or the copies in its contacts.
type traits string

const (
	own      traits = ""
	repeated traits = "_"
)

// closed is the condition that the conversation is closed.
func (t traits) closed() string {
	if t == repeated {
		return "_closed"
	}
	return "closed_at IS NOT NULL"
}

// ofConversation adds the filters that only conversations can answer, but for
// those on visitors.
func (c *conditions) ofConversation(of traits, f *query.Filter) {
	column := func(condition string) string { return string(of) + condition }
	c.answer(of, "answered", f.Answered)
	c.answer(of, "answered_by_human", f.AnsweredByHuman)
	c.strings(column("automation_level IN {$:Array(String)}"), f.AutomationLevels)
	c.integers(column("customer_satisfaction IN {$:Array(Int64)}"), f.CustomerSatisfaction)
	if f.Scored {
		c.add(column("net_promoter_score IS NOT NULL"))
	}
	if f.ScoreMin != nil {
		c.add(column("net_promoter_score >= {$:Int64}"), *f.ScoreMin)
	}
	if f.ScoreMax != nil {
		c.add(column("net_promoter_score <= {$:Int64}"), *f.ScoreMax)
	}
	c.strings(column("campaign_id IN {$:Array(String)}"), f.Campaigns)
	c.strings("hasAny("+column("tag_ids, {$:Array(String)})"), f.Tags)
	c.strings(column("language IN {$:Array(String)}"), f.Languages)
	c.positive(column("transaction_count"), f.HasConversion)
	if f.MinContacts != nil {
		c.add(column("contact_count >= {$:Int64}"), *f.MinContacts)
	}
	c.positive(column("transfer_count"), f.Transferred)
	c.positive(column("snooze_count"), f.Snoozed)
	c.positive(column("reopen_count"), f.Reopened)
}

// started selects the contacts that started in the interval.
func started(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects)
	c.openings = filter.Openings
	if scope.Since > 0 {
		c.add("(_version > {$:UInt64}"+orOfChanged+")", uint64(scope.Since))
	}
	// Visitors are in their conversations only.
	of := within(prefix+"c", scope.Projects)
	before := len(of.all)
	c.startedIn(interval, filter, of)
	if len(of.all) > before {
		c.nest(`(project_id, conversation_id) IN (
        SELECT project_id, conversation_id FROM {projection:Identifier}.conversations FINAL WHERE $)`, of)
	}
	return c
}

// next adds what the next contact of the conversation has in a dimension. Without a value there
// is no next contact, or it has none.
func (c *conditions) next(v *query.DimensionValue) {
	if v == nil {
		return
	}
	d := contactDimension(v.Name)
	next := within(fmt.Sprintf("%s%dn", c.prefix, len(c.args)), c.within)
	condition := "IN"
	if v.Value == nil {
		condition = "NOT IN"
		next.add("NOT (" + d.absent + ")")
	} else {
		next.has(d, *v, nil)
	}
	c.nest("(project_id, conversation_id, ordinal) "+condition+` (
        SELECT project_id, conversation_id, toUInt32(ordinal - 1) FROM {projection:Identifier}.contacts FINAL WHERE $)`, next)
}

// during selects the contacts that were open at some moment of the interval.
func during(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := started(prefix, scope, query.Interval{To: interval.To}, filter)
	c.add("(ended_at IS NULL OR ended_at > "+moment+")", int64(interval.From))
	return c
}

// openWithin adds that contacts were open at some moment of an interval, by whose end they started.
func (c *conditions) openWithin(open *query.OpenWithin) {
	condition := "ended_at > " + moment
	if open.Now > open.From {
		condition = "(ended_at IS NULL OR " + condition + ")"
	}
	c.add(condition, int64(open.From))
}

// startedIn adds interval and filter of contacts, and those of the rows they are
// narrowed to. What only their conversations hold goes to of.
func (c *conditions) startedIn(interval query.Interval, f *query.Filter, of *conditions) {
	c.add("started_at >= "+moment, int64(interval.From))
	c.add("started_at < "+moment, int64(interval.To))
	c.strings("channel IN {$:Array(String)}", f.Channels)
	c.strings("close_reason IN {$:Array(String)}", f.CloseReasons)
	c.strings("conversation_id IN {$:Array(String)}", f.Conversations)
	c.strings("routing_rule_id IN {$:Array(String)}", f.RoutingRules)
	c.strings("routing_group_id IN {$:Array(String)}", f.RoutingGroups)
	c.integers("operator_id IN {$:Array(Int64)}", f.Operators)
	if f.UpdatedSince != nil {
		c.add("_version > {$:UInt64}", uint64(*f.UpdatedSince))
	}
	of.strings("visitor_id IN {$:Array(String)}", f.Visitors)
	c.ofConversation(repeated, f)
	c.contact(f.Contacts)
	c.flag(openAt(startedMoment), f.InBusinessHours)
	if f.Rows == nil {
		return
	}
	c.projects(f.Rows.Filter)
	c.next(f.Rows.Next)
	for _, v := range f.Rows.By {
		c.has(contactDimension(v.Name), v, f.Rows.Local)
	}
	c.counted(f.Rows, true)
	c.startedIn(f.Rows.Interval, f.Rows.Filter, of)
}

func (c *conditions) strings(condition string, values []string) {
	if values != nil {
		c.add(condition, values)
	}
}

func (c *conditions) integers(condition string, values []int64) {
	if values != nil {
		c.add(condition, values)
	}
}

// answer asks for an answer; without one the conversation has to be closed.
func (c *conditions) answer(of traits, column string, asked *bool) {
	switch {
	case asked == nil:
	case *asked:
		c.add(string(of) + column)
	default:
		c.add(of.closed())
		c.add("NOT " + string(of) + column)
	}
}

func (c *conditions) positive(column string, asked *bool) {
	switch {
	case asked == nil:
	case *asked:
		c.add(column + " > 0")
	default:
		c.add(column + " = 0")
	}
}

// keyset narrows to the rows between two places. Its first column is compared
// alone too, so that the sort key is used; columns are constants.
func (c *conditions) keyset(page query.Page, time, columns string) {
	after, before := page.After, page.Before
	if page.Descending {
		after, before = before, after
	}
	if after != nil {
		c.add(time+" >= "+moment, int64(after.At))
		c.add("("+time+", "+columns+") > ("+moment+", {$:UInt32}, {$:String})", int64(after.At), uint32(after.Project), after.ID)
	}
	if before != nil {
		c.add(time+" <= "+moment, int64(before.At))
		c.add("("+time+", "+columns+") < ("+moment+", {$:UInt32}, {$:String})", int64(before.At), uint32(before.Project), before.ID)
	}
}

// order writes an ORDER BY of the columns, turned around for a reversed page.
func order(page query.Page, columns ...string) string {
	if page.Reversed() {
		return strings.Join(columns, " DESC, ") + " DESC"
	}
	return strings.Join(columns, ", ")
}

// of selects the details of the conversations.
func of(prefix string, scope query.Scope, keys []schema.ConversationKey) *conditions {
	c := within(prefix, scope.Projects)
	projects, ids := make([]uint32, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		projects[i], ids[i] = uint32(key.Project), string(key.Conversation)
	}
	c.add("conversation_id IN {$:Array(String)}", ids) // an index finds these
	c.add("(project_id, conversation_id) IN arrayZip({$:Array(UInt32)}, {$:Array(String)})", projects, ids)
	return c
}
