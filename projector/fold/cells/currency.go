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
	if len(values) == 0 {
		return nil
	}
	list := make([]inCurrency[V], 0, len(values))
	for _, c := range slices.Sorted(maps.Keys(values)) {
		list = append(list, inCurrency[V]{c, values[c]})
	}
	return list
}

// Revenue is a sum of transactions per currency.
func Revenue[R any](name string, of func(*R) map[schema.Currency]decimal.Decimal) Column[R] {
	return Pairs(name, func(r *R) []inCurrency[decimal.Decimal] { return byCurrency(of(r)) },
		Word("", func(s *inCurrency[decimal.Decimal]) schema.Currency { return s.currency }),
		Sum("", func(s *inCurrency[decimal.Decimal]) decimal.Decimal { return s.value }))
}

// TransactionCounts is a number of transactions per currency.
func TransactionCounts[R any](name string, of func(*R) map[schema.Currency]uint32) Column[R] {
	return Pairs(name, func(r *R) []inCurrency[uint32] { return byCurrency(of(r)) },
		Word("", func(n *inCurrency[uint32]) schema.Currency { return n.currency }),
		Number("", func(n *inCurrency[uint32]) uint32 { return n.value }))
}

// CountTransactions returns the number of transactions of a conversation per currency, nil without any.
func CountTransactions(r *fold.Rows) map[schema.Currency]uint32 {
	if len(r.Transactions) == 0 {
		return nil
	}
	counts := map[schema.Currency]uint32{}
	for i := range r.Transactions {
		counts[r.Transactions[i].Currency]++
	}
	return counts
}
