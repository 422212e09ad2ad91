package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
)

// transactionKey tells the transactions of a project apart: the ids of conversations are of one length.
const transactionKey = "concat(conversation_id, transaction_id)"

// ReceivedTransactions implements query.TransactionReader.
func (s *Store) ReceivedTransactions(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, page query.Page) ([]query.TransactionRow, error) {
	where := received("a", scope, interval, filter)
	where.keyset(page, "received_at", "project_id, "+transactionKey)
	st := newStatement("received_transactions", scope).
		where("where", where).
		with("order", order(page, "received_at", "project_id", transactionKey)).
		bind("limit", uint32(page.Limit))
	return read(ctx, s, st, transactionValues)
}

// CountReceivedTransactions implements query.TransactionReader.
func (s *Store) CountReceivedTransactions(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter) (uint64, error) {
	st := newStatement("count_extract_transactions", scope).where("where", received("a", scope, interval, filter))
	return readCount(ctx, s, st)
}
