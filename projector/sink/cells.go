package sink

import (
	"maps"
	"slices"

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
