package query

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"github.com/shopspring/decimal"
)

// maxRestatedDimensions is the maximum number of dimensions by which restatements are grouped: the conversations behind them take one more.
const maxRestatedDimensions = maxDimensions - 1

// restatementsArgs are the arguments of the field.
type restatementsArgs struct {
	Since          input
	Until          *input
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	Interval       intervalInput
	GroupBy        *[]string
	CustomDataKey  *input
	Step           *string
	TimeZone       input
}

// Restatements is the SDL's type.
type Restatements struct {
	before, after *metrics
	causes        onces[bool, *causes] // with their events or without
}

// Restatements resolves the field of Query.
func (q *root) Restatements(ctx context.Context, args restatementsArgs) (*Restatements, error) {
	r, err := q.restatements(ctx, args)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	return r, nil
}

func (a *API) restatements(ctx context.Context, args restatementsArgs) (*Restatements, error) {
	r, err := a.begin(ctx)
	if err != nil {
		return nil, err
	}
	if args.GroupBy != nil && len(*args.GroupBy) > maxRestatedDimensions {
		return nil, badInput("groupBy", "must name at most %d dimensions", maxRestatedDimensions)
	}
	since, err := a.positionOf(ctx, r, "since", args.Since)
	if err != nil {
		return nil, err
	}
	until, err := a.store.Position(ctx, r.live.Projection)
	if err != nil {
		return nil, err
	}
	if args.Until != nil && args.Until.value != nil {
		if until, err = a.positionOf(ctx, r, "until", *args.Until); err != nil {
			return nil, err
		}
	}
	if since > until {
		return nil, badInput("since", "must not be after until")
	}
	of := metricsArgs{
		Filters: args.Filters, ContactFilters: args.ContactFilters, Interval: args.Interval,
		GroupBy: args.GroupBy, CustomDataKey: args.CustomDataKey, Step: args.Step, TimeZone: args.TimeZone,
	}
	restatements := &Restatements{}
	if restatements.before, err = a.metricsAt(ctx, r.at(since), of); err != nil {
		return nil, err
	}
	restatements.after, err = a.metricsAt(ctx, r.at(until), of)
	return restatements, err
}

// Since is the position of the earlier figures.
func (r *Restatements) Since() string { return writePosition(r.before.position) }

// Until is the position of the later figures.
func (r *Restatements) Until() string { return writePosition(r.after.position) }

// DefinitionVersion resolves the field.
func (r *Restatements) DefinitionVersion() int32 { return definitionVersion() }

// Restatement is a figure of a bucket that differs.
type Restatement struct {
	of     *Restatements
	bucket *MetricsBucket
	what   figure

	From, To                  *DateTime
	Dimensions                []DimensionLabel
	Figure                    string
	Currency                  *string
	Before, After, Difference *Decimal
}

// Figures returns the figures that differ, by bucket and in the order of the SDL.
func (r *Restatements) Figures(ctx context.Context) ([]*Restatement, error) {
	list, err := r.figures(ctx)
	return list, r.after.publicError(ctx, err)
}

func (r *Restatements) figures(ctx context.Context) ([]*Restatement, error) {
	changed, err := r.changed(ctx) // nil if there are too many
	if err != nil && !errors.Is(err, errRestating) {
		return nil, err
	}
	var ofRows, ofStates []*Restatement
	loads := []func() error{func() (err error) {
		ofRows, err = r.compared(ctx, changed, slices.Concat(conversationFigures(), contactFigures()), (*contribution).inRows)
		return err
	}}
	if !slices.ContainsFunc(r.after.grouping.By, Dimension.Local) {
		loads = append(loads, func() (err error) {
			ofStates, err = r.compared(ctx, changed, stateFigures(), (*contribution).inState)
			return err
		})
	}
	if err := together(loads); err != nil {
		return nil, err
	}
	list := slices.Concat(ofRows, ofStates)
	slices.SortStableFunc(list, func(x, y *Restatement) int { return cmp.Or(x.bucket.compare(y.bucket), x.what.compare(y.what)) })
	return list, nil
}

// compared are those of some figures that differ.
func (r *Restatements) compared(ctx context.Context, changed *causes, selected fields, differs func(*contribution) bool) ([]*Restatement, error) {
	var before, after []*MetricsBucket
	read := func(m *metrics, into *[]*MetricsBucket) func() error {
		return func() error {
			m, err := m.narrowed(ctx, changed, differs)
			if err == nil && m != nil {
				*into, err = m.bucketsOf(ctx, m.grouping, selected)
			}
			return err
		}
	}
	if err := together([]func() error{read(r.before, &before), read(r.after, &after)}); err != nil {
		return nil, err
	}
	earlier := make(map[group]*MetricsBucket, len(before))
	for _, b := range before {
		earlier[b.group] = b
	}
	var list []*Restatement
	for _, b := range after {
		list = append(list, r.differences(earlier[b.group], b)...)
		delete(earlier, b.group)
	}
	for _, b := range earlier {
		list = append(list, r.differences(b, nil)...)
	}
	return list, nil
}

func either(pair [2]*MetricsBucket) *MetricsBucket {
	if pair[1] != nil {
		return pair[1]
	}
	return pair[0]
}

// restated are the figures that are compared: all that the grouping allows.
func (m *metrics) restated() fields {
	figures := slices.Concat(conversationFigures(), contactFigures())
	if !slices.ContainsFunc(m.grouping.By, Dimension.Local) {
		figures = append(figures, stateFigures()...)
	}
	return figures
}

// differences compares the figures of a bucket; nil is one without rows.
func (r *Restatements) differences(before, after *MetricsBucket) []*Restatement {
	bucket := either([2]*MetricsBucket{before, after})
	was, is := before.figures(), after.figures()
	var list []*Restatement
	for _, f := range figuresOf(was, is) {
		x, y := was[f], is[f]
		if f.name == "revenue" {
			x, y = orZero(x), orZero(y)
		}
		if x == nil && y == nil || x != nil && y != nil && x.Equal(*y) {
			continue
		}
		d := &Restatement{of: r, bucket: bucket, what: f, From: bucket.From, To: bucket.To, Dimensions: bucket.Dimensions, Figure: f.name}
		if f.currency != "" {
			d.Currency = &f.currency
		}
		d.Before, d.After = asDecimal(x), asDecimal(y)
		if x != nil && y != nil {
			difference := y.Sub(*x)
			d.Difference = asDecimal(&difference)
		}
		list = append(list, d)
	}
	return list
}

// orZero is the sum of no amounts in a currency.
func orZero(sum *decimal.Decimal) *decimal.Decimal {
	if sum == nil {
		return new(decimal.Decimal)
	}
	return sum
}

func asDecimal(value *decimal.Decimal) *Decimal {
	if value == nil {
		return nil
	}
	return &Decimal{*value}
}

// RestatementCause is the events of a kind that changed a figure.
type RestatementCause struct {
	Kind                  string
	Events, Conversations Long
}

// Causes returns the events after the earlier position that changed the figure.
func (d *Restatement) Causes(ctx context.Context) ([]RestatementCause, error) {
	c, err := d.of.cause(ctx)
	if err != nil {
		return nil, d.of.after.publicError(ctx, err)
	}
	return c.kindsOf(d), nil
}

// Conversations is how many conversations changed the figure.
func (d *Restatement) Conversations(ctx context.Context) (Long, error) {
	c, err := d.of.cause(ctx)
	if err != nil {
		return 0, d.of.after.publicError(ctx, err)
	}
	return Long(len(c.of(d))), nil
}

// rowsOfHandle is the maximum number of conversations in a handle.
const rowsOfHandle = 500

// Rows returns handles of the conversations that changed the figure.
func (d *Restatement) Rows(ctx context.Context) ([]Text, error) {
	c, err := d.of.cause(ctx)
	if err != nil {
		return nil, d.of.after.publicError(ctx, err)
	}
	handles := []Text{}
	for some := range slices.Chunk(c.of(d), rowsOfHandle) {
		filter := &Filter{}
		for _, key := range some {
			filter.Projects = append(filter.Projects, key.Project)
			filter.Conversations = append(filter.Conversations, string(key.Conversation))
		}
		slices.Sort(filter.Projects)
		filter.Projects = slices.Compact(filter.Projects)
		handles = append(handles, d.of.after.of(d.of.after.writeRows(Rows{Interval: Interval{firstMoment, lastMoment}, Filter: filter, Of: CountCreated})))
	}
	return handles, nil
}
