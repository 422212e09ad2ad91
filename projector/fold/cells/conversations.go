package cells

import (
	"slices"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// Conversation is a row of conversations.
type Conversation struct {
	*fold.Rows
	Version schema.Sequence
}

// Conversations returns the columns of conversations.
func Conversations() []Column[Conversation] {
	type row = Conversation
	return []Column[row]{
		Number("project_id", func(r *row) uint32 { return uint32(r.Conversation.Project) }),
		Text("conversation_id", func(r *row) string { return string(r.Conversation.ConversationKey.Conversation) }),
		Moment("created_at", func(r *row) schema.Timestamp { return r.Conversation.CreatedAt }),
		MomentOrNull("closed_at", func(r *row) *schema.Timestamp { return r.Conversation.ClosedAt }),
		MomentOrNull("first_closed_at", func(r *row) *schema.Timestamp { return r.Conversation.FirstClosedAt }),
		NumberOrNull("duration_ms", func(r *row) *int64 { return r.Conversation.Duration }),
		Word("channel", func(r *row) string { return string(r.Conversation.Channel) }),
		WordOrNull("language", func(r *row) *string { return r.Conversation.Language }),
		WordOrNull("initiator", func(r *row) *schema.Initiator { return r.Conversation.Initiator }),
		TextOrNull("visitor_id", visitorID),
		TextOrNull("campaign_id", func(r *row) *string { return refID(r.Conversation.Campaign) }),
		TextOrNull("campaign_name", func(r *row) *string { return refName(r.Conversation.Campaign) }),
		Pairs("custom_data", func(r *row) []schema.CustomValue { return r.Conversation.CustomData },
			Text("", func(v *schema.CustomValue) string { return v.Key }), Text("", func(v *schema.CustomValue) string { return v.Value })),
		Number("contact_count", func(r *row) uint32 { return r.Conversation.ContactCount }),
		Number("snooze_count", func(r *row) uint32 { return r.Conversation.SnoozeCount }),
		Number("transfer_count", func(r *row) uint32 { return r.Conversation.TransferCount }),
		Number("reopen_count", func(r *row) uint32 { return r.Conversation.ReopenCount }),
		Number("anomaly_count", func(r *row) uint32 { return r.Conversation.AnomalyCount }),
		Flag("answered", func(r *row) bool { return r.Conversation.Answered }),
		Flag("answered_by_human", func(r *row) bool { return r.Conversation.AnsweredByHuman }),
		WordOrNull("automation_level", func(r *row) *fold.AutomationLevel { return r.Conversation.AutomationLevel }),
		Flag("abandoned", func(r *row) bool { return r.Conversation.Abandoned }),
		NumberOrNull("first_response_time_ms", func(r *row) *int64 { return r.Conversation.FirstResponseTime }),
		NumberOrNull("resolution_time_ms", func(r *row) *int64 { return r.Conversation.ResolutionTime }),
		NumberOrNull("first_resolution_time_ms", func(r *row) *int64 { return r.Conversation.FirstResolutionTime }),
		Number("handle_time_ms", func(r *row) int64 { return r.Conversation.HandleTime }),
		Number("human_handle_time_ms", func(r *row) int64 { return r.Conversation.HumanHandleTime }),
		Number("snooze_time_ms", func(r *row) int64 { return r.Conversation.SnoozeTime }),
		Number("visitor_message_count", func(r *row) uint32 { return r.Conversation.VisitorMessageCount }),
		Number("operator_message_count", func(r *row) uint32 { return r.Conversation.OperatorMessageCount }),
		NumberOrNull("customer_satisfaction", func(r *row) *uint8 { return r.Conversation.CustomerSatisfaction }),
		NumberOrNull("net_promoter_score", func(r *row) *uint8 { return r.Conversation.NetPromoterScore }),
		TextOrNull("satisfaction_comment", func(r *row) *string { return r.Conversation.Comment }),
		MomentOrNull("satisfaction_answered_at", func(r *row) *schema.Timestamp { return r.Conversation.SatisfactionAnsweredAt }),
		List("tag_ids", tagsOf, Text("", func(t *schema.Ref) string { return t.ID })),
		List("tag_names", tagsOf, TextOrNull("", func(t *schema.Ref) *string { return t.Name })),
		List("user_ids", usersOf, Number("", func(u *schema.User) int64 { return int64(u.ID) })),
		Revenue("revenue", func(r *row) map[schema.Currency]decimal.Decimal { return r.Conversation.Revenue }),
		Number("tag_count", func(r *row) uint32 { return r.Conversation.TagCount }),
		Number("user_count", func(r *row) uint32 { return r.Conversation.UserCount }),
		Number("transaction_count", func(r *row) uint32 { return uint32(len(r.Transactions)) }),
		WordOrNull("close_reason", func(r *row) *string { return r.Conversation.CloseReason }),
		Number("event_count", func(r *row) uint32 { return r.Conversation.EventCount }),
		Number("first_sequence", func(r *row) uint64 { return uint64(r.Conversation.FirstSequence) }),
		Number("last_sequence", func(r *row) uint64 { return uint64(r.Conversation.LastSequence) }),
		Moment("_began_at", func(r *row) schema.Timestamp { return r.Conversation.BeganAt }),
		MomentOrNull("_first_contact_at", firstContactAt),
		MomentOrNull("_last_contact_at", lastContactAt),
		List("_operator_ids", func(r *row) []int64 {
			return distinct(r.Contacts, func(c *fold.Contact) (int64, bool) { return int64(c.Operator.ID), true })
		}, Number("", func(id *int64) int64 { return *id })),
		List("_operator_kinds", func(r *row) []string {
			return distinct(r.Contacts, func(c *fold.Contact) (string, bool) { return string(c.Operator.Kind), true })
		}, Word("", itself)),
		List("_routing_rule_ids", func(r *row) []string {
			return distinct(r.Contacts, func(c *fold.Contact) (string, bool) { return idOf(c.RoutingRule) })
		}, Text("", itself)),
		List("_routing_group_ids", func(r *row) []string {
			return distinct(r.Contacts, func(c *fold.Contact) (string, bool) { return idOf(c.RoutingGroup) })
		}, Text("", itself)),
		TransactionCounts("_transaction_counts", func(r *row) map[schema.Currency]uint32 { return CountTransactions(r.Rows) }),
		List("_users", usersOf, userTuple()),
		List("_routing", func(r *row) []fold.Routing { return r.Conversation.Routing }, routingTuple()),
		List("_marks", func(r *row) []fold.Mark { return r.Conversation.Marks }, markTuple()),
		List("_turns", turnsOf, Moment("", func(at *schema.Timestamp) schema.Timestamp { return *at })),
		List("_snoozed", snoozedOf, Moment("", func(at *schema.Timestamp) schema.Timestamp { return *at })),
		List("_unattended", func(r *row) []schema.Timestamp { return r.Conversation.Unattended }, Moment("", func(at *schema.Timestamp) schema.Timestamp { return *at })),
		Number("_version", func(r *row) uint64 { return uint64(r.Version) }),
	}
}

func visitorID(r *Conversation) *string {
	if r.Conversation.Visitor == nil {
		return nil
	}
	return &r.Conversation.Visitor.ID
}

// turnsOf are the times of the closes that a reopening followed, each with that of the reopening.
// This and snoozedOf are what schema/clickhouse/projection/0040 computes for rows of earlier releases.
func turnsOf(r *Conversation) []schema.Timestamp {
	if r.Conversation.ReopenCount == 0 {
		return nil
	}
	var turns []schema.Timestamp
	closed := false
	for i := range r.Conversation.Marks {
		m := &r.Conversation.Marks[i]
		if (m.Type == schema.TypePushed || m.Type == schema.TypeClosed) && closed != (m.Type == schema.TypeClosed) {
			turns, closed = append(turns, m.At), !closed
		}
	}
	return turns[:len(turns)-len(turns)%2] // nothing followed the last close
}

// snoozedOf are the times of the snoozes, each with that of the push or close that ended it, if there was one.
func snoozedOf(r *Conversation) []schema.Timestamp {
	if r.Conversation.SnoozeCount == 0 {
		return nil
	}
	var times []schema.Timestamp
	snoozed := false
	for i := range r.Conversation.Marks {
		m := &r.Conversation.Marks[i]
		snooze := m.Type == schema.TypeSnoozed && i > 0 && r.Conversation.Marks[i-1].Type == schema.TypePushed
		if !snooze && m.Type != schema.TypePushed && m.Type != schema.TypeClosed {
			continue
		}
		if snooze || snoozed {
			times = append(times, m.At)
		}
		snoozed = snooze
	}
	return times
}

// firstContactAt and lastContactAt bound the started_at of the contacts, which
// are in the order of their start.
func firstContactAt(r *Conversation) *schema.Timestamp {
	if len(r.Contacts) == 0 {
		return nil
	}
	return &r.Contacts[0].StartedAt
}

func lastContactAt(r *Conversation) *schema.Timestamp {
	if len(r.Contacts) == 0 {
		return nil
	}
	return &r.Contacts[len(r.Contacts)-1].StartedAt
}

func tagsOf(r *Conversation) []schema.Ref   { return r.Conversation.Tags }
func usersOf(r *Conversation) []schema.User { return r.Conversation.Users }
func itself(s *string) string               { return *s }

func userTuple() Column[schema.User] {
	type user = schema.User
	return Tuple("",
		Number("id", func(u *user) int64 { return int64(u.ID) }),
		Word("kind", func(u *user) string { return string(u.Kind) }),
		TextOrNull("name", func(u *user) *string { return u.Name }),
		TextOrNull("email", func(u *user) *string { return u.Email }),
	)
}

func routingTuple() Column[fold.Routing] {
	type routing = fold.Routing
	return Tuple("",
		Moment("at", func(r *routing) schema.Timestamp { return r.At }),
		Text("rule_id", func(r *routing) string { return r.Rule.ID }),
		TextOrNull("rule_name", func(r *routing) *string { return r.Rule.Name }),
		TextOrNull("group_id", func(r *routing) *string { return refID(r.Group) }),
		TextOrNull("group_name", func(r *routing) *string { return refName(r.Group) }),
	)
}

func markTuple() Column[fold.Mark] {
	type mark = fold.Mark
	of := func(side string, user func(*mark) *schema.User) []Column[mark] {
		given := func(m *mark) schema.User {
			if u := user(m); u != nil {
				return *u
			}
			return schema.User{}
		}
		return []Column[mark]{
			NumberOrNull(side+"_id", func(m *mark) *int64 {
				if u := user(m); u != nil {
					return (*int64)(&u.ID)
				}
				return nil
			}),
			WordOrNull(side+"_kind", func(m *mark) *schema.UserKind {
				if u := user(m); u != nil && u.Kind != "" {
					return &u.Kind
				}
				return nil
			}),
			TextOrNull(side+"_name", func(m *mark) *string { return given(m).Name }),
			TextOrNull(side+"_email", func(m *mark) *string { return given(m).Email }),
		}
	}
	return Tuple("", slices.Concat(
		[]Column[mark]{
			Text("event_id", func(m *mark) string { return m.EventID }),
			Moment("at", func(m *mark) schema.Timestamp { return m.At }),
			Number("position", func(m *mark) uint32 { return m.Position }),
			Word("type", func(m *mark) schema.Type { return m.Type }),
		},
		of("from", func(m *mark) *schema.User { return m.From }),
		of("to", func(m *mark) *schema.User { return m.To }),
		[]Column[mark]{
			TextOrNull("to_rule_id", func(m *mark) *string { return refID(m.ToRule) }),
			TextOrNull("to_rule_name", func(m *mark) *string { return refName(m.ToRule) }),
			TextOrNull("to_group_id", func(m *mark) *string { return refID(m.ToGroup) }),
			TextOrNull("to_group_name", func(m *mark) *string { return refName(m.ToGroup) }),
			MomentOrNull("until", func(m *mark) *schema.Timestamp { return m.Until }),
			TextOrNull("reason", func(m *mark) *string { return m.Reason }),
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
