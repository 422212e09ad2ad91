package store

import (
	"strings"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// moment is a parameter of milliseconds as the tables' times. It is written
// without arithmetic on the column, so that sort keys and indexes are used.
const moment = "fromUnixTimestamp64Milli({$:Int64}, 'UTC')"

// closed selects the conversations closed in the interval.
func closed(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects)
	c.add("_closed_key >= "+moment, int64(interval.From))
	c.add("_closed_key < "+moment, int64(interval.To))
	c.add("closed_at IS NOT NULL")
	c.conversation(filter)
	c.ofConversation(filter)
	return c
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

// ofConversation adds the filters that only conversations can answer.
func (c *conditions) ofConversation(f *query.Filter) {
	c.answer("answered", f.Answered)
	c.answer("answered_by_human", f.AnsweredByHuman)
	c.strings("automation_level IN {$:Array(String)}", f.AutomationLevels)
	c.strings("visitor_id IN {$:Array(String)}", f.Visitors)
	c.integers("customer_satisfaction IN {$:Array(Int64)}", f.CustomerSatisfaction)
	if f.Scored {
		c.add("net_promoter_score IS NOT NULL")
	}
	if f.ScoreMin != nil {
		c.add("net_promoter_score >= {$:Int64}", *f.ScoreMin)
	}
	if f.ScoreMax != nil {
		c.add("net_promoter_score <= {$:Int64}", *f.ScoreMax)
	}
	c.strings("campaign_id IN {$:Array(String)}", f.Campaigns)
	c.strings("hasAny(tag_ids, {$:Array(String)})", f.Tags)
	c.strings("language IN {$:Array(String)}", f.Languages)
	c.positive("transaction_count", f.HasConversion)
	if f.MinContacts != nil {
		c.add("contact_count >= {$:Int64}", *f.MinContacts)
	}
	c.positive("transfer_count", f.Transferred)
	c.positive("snooze_count", f.Snoozed)
	c.positive("reopen_count", f.Reopened)
}

// started selects the contacts that started in the interval.
func started(prefix string, scope query.Scope, interval query.Interval, filter *query.Filter) *conditions {
	c := within(prefix, scope.Projects)
	c.add("started_at >= "+moment, int64(interval.From))
	c.add("started_at < "+moment, int64(interval.To))
	c.strings("channel IN {$:Array(String)}", filter.Channels)
	c.strings("close_reason IN {$:Array(String)}", filter.CloseReasons)
	c.strings("conversation_id IN {$:Array(String)}", filter.Conversations)
	c.strings("routing_rule_id IN {$:Array(String)}", filter.RoutingRules)
	c.strings("routing_group_id IN {$:Array(String)}", filter.RoutingGroups)
	c.integers("operator_id IN {$:Array(Int64)}", filter.Operators)
	if filter.UpdatedSince != nil {
		c.add("_version > {$:UInt64}", uint64(*filter.UpdatedSince))
	}
	// Whatever else is asked for is known of the conversation only.
	of := within(prefix+"c", scope.Projects)
	before := len(of.all)
	of.ofConversation(filter)
	if len(of.all) == before {
		return c
	}
	of.add("_last_contact_at >= "+moment, int64(interval.From))
	of.add("_first_contact_at < "+moment, int64(interval.To))
	c.nest(`(project_id, conversation_id) IN (
        SELECT project_id, conversation_id FROM {projection:Identifier}.conversations FINAL WHERE $)`, of)
	return c
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
func (c *conditions) answer(column string, asked *bool) {
	if asked == nil {
		return
	}
	if *asked {
		c.add(column)
		return
	}
	c.add("closed_at IS NOT NULL")
	c.add("NOT " + column)
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

// of selects what hangs on the conversations.
func of(prefix string, scope query.Scope, keys []schema.ConversationKey) *conditions {
	c := within(prefix, scope.Projects)
	projects, ids := make([]uint32, len(keys)), make([]string, len(keys))
	for i, key := range keys {
		projects[i], ids[i] = uint32(key.Project), string(key.Conversation)
	}
	c.add("(project_id, conversation_id) IN arrayZip({$:Array(UInt32)}, {$:Array(String)})", projects, ids)
	return c
}
