package query

import (
	"cmp"
	"context"
	"slices"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

const (
	// maxBuckets is the maximum number of buckets in one answer.
	maxBuckets = 10_000
	// maxDimensions is the maximum number of dimensions by which figures are grouped.
	maxDimensions = 3
	// maxCustomKey is the maximum number of bytes in a key of custom data.
	maxCustomKey = 256
)

// Grouping defines the buckets of figures.
type Grouping struct {
	Steps  []schema.Timestamp // starts, ascending; none is one bucket for all times
	By     []Dimension
	Labels bool   // read the names that go with the values
	Total  bool   // read the total of all rows, too; not with a dimension of which a row has several values
	Limit  int    // groups at most
	Key    string // of custom data, if grouped by it
	// Spans, if there are any, are the only times whose closed conversations and contacts are read.
	Spans []Interval
	// Local is the local time of dimensions; nil if there is none.
	Local *LocalTime
	// Openings are when projects are open; nil when no figure or dimension asks for it.
	Openings *hours.Timeline
}

// starts are the starts of the steps; without steps a single 0.
func (g *Grouping) starts() []schema.Timestamp {
	if len(g.Steps) == 0 {
		return []schema.Timestamp{0}
	}
	return g.Steps
}

// metrics is one request: projects, rows and buckets.
type metrics struct {
	*API
	texts
	scope    Scope
	position schema.Sequence
	interval Interval
	filter   *Filter
	grouping Grouping
	zone     string // of the steps and of dimensions
	step     Step   // empty without steps
	totals   *totals
}

// Metrics resolves the field of Query.
func (q *root) Metrics(ctx context.Context, args metricsArgs) (*Metrics, error) {
	m, err := q.metrics(ctx, args)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	selected := selectedFields(ctx)
	m.totals = newTotals(m.grouping, selected)
	return &Metrics{m, selected}, nil
}

// metricsArgs are the arguments of the field.
type metricsArgs struct {
	Filters        *filtersInput
	ContactFilters *contactFiltersInput
	Interval       intervalInput
	GroupBy        *[]string
	CustomDataKey  *input
	Step           *string
	TimeZone       input
	AsOf           *input
}

func (a *API) metrics(ctx context.Context, args metricsArgs) (*metrics, error) {
	r, err := a.beginAt(ctx, args.AsOf)
	if err != nil {
		return nil, err
	}
	return a.metricsAt(ctx, r, args)
}

// metricsAt reads the arguments, for the rows of a reading.
func (a *API) metricsAt(ctx context.Context, r reading, args metricsArgs) (*metrics, error) {
	var err error
	m := &metrics{API: a, texts: r.texts, position: r.position(), grouping: Grouping{Limit: maxBuckets + 1}}
	if m.interval, err = args.Interval.interval(); err != nil {
		return nil, err
	}
	if m.filter, err = a.filter(args.Filters, args.ContactFilters); err != nil {
		return nil, err
	}
	m.scope = r.scope(m.filter.Projects)
	if err := m.filter.openings(ctx, a, m.scope, m.interval); err != nil {
		return nil, err
	}
	if err := m.grouping.by(args.GroupBy, args.CustomDataKey); err != nil {
		return nil, err
	}
	m.zone = "UTC"
	if args.TimeZone.value != nil {
		if m.zone, err = args.TimeZone.text("timeZone"); err != nil {
			return nil, err
		}
	}
	location, err := zone(m.zone)
	if err != nil {
		return nil, err
	}
	if slices.ContainsFunc(m.grouping.By, Dimension.Local) {
		m.grouping.Local = localTime(m.interval, location)
	}
	if args.Step != nil {
		m.step = Step(*args.Step)
		m.grouping.Steps, err = steps(m.interval, m.step, location, maxBuckets)
	}
	return m, err
}

// by reads the dimensions.
func (g *Grouping) by(names *[]string, key *input) error {
	if names != nil {
		for _, name := range *names {
			if slices.Contains(g.By, Dimension(name)) {
				return badInput("groupBy", "must not name a dimension twice")
			}
			g.By = append(g.By, Dimension(name))
		}
	}
	if len(g.By) > maxDimensions {
		return badInput("groupBy", "must name at most %d dimensions", maxDimensions)
	}
	switch by := slices.Contains(g.By, ByCustomData); {
	case key == nil && by:
		return badInput("customDataKey", "is required with CUSTOM_DATA")
	case key == nil:
		return nil
	case !by:
		return badInput("customDataKey", "is allowed only with CUSTOM_DATA in groupBy")
	}
	text, err := key.text("customDataKey")
	if err == nil && len(text) > maxCustomKey {
		err = badInput("customDataKey", "must have at most %d bytes", maxCustomKey)
	}
	g.Key = text
	return err
}

// Metrics is the SDL's type.
type Metrics struct {
	metrics  *metrics
	selected fields
}

// Position is the position of the figures: as of it they can be asked again.
func (m *Metrics) Position() string { return writePosition(m.metrics.position) }

// Total is the figures of all rows, each counted once.
func (m *Metrics) Total(ctx context.Context) (*MetricsBucket, error) {
	buckets, err := m.metrics.buckets(ctx, Grouping{Limit: 1})
	if err != nil {
		return nil, m.metrics.publicError(ctx, err)
	}
	return buckets[0], nil
}

// Buckets is the figures by step and dimensions.
func (m *Metrics) Buckets(ctx context.Context) ([]*MetricsBucket, error) {
	buckets, err := m.metrics.buckets(ctx, m.metrics.grouping)
	return buckets, m.metrics.publicError(ctx, err)
}

// group is the key of a bucket.
type group struct {
	step   int64
	values [maxDimensions]groupValue
}

// groupValue is a value that can be compared; unset is none.
type groupValue struct {
	text string
	set  bool
}

// buckets reads the figures selected and puts them into their buckets.
func (m *metrics) buckets(ctx context.Context, grouping Grouping) ([]*MetricsBucket, error) {
	selected := selectedFields(ctx)
	grouping.Labels = selected.has("dimensions.label")
	return m.bucketsOf(ctx, grouping, selected)
}

// bucketsOf reads figures and puts them into their buckets.
func (m *metrics) bucketsOf(ctx context.Context, grouping Grouping, selected fields) ([]*MetricsBucket, error) {
	rows, err := m.read(ctx, &grouping, selected)
	if err != nil {
		return nil, err
	}
	b := &bucketing{metrics: m, grouping: grouping, selected: selected, byGroup: map[group]*MetricsBucket{}}
	b.frame()
	for i := range rows.conversations {
		bucket, err := b.bucket(&rows.conversations[i].GroupKey)
		if err != nil {
			return nil, err
		}
		bucket.ofConversations = rows.conversations[i]
	}
	for i := range rows.contacts {
		bucket, err := b.bucket(&rows.contacts[i].GroupKey)
		if err != nil {
			return nil, err
		}
		bucket.ofContacts = rows.contacts[i]
	}
	if err := b.addUp(rows.states); err != nil {
		return nil, err
	}
	for g, bucket := range b.byGroup {
		bucket.of, bucket.group = b, g
		bucket.settle()
	}
	slices.SortFunc(b.list, func(a, b *MetricsBucket) int { return a.compare(b) })
	return b.list, nil
}

// figureRows is what the statements of figures return.
type figureRows struct {
	conversations []ConversationFigures
	contacts      []ContactFigures
	states        []StateFigures
}

// read reads the figures selected, in statements at the same time; closed conversations and contacts without any. It sets the openings of the grouping.
func (m *metrics) read(ctx context.Context, grouping *Grouping, selected fields) (rows figureRows, err error) {
	columns := selected.columns()
	ofConversations, ofContacts, ofStates := selected.any(conversationFigures()...), selected.any(contactFigures()...), selected.any(stateFigures()...)
	if !ofConversations && !ofContacts && !ofStates {
		ofConversations, ofContacts = true, true
	}
	if ofStates && slices.ContainsFunc(grouping.By, Dimension.Local) {
		return rows, errLocalStates
	}
	if m.scope.Empty() {
		return rows, nil
	}
	if grouping.Openings == nil && (readsHours(columns, grouping) || m.totals != nil && readsHours(m.totals.columns(), &m.totals.grouping)) {
		if grouping.Openings, err = m.openings(ctx, m.scope, m.interval); err != nil {
			return rows, err
		}
	}
	var loads []func() error
	if ofConversations {
		loads = append(loads, func() (err error) {
			rows.conversations, err = m.readConversations(ctx, *grouping, columns)
			return err
		})
	}
	if ofContacts {
		loads = append(loads, func() (err error) {
			rows.contacts, err = m.readContacts(ctx, *grouping, columns)
			return err
		})
	}
	if ofStates {
		loads = append(loads, func() (err error) {
			rows.states, err = m.states(ctx, *grouping, columns)
			return err
		})
	}
	err = together(loads)
	return rows, err
}

// readsHours reports whether figures or their groups need to know when projects are open.
func readsHours(columns []string, grouping *Grouping) bool {
	return slices.ContainsFunc(columns, ofBusinessHours) || slices.Contains(grouping.By, ByBusinessHours)
}

// bucketing collects buckets.
type bucketing struct {
	metrics  *metrics
	grouping Grouping
	selected fields // of a bucket
	byGroup  map[group]*MetricsBucket
	list     []*MetricsBucket
	within   onces[string, map[group][]uint64]
}

// frame creates the buckets that are returned even without rows: without dimensions, one for each step.
func (b *bucketing) frame() {
	if len(b.grouping.By) == 0 {
		b.fill(group{}.values, &GroupKey{})
	}
}

// fill makes the buckets of all steps for the values.
func (b *bucketing) fill(values [maxDimensions]groupValue, k *GroupKey) {
	starts := b.grouping.starts()
	for n, start := range starts {
		bucket := &MetricsBucket{metrics: b.metrics, interval: b.metrics.interval, Dimensions: k.dimensions(b.metrics.texts, b.grouping.By)}
		if len(b.grouping.Steps) > 0 {
			bucket.interval.From = start
			if n+1 < len(starts) {
				bucket.interval.To = starts[n+1]
			}
			from, to := DateTime(bucket.interval.From), DateTime(bucket.interval.To)
			bucket.From, bucket.To = &from, &to
		}
		b.byGroup[group{int64(start), values}] = bucket
		b.list = append(b.list, bucket)
	}
}

// bucket finds the bucket of a group, and makes those of its values.
func (b *bucketing) bucket(k *GroupKey) (*MetricsBucket, error) {
	g := k.group()
	bucket, ok := b.byGroup[g]
	if !ok {
		if len(b.list)+max(1, len(b.grouping.Steps)) > maxBuckets {
			return nil, badInput("groupBy", "the response would have more than %d buckets: use fewer dimensions, longer steps or a shorter interval", maxBuckets)
		}
		b.fill(g.values, k)
		bucket = b.byGroup[g]
	}
	for i, label := range []*string{k.Label1, k.Label2, k.Label3} {
		if i < len(bucket.Dimensions) && bucket.Dimensions[i].Label == nil {
			bucket.Dimensions[i].Label = b.metrics.maybe(label)
		}
	}
	return bucket, nil
}

// GroupKey is the bucket that figures belong to.
type GroupKey struct {
	Step                   int64 // its start; 0 without steps
	Value1, Value2, Value3 *string
	Label1, Label2, Label3 *string
	Total                  bool // of all rows, without a group
}

func (k *GroupKey) group() group {
	g := group{step: k.Step}
	for i, value := range []*string{k.Value1, k.Value2, k.Value3} {
		if value != nil {
			g.values[i] = groupValue{*value, true}
		}
	}
	return g
}

func (k *GroupKey) dimensions(t texts, by []Dimension) []DimensionLabel {
	list := make([]DimensionLabel, len(by))
	for i, value := range []*string{k.Value1, k.Value2, k.Value3}[:len(by)] {
		list[i] = DimensionLabel{Name: string(by[i]), Value: t.maybe(value)}
	}
	return list
}

// DimensionLabel is the SDL's MetricsDimensionValue.
type DimensionLabel struct {
	Name         string
	Value, Label *Text
}

// MetricsBucket is the figures of some rows. Rates over no rows are null.
type MetricsBucket struct {
	metrics         *metrics
	of              *bucketing
	group           group
	interval        Interval
	ofConversations ConversationFigures
	ofContacts      ContactFigures
	ofStates        StateFigures

	From, To   *DateTime
	Dimensions []DimensionLabel

	ClosedConversations, AbandonedConversations, ReopenedConversations Long
	VisitorMessages, OperatorMessages                                  Long
	Transactions, SurveyAnswers, NpsAnswers                            Long
	Contacts, AnsweredContacts, UnansweredContacts                     Long
	TransferredContacts, SnoozedContacts                               Long

	CreatedConversations, Closings, FirstClosings, Reopenings Long
	OpenAtEnd, SnoozedAtEnd, UnattendedAtEnd                  Long

	AnswerRate, TransferRate, SnoozeReturnRate, Csat, Nps, ConversionRate *float64

	Revenue, AverageOrderValue, RevenuePerConversation []Money

	Wait, ContactFirstResponse, ContactDuration, SnoozeReturn Distribution
	ConversationFirstResponse, Resolution, Handle, Duration   Distribution

	WaitBusinessHours, ContactFirstResponseBusinessHours            Distribution
	ConversationFirstResponseBusinessHours, ResolutionBusinessHours Distribution
}

// compare orders buckets by step, then by values, none last.
func (b *MetricsBucket) compare(other *MetricsBucket) int {
	if c := cmp.Compare(b.interval.From, other.interval.From); c != 0 {
		return c
	}
	for i := range b.Dimensions {
		x, y := b.Dimensions[i].Value, other.Dimensions[i].Value
		switch {
		case x == nil && y == nil:
		case x == nil:
			return 1
		case y == nil:
			return -1
		default:
			c := cmp.Compare(x.value, y.value)
			if Dimension(b.Dimensions[i].Name).ordinal() {
				c = cmp.Or(cmp.Compare(len(x.value), len(y.value)), c)
			}
			if c != 0 {
				return c
			}
		}
	}
	return 0
}

// Rows is the handle of the rows counted here, or of those behind one count.
func (b *MetricsBucket) Rows(args struct{ Of *string }) (Text, error) {
	var rows Rows
	if args.Of != nil {
		rows.Of = Count(*args.Of)
	}
	if rows.Of.OfStates() && slices.ContainsFunc(b.of.grouping.By, Dimension.Local) {
		return Text{}, errLocalStates
	}
	return b.handle(rows), nil
}

// handle writes a handle of rows counted here.
func (b *MetricsBucket) handle(rows Rows) Text {
	rows.Interval, rows.Filter, rows.By = b.interval, b.metrics.filter, b.values()
	for _, value := range rows.By {
		switch {
		case value.Name.Local():
			rows.Zone = b.metrics.zone
		case value.Name == ByBusinessHours:
			rows.Hours = &b.metrics.interval
		}
	}
	if rows.Filter.InBusinessHours != nil {
		rows.Hours = &b.metrics.interval
	}
	return b.metrics.of(b.metrics.writeRows(rows))
}

// values are what the rows have in common.
func (b *MetricsBucket) values() []DimensionValue {
	var by []DimensionValue
	for _, d := range b.Dimensions {
		value := DimensionValue{Name: Dimension(d.Name)}
		if d.Value != nil {
			value.Value = &d.Value.value
		}
		if value.Name == ByCustomData {
			value.Key = b.of.grouping.Key
		}
		by = append(by, value)
	}
	return by
}

// rate is part / whole × scale, null if whole is 0.
func rate(part, whole int64, scale float64) *float64 {
	if whole == 0 {
		return nil
	}
	r := float64(part) / float64(whole) * scale
	return &r
}

// each divides the amounts, to four digits; a currency divided by nothing is
// left out.
func each(amounts map[string]decimal.Decimal, by func(currency string) int64) []Money {
	list := make([]Money, 0, len(amounts))
	for _, m := range monies(amounts) {
		if n := by(m.Currency); n != 0 {
			list = append(list, Money{m.Currency, Decimal{m.Amount.DivRound(decimal.NewFromInt(n), 4)}})
		}
	}
	return list
}
