package sink

import (
	"maps"
	"slices"

	chcolumn "github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

// orNull is a string or NULL as clickhouse-go wants it in LowCardinality columns
// and in tuples: a pointer would be taken for a value of its own.
func orNull[S ~string](s *S) any {
	if s == nil {
		return nil
	}
	return string(*s)
}

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

// each is never nil: clickhouse-go takes an empty slice for an empty array.
func each[E, C any](list []E, of func(*E) C) []C {
	cells := make([]C, len(list))
	for i := range list {
		cells[i] = of(&list[i])
	}
	return cells
}

// pairs is a Map in the order of its keys: rows written again are the same
// bytes, which the random order of a Go map is not.
type pairs[K, V any] struct {
	keys   []K
	values []V
}

// Iterator makes pairs a chcolumn.IterableOrderedMap.
func (p pairs[K, V]) Iterator() chcolumn.MapIterator { return &pairsIterator[K, V]{pairs: p, at: -1} }

type pairsIterator[K, V any] struct {
	pairs pairs[K, V]
	at    int
}

func (i *pairsIterator[K, V]) Next() bool { i.at++; return i.at < len(i.pairs.keys) }
func (i *pairsIterator[K, V]) Key() any   { return i.pairs.keys[i.at] }
func (i *pairsIterator[K, V]) Value() any { return i.pairs.values[i.at] }

// Put is part of chcolumn.IterableOrderedMap for reading into it, which is not done.
func (p pairs[K, V]) Put(any, any) {}

// customData is sorted by key already.
func customData(list []schema.CustomValue) pairs[string, string] {
	return pairs[string, string]{
		keys:   each(list, func(v *schema.CustomValue) string { return v.Key }),
		values: each(list, func(v *schema.CustomValue) string { return v.Value }),
	}
}

type revenuePairs = pairs[string, decimal.Decimal]

func revenue(sums map[schema.Currency]decimal.Decimal) revenuePairs {
	return byCurrency(sums)
}

func transactionCounts(list []projector.Transaction) pairs[string, uint32] {
	counts := map[schema.Currency]uint32{}
	for i := range list {
		counts[list[i].Currency]++
	}
	return byCurrency(counts)
}

func byCurrency[V any](values map[schema.Currency]V) pairs[string, V] {
	currencies := slices.Sorted(maps.Keys(values))
	return pairs[string, V]{
		keys:   each(currencies, func(c *schema.Currency) string { return string(*c) }),
		values: each(currencies, func(c *schema.Currency) V { return values[*c] }),
	}
}

// amount is the exact decimal of ten-thousandths.
func amount(a schema.Amount) decimal.Decimal { return decimal.New(int64(a), -4) }
