package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/marketplacer"
	"github.com/parley-analytics/parley/schema"
)

// rank orders sellers by their last message. Those without one are below every
// moment that an event can have.
const rank = "ifNull(toUnixTimestamp64Milli(last_message_at), -9007199254740991)"

// sellers selects those in a filter.
func sellers(scope query.Scope, filter *marketplacer.SellerFilter) *conditions {
	c := within("a", scope.Projects)
	if filter.Name != "" {
		c.add("(positionCaseInsensitiveUTF8(ifNull(business_name, ''), {$:String}) > 0 OR positionCaseInsensitiveUTF8(ifNull(legal_business_name, ''), {$:String}) > 0)", filter.Name, filter.Name)
	}
	c.strings("seller_id IN {$:Array(String)}", filter.IDs)
	c.strings("conversation_id IN {$:Array(String)}", filter.Chats)
	return c
}

// Sellers implements marketplacer.SellerReader.
func (s *Store) Sellers(ctx context.Context, scope query.Scope, filter marketplacer.SellerFilter, page query.Page) ([]marketplacer.SellerRow, error) {
	where := sellers(scope, &filter)
	after, before := page.After, page.Before
	if page.Descending {
		after, before = before, after
	}
	if after != nil {
		where.add("("+rank+", project_id, seller_id) > ({$:Int64}, {$:UInt32}, {$:String})", int64(after.At), uint32(after.Project), after.ID)
	}
	if before != nil {
		where.add("("+rank+", project_id, seller_id) < ({$:Int64}, {$:UInt32}, {$:String})", int64(before.At), uint32(before.Project), before.ID)
	}
	st := newStatement("sellers", scope).with("rank", rank).where("where", where).
		with("order", order(page, rank, "project_id", "seller_id")).bind("limit", uint32(page.Limit))
	return read(ctx, s, st, func(r *marketplacer.SellerRow) []any {
		return []any{&r.Project, &r.Chat, &r.ID, &r.Name, &r.LegalName, &r.Email, &r.Phone, &r.Online, &r.CreatedAt, &r.UpdatedAt, &r.Rank}
	})
}

// CountSellers implements marketplacer.SellerReader.
func (s *Store) CountSellers(ctx context.Context, scope query.Scope, filter marketplacer.SellerFilter) (uint64, error) {
	return readCount(ctx, s, newStatement("count_sellers", scope).where("where", sellers(scope, &filter)))
}

// MessagesNamed implements marketplacer.ThreadReader.
func (s *Store) MessagesNamed(ctx context.Context, scope query.Scope, keys []schema.ConversationKey, ids, columns []string) ([]query.MessageRow, error) {
	where := &conditions{prefix: "b"}
	where.strings("message_id IN {$:Array(String)}", ids)
	st := newStatement("messages", scope).where("keys", of("a", scope, keys)).where("where", where).
		with("order", "_position").bind("limit", uint32(len(ids)))
	return readColumns(ctx, s, st, columnsOf(messageColumns(), columns))
}

// ChatSummaries implements marketplacer.ThreadReader.
func (s *Store) ChatSummaries(ctx context.Context, scope query.Scope, keys []schema.ConversationKey) ([]marketplacer.SummaryRow, error) {
	st := newStatement("chat_summaries", scope).where("keys", of("a", scope, keys))
	return read(ctx, s, st, func(r *marketplacer.SummaryRow) []any {
		return []any{&r.Project, &r.Chat, &r.Messages, &r.AdminUnread, &r.UserUnread, &r.AdminLast, &r.UserLast, &r.Last}
	})
}

// Originals implements marketplacer.ThreadReader.
func (s *Store) Originals(ctx context.Context, scope query.Scope, keys []schema.ConversationKey, ids []string, from int64) ([]query.EventRow, error) {
	st := newStatement("chat_originals", scope).where("keys", of("a", scope, keys)).bind("ids", ids).bind("from", from)
	return read(ctx, s, st, func(r *query.EventRow) []any { return []any{&r.Sequence, &r.ReceivedAt, &r.Original} })
}

// ContactsOfChats implements marketplacer.ThreadReader.
func (s *Store) ContactsOfChats(ctx context.Context, scope query.Scope, keys []schema.ConversationKey) ([]marketplacer.ContactsRow, error) {
	st := newStatement("chat_contacts", scope).where("keys", of("a", scope, keys))
	return read(ctx, s, st, func(r *marketplacer.ContactsRow) []any { return []any{&r.Project, &r.Chat, &r.All, &r.Open} })
}
