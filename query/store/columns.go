package store

import (
	"fmt"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/query"
)

// column is a readable column of a row.
type column[R any] struct {
	field string // of the SDL that needs it; empty if it is always read
	sql   string
	into  func(*R) any
}

// columnsOf picks the columns that the fields need, each once. A field that
// needs none of its own is fine.
func columnsOf[R any](all []column[R], fields []string) []column[R] {
	var picked []column[R]
	for _, c := range all {
		wanted := c.field == "" || slices.Contains(fields, c.field)
		if wanted && !slices.ContainsFunc(picked, func(p column[R]) bool { return p.sql == c.sql }) {
			picked = append(picked, c)
		}
	}
	return picked
}

// list writes the columns for SELECT.
func expressions[R any](columns []column[R]) []string {
	list := make([]string, len(columns))
	for i, c := range columns {
		list[i] = c.sql
	}
	return list
}

func selection(expressions []string) string { return strings.Join(expressions, ",\n    ") }

// millis reads a time as Unix milliseconds.
func millis(column string) string { return fmt.Sprintf("toUnixTimestamp64Milli(%s)", column) }

// allMillis does so for an array of times.
func allMillis(column string) string {
	return fmt.Sprintf("arrayMap(t -> toUnixTimestamp64Milli(t), %s)", column)
}

func conversationColumns() []column[query.ConversationRow] {
	type row = query.ConversationRow
	return []column[row]{
		{"", "project_id", func(r *row) any { return &r.Project }},
		{"", "conversation_id", func(r *row) any { return &r.ID }},
		{"", millis("closed_at"), func(r *row) any { return &r.ClosedAt }},
		{"version", "_version", func(r *row) any { return &r.Version }},
		{"contacts", millis("_first_contact_at"), func(r *row) any { return &r.FirstContactAt }},
		{"contacts", millis("_last_contact_at"), func(r *row) any { return &r.LastContactAt }},
		{"createdAt", millis("created_at"), func(r *row) any { return &r.CreatedAt }},
		{"duration", "duration_ms", func(r *row) any { return &r.Duration }},
		{"durationMs", "duration_ms", func(r *row) any { return &r.Duration }},
		{"channel", "channel", func(r *row) any { return &r.Channel }},
		{"language", "language", func(r *row) any { return &r.Language }},
		{"initiator", "initiator", func(r *row) any { return &r.Initiator }},
		{"visitor", "visitor_id", func(r *row) any { return &r.VisitorID }},
		{"campaign", "campaign_id", func(r *row) any { return &r.CampaignID }},
		{"campaign", "campaign_name", func(r *row) any { return &r.CampaignName }},
		{"customData", "custom_data", func(r *row) any { return &r.CustomData }},
		{"contactCount", "contact_count", func(r *row) any { return &r.ContactCount }},
		{"snoozeCount", "snooze_count", func(r *row) any { return &r.SnoozeCount }},
		{"transferCount", "transfer_count", func(r *row) any { return &r.TransferCount }},
		{"reopenCount", "reopen_count", func(r *row) any { return &r.ReopenCount }},
		{"anomalyCount", "anomaly_count", func(r *row) any { return &r.AnomalyCount }},
		{"answered", "answered", func(r *row) any { return &r.Answered }},
		{"answeredByHuman", "answered_by_human", func(r *row) any { return &r.AnsweredByHuman }},
		{"automationLevel", "automation_level", func(r *row) any { return &r.AutomationLevel }},
		{"abandoned", "abandoned", func(r *row) any { return &r.Abandoned }},
		{"firstResponseTimeMs", "first_response_time_ms", func(r *row) any { return &r.FirstResponse }},
		{"resolutionTimeMs", "resolution_time_ms", func(r *row) any { return &r.Resolution }},
		{"firstResponseTimeBusinessHoursMs", "first_response_time_ms", func(r *row) any { return &r.FirstResponse }},
		{"firstResponseTimeBusinessHoursMs", "resolution_time_ms", func(r *row) any { return &r.Resolution }},
		{"resolutionTimeBusinessHoursMs", "resolution_time_ms", func(r *row) any { return &r.Resolution }},
		{"firstResolutionTimeMs", "first_resolution_time_ms", func(r *row) any { return &r.FirstResolution }},
		{"handleTimeMs", "handle_time_ms", func(r *row) any { return &r.Handle }},
		{"humanHandleTimeMs", "human_handle_time_ms", func(r *row) any { return &r.HumanHandle }},
		{"snoozeTimeMs", "snooze_time_ms", func(r *row) any { return &r.Snooze }},
		{"visitorMessageCount", "visitor_message_count", func(r *row) any { return &r.VisitorMessages }},
		{"operatorMessageCount", "operator_message_count", func(r *row) any { return &r.OperatorMessages }},
		{"satisfactionSurvey", "customer_satisfaction", func(r *row) any { return &r.Satisfaction }},
		{"satisfactionSurvey", "net_promoter_score", func(r *row) any { return &r.Score }},
		{"satisfactionSurvey", "satisfaction_comment", func(r *row) any { return &r.Comment }},
		{"tags", "tag_ids", func(r *row) any { return &r.TagIDs }},
		{"tags", "tag_names", func(r *row) any { return &r.TagNames }},
		{"revenue", "revenue", func(r *row) any { return &r.Revenue }},
		{"closeReason", "close_reason", func(r *row) any { return &r.CloseReason }},
		{"eventCount", "event_count", func(r *row) any { return &r.EventCount }},
		{"firstSequence", "first_sequence", func(r *row) any { return &r.FirstSequence }},
		{"lastSequence", "last_sequence", func(r *row) any { return &r.LastSequence }},
		{"users", "_users.id", func(r *row) any { return &r.UserIDs }},
		{"users", "_users.kind", func(r *row) any { return &r.UserKinds }},
		{"users", "_users.name", func(r *row) any { return &r.UserNames }},
		{"users", "_users.email", func(r *row) any { return &r.UserEmails }},
		{"routingEvents", allMillis("_routing.at"), func(r *row) any { return &r.RoutingAt }},
		{"routingEvents", "_routing.rule_id", func(r *row) any { return &r.RoutingRuleIDs }},
		{"routingEvents", "_routing.rule_name", func(r *row) any { return &r.RoutingRuleNames }},
		{"routingEvents", "_routing.group_id", func(r *row) any { return &r.RoutingGroupIDs }},
		{"routingEvents", "_routing.group_name", func(r *row) any { return &r.RoutingGroupNames }},
		{"marks", "_marks.event_id", func(r *row) any { return &r.MarkEvents }},
		{"marks", allMillis("_marks.at"), func(r *row) any { return &r.MarkAt }},
		{"marks", "_marks.position", func(r *row) any { return &r.MarkPositions }},
		{"marks", "_marks.type", func(r *row) any { return &r.MarkTypes }},
		{"marks", "_marks.from_id", func(r *row) any { return &r.MarkFromIDs }},
		{"marks", "_marks.from_kind", func(r *row) any { return &r.MarkFromKinds }},
		{"marks", "_marks.from_name", func(r *row) any { return &r.MarkFromNames }},
		{"marks", "_marks.from_email", func(r *row) any { return &r.MarkFromEmails }},
		{"marks", "_marks.to_id", func(r *row) any { return &r.MarkToIDs }},
		{"marks", "_marks.to_kind", func(r *row) any { return &r.MarkToKinds }},
		{"marks", "_marks.to_name", func(r *row) any { return &r.MarkToNames }},
		{"marks", "_marks.to_email", func(r *row) any { return &r.MarkToEmails }},
		{"marks", "_marks.to_rule_id", func(r *row) any { return &r.MarkToRuleIDs }},
		{"marks", "_marks.to_rule_name", func(r *row) any { return &r.MarkToRuleNames }},
		{"marks", "_marks.to_group_id", func(r *row) any { return &r.MarkToGroupIDs }},
		{"marks", "_marks.to_group_name", func(r *row) any { return &r.MarkToGroupNames }},
		{"marks", allMillis("_marks.until"), func(r *row) any { return &r.MarkUntil }},
		{"marks", "_marks.reason", func(r *row) any { return &r.MarkReasons }},
	}
}

func contactColumns() []column[query.ContactRow] {
	type row = query.ContactRow
	return []column[row]{
		{"", "project_id", func(r *row) any { return &r.Project }},
		{"", "conversation_id", func(r *row) any { return &r.Conversation }},
		{"", "contact_id", func(r *row) any { return &r.ID }},
		{"", millis("started_at"), func(r *row) any { return &r.StartedAt }},
		{"version", "_version", func(r *row) any { return &r.Version }},
		{"ordinal", "ordinal", func(r *row) any { return &r.Ordinal }},
		{"channel", "channel", func(r *row) any { return &r.Channel }},
		{"endedAt", millis("ended_at"), func(r *row) any { return &r.EndedAt }},
		{"durationMs", "duration_ms", func(r *row) any { return &r.Duration }},
		{"status", "status", func(r *row) any { return &r.Status }},
		{"ending", "ending", func(r *row) any { return &r.Ending }},
		{"endingInferred", "ending_inferred", func(r *row) any { return &r.EndingInferred }},
		{"closeReason", "close_reason", func(r *row) any { return &r.CloseReason }},
		{"waitTimeMs", "wait_time_ms", func(r *row) any { return &r.Wait }},
		{"firstResponseTimeMs", "first_response_time_ms", func(r *row) any { return &r.FirstResponse }},
		{"waitTimeBusinessHoursMs", "wait_time_ms", func(r *row) any { return &r.Wait }},
		{"firstResponseTimeBusinessHoursMs", "first_response_time_ms", func(r *row) any { return &r.FirstResponse }},
		{"visitorMessageCount", "visitor_message_count", func(r *row) any { return &r.VisitorMessages }},
		{"operatorMessageCount", "operator_message_count", func(r *row) any { return &r.OperatorMessages }},
		{"operator", "operator_id", func(r *row) any { return &r.OperatorID }},
		{"operator", "operator_kind", func(r *row) any { return &r.OperatorKind }},
		{"operator", "operator_name", func(r *row) any { return &r.OperatorName }},
		{"operator", "operator_email", func(r *row) any { return &r.OperatorEmail }},
		{"routingRule", "routing_rule_id", func(r *row) any { return &r.RuleID }},
		{"routingRule", "routing_rule_name", func(r *row) any { return &r.RuleName }},
		{"routingGroup", "routing_group_id", func(r *row) any { return &r.GroupID }},
		{"routingGroup", "routing_group_name", func(r *row) any { return &r.GroupName }},
	}
}

func messageColumns() []column[query.MessageRow] {
	type row = query.MessageRow
	return []column[row]{
		{"", "project_id", func(r *row) any { return &r.Project }},
		{"", "conversation_id", func(r *row) any { return &r.Conversation }},
		{"", "_position", func(r *row) any { return &r.Position }},
		{"id", "message_id", func(r *row) any { return &r.ID }},
		{"nodeId", "message_id", func(r *row) any { return &r.ID }},
		{"createdAt", millis("sent_at"), func(r *row) any { return &r.SentAt }},
		{"contactId", "contact_id", func(r *row) any { return &r.Contact }},
		{"author", "author_kind", func(r *row) any { return &r.AuthorKind }},
		{"author", "author_id", func(r *row) any { return &r.AuthorID }},
		{"automatic", "automatic", func(r *row) any { return &r.Automatic }},
		{"text", "text", func(r *row) any { return &r.Text }},
		{"text", millis("deleted_at"), func(r *row) any { return &r.DeletedAt }},
		{"readAt", millis("read_at"), func(r *row) any { return &r.ReadAt }},
		{"deletedAt", millis("deleted_at"), func(r *row) any { return &r.DeletedAt }},
	}
}

func customerColumns() []column[query.CustomerRow] {
	type row = query.CustomerRow
	return []column[row]{
		{"", "project_id", func(r *row) any { return &r.Project }},
		{"", "customer_id", func(r *row) any { return &r.ID }},
		{"", millis("created_at"), func(r *row) any { return &r.CreatedAt }},
		{"externalId", "external_id", func(r *row) any { return &r.ExternalID }},
		{"firstName", "first_name", func(r *row) any { return &r.FirstName }},
		{"lastName", "last_name", func(r *row) any { return &r.LastName }},
		{"email", "email", func(r *row) any { return &r.Email }},
		{"phone", "phone", func(r *row) any { return &r.Phone }},
		{"notes", "notes", func(r *row) any { return &r.Notes }},
		{"type", "type", func(r *row) any { return &r.Type }},
		{"ipAddress", "ip_address", func(r *row) any { return &r.IPAddress }},
		{"ipLocation", "ip_location", func(r *row) any { return &r.IPLocation }},
		{"customData", "custom_data", func(r *row) any { return &r.CustomData }},
		{"channels", "channels", func(r *row) any { return &r.Channels }},
		{"conversationCount", "conversation_count", func(r *row) any { return &r.ConversationCount }},
		{"ordersCount", "orders_count", func(r *row) any { return &r.OrdersCount }},
		{"orderCounts", "order_counts", func(r *row) any { return &r.OrderCounts }},
		{"totalSpent", "total_spent", func(r *row) any { return &r.TotalSpent }},
		{"updatedAt", millis("updated_at"), func(r *row) any { return &r.UpdatedAt }},
		{"lastChatAt", millis("last_chat_at"), func(r *row) any { return &r.LastChatAt }},
		{"eventCount", "event_count", func(r *row) any { return &r.EventCount }},
		{"firstSequence", "first_sequence", func(r *row) any { return &r.FirstSequence }},
		{"lastSequence", "last_sequence", func(r *row) any { return &r.LastSequence }},
	}
}
