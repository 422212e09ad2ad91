package cells

import (
	"maps"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

func refID(r *schema.Ref) *string {
	if r == nil {
		return nil
	}
	return &r.ID
}

func refName(r *schema.Ref) *string {
	if r == nil {
		return nil
	}
	return r.Name
}

func idOf(r *schema.Ref) (string, bool) {
	if r == nil {
		return "", false
	}
	return r.ID, true
}

// inCurrency is a member of a map by currency.
type inCurrency[V any] struct {
	currency schema.Currency
	value    V
}

// byCurrency lists a map in the order of its keys.
func byCurrency[V any](values map[schema.Currency]V) []inCurrency[V] {
	list := make([]inCurrency[V], 0, len(values))
	for _, c := range slices.Sorted(maps.Keys(values)) {
		list = append(list, inCurrency[V]{c, values[c]})
	}
	return list
}

// Revenue is the sum of the transactions per currency.
func Revenue[R any](name string, of func(*R) *fold.Rows) Column[R] {
	return Pairs(name, func(r *R) []inCurrency[decimal.Decimal] { return byCurrency(of(r).Conversation.Revenue) },
		Word("", func(s *inCurrency[decimal.Decimal]) schema.Currency { return s.currency }),
		Sum("", func(s *inCurrency[decimal.Decimal]) decimal.Decimal { return s.value }))
}

// TransactionCounts is the number of transactions per currency.
func TransactionCounts[R any](name string, of func(*R) *fold.Rows) Column[R] {
	return Pairs(name, func(r *R) []inCurrency[uint32] { return transactionCounts(of(r).Transactions) },
		Word("", func(n *inCurrency[uint32]) schema.Currency { return n.currency }),
		Number("", func(n *inCurrency[uint32]) uint32 { return n.value }))
}

func transactionCounts(list []fold.Transaction) []inCurrency[uint32] {
	if len(list) == 0 {
		return nil
	}
	counts := map[schema.Currency]uint32{}
	for i := range list {
		counts[list[i].Currency]++
	}
	return byCurrency(counts)
}
