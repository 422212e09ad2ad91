package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// Concurrency implements query.WorkloadReader.
func (s *Store) Concurrency(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping, now schema.Timestamp) ([]query.ConcurrencyFigures, error) {
	type row = query.ConcurrencyFigures
	st := newStatement("concurrency", scope).
		where("where", during("a", scope, interval, filter)).
		by(grouping).
		with("steps", "arrayCumSum({steps:Array(Int64)})").bind("steps", lengths(grouping.Steps)).
		bind("from", int64(interval.From)).bind("to", int64(interval.To)).bind("now", int64(now)).
		bind("values", uint32(grouping.Limit/len(grouping.Steps)+1)).bind("limit", uint32(grouping.Limit))
	return readColumns(ctx, s, st, []column[row]{
		{"", "_step", func(r *row) any { return &r.Step }},
		{"", "_value1", func(r *row) any { return &r.Value1 }},
		{"", "_label", func(r *row) any { return &r.Label1 }},
		{"", "countIf(_change.3)", func(r *row) any { return &r.Started }},
		{"", "maxIf(_level, _end > _change.1)", func(r *row) any { return &r.Peak }},
		{"", "sum(_level * (_end - _change.1))", func(r *row) any { return &r.Handled }},
		{"", "sumIf(_end - _change.1, _level > 0)", func(r *row) any { return &r.Busy }},
		{"", "argMinIf(_change.1, (-_level, _change.1), _end > _change.1)", func(r *row) any { return &r.PeakAt }},
	})
}

// Transfers implements query.WorkloadReader.
func (s *Store) Transfers(ctx context.Context, scope query.Scope, interval query.Interval, filter *query.Filter, grouping query.Grouping) ([]query.TransferFigures, error) {
	type row = query.TransferFigures
	st := newStatement("transfers", scope).
		where("where", started("a", scope, interval, filter)).
		by(grouping).bind("limit", uint32(grouping.Limit))
	return readColumns(ctx, s, st, []column[row]{
		{"", "_value1", func(r *row) any { return &r.Value1 }},
		{"", "_value2", func(r *row) any { return &r.Value2 }},
		{"", "argMax(_label1, _version)", func(r *row) any { return &r.Label1 }},
		{"", "argMax(_label2, _version)", func(r *row) any { return &r.Label2 }},
		{"", "count()", func(r *row) any { return &r.Count }},
	})
}

// by fills in the value and the name of a contact's dimension of one value; without
// one, all have none.
func (s *statement) by(g query.Grouping) *statement {
	value, label := nothing, nameless
	if len(g.By) > 0 {
		value, label, _ = contactDimension(g.By[0]).in("1", true)
	}
	return s.with("value1", value).with("label1", label)
}
