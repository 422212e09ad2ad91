package sink

import (
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// The tables of a conversation's details. Their sort keys never change: a
// contact's start is part of its id, the other keys are ids.

// owner holds the columns shared by the rows of these tables.
type owner struct {
	schema.ConversationKey
	version schema.Sequence
}

// detail is a row of such a table.
type detail[R any] struct {
	owner
	row *R
}

// owned combines the shared columns with the table's own.
func owned[R any](own ...column[detail[R]]) []column[detail[R]] {
	columns := []column[detail[R]]{
		number("project_id", func(d *detail[R]) uint32 { return uint32(d.Project) }),
		text("conversation_id", func(d *detail[R]) string { return string(d.Conversation) }),
	}
	columns = append(columns, own...)
	return append(columns, number("_version", func(d *detail[R]) uint64 { return uint64(d.version) }))
}

// contactRow is a row of contacts.
type contactRow = detail[contact]

// contact is a contact with the columns copied from its conversation.
type contact struct {
	*fold.Contact
	of *traits
}

// traits are the columns of the conversation by which contacts are filtered and grouped.
// Texts among them go into dictionaries, which hold each once however many
// contacts repeat it: a thousand contacts of a conversation with a thousand tags
// take megabytes, not a gigabyte.
type traits struct {
	closed, answered, answeredByHuman bool

	automationLevel      *fold.AutomationLevel
	customerSatisfaction *uint8
	netPromoterScore     *uint8
	language             *string
	campaign             *schema.Ref
	tags                 []schema.Ref

	contacts, transfers, snoozes, reopens, transactions uint32
}

func traitsOf(r *fold.Rows) *traits {
	c := &r.Conversation
	return &traits{
		closed: c.ClosedAt != nil, answered: c.Answered, answeredByHuman: c.AnsweredByHuman,
		automationLevel: c.AutomationLevel, customerSatisfaction: c.CustomerSatisfaction, netPromoterScore: c.NetPromoterScore,
		language: c.Language, campaign: c.Campaign, tags: c.Tags,
		contacts: c.ContactCount, transfers: c.TransferCount, snoozes: c.SnoozeCount, reopens: c.ReopenCount,
		transactions: uint32(len(r.Transactions)),
	}
}

func contactsTable() *table[contactRow] {
	type row = contactRow
	return &table[row]{name: "contacts", columns: owned(
		text("contact_id", func(d *row) string { return d.row.ID }),
		number("ordinal", func(d *row) uint32 { return d.row.Ordinal }),
		word("channel", func(d *row) string { return string(d.row.Channel) }),
		moment("started_at", func(d *row) schema.Timestamp { return d.row.StartedAt }),
		momentOrNull("ended_at", func(d *row) *schema.Timestamp { return d.row.EndedAt }),
		numberOrNull("duration_ms", func(d *row) *int64 { return d.row.Duration }),
		word("status", func(d *row) string { return string(d.row.Status) }),
		wordOrNull("ending", func(d *row) *fold.Ending { return d.row.Ending }),
		flag("ending_inferred", func(d *row) bool { return d.row.EndingInferred }),
		wordOrNull("close_reason", func(d *row) *string { return d.row.CloseReason }),
		numberOrNull("wait_time_ms", func(d *row) *int64 { return d.row.WaitTime }),
		numberOrNull("first_response_time_ms", func(d *row) *int64 { return d.row.FirstResponseTime }),
		number("visitor_message_count", func(d *row) uint32 { return d.row.VisitorMessageCount }),
		number("operator_message_count", func(d *row) uint32 { return d.row.OperatorMessageCount }),
		number("operator_id", func(d *row) int64 { return int64(d.row.Operator.ID) }),
		word("operator_kind", func(d *row) string { return string(d.row.Operator.Kind) }),
		textOrNull("operator_name", func(d *row) *string { return d.row.Operator.Name }),
		textOrNull("operator_email", func(d *row) *string { return d.row.Operator.Email }),
		textOrNull("routing_rule_id", func(d *row) *string { return refID(d.row.RoutingRule) }),
		textOrNull("routing_rule_name", func(d *row) *string { return refName(d.row.RoutingRule) }),
		textOrNull("routing_group_id", func(d *row) *string { return refID(d.row.RoutingGroup) }),
		textOrNull("routing_group_name", func(d *row) *string { return refName(d.row.RoutingGroup) }),
		flag("_closed", func(d *row) bool { return d.row.of.closed }),
		flag("_answered", func(d *row) bool { return d.row.of.answered }),
		flag("_answered_by_human", func(d *row) bool { return d.row.of.answeredByHuman }),
		wordOrNull("_automation_level", func(d *row) *fold.AutomationLevel { return d.row.of.automationLevel }),
		numberOrNull("_customer_satisfaction", func(d *row) *uint8 { return d.row.of.customerSatisfaction }),
		numberOrNull("_net_promoter_score", func(d *row) *uint8 { return d.row.of.netPromoterScore }),
		wordOrNull("_language", func(d *row) *string { return d.row.of.language }),
		wordOrNull("_campaign_id", func(d *row) *string { return refID(d.row.of.campaign) }),
		wordOrNull("_campaign_name", func(d *row) *string { return refName(d.row.of.campaign) }),
		list("_tag_ids", func(d *row) []schema.Ref { return d.row.of.tags }, word("", func(t *schema.Ref) string { return t.ID })),
		list("_tag_names", func(d *row) []schema.Ref { return d.row.of.tags }, wordOrNull("", func(t *schema.Ref) *string { return t.Name })),
		number("_contact_count", func(d *row) uint32 { return d.row.of.contacts }),
		number("_transfer_count", func(d *row) uint32 { return d.row.of.transfers }),
		number("_snooze_count", func(d *row) uint32 { return d.row.of.snoozes }),
		number("_reopen_count", func(d *row) uint32 { return d.row.of.reopens }),
		number("_transaction_count", func(d *row) uint32 { return d.row.of.transactions }),
	)}
}

// transactionRow is a row of transactions.
type transactionRow = detail[fold.Transaction]

func transactionsTable() *table[transactionRow] {
	type row = transactionRow
	return &table[row]{name: "transactions", columns: owned(
		text("transaction_id", func(d *row) string { return d.row.ID }),
		text("external_conversion_id", func(d *row) string { return d.row.ExternalConversionID }),
		amount("amount", func(d *row) schema.Amount { return d.row.Amount }),
		word("currency", func(d *row) string { return string(d.row.Currency) }),
		moment("received_at", func(d *row) schema.Timestamp { return d.row.ReceivedAt }),
		wordOrNull("source", func(d *row) *schema.TransactionSource { return d.row.Source }),
		numberOrNull("attributed_to_id", func(d *row) *int64 { return (*int64)(d.row.AttributedTo) }),
	)}
}

// messageRow is a row of messages, and of message_texts where it has a text.
type messageRow = detail[fold.Message]

func messagesTable() *table[messageRow] {
	type row = messageRow
	return &table[row]{name: "messages", columns: owned(
		text("message_id", func(d *row) string { return d.row.ID }),
		textOrNull("contact_id", func(d *row) *string { return d.row.ContactID }),
		moment("sent_at", func(d *row) schema.Timestamp { return d.row.SentAt }),
		word("author_kind", func(d *row) string { return string(d.row.AuthorKind) }),
		textOrNull("author_id", func(d *row) *string { return d.row.AuthorID }),
		flag("automatic", func(d *row) bool { return d.row.Automatic }),
		momentOrNull("read_at", func(d *row) *schema.Timestamp { return d.row.ReadAt }),
		momentOrNull("deleted_at", func(d *row) *schema.Timestamp { return d.row.DeletedAt }),
		number("_position", func(d *row) uint32 { return d.row.Position }),
	)}
}

func messageTextsTable() *table[messageRow] {
	type row = messageRow
	return &table[row]{name: "message_texts", columns: owned(
		text("message_id", func(d *row) string { return d.row.ID }),
		text("text", func(d *row) string { return textOf(d.row) }),
	)}
}

// textOf returns the text; that of a deleted message is gone, whose row replaces
// the one that had it.
func textOf(m *fold.Message) string {
	if m.Text == nil {
		return ""
	}
	return *m.Text
}

// visitorRow is a row of visitors.
type visitorRow = detail[schema.Visitor]

func visitorsTable() *table[visitorRow] {
	type row = visitorRow
	return &table[row]{name: "visitors", columns: owned(
		text("visitor_id", func(d *row) string { return d.row.ID }),
		textOrNull("external_id", func(d *row) *string { return d.row.ExternalID }),
		textOrNull("first_name", func(d *row) *string { return d.row.FirstName }),
		textOrNull("last_name", func(d *row) *string { return d.row.LastName }),
		textOrNull("email", func(d *row) *string { return d.row.Email }),
		textOrNull("phone", func(d *row) *string { return d.row.Phone }),
	)}
}
