package sink

import (
	"slices"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// conversationRow is a row of conversations.
type conversationRow struct {
	*fold.Rows
	version schema.Sequence
}

func conversationsTable() *table[conversationRow] {
	type row = conversationRow
	return &table[row]{name: "conversations", columns: []column[row]{
		number("project_id", func(r *row) uint32 { return uint32(r.Conversation.Project) }),
		text("conversation_id", func(r *row) string { return string(r.Conversation.ConversationKey.Conversation) }),
		moment("created_at", func(r *row) schema.Timestamp { return r.Conversation.CreatedAt }),
		momentOrNull("closed_at", func(r *row) *schema.Timestamp { return r.Conversation.ClosedAt }),
		numberOrNull("duration_ms", func(r *row) *int64 { return r.Conversation.Duration }),
		word("channel", func(r *row) string { return string(r.Conversation.Channel) }),
		wordOrNull("language", func(r *row) *string { return r.Conversation.Language }),
		wordOrNull("initiator", func(r *row) *schema.Initiator { return r.Conversation.Initiator }),
		textOrNull("visitor_id", visitorID),
		textOrNull("campaign_id", func(r *row) *string { return refID(r.Conversation.Campaign) }),
		textOrNull("campaign_name", func(r *row) *string { return refName(r.Conversation.Campaign) }),
		pairs("custom_data", func(r *row) []schema.CustomValue { return r.Conversation.CustomData },
			text("", func(v *schema.CustomValue) string { return v.Key }), text("", func(v *schema.CustomValue) string { return v.Value })),
		number("contact_count", func(r *row) uint32 { return r.Conversation.ContactCount }),
		number("snooze_count", func(r *row) uint32 { return r.Conversation.SnoozeCount }),
		number("transfer_count", func(r *row) uint32 { return r.Conversation.TransferCount }),
		number("reopen_count", func(r *row) uint32 { return r.Conversation.ReopenCount }),
		number("anomaly_count", func(r *row) uint32 { return r.Conversation.AnomalyCount }),
		flag("answered", func(r *row) bool { return r.Conversation.Answered }),
		flag("answered_by_human", func(r *row) bool { return r.Conversation.AnsweredByHuman }),
		wordOrNull("automation_level", func(r *row) *fold.AutomationLevel { return r.Conversation.AutomationLevel }),
		flag("abandoned", func(r *row) bool { return r.Conversation.Abandoned }),
		numberOrNull("first_response_time_ms", func(r *row) *int64 { return r.Conversation.FirstResponseTime }),
		numberOrNull("resolution_time_ms", func(r *row) *int64 { return r.Conversation.ResolutionTime }),
		numberOrNull("first_resolution_time_ms", func(r *row) *int64 { return r.Conversation.FirstResolutionTime }),
		number("handle_time_ms", func(r *row) int64 { return r.Conversation.HandleTime }),
		number("human_handle_time_ms", func(r *row) int64 { return r.Conversation.HumanHandleTime }),
		number("snooze_time_ms", func(r *row) int64 { return r.Conversation.SnoozeTime }),
		number("visitor_message_count", func(r *row) uint32 { return r.Conversation.VisitorMessageCount }),
		number("operator_message_count", func(r *row) uint32 { return r.Conversation.OperatorMessageCount }),
		numberOrNull("customer_satisfaction", func(r *row) *uint8 { return r.Conversation.CustomerSatisfaction }),
		numberOrNull("net_promoter_score", func(r *row) *uint8 { return r.Conversation.NetPromoterScore }),
		textOrNull("satisfaction_comment", func(r *row) *string { return r.Conversation.Comment }),
		list("tag_ids", tagsOf, text("", func(t *schema.Ref) string { return t.ID })),
		list("tag_names", tagsOf, textOrNull("", func(t *schema.Ref) *string { return t.Name })),
		list("user_ids", usersOf, number("", func(u *schema.User) int64 { return int64(u.ID) })),
		pairs("revenue", func(r *row) []inCurrency[decimal.Decimal] { return byCurrency(r.Conversation.Revenue) },
			word("", func(s *inCurrency[decimal.Decimal]) schema.Currency { return s.currency }),
			sum("", func(s *inCurrency[decimal.Decimal]) decimal.Decimal { return s.value })),
		number("tag_count", func(r *row) uint32 { return r.Conversation.TagCount }),
		number("user_count", func(r *row) uint32 { return r.Conversation.UserCount }),
		number("transaction_count", func(r *row) uint32 { return uint32(len(r.Transactions)) }),
		wordOrNull("close_reason", func(r *row) *string { return r.Conversation.CloseReason }),
		number("event_count", func(r *row) uint32 { return r.Conversation.EventCount }),
		number("first_sequence", func(r *row) uint64 { return uint64(r.Conversation.FirstSequence) }),
		number("last_sequence", func(r *row) uint64 { return uint64(r.Conversation.LastSequence) }),
		moment("_began_at", func(r *row) schema.Timestamp { return r.Conversation.BeganAt }),
		momentOrNull("_first_contact_at", firstContactAt),
		momentOrNull("_last_contact_at", lastContactAt),
		list("_operator_ids", func(r *row) []int64 {
			return distinct(r.Contacts, func(c *fold.Contact) (int64, bool) { return int64(c.Operator.ID), true })
		}, number("", func(id *int64) int64 { return *id })),
		list("_operator_kinds", func(r *row) []string {
			return distinct(r.Contacts, func(c *fold.Contact) (string, bool) { return string(c.Operator.Kind), true })
		}, word("", itself)),
		list("_routing_rule_ids", func(r *row) []string {
			return distinct(r.Contacts, func(c *fold.Contact) (string, bool) { return idOf(c.RoutingRule) })
		}, text("", itself)),
		list("_routing_group_ids", func(r *row) []string {
			return distinct(r.Contacts, func(c *fold.Contact) (string, bool) { return idOf(c.RoutingGroup) })
		}, text("", itself)),
		pairs("_transaction_counts", func(r *row) []inCurrency[uint32] { return transactionCounts(r.Transactions) },
			word("", func(n *inCurrency[uint32]) schema.Currency { return n.currency }),
			number("", func(n *inCurrency[uint32]) uint32 { return n.value })),
		list("_users", usersOf, userTuple()),
		list("_routing", func(r *row) []fold.Routing { return r.Conversation.Routing }, routingTuple()),
		list("_marks", func(r *row) []fold.Mark { return r.Conversation.Marks }, markTuple()),
		number("_version", func(r *row) uint64 { return uint64(r.version) }),
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
func firstContactAt(r *conversationRow) *schema.Timestamp {
	if len(r.Contacts) == 0 {
		return nil
	}
	return &r.Contacts[0].StartedAt
}

func lastContactAt(r *conversationRow) *schema.Timestamp {
	if len(r.Contacts) == 0 {
		return nil
	}
	return &r.Contacts[len(r.Contacts)-1].StartedAt
}

func tagsOf(r *conversationRow) []schema.Ref   { return r.Conversation.Tags }
func usersOf(r *conversationRow) []schema.User { return r.Conversation.Users }
func itself(s *string) string                  { return *s }

func userTuple() column[schema.User] {
	type user = schema.User
	return tuple("",
		number("id", func(u *user) int64 { return int64(u.ID) }),
		word("kind", func(u *user) string { return string(u.Kind) }),
		textOrNull("name", func(u *user) *string { return u.Name }),
		textOrNull("email", func(u *user) *string { return u.Email }),
	)
}

func routingTuple() column[fold.Routing] {
	type routing = fold.Routing
	return tuple("",
		moment("at", func(r *routing) schema.Timestamp { return r.At }),
		text("rule_id", func(r *routing) string { return r.Rule.ID }),
		textOrNull("rule_name", func(r *routing) *string { return r.Rule.Name }),
		textOrNull("group_id", func(r *routing) *string { return refID(r.Group) }),
		textOrNull("group_name", func(r *routing) *string { return refName(r.Group) }),
	)
}

func markTuple() column[fold.Mark] {
	type mark = fold.Mark
	of := func(side string, user func(*mark) *schema.User) []column[mark] {
		given := func(m *mark) schema.User {
			if u := user(m); u != nil {
				return *u
			}
			return schema.User{}
		}
		return []column[mark]{
			numberOrNull(side+"_id", func(m *mark) *int64 {
				if u := user(m); u != nil {
					return (*int64)(&u.ID)
				}
				return nil
			}),
			wordOrNull(side+"_kind", func(m *mark) *schema.UserKind {
				if u := user(m); u != nil && u.Kind != "" {
					return &u.Kind
				}
				return nil
			}),
			textOrNull(side+"_name", func(m *mark) *string { return given(m).Name }),
			textOrNull(side+"_email", func(m *mark) *string { return given(m).Email }),
		}
	}
	return tuple("", slices.Concat(
		[]column[mark]{
			text("event_id", func(m *mark) string { return m.EventID }),
			moment("at", func(m *mark) schema.Timestamp { return m.At }),
			number("position", func(m *mark) uint32 { return m.Position }),
			word("type", func(m *mark) schema.Type { return m.Type }),
		},
		of("from", func(m *mark) *schema.User { return m.From }),
		of("to", func(m *mark) *schema.User { return m.To }),
		[]column[mark]{
			textOrNull("to_rule_id", func(m *mark) *string { return refID(m.ToRule) }),
			textOrNull("to_rule_name", func(m *mark) *string { return refName(m.ToRule) }),
			textOrNull("to_group_id", func(m *mark) *string { return refID(m.ToGroup) }),
			textOrNull("to_group_name", func(m *mark) *string { return refName(m.ToGroup) }),
			momentOrNull("until", func(m *mark) *schema.Timestamp { return m.Until }),
			textOrNull("reason", func(m *mark) *string { return m.Reason }),
		})...)
}

// distinct returns the values that of finds, ascending, each once.
func distinct[V interface{ int64 | string }](contacts []fold.Contact, of func(*fold.Contact) (V, bool)) []V {
	list := make([]V, 0, len(contacts))
	for i := range contacts {
		if v, found := of(&contacts[i]); found {
			list = append(list, v)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}
