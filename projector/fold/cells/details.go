package cells

import (
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// The tables of a conversation's details. Their sort keys never change: a
// contact's start is part of its id, the beginning of a conversation stays, the other keys are ids.

// Owner holds the columns shared by the rows of these tables.
type Owner struct {
	schema.ConversationKey
	BeganAt schema.Timestamp // of the conversation
	Version schema.Sequence  // last_sequence of the fold that the row comes from
}

// Detail is a row of such a table.
type Detail[R any] struct {
	Owner
	Row *R
}

// Owned combines the shared columns with the table's own.
func Owned[R any](own ...Column[Detail[R]]) []Column[Detail[R]] {
	columns := []Column[Detail[R]]{
		Number("project_id", func(d *Detail[R]) uint32 { return uint32(d.Project) }),
		Text("conversation_id", func(d *Detail[R]) string { return string(d.Conversation) }),
	}
	columns = append(columns, own...)
	return append(columns, Number("_version", func(d *Detail[R]) uint64 { return uint64(d.Version) }))
}

// beganAt is the column of tables that are sorted by when the conversation began.
func beganAt[R any]() Column[Detail[R]] {
	return Moment("_began_at", func(d *Detail[R]) schema.Timestamp { return d.BeganAt })
}

// Contact is a row of contacts.
type Contact = Detail[ContactWithTraits]

// ContactWithTraits is a contact with the columns copied from its conversation.
type ContactWithTraits struct {
	*fold.Contact
	Of *Traits
}

// Traits are the columns of the conversation by which contacts are filtered and grouped.
// Texts among them go into dictionaries, which hold each once however many
// contacts repeat it: a thousand contacts of a conversation with a thousand tags
// take megabytes, not a gigabyte.
type Traits struct {
	closed, answered, answeredByHuman bool

	automationLevel      *fold.AutomationLevel
	customerSatisfaction *uint8
	netPromoterScore     *uint8
	language             *string
	campaign             *schema.Ref
	tags                 []schema.Ref
	initiator            *schema.Initiator
	customData           []schema.CustomValue

	contacts, transfers, snoozes, reopens, transactions uint32
}

// TraitsOf returns the traits of a conversation.
func TraitsOf(r *fold.Rows) *Traits {
	c := &r.Conversation
	return &Traits{
		closed: c.ClosedAt != nil, answered: c.Answered, answeredByHuman: c.AnsweredByHuman,
		automationLevel: c.AutomationLevel, customerSatisfaction: c.CustomerSatisfaction, netPromoterScore: c.NetPromoterScore,
		language: c.Language, campaign: c.Campaign, tags: c.Tags, initiator: c.Initiator, customData: c.CustomData,
		contacts: c.ContactCount, transfers: c.TransferCount, snoozes: c.SnoozeCount, reopens: c.ReopenCount,
		transactions: uint32(len(r.Transactions)),
	}
}

// Contacts returns the columns of contacts.
func Contacts() []Column[Contact] {
	type row = Contact
	return Owned(
		Text("contact_id", func(d *row) string { return d.Row.ID }),
		Number("ordinal", func(d *row) uint32 { return d.Row.Ordinal }),
		Word("channel", func(d *row) string { return string(d.Row.Channel) }),
		Moment("started_at", func(d *row) schema.Timestamp { return d.Row.StartedAt }),
		MomentOrNull("ended_at", func(d *row) *schema.Timestamp { return d.Row.EndedAt }),
		NumberOrNull("duration_ms", func(d *row) *int64 { return d.Row.Duration }),
		Word("status", func(d *row) string { return string(d.Row.Status) }),
		WordOrNull("ending", func(d *row) *fold.Ending { return d.Row.Ending }),
		Flag("ending_inferred", func(d *row) bool { return d.Row.EndingInferred }),
		WordOrNull("close_reason", func(d *row) *string { return d.Row.CloseReason }),
		NumberOrNull("wait_time_ms", func(d *row) *int64 { return d.Row.WaitTime }),
		NumberOrNull("first_response_time_ms", func(d *row) *int64 { return d.Row.FirstResponseTime }),
		Number("visitor_message_count", func(d *row) uint32 { return d.Row.VisitorMessageCount }),
		Number("operator_message_count", func(d *row) uint32 { return d.Row.OperatorMessageCount }),
		Number("operator_id", func(d *row) int64 { return int64(d.Row.Operator.ID) }),
		Word("operator_kind", func(d *row) string { return string(d.Row.Operator.Kind) }),
		TextOrNull("operator_name", func(d *row) *string { return d.Row.Operator.Name }),
		TextOrNull("operator_email", func(d *row) *string { return d.Row.Operator.Email }),
		TextOrNull("routing_rule_id", func(d *row) *string { return refID(d.Row.RoutingRule) }),
		TextOrNull("routing_rule_name", func(d *row) *string { return refName(d.Row.RoutingRule) }),
		TextOrNull("routing_group_id", func(d *row) *string { return refID(d.Row.RoutingGroup) }),
		TextOrNull("routing_group_name", func(d *row) *string { return refName(d.Row.RoutingGroup) }),
		Flag("_closed", func(d *row) bool { return d.Row.Of.closed }),
		Flag("_answered", func(d *row) bool { return d.Row.Of.answered }),
		Flag("_answered_by_human", func(d *row) bool { return d.Row.Of.answeredByHuman }),
		WordOrNull("_automation_level", func(d *row) *fold.AutomationLevel { return d.Row.Of.automationLevel }),
		NumberOrNull("_customer_satisfaction", func(d *row) *uint8 { return d.Row.Of.customerSatisfaction }),
		NumberOrNull("_net_promoter_score", func(d *row) *uint8 { return d.Row.Of.netPromoterScore }),
		WordOrNull("_language", func(d *row) *string { return d.Row.Of.language }),
		WordOrNull("_campaign_id", func(d *row) *string { return refID(d.Row.Of.campaign) }),
		WordOrNull("_campaign_name", func(d *row) *string { return refName(d.Row.Of.campaign) }),
		List("_tag_ids", func(d *row) []schema.Ref { return d.Row.Of.tags }, Word("", func(t *schema.Ref) string { return t.ID })),
		List("_tag_names", func(d *row) []schema.Ref { return d.Row.Of.tags }, WordOrNull("", func(t *schema.Ref) *string { return t.Name })),
		Number("_contact_count", func(d *row) uint32 { return d.Row.Of.contacts }),
		Number("_transfer_count", func(d *row) uint32 { return d.Row.Of.transfers }),
		Number("_snooze_count", func(d *row) uint32 { return d.Row.Of.snoozes }),
		Number("_reopen_count", func(d *row) uint32 { return d.Row.Of.reopens }),
		Number("_transaction_count", func(d *row) uint32 { return d.Row.Of.transactions }),
		WordOrNull("_initiator", func(d *row) *schema.Initiator { return d.Row.Of.initiator }),
		Pairs("_custom_data", func(d *row) []schema.CustomValue { return d.Row.Of.customData },
			Word("", func(v *schema.CustomValue) string { return v.Key }), Word("", func(v *schema.CustomValue) string { return v.Value })),
		NumberOrNull("_return_time_ms", func(d *row) *int64 { return d.Row.ReturnTime }),
	)
}

// Transaction is a row of transactions.
type Transaction = Detail[fold.Transaction]

// Transactions returns the columns of transactions.
func Transactions() []Column[Transaction] {
	type row = Transaction
	return Owned(
		Text("transaction_id", func(d *row) string { return d.Row.ID }),
		Text("external_conversion_id", func(d *row) string { return d.Row.ExternalConversionID }),
		Amount("amount", func(d *row) schema.Amount { return d.Row.Amount }),
		Word("currency", func(d *row) string { return string(d.Row.Currency) }),
		Moment("received_at", func(d *row) schema.Timestamp { return d.Row.ReceivedAt }),
		WordOrNull("source", func(d *row) *schema.TransactionSource { return d.Row.Source }),
		NumberOrNull("attributed_to_id", func(d *row) *int64 { return (*int64)(d.Row.AttributedTo) }),
		beganAt[fold.Transaction](),
	)
}

// Message is a row of messages, and of message_texts where it has a text.
type Message = Detail[fold.Message]

// Messages returns the columns of messages.
func Messages() []Column[Message] {
	type row = Message
	return Owned(
		Text("message_id", func(d *row) string { return d.Row.ID }),
		TextOrNull("contact_id", func(d *row) *string { return d.Row.ContactID }),
		Moment("sent_at", func(d *row) schema.Timestamp { return d.Row.SentAt }),
		Word("author_kind", func(d *row) string { return string(d.Row.AuthorKind) }),
		TextOrNull("author_id", func(d *row) *string { return d.Row.AuthorID }),
		Flag("automatic", func(d *row) bool { return d.Row.Automatic }),
		MomentOrNull("read_at", func(d *row) *schema.Timestamp { return d.Row.ReadAt }),
		MomentOrNull("deleted_at", func(d *row) *schema.Timestamp { return d.Row.DeletedAt }),
		beganAt[fold.Message](),
		Number("_position", func(d *row) uint32 { return d.Row.Position }),
	)
}

// MessageTexts returns the columns of message_texts.
func MessageTexts() []Column[Message] {
	type row = Message
	return Owned(
		Text("message_id", func(d *row) string { return d.Row.ID }),
		Text("text", func(d *row) string { return textOf(d.Row) }),
	)
}

// textOf returns the text; that of a deleted message is gone, whose row replaces
// the one that had it.
func textOf(m *fold.Message) string {
	if m.Text == nil {
		return ""
	}
	return *m.Text
}

// Visitor is a row of visitors.
type Visitor = Detail[schema.Visitor]

// Visitors returns the columns of visitors.
func Visitors() []Column[Visitor] {
	type row = Visitor
	return Owned(
		Text("visitor_id", func(d *row) string { return d.Row.ID }),
		TextOrNull("external_id", func(d *row) *string { return d.Row.ExternalID }),
		TextOrNull("first_name", func(d *row) *string { return d.Row.FirstName }),
		TextOrNull("last_name", func(d *row) *string { return d.Row.LastName }),
		TextOrNull("email", func(d *row) *string { return d.Row.Email }),
		TextOrNull("phone", func(d *row) *string { return d.Row.Phone }),
	)
}
