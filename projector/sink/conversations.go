package sink

import (
	"slices"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

// conversationRow is a row of conversations: a fold, or the mark that the row at
// this key has moved elsewhere.
type conversationRow struct {
	*projector.Rows
	closedKey schema.Timestamp
	version   schema.Sequence
	deleted   bool
}

// closedKey is the part of a conversation's sort key that may move.
func closedKey(c *projector.Conversation) schema.Timestamp {
	if c.ClosedAt == nil {
		return 0
	}
	return *c.ClosedAt
}

// moved is the row that takes a conversation away from a sort key.
func moved(key schema.ConversationKey, from schema.Timestamp, version schema.Sequence) conversationRow {
	rows := &projector.Rows{Conversation: projector.Conversation{ConversationKey: key}}
	return conversationRow{Rows: rows, closedKey: from, version: version, deleted: true}
}

func conversationsTable() *table[conversationRow] {
	type row = conversationRow
	return &table[row]{name: "conversations", columns: []column[row]{
		cell("project_id", func(r *row) uint32 { return uint32(r.Conversation.Project) }),
		cell("conversation_id", func(r *row) string { return string(r.Conversation.ConversationKey.Conversation) }),
		cell("created_at", func(r *row) int64 { return int64(r.Conversation.CreatedAt) }),
		cell("closed_at", func(r *row) *int64 { return (*int64)(r.Conversation.ClosedAt) }),
		cell("duration_ms", func(r *row) *int64 { return r.Conversation.Duration }),
		cell("channel", func(r *row) string { return string(r.Conversation.Channel) }),
		cell("language", func(r *row) any { return orNull(r.Conversation.Language) }),
		cell("initiator", func(r *row) any { return orNull(r.Conversation.Initiator) }),
		cell("visitor_id", visitorID),
		cell("campaign_id", func(r *row) *string { return refID(r.Conversation.Campaign) }),
		cell("campaign_name", func(r *row) *string { return refName(r.Conversation.Campaign) }),
		cell("custom_data", func(r *row) pairs[string, string] { return customData(r.Conversation.CustomData) }),
		cell("contact_count", func(r *row) uint32 { return r.Conversation.ContactCount }),
		cell("snooze_count", func(r *row) uint32 { return r.Conversation.SnoozeCount }),
		cell("transfer_count", func(r *row) uint32 { return r.Conversation.TransferCount }),
		cell("reopen_count", func(r *row) uint32 { return r.Conversation.ReopenCount }),
		cell("anomaly_count", func(r *row) uint32 { return r.Conversation.AnomalyCount }),
		cell("answered", func(r *row) bool { return r.Conversation.Answered }),
		cell("answered_by_human", func(r *row) bool { return r.Conversation.AnsweredByHuman }),
		cell("automation_level", func(r *row) any { return orNull(r.Conversation.AutomationLevel) }),
		cell("abandoned", func(r *row) bool { return r.Conversation.Abandoned }),
		cell("first_response_time_ms", func(r *row) *int64 { return r.Conversation.FirstResponseTime }),
		cell("resolution_time_ms", func(r *row) *int64 { return r.Conversation.ResolutionTime }),
		cell("first_resolution_time_ms", func(r *row) *int64 { return r.Conversation.FirstResolutionTime }),
		cell("handle_time_ms", func(r *row) int64 { return r.Conversation.HandleTime }),
		cell("human_handle_time_ms", func(r *row) int64 { return r.Conversation.HumanHandleTime }),
		cell("snooze_time_ms", func(r *row) int64 { return r.Conversation.SnoozeTime }),
		cell("visitor_message_count", func(r *row) uint32 { return r.Conversation.VisitorMessageCount }),
		cell("operator_message_count", func(r *row) uint32 { return r.Conversation.OperatorMessageCount }),
		cell("customer_satisfaction", func(r *row) *uint8 { return r.Conversation.CustomerSatisfaction }),
		cell("net_promoter_score", func(r *row) *uint8 { return r.Conversation.NetPromoterScore }),
		cell("satisfaction_comment", func(r *row) *string { return r.Conversation.Comment }),
		cell("tag_ids", func(r *row) []string { return each(r.Conversation.Tags, func(t *schema.Ref) string { return t.ID }) }),
		cell("tag_names", func(r *row) []*string {
			return each(r.Conversation.Tags, func(t *schema.Ref) *string { return t.Name })
		}),
		cell("user_ids", func(r *row) []int64 {
			return each(r.Conversation.Users, func(u *schema.User) int64 { return int64(u.ID) })
		}),
		cell("revenue", func(r *row) revenuePairs { return revenue(r.Conversation.Revenue) }),
		cell("transaction_count", func(r *row) uint32 { return uint32(len(r.Transactions)) }),
		cell("close_reason", func(r *row) any { return orNull(r.Conversation.CloseReason) }),
		cell("event_count", func(r *row) uint32 { return r.Conversation.EventCount }),
		cell("first_sequence", func(r *row) uint64 { return uint64(r.Conversation.FirstSequence) }),
		cell("last_sequence", func(r *row) uint64 { return uint64(r.Conversation.LastSequence) }),
		cell("_closed_key", func(r *row) int64 { return int64(r.closedKey) }),
		cell("_first_contact_at", firstContactAt),
		cell("_last_contact_at", lastContactAt),
		cell("_operator_ids", func(r *row) []int64 {
			return distinct(r.Contacts, func(c *projector.Contact) (int64, bool) { return int64(c.Operator.ID), true })
		}),
		cell("_operator_kinds", func(r *row) []string {
			return distinct(r.Contacts, func(c *projector.Contact) (string, bool) { return string(c.Operator.Kind), true })
		}),
		cell("_routing_rule_ids", func(r *row) []string {
			return distinct(r.Contacts, func(c *projector.Contact) (string, bool) { return idOf(c.RoutingRule) })
		}),
		cell("_routing_group_ids", func(r *row) []string {
			return distinct(r.Contacts, func(c *projector.Contact) (string, bool) { return idOf(c.RoutingGroup) })
		}),
		cell("_transaction_counts", func(r *row) pairs[string, uint32] { return transactionCounts(r.Transactions) }),
		cell("_users", func(r *row) [][]any { return each(r.Conversation.Users, userTuple) }),
		cell("_routing", func(r *row) [][]any { return each(r.Conversation.Routing, routingTuple) }),
		cell("_marks", func(r *row) [][]any { return each(r.Conversation.Marks, markTuple) }),
		cell("_version", func(r *row) uint64 { return uint64(r.version) }),
		cell("_deleted", func(r *row) uint8 {
			if r.deleted {
				return 1
			}
			return 0
		}),
	}}
}

func visitorID(r *conversationRow) *string {
	if r.Conversation.Visitor == nil {
		return nil
	}
	return &r.Conversation.Visitor.ID
}

// firstContactAt and lastContactAt bound the started_at of the contacts, which
// are in the order of their start.
func firstContactAt(r *conversationRow) *int64 {
	if len(r.Contacts) == 0 {
		return nil
	}
	return (*int64)(&r.Contacts[0].StartedAt)
}

func lastContactAt(r *conversationRow) *int64 {
	if len(r.Contacts) == 0 {
		return nil
	}
	return (*int64)(&r.Contacts[len(r.Contacts)-1].StartedAt)
}

// userTuple, routingTuple and markTuple follow the order of the tuples' elements.

func userTuple(u *schema.User) []any {
	return []any{int64(u.ID), string(u.Kind), orNull(u.Name), orNull(u.Email)}
}

func routingTuple(r *projector.Routing) []any {
	return append(append(make([]any, 0, 5), r.At.Time(), r.Rule.ID, orNull(r.Rule.Name)), refCells(r.Group)...)
}

func markTuple(m *projector.Mark) []any {
	cells := append(make([]any, 0, 18), m.EventID, m.At.Time(), m.Position, string(m.Type))
	cells = append(cells, userCells(m.From)...)
	cells = append(cells, userCells(m.To)...)
	cells = append(cells, refCells(m.ToRule)...)
	cells = append(cells, refCells(m.ToGroup)...)
	var until any
	if m.Until != nil {
		until = m.Until.Time()
	}
	return append(cells, until, orNull(m.Reason))
}

func userCells(u *schema.User) []any {
	if u == nil {
		return []any{nil, nil, nil, nil}
	}
	var kind any
	if u.Kind != "" {
		kind = string(u.Kind)
	}
	return []any{int64(u.ID), kind, orNull(u.Name), orNull(u.Email)}
}

func refCells(r *schema.Ref) []any {
	if r == nil {
		return []any{nil, nil}
	}
	return []any{r.ID, orNull(r.Name)}
}

// distinct gives the values that of finds, ascending, each once.
func distinct[V interface{ int64 | string }](contacts []projector.Contact, of func(*projector.Contact) (V, bool)) []V {
	list := make([]V, 0, len(contacts))
	for i := range contacts {
		if v, found := of(&contacts[i]); found {
			list = append(list, v)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
