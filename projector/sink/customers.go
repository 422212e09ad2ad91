package sink

import (
	"slices"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/fold/cells"
	"github.com/parley-analytics/parley/schema"
)

// Customers and sellers. A profile is a fold like any other, and its row too. A
// customer's row also adds up the customer's conversations, each of which is in a
// batch of its own: so each writes its share into customer_conversations, and the rows of the customers that the batch
// has touched are made of what three small statements read back. One statement that read, joined and inserted took three
// times the processor time for a batch of few events, nearly all of it to analyse it.

// customersLog names the position up to which customers have been computed.
const customersLog = "customers"

// visit is a conversation's share of its customer: a row of
// customer_conversations, or the mark that the conversation has another visitor.
type visit struct {
	*fold.Rows
	customer string
	deleted  bool
}

type visitRow = cells.Detail[visit]

// customerOf returns the customer of a conversation; a visitor with the empty id has no customer.
func customerOf(r *fold.Rows) (id string, known bool) {
	v := r.Conversation.Visitor
	if v == nil || v.ID == "" {
		return "", false
	}
	return v.ID, true
}

func visitsTable() *table[visitRow] {
	type row = visitRow
	visitor := func(d *row) schema.Visitor {
		if d.Row.deleted {
			return schema.Visitor{}
		}
		return *d.Row.Conversation.Visitor
	}
	return tableOf("customer_conversations", cells.Owned(
		cells.Text("customer_id", func(d *row) string { return d.Row.customer }),
		cells.Moment("created_at", func(d *row) schema.Timestamp { return d.Row.Conversation.CreatedAt }),
		cells.Moment("updated_at", func(d *row) schema.Timestamp { return d.Row.Conversation.UpdatedAt }),
		cells.MomentOrNull("last_chat_at", func(d *row) *schema.Timestamp { return d.Row.LastVisitorMessageAt }),
		cells.Word("channel", func(d *row) string { return string(d.Row.Conversation.Channel) }),
		cells.Number("orders_count", func(d *row) uint32 { return uint32(len(d.Row.Transactions)) }),
		cells.TransactionCounts("order_counts", func(d *row) map[schema.Currency]uint32 { return cells.CountTransactions(d.Row.Rows) }),
		cells.Revenue("total_spent", func(d *row) map[schema.Currency]decimal.Decimal { return d.Row.Conversation.Revenue }),
		cells.TextOrNull("external_id", func(d *row) *string { return visitor(d).ExternalID }),
		cells.TextOrNull("first_name", func(d *row) *string { return visitor(d).FirstName }),
		cells.TextOrNull("last_name", func(d *row) *string { return visitor(d).LastName }),
		cells.TextOrNull("email", func(d *row) *string { return visitor(d).Email }),
		cells.TextOrNull("phone", func(d *row) *string { return visitor(d).Phone }),
		cells.TextOrNull("ip_address", func(d *row) *string { return custom(d.Row.Rows, "ipAddress") }),
		cells.TextOrNull("ip_location", func(d *row) *string { return custom(d.Row.Rows, "ipLocation") }),
		cells.Number("first_sequence", func(d *row) uint64 { return uint64(d.Row.Conversation.FirstSequence) }),
		cells.Number("last_sequence", func(d *row) uint64 { return uint64(d.Row.Conversation.LastSequence) }),
		cells.Number("event_count", func(d *row) uint32 { return d.Row.Conversation.EventCount }),
		cells.Number("_deleted", func(d *row) uint8 {
			if d.Row.deleted {
				return 1
			}
			return 0
		}),
	))
}

// custom returns a value of the conversation's custom data, which is sorted by key.
func custom(r *fold.Rows, key string) *string {
	for i := range r.Conversation.CustomData {
		if v := &r.Conversation.CustomData[i]; v.Key == key {
			return &v.Value
		}
	}
	return nil
}

type profileRow = cells.Detail[fold.Customer]

func profilesTable() *table[profileRow] {
	type row = profileRow
	return tableOf("customer_profiles", cells.Owned(slices.Concat([]cells.Column[row]{
		cells.Text("customer_id", func(d *row) string { return d.Row.ID }),
		cells.TextOrNull("external_id", func(d *row) *string { return d.Row.ExternalID }),
		cells.TextOrNull("first_name", func(d *row) *string { return d.Row.FirstName }),
		cells.TextOrNull("last_name", func(d *row) *string { return d.Row.LastName }),
		cells.TextOrNull("email", func(d *row) *string { return d.Row.Email }),
		cells.TextOrNull("phone", func(d *row) *string { return d.Row.Phone }),
		cells.TextOrNull("notes", func(d *row) *string { return d.Row.Notes }),
		cells.WordOrNull("type", func(d *row) *schema.CustomerType { return d.Row.Type }),
		cells.TextOrNull("ip_address", func(d *row) *string { return d.Row.IPAddress }),
		cells.TextOrNull("ip_location", func(d *row) *string { return d.Row.IPLocation }),
		cells.Pairs("custom_data", func(d *row) []schema.CustomValue { return d.Row.CustomData },
			cells.Text("", func(v *schema.CustomValue) string { return v.Key }), cells.Text("", func(v *schema.CustomValue) string { return v.Value })),
		cells.List("cleared", func(d *row) []string { return d.Row.Cleared }, cells.Word("", func(s *string) string { return *s })),
	}, profileLineage(func(d *row) *fold.Lineage { return &d.Row.Lineage }))...))
}

// profileLineage is the information in rows of profiles about their events.
func profileLineage[R any](of func(*R) *fold.Lineage) []cells.Column[R] {
	return []cells.Column[R]{
		cells.Moment("created_at", func(r *R) schema.Timestamp { return of(r).CreatedAt }),
		cells.Moment("updated_at", func(r *R) schema.Timestamp { return of(r).UpdatedAt }),
		cells.Number("first_sequence", func(r *R) uint64 { return uint64(of(r).FirstSequence) }),
		cells.Number("last_sequence", func(r *R) uint64 { return uint64(of(r).LastSequence) }),
		cells.Number("event_count", func(r *R) uint32 { return of(r).EventCount }),
	}
}

// seller is a seller with the chat that has the same subject.
type seller struct {
	*fold.Seller
	lastMessage *schema.Timestamp
}

type sellerRow = cells.Detail[seller]

func sellersTable() *table[sellerRow] {
	type row = sellerRow
	return tableOf("sellers", cells.Owned(slices.Concat([]cells.Column[row]{
		cells.Text("seller_id", func(d *row) string { return d.Row.ID }),
		cells.TextOrNull("business_name", func(d *row) *string { return d.Row.BusinessName }),
		cells.TextOrNull("legal_business_name", func(d *row) *string { return d.Row.LegalBusinessName }),
		cells.TextOrNull("email_address", func(d *row) *string { return d.Row.EmailAddress }),
		cells.TextOrNull("phone", func(d *row) *string { return d.Row.Phone }),
		cells.FlagOrNull("online", func(d *row) *bool { return d.Row.Online }),
		cells.MomentOrNull("last_message_at", func(d *row) *schema.Timestamp { return d.Row.lastMessage }),
	}, profileLineage(func(d *row) *fold.Lineage { return &d.Row.Seller.Lineage }))...))
}

// people adds the rows of customer and seller of a change. A conversation is taken from the customer
// that it had before; in a contested batch from all that it may have had.
func (s *Sink) people(o cells.Owner, before, after *fold.Rows, contested bool) {
	customer, known := customerOf(after)
	if known {
		s.visits.rows = append(s.visits.rows, visitRow{Owner: o, Row: &visit{Rows: after, customer: customer}})
	}
	var others []string
	if contested {
		others = after.Visitors
	} else if earlier, had := customerOf(before); had {
		others = []string{earlier}
	}
	for _, id := range others {
		if id != customer {
			s.visits.rows = append(s.visits.rows, visitRow{Owner: o, Row: &visit{Rows: &fold.Rows{}, customer: id, deleted: true}})
		}
	}
	if c := after.Customer; c != nil {
		s.profiles.rows = append(s.profiles.rows, profileRow{Owner: o, Row: c})
	}
	if v := after.Seller; v != nil {
		s.sellers.rows = append(s.sellers.rows, sellerRow{Owner: o, Row: &seller{v, after.LastMessageAt}})
	}
}
