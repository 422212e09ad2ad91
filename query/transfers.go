package query

import (
	"cmp"
	"context"
	"slices"
)

// TransferFigures count the contacts of Value1 that were transferred and had a contact of Value2
// next; nil is none.
type TransferFigures struct {
	GroupKey
	Count uint64
}

// transfersArgs are the arguments of the field.
type transfersArgs struct {
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	Interval       intervalInput
	By             string
}

// TransferCount is the SDL's type.
type TransferCount struct {
	metrics  *metrics
	between  Rows
	From, To TransferPlace
	Count    Long
}

// Rows is the handle of these contacts.
func (c *TransferCount) Rows() Text { return c.metrics.of(c.metrics.writeRows(c.between)) }

// TransferPlace is an end of a transfer.
type TransferPlace struct{ Value, Label *Text }

// Transfers resolves the field of Query.
func (q *root) Transfers(ctx context.Context, args transfersArgs) (*[]*TransferCount, error) {
	cells, err := q.transfers(ctx, args)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	return &cells, nil
}

// transferMetrics reads the arguments.
func (q *root) transferMetrics(ctx context.Context, args transfersArgs) (*metrics, error) {
	m, err := q.metrics(ctx, metricsArgs{
		Filters: args.Filters, ContactFilters: args.ContactFilters, Interval: args.Interval,
		GroupBy: &[]string{dimensionOf(args.By)}, TimeZone: input{"UTC"},
	})
	if err == nil {
		err = m.filter.leadTo(true)
	}
	return m, err
}

func (q *root) transfers(ctx context.Context, args transfersArgs) ([]*TransferCount, error) {
	m, err := q.transferMetrics(ctx, args)
	if err != nil || m.scope.Empty() {
		return []*TransferCount{}, err
	}
	rows, err := m.store.Transfers(ctx, m.scope, m.interval, m.filter, m.grouping)
	if err != nil {
		return nil, err
	}
	if len(rows) > maxBuckets {
		return nil, badInput("interval", "the response would have more than %d pairs: use a shorter interval or more filters", maxBuckets)
	}
	slices.SortFunc(rows, func(a, b TransferFigures) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), compareValues(a.Value1, b.Value1), compareValues(a.Value2, b.Value2))
	})
	cells := make([]*TransferCount, len(rows))
	for i, row := range rows {
		cells[i] = &TransferCount{
			metrics: m, between: m.transferRows(row.Value1, row.Value2),
			From: TransferPlace{m.maybe(row.Value1), m.maybe(row.Label1)}, To: TransferPlace{m.maybe(row.Value2), m.maybe(row.Label2)},
			Count: Long(row.Count),
		}
	}
	return cells, nil
}

// transferRows are the contacts transferred from a value to another.
func (m *metrics) transferRows(from, to *string) Rows {
	by := m.grouping.By[0]
	rows := Rows{
		Interval: m.interval, Filter: m.filter, Of: CountTransferred,
		By: []DimensionValue{{Name: by, Value: from}}, Next: &DimensionValue{Name: by, Value: to},
	}
	if m.filter.InBusinessHours != nil {
		rows.Hours = &m.interval
	}
	return rows
}
