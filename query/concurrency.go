package query

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// ConcurrencyFigures are the contacts that an operator, a group or a channel has at the same time
// during a step. Times are in milliseconds.
type ConcurrencyFigures struct {
	GroupKey
	Version uint64 // of the row that has the label
	Started uint64 // contacts that started in the step
	Peak    int64  // most contacts at one moment
	Handled int64  // sum of the time that contacts were open
	Busy    int64  // time that at least one was
	PeakAt  int64  // first moment with the most contacts
}

// concurrencyArgs are the arguments of the field.
type concurrencyArgs struct {
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	Interval       intervalInput
	By             *string
	Step           *string
	TimeZone       input
}

// dimensionOf is the dimension of metrics that a field knows by a shorter name.
func dimensionOf(name string) string {
	switch name {
	case "GROUP":
		return string(ByRoutingGroup)
	case "RULE":
		return string(ByRoutingRule)
	}
	return name
}

// Concurrency resolves the field of Query.
func (q *root) Concurrency(ctx context.Context, args concurrencyArgs) (*Concurrency, error) {
	asked := metricsArgs{Filters: args.Filters, ContactFilters: args.ContactFilters, Interval: args.Interval, Step: args.Step, TimeZone: args.TimeZone}
	if args.By != nil {
		asked.GroupBy = &[]string{dimensionOf(*args.By)}
	}
	m, err := q.metrics(ctx, asked)
	if err == nil {
		err = m.filter.leadTo(true)
	}
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	if len(m.grouping.Steps) == 0 {
		m.grouping.Steps = []schema.Timestamp{m.interval.From}
	}
	return &Concurrency{metrics: m, now: schema.TimestampOf(time.Now())}, nil
}

// Concurrency is the SDL's type. A contact that has not ended lasts until now.
type Concurrency struct {
	metrics *metrics
	now     schema.Timestamp
}

// ConcurrencyBucket is the SDL's type.
type ConcurrencyBucket struct {
	of           *Concurrency
	by           []Dimension
	counted      *string // the value, if it has one
	interval     Interval
	From, To     DateTime
	Value, Label *Text

	Contacts         Long
	ContactsPerHour  float64
	HandleTimeMs     Long
	BusyTimeMs       Long
	Average          float64
	AverageWhileBusy *float64
	Peak             Long
	PeakAt           *DateTime
}

// Rows is the handle of the contacts open in the bucket, of those that started in it, or of those open at its peak.
func (b *ConcurrencyBucket) Rows(args struct{ Of *string }) Text {
	rows := Rows{Interval: Interval{firstMoment, b.interval.To}, Filter: b.of.metrics.filter, Open: &OpenWithin{b.interval, b.of.now}}
	switch {
	case args.Of == nil:
	case *args.Of == "CONTACTS":
		rows.Interval, rows.Of, rows.Open = b.interval, CountContacts, nil
	case b.PeakAt == nil: // no contact is open
		rows.Open.To = rows.Open.From
		rows.Interval.To = firstMoment
	default:
		rows.Open.From = schema.Timestamp(*b.PeakAt)
		rows.Open.To = rows.Open.From + 1
		rows.Interval.To = rows.Open.To
	}
	for _, by := range b.by {
		rows.By = append(rows.By, DimensionValue{Name: by, Value: b.counted})
	}
	if rows.Filter.InBusinessHours != nil {
		rows.Hours = &b.of.metrics.interval
	}
	return b.of.metrics.of(b.of.metrics.writeRows(rows))
}

// Total is all contacts together, over the whole interval.
func (c *Concurrency) Total(ctx context.Context) (*ConcurrencyBucket, error) {
	buckets, err := c.buckets(ctx, Grouping{Steps: []schema.Timestamp{c.metrics.interval.From}})
	if err != nil {
		return nil, c.metrics.publicError(ctx, err)
	}
	return buckets[0], nil
}

// Buckets is the contacts by step and dimension.
func (c *Concurrency) Buckets(ctx context.Context) ([]*ConcurrencyBucket, error) {
	buckets, err := c.buckets(ctx, c.metrics.grouping)
	return buckets, c.metrics.publicError(ctx, err)
}

// neededBy are the columns behind fields that are computed from others.
func neededBy(selected fields) []string {
	columns := selected.columns()
	for field, needs := range map[string][]string{
		"contactsPerHour": {"contacts"}, "average": {"handleTimeMs"}, "averageWhileBusy": {"handleTimeMs", "busyTimeMs"},
		"peakAt": {"peak"}, "rows": {"peak", "peakAt"},
	} {
		if selected.has(field) {
			columns = append(columns, needs...)
		}
	}
	return columns
}

func (c *Concurrency) buckets(ctx context.Context, grouping Grouping) ([]*ConcurrencyBucket, error) {
	m := c.metrics
	grouping.Limit = maxBuckets + 1
	var rows []ConcurrencyFigures
	if !m.scope.Empty() {
		var err error
		if rows, err = m.store.Concurrency(ctx, m.scope, m.interval, m.filter, grouping, c.now, neededBy(selectedFields(ctx))); err != nil {
			return nil, err
		}
	}
	values := byValue(rows)
	if len(grouping.By) == 0 && len(values) == 0 {
		values[groupValue{}] = &concurrencyOf{}
	}
	if len(rows) > maxBuckets || len(values)*len(grouping.Steps) > maxBuckets {
		return nil, badInput("step", "the response would have more than %d buckets: use longer steps or a shorter interval", maxBuckets)
	}
	buckets := make([]*ConcurrencyBucket, 0, len(values)*len(grouping.Steps))
	for _, start := range grouping.Steps {
		for _, value := range values {
			f := value.steps[int64(start)]
			f.GroupKey = value.key
			f.Step = int64(start)
			buckets = append(buckets, c.bucket(&f, grouping))
		}
	}
	slices.SortFunc(buckets, func(a, b *ConcurrencyBucket) int {
		return cmp.Or(cmp.Compare(a.interval.From, b.interval.From), compareValues(a.counted, b.counted))
	})
	return buckets, nil
}

// concurrencyOf is the figures of a value by step, and its latest name.
type concurrencyOf struct {
	key     GroupKey
	version uint64
	steps   map[int64]ConcurrencyFigures
}

func byValue(rows []ConcurrencyFigures) map[groupValue]*concurrencyOf {
	values := map[groupValue]*concurrencyOf{}
	for _, row := range rows {
		value := row.group().values[0]
		of := values[value]
		if of == nil {
			of = &concurrencyOf{key: row.GroupKey, version: row.Version, steps: map[int64]ConcurrencyFigures{}}
			values[value] = of
		}
		if row.Version > of.version {
			of.key, of.version = row.GroupKey, row.Version
		}
		of.steps[row.Step] = row
	}
	return values
}

// compareValues orders the values of a dimension, none last.
func compareValues(a, b *string) int {
	switch {
	case a == nil && b == nil:
		return 0
	case a == nil:
		return 1
	case b == nil:
		return -1
	}
	return cmp.Compare(*a, *b)
}

func (c *Concurrency) bucket(f *ConcurrencyFigures, grouping Grouping) *ConcurrencyBucket {
	from, to := schema.Timestamp(f.Step), c.metrics.interval.To
	if n, found := slices.BinarySearch(grouping.Steps, from); found && n+1 < len(grouping.Steps) {
		to = grouping.Steps[n+1]
	}
	length := float64(to - from)
	bucket := &ConcurrencyBucket{
		of: c, by: grouping.By, counted: f.Value1, interval: Interval{from, to},
		From: DateTime(from), To: DateTime(to), Value: c.metrics.maybe(f.Value1), Label: c.metrics.maybe(f.Label1),
		Contacts: Long(f.Started), ContactsPerHour: float64(f.Started) * float64(time.Hour.Milliseconds()) / length,
		HandleTimeMs: Long(f.Handled), BusyTimeMs: Long(f.Busy), Peak: Long(f.Peak),
		Average: float64(f.Handled) / length, AverageWhileBusy: rate(f.Handled, f.Busy, 1),
	}
	if f.Peak > 0 {
		bucket.PeakAt = moment(&f.PeakAt)
	}
	return bucket
}
