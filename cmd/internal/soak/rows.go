package soak

import (
	"encoding/json"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// moment writes a time as ClickHouse does.
func moment(t schema.Timestamp) string { return t.Time().Format("2006-01-02 15:04:05.000") }

func momentOrNull(t *schema.Timestamp) *string {
	if t == nil {
		return nil
	}
	text := moment(*t)
	return &text
}

func textOrNull(text string) *string {
	if text == "" {
		return nil
	}
	return &text
}

func refOrNull(r *schema.Ref) (id, name *string) {
	if r == nil {
		return nil, nil
	}
	return &r.ID, r.Name
}

// conversationRow is the row of conversations, as JSON members.
func conversationRow(c *fold.Conversation) map[string]any {
	campaign, campaignName := refOrNull(c.Campaign)
	var visitor *string
	if c.Visitor != nil {
		visitor = &c.Visitor.ID
	}
	custom, revenue := map[string]string{}, map[string]json.Number{}
	for _, v := range c.CustomData {
		custom[v.Key] = v.Value
	}
	for currency, sum := range c.Revenue {
		revenue[string(currency)] = json.Number(sum.String())
	}
	tags, names, users := []string{}, []*string{}, []schema.OperatorID{}
	for _, tag := range c.Tags {
		tags, names = append(tags, tag.ID), append(names, tag.Name)
	}
	for _, user := range c.Users {
		users = append(users, user.ID)
	}
	return map[string]any{
		"project_id": c.Project, "conversation_id": c.ConversationKey.Conversation,
		"created_at": moment(c.CreatedAt), "closed_at": momentOrNull(c.ClosedAt), "duration_ms": c.Duration,
		"channel": c.Channel, "language": c.Language, "initiator": c.Initiator, "visitor_id": visitor,
		"campaign_id": campaign, "campaign_name": campaignName, "custom_data": custom,
		"contact_count": c.ContactCount, "snooze_count": c.SnoozeCount, "transfer_count": c.TransferCount,
		"reopen_count": c.ReopenCount, "anomaly_count": c.AnomalyCount,
		"answered": c.Answered, "answered_by_human": c.AnsweredByHuman, "automation_level": c.AutomationLevel,
		"abandoned": c.Abandoned, "first_response_time_ms": c.FirstResponseTime,
		"resolution_time_ms": c.ResolutionTime, "first_resolution_time_ms": c.FirstResolutionTime,
		"handle_time_ms": c.HandleTime, "human_handle_time_ms": c.HumanHandleTime, "snooze_time_ms": c.SnoozeTime,
		"visitor_message_count": c.VisitorMessageCount, "operator_message_count": c.OperatorMessageCount,
		"customer_satisfaction": c.CustomerSatisfaction, "net_promoter_score": c.NetPromoterScore,
		"satisfaction_comment": c.Comment, "tag_ids": tags, "tag_names": names, "tag_count": c.TagCount, "user_ids": users, "user_count": c.UserCount,
		"revenue": revenue, "close_reason": c.CloseReason, "event_count": c.EventCount,
		"first_sequence": c.FirstSequence, "last_sequence": c.LastSequence,
	}
}

// contactRow is a row of contacts, as JSON members.
func contactRow(c *fold.Conversation, k *fold.Contact) map[string]any {
	rule, ruleName := refOrNull(k.RoutingRule)
	group, groupName := refOrNull(k.RoutingGroup)
	return map[string]any{
		"project_id": c.Project, "conversation_id": c.ConversationKey.Conversation, "contact_id": k.ID,
		"ordinal": k.Ordinal, "channel": k.Channel, "started_at": moment(k.StartedAt), "ended_at": momentOrNull(k.EndedAt),
		"duration_ms": k.Duration, "status": k.Status, "ending": k.Ending, "ending_inferred": k.EndingInferred,
		"close_reason": k.CloseReason, "wait_time_ms": k.WaitTime, "first_response_time_ms": k.FirstResponseTime,
		"visitor_message_count": k.VisitorMessageCount, "operator_message_count": k.OperatorMessageCount,
		"operator_id": k.Operator.ID, "operator_kind": k.Operator.Kind, "operator_name": k.Operator.Name,
		"operator_email": k.Operator.Email, "routing_rule_id": rule, "routing_rule_name": ruleName,
		"routing_group_id": group, "routing_group_name": groupName,
	}
}
