package query

import (
	"slices"
)

// Publication is what a statement for others computes: figures over the stable views, of the rows of a scope, an interval and a
// filter that have the values. Rows as of an earlier position cannot be published.
type Publication struct {
	Scope    Scope
	Interval Interval
	Filter   *Filter
	By       []DimensionValue
	Zone     string   // of local dimensions and steps
	Figures  []string // fields of a bucket
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
//
// PublishSpan writes a statement that counts the rows with a duration of the distribution in a range, and their share.
type Publisher interface {
	PublishBucket(p *Publication) string
	PublishBuckets(p *Publication) []string
	PublishSpan(p *Publication, distribution string, span Range) string
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
func (b *MetricsBucket) published(statement string) *Text {
	if statement == "" || !b.metrics.publishable() {
		return nil
	}
	text := b.metrics.of(statement)
	return &text
}

// SQL resolves the field sql.
func (b *MetricsBucket) SQL() *Text {
	return b.published(b.metrics.store.PublishBucket(b.publication()))
}

// SQL resolves the field sql.
func (s DistributionShare) SQL() *Text { return s.distribution.sql(Range{Max: (*int64)(&s.Ms)}) }

// SQL resolves the field sql.
func (b DistributionBin) SQL() *Text { return b.distribution.sql(b.span()) }

func (d Distribution) sql(span Range) *Text {
	return d.bucket.published(d.bucket.metrics.store.PublishSpan(d.bucket.publication(), d.field, span))
}
