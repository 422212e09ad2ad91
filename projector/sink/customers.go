package sink

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// Customers and sellers. A profile is a fold like any other, and its row too. A
// customer's row also adds up the customer's conversations, each of which is in a
// batch of its own: so each writes its share into customer_conversations, and one statement
// computes the rows of the customers that the batch has touched.

// customersLog names the position up to which customers have been computed.
const customersLog = "customers"

// visit is a conversation's share of its customer: a row of
// customer_conversations, or the mark that the conversation has another visitor.
type visit struct {
	*fold.Rows
	customer string
	deleted  bool
}

type visitRow = detail[visit]

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
		if d.row.deleted {
			return schema.Visitor{}
		}
		return *d.row.Conversation.Visitor
	}
	return &table[row]{name: "customer_conversations", columns: owned(
		text("customer_id", func(d *row) string { return d.row.customer }),
		moment("created_at", func(d *row) schema.Timestamp { return d.row.Conversation.CreatedAt }),
		moment("updated_at", func(d *row) schema.Timestamp { return d.row.Conversation.UpdatedAt }),
		momentOrNull("last_chat_at", func(d *row) *schema.Timestamp { return d.row.LastVisitorMessageAt }),
		word("channel", func(d *row) string { return string(d.row.Conversation.Channel) }),
		number("orders_count", func(d *row) uint32 { return uint32(len(d.row.Transactions)) }),
		pairs("order_counts", func(d *row) []inCurrency[uint32] { return transactionCounts(d.row.Transactions) },
			word("", func(n *inCurrency[uint32]) schema.Currency { return n.currency }),
			number("", func(n *inCurrency[uint32]) uint32 { return n.value })),
		pairs("total_spent", func(d *row) []inCurrency[decimal.Decimal] { return byCurrency(d.row.Conversation.Revenue) },
			word("", func(s *inCurrency[decimal.Decimal]) schema.Currency { return s.currency }),
			sum("", func(s *inCurrency[decimal.Decimal]) decimal.Decimal { return s.value })),
		textOrNull("external_id", func(d *row) *string { return visitor(d).ExternalID }),
		textOrNull("first_name", func(d *row) *string { return visitor(d).FirstName }),
		textOrNull("last_name", func(d *row) *string { return visitor(d).LastName }),
		textOrNull("email", func(d *row) *string { return visitor(d).Email }),
		textOrNull("phone", func(d *row) *string { return visitor(d).Phone }),
		textOrNull("ip_address", func(d *row) *string { return custom(d.row.Rows, "ipAddress") }),
		textOrNull("ip_location", func(d *row) *string { return custom(d.row.Rows, "ipLocation") }),
		number("first_sequence", func(d *row) uint64 { return uint64(d.row.Conversation.FirstSequence) }),
		number("last_sequence", func(d *row) uint64 { return uint64(d.row.Conversation.LastSequence) }),
		number("event_count", func(d *row) uint32 { return d.row.Conversation.EventCount }),
		number("_deleted", func(d *row) uint8 {
			if d.row.deleted {
				return 1
			}
			return 0
		}),
	)}
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

type profileRow = detail[fold.Customer]

func profilesTable() *table[profileRow] {
	type row = profileRow
	return &table[row]{name: "customer_profiles", columns: owned(slices.Concat([]column[row]{
		text("customer_id", func(d *row) string { return d.row.ID }),
		textOrNull("external_id", func(d *row) *string { return d.row.ExternalID }),
		textOrNull("first_name", func(d *row) *string { return d.row.FirstName }),
		textOrNull("last_name", func(d *row) *string { return d.row.LastName }),
		textOrNull("email", func(d *row) *string { return d.row.Email }),
		textOrNull("phone", func(d *row) *string { return d.row.Phone }),
		textOrNull("notes", func(d *row) *string { return d.row.Notes }),
		wordOrNull("type", func(d *row) *schema.CustomerType { return d.row.Type }),
		textOrNull("ip_address", func(d *row) *string { return d.row.IPAddress }),
		textOrNull("ip_location", func(d *row) *string { return d.row.IPLocation }),
		pairs("custom_data", func(d *row) []schema.CustomValue { return d.row.CustomData },
			text("", func(v *schema.CustomValue) string { return v.Key }), text("", func(v *schema.CustomValue) string { return v.Value })),
		list("cleared", func(d *row) []string { return d.row.Cleared }, word("", itself)),
	}, profileLineage(func(d *row) *fold.Lineage { return &d.row.Lineage }))...)}
}

// profileLineage is the information in rows of profiles about their events.
func profileLineage[R any](of func(*R) *fold.Lineage) []column[R] {
	return []column[R]{
		moment("created_at", func(r *R) schema.Timestamp { return of(r).CreatedAt }),
		moment("updated_at", func(r *R) schema.Timestamp { return of(r).UpdatedAt }),
		number("first_sequence", func(r *R) uint64 { return uint64(of(r).FirstSequence) }),
		number("last_sequence", func(r *R) uint64 { return uint64(of(r).LastSequence) }),
		number("event_count", func(r *R) uint32 { return of(r).EventCount }),
	}
}

// seller is a seller with the chat that has the same subject.
type seller struct {
	*fold.Seller
	lastMessage *schema.Timestamp
}

type sellerRow = detail[seller]

func sellersTable() *table[sellerRow] {
	type row = sellerRow
	return &table[row]{name: "sellers", columns: owned(slices.Concat([]column[row]{
		text("seller_id", func(d *row) string { return d.row.ID }),
		textOrNull("business_name", func(d *row) *string { return d.row.BusinessName }),
		textOrNull("legal_business_name", func(d *row) *string { return d.row.LegalBusinessName }),
		textOrNull("email_address", func(d *row) *string { return d.row.EmailAddress }),
		textOrNull("phone", func(d *row) *string { return d.row.Phone }),
		orNull("online", "Bool", func(d *row) *bool { return d.row.Online }, appendFlag),
		momentOrNull("last_message_at", func(d *row) *schema.Timestamp { return d.row.lastMessage }),
	}, profileLineage(func(d *row) *fold.Lineage { return &d.row.Seller.Lineage }))...)}
}

// people adds the rows of customer and seller of a change. A conversation is taken from the customer
// that it had before; in a contested batch from all that it may have had.
func (s *Sink) people(o owner, before, after *fold.Rows, contested bool) {
	customer, known := customerOf(after)
	if known {
		s.visits.rows = append(s.visits.rows, visitRow{o, &visit{Rows: after, customer: customer}})
	}
	var others []string
	if contested {
		others = after.Visitors
	} else if earlier, had := customerOf(before); had {
		others = []string{earlier}
	}
	for _, id := range others {
		if id != customer {
			s.visits.rows = append(s.visits.rows, visitRow{o, &visit{Rows: &fold.Rows{}, customer: id, deleted: true}})
		}
	}
	if c := after.Customer; c != nil {
		s.profiles.rows = append(s.profiles.rows, profileRow{o, c})
	}
	if v := after.Seller; v != nil {
		s.sellers.rows = append(s.sellers.rows, sellerRow{o, &seller{v, after.LastMessageAt}})
	}
}

// makeCustomers computes the rows of the customers affected by rows above the previous position, as
// of a position. It may be repeated.
func (s *Sink) makeCustomers(ctx context.Context, position schema.Sequence) error {
	err := s.conn.Exec(ctx, s.in(customersSQL), clickhouse.Named("after", uint64(s.customersAt)), clickhouse.Named("position", uint64(position)))
	if err != nil {
		return fmt.Errorf("customers up to %d: %w", position, err)
	}
	return nil
}

// catchUpCustomers computes what an older binary or an erasure has left: all rows, if no position was written.
func (s *Sink) catchUpCustomers(ctx context.Context, stored schema.Sequence) error {
	at, err := s.position(ctx, customersLog)
	if err != nil {
		return err
	}
	s.customersAt = at
	if at >= stored {
		return nil
	}
	if err := s.makeCustomers(ctx, stored); err != nil {
		return err
	}
	s.positions.rows = append(s.positions.rows, positionRow{log: customersLog, sequence: stored})
	defer s.positions.clear()
	if err := s.positions.prepare(); err != nil {
		return err
	}
	if err := s.positions.send(ctx, s.conn); err != nil {
		return err
	}
	s.customersAt = stored
	return nil
}
