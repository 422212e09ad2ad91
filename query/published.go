package query

import (
	"context"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// Publication is what a statement for others computes: figures over the stable views, of the rows of a scope, an interval and a
// filter that have the values. Rows as of an earlier position cannot be published.
type Publication struct {
	Scope    Scope
	Interval Interval
	Filter   *Filter
	By       []DimensionValue
	Next     *DimensionValue // of the next contact, in [WorkloadPublisher.PublishTransfers]
	Zone     string          // of local dimensions and steps
	Figures  []string        // fields of a bucket
	// Grouping, Step and Zone make a row of each bucket, in [Publisher.PublishBuckets].
	Grouping Grouping
	Step     Step // empty without steps
}

// Publisher writes statements over the stable views, whose users need no rights on the tables. All values are literals. Nothing is
// read. A statement is empty if the views do not show what it needs.
//
// PublishBucket writes a statement with one row: a column for each figure that SQL over the views can compute.
//
// PublishBuckets writes statements with a row for each bucket that has rows: columns of the step and the dimensions, then the
// figures. Figures by different times are in different statements.
type Publisher interface {
	PublishBucket(p *Publication) string
	PublishBuckets(p *Publication) []string
}

// DurationPublisher writes statements as Publisher does, over the rows that have a duration of a distribution.
//
// PublishSpan writes one that counts the rows in a range, and their share; PublishSpans counts them in each bucket.
//
// PublishHistogram writes one with a row for each range between bounds that has rows.
type DurationPublisher interface {
	PublishSpan(p *Publication, distribution string, span Range) string
	PublishSpans(p *Publication, distribution string, span Range) string
	PublishHistogram(p *Publication, distribution string, bounds []int64) string
}

// ListPublisher writes statements as Publisher does, whose rows are those of a list on all its pages, in its order, with all columns of
// the view.
//
// PublishConversation writes one with what a view shows of a conversation.
type ListPublisher interface {
	PublishConversation(of schema.ConversationKey, rows ConversationRows) string
	PublishClosedConversations(scope Scope, interval Interval, filter *Filter, descending bool) string
	PublishCreatedConversations(scope Scope, interval Interval, filter *Filter, descending bool) string
	PublishContacts(scope Scope, interval Interval, filter *Filter, descending bool) string
}

// WorkloadPublisher writes statements as Publisher does, by the first dimension of the grouping.
//
// PublishConcurrency writes one with a row for each step and value that has an open contact: a column for each figure of a bucket.
// Contacts that have not ended last until now.
//
// PublishTransfers writes one with a row for each pair of values.
type WorkloadPublisher interface {
	PublishConcurrency(p *Publication, now schema.Timestamp) string
	PublishTransfers(p *Publication) string
}

// publication is the rows of the whole question, with the figures selected; all figures if none is.
func (m *metrics) publication(selected fields) *Publication {
	p := &Publication{Scope: m.scope, Interval: m.interval, Filter: m.filter, Zone: m.zone, Grouping: m.grouping, Step: m.step}
	for _, f := range new(MetricsBucket).named() {
		if selected.has(f.name) {
			p.Figures = append(p.Figures, f.name)
		}
	}
	if p.Figures == nil {
		for _, f := range new(MetricsBucket).named() {
			p.Figures = append(p.Figures, f.name)
		}
	}
	return p
}

// publishable reports whether the rows can be read by others: the views show the present.
func (m *metrics) publishable() bool { return m.scope.AsOf == 0 }

// SQL resolves the field sql.
func (m *Metrics) SQL() []Text {
	statements := []Text{}
	if !m.metrics.publishable() {
		return statements
	}
	selected := slices.Concat(m.selected.below("buckets"), m.selected.below("total"))
	for _, statement := range m.metrics.store.PublishBuckets(m.metrics.publication(selected)) {
		statements = append(statements, m.metrics.of(statement))
	}
	return statements
}

// publication is the rows of the bucket.
func (b *MetricsBucket) publication() *Publication {
	p := b.metrics.publication(b.of.selected)
	p.Interval = b.interval
	p.By = b.values()
	return p
}

// published is a statement in an answer, null if there is none.
func (m *metrics) published(statement string) *Text {
	if statement == "" || !m.publishable() {
		return nil
	}
	text := m.of(statement)
	return &text
}

// SQL resolves the field sql.
func (b *MetricsBucket) SQL() *Text {
	return b.metrics.published(b.metrics.store.PublishBucket(b.publication()))
}

// SQL resolves the field sql.
func (s DistributionShare) SQL() *Text { return s.distribution.sql(s.span()) }

// BucketsSQL resolves the field bucketsSql.
func (s DistributionShare) BucketsSQL() *Text {
	m := s.distribution.bucket.metrics
	return m.published(m.store.PublishSpans(m.publication(nil), s.distribution.field, s.span()))
}

func (s DistributionShare) span() Range { return Range{Max: (*int64)(&s.Ms)} }

// SQL resolves the field sql.
func (b DistributionBin) SQL() *Text { return b.distribution.sql(b.span()) }

func (d Distribution) sql(span Range) *Text {
	m := d.bucket.metrics
	return m.published(m.store.PublishSpan(d.bucket.publication(), d.field, span))
}

// HistogramSQL resolves the field histogramSql.
func (d Distribution) HistogramSQL(ctx context.Context, args struct{ Bounds []input }) (*Text, error) {
	m := d.bucket.metrics
	bounds, err := histogramBounds(args.Bounds)
	if err != nil {
		return nil, m.publicError(ctx, err)
	}
	return m.published(m.store.PublishHistogram(d.bucket.publication(), d.field, bounds)), nil
}

// SQL resolves the field sql.
func (c *Concurrency) SQL() *Text {
	return c.metrics.published(c.metrics.store.PublishConcurrency(c.metrics.publication(nil), c.now))
}

// SQL resolves the field sql.
func (b *ConcurrencyBucket) SQL() *Text {
	m := b.of.metrics
	p := m.publication(nil)
	p.Interval, p.Grouping = b.interval, Grouping{Steps: []schema.Timestamp{b.interval.From}}
	for _, by := range b.by {
		p.By = append(p.By, DimensionValue{Name: by, Value: b.counted})
	}
	return m.published(m.store.PublishConcurrency(p, b.of.now))
}

// published is the statement of a list, null if there is none.
func (l *list) published(write func(Scope, Interval, *Filter, bool) string) *Text {
	if l.scope.AsOf > 0 {
		return nil
	}
	statement := write(l.scope, l.interval, l.filter, l.paging.Descending)
	if statement == "" {
		return nil
	}
	text := l.paging.of(statement)
	return &text
}

// SQL resolves the field sql.
func (c *ConversationConnection) SQL() *Text { return c.published(c.order.publish) }

// ConversationRows are what the views show of a conversation.
type ConversationRows string

// The views that have rows of conversations.
const (
	RowsOfConversation ConversationRows = "CONVERSATION"
	RowsOfContacts     ConversationRows = "CONTACTS"
	RowsOfMessages     ConversationRows = "MESSAGES"
	RowsOfTransactions ConversationRows = "TRANSACTIONS"
	RowsOfStateChanges ConversationRows = "STATE_CHANGES"
	RowsOfEvents       ConversationRows = "EVENTS"
)

// SQL resolves the field sql.
func (c *Conversation) SQL(args struct{ Of string }) *Text {
	if c.batch.request.asOf > 0 {
		return nil
	}
	text := c.batch.request.of(c.batch.api.store.PublishConversation(key(c.row.Project, c.row.ID), ConversationRows(args.Of)))
	return &text
}

// SQL resolves the field sql.
func (c *ContactConnection) SQL() *Text { return c.published(c.store.PublishContacts) }

// TransfersSQL resolves the field of Query.
func (q *root) TransfersSQL(ctx context.Context, args transfersArgs) (*Text, error) {
	m, err := q.transferMetrics(ctx, args)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	return m.published(m.store.PublishTransfers(m.publication(nil))), nil
}

// SQL resolves the field sql.
func (c *TransferCount) SQL() *Text {
	p := c.metrics.publication(nil)
	p.By, p.Next = c.between.By, c.between.Next
	return c.metrics.published(c.metrics.store.PublishTransfers(p))
}
