package sink

import (
	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

// The tables of what hangs on a conversation. Their sort keys never move: a
// contact's start stands in its id, the other keys are ids.

// owner is what the rows of these tables share.
type owner struct {
	schema.ConversationKey
	version schema.Sequence
}

// detail is a row of such a table.
type detail[R any] struct {
	owner
	row *R
}

// owned puts the shared columns around the table's own.
func owned[R any](own ...column[detail[R]]) []column[detail[R]] {
	columns := []column[detail[R]]{
		cell("project_id", func(d *detail[R]) uint32 { return uint32(d.Project) }),
		cell("conversation_id", func(d *detail[R]) string { return string(d.Conversation) }),
	}
	columns = append(columns, own...)
	return append(columns, cell("_version", func(d *detail[R]) uint64 { return uint64(d.version) }))
}

// contactRow is a row of contacts.
type contactRow = detail[projector.Contact]

func contactsTable() *table[contactRow] {
	type row = contactRow
	return &table[row]{name: "contacts", columns: owned(
		cell("contact_id", func(d *row) string { return d.row.ID }),
		cell("ordinal", func(d *row) uint32 { return d.row.Ordinal }),
		cell("channel", func(d *row) string { return string(d.row.Channel) }),
		cell("started_at", func(d *row) int64 { return int64(d.row.StartedAt) }),
		cell("ended_at", func(d *row) *int64 { return (*int64)(d.row.EndedAt) }),
		cell("duration_ms", func(d *row) *int64 { return d.row.Duration }),
		cell("status", func(d *row) string { return string(d.row.Status) }),
		cell("ending", func(d *row) any { return orNull(d.row.Ending) }),
		cell("ending_inferred", func(d *row) bool { return d.row.EndingInferred }),
		cell("close_reason", func(d *row) any { return orNull(d.row.CloseReason) }),
		cell("wait_time_ms", func(d *row) *int64 { return d.row.WaitTime }),
		cell("first_response_time_ms", func(d *row) *int64 { return d.row.FirstResponseTime }),
		cell("visitor_message_count", func(d *row) uint32 { return d.row.VisitorMessageCount }),
		cell("operator_message_count", func(d *row) uint32 { return d.row.OperatorMessageCount }),
		cell("operator_id", func(d *row) int64 { return int64(d.row.Operator.ID) }),
		cell("operator_kind", func(d *row) string { return string(d.row.Operator.Kind) }),
		cell("operator_name", func(d *row) *string { return d.row.Operator.Name }),
		cell("operator_email", func(d *row) *string { return d.row.Operator.Email }),
		cell("routing_rule_id", func(d *row) *string { return refID(d.row.RoutingRule) }),
		cell("routing_rule_name", func(d *row) *string { return refName(d.row.RoutingRule) }),
		cell("routing_group_id", func(d *row) *string { return refID(d.row.RoutingGroup) }),
		cell("routing_group_name", func(d *row) *string { return refName(d.row.RoutingGroup) }),
	)}
}

// transactionRow is a row of transactions.
type transactionRow = detail[projector.Transaction]

func transactionsTable() *table[transactionRow] {
	type row = transactionRow
	return &table[row]{name: "transactions", columns: owned(
		cell("transaction_id", func(d *row) string { return d.row.ID }),
		cell("external_conversion_id", func(d *row) string { return d.row.ExternalConversionID }),
		cell("amount", func(d *row) decimal.Decimal { return amount(d.row.Amount) }),
		cell("currency", func(d *row) string { return string(d.row.Currency) }),
		cell("received_at", func(d *row) int64 { return int64(d.row.ReceivedAt) }),
		cell("source", func(d *row) any { return orNull(d.row.Source) }),
		cell("attributed_to_id", func(d *row) *int64 { return (*int64)(d.row.AttributedTo) }),
	)}
}

// messageRow is a row of messages, and of message_texts where it has a text.
type messageRow = detail[projector.Message]

func messagesTable() *table[messageRow] {
	type row = messageRow
	return &table[row]{name: "messages", columns: owned(
		cell("message_id", func(d *row) string { return d.row.ID }),
		cell("contact_id", func(d *row) *string { return d.row.ContactID }),
		cell("sent_at", func(d *row) int64 { return int64(d.row.SentAt) }),
		cell("author_kind", func(d *row) string { return string(d.row.AuthorKind) }),
		cell("author_id", func(d *row) *string { return d.row.AuthorID }),
		cell("automatic", func(d *row) bool { return d.row.Automatic }),
		cell("_position", func(d *row) uint32 { return d.row.Position }),
	)}
}

func messageTextsTable() *table[messageRow] {
	type row = messageRow
	return &table[row]{name: "message_texts", columns: owned(
		cell("message_id", func(d *row) string { return d.row.ID }),
		cell("text", func(d *row) string { return *d.row.Text }),
	)}
}

// visitorRow is a row of visitors.
type visitorRow = detail[schema.Visitor]

func visitorsTable() *table[visitorRow] {
	type row = visitorRow
	return &table[row]{name: "visitors", columns: owned(
		cell("visitor_id", func(d *row) string { return d.row.ID }),
		cell("external_id", func(d *row) *string { return d.row.ExternalID }),
		cell("first_name", func(d *row) *string { return d.row.FirstName }),
		cell("last_name", func(d *row) *string { return d.row.LastName }),
		cell("email", func(d *row) *string { return d.row.Email }),
		cell("phone", func(d *row) *string { return d.row.Phone }),
	)}
}
