package store

import "github.com/parley-analytics/parley/query"

// ofDuration is the part that has a distribution, and its duration; nil if no view has it.
func ofDuration(p *query.Publication, distribution string) (part *published, duration string) {
	of := *p
	of.Figures = []string{distribution}
	for _, part := range parts(&of) {
		return part, "(" + part.figures[0].Measure.Expression + ")"
	}
	return nil, ""
}

// within writes the columns of the rows in a range.
func (part *published) within(duration string, span query.Range) []string {
	c := &conditions{prefix: "s"}
	c.between(duration, &span)
	part.where.args = append(part.where.args, c.args...)
	count := "countIf(" + c.String() + ")"
	return []string{count + " AS count", count + " / nullIf(count" + duration + ", 0) AS share"}
}

// PublishSpan implements query.DurationPublisher.
func (s *Store) PublishSpan(p *query.Publication, distribution string, span query.Range) string {
	part, duration := ofDuration(p, distribution)
	if part == nil {
		return ""
	}
	return part.row(part.within(duration, span))
}

// PublishSpans implements query.DurationPublisher.
func (s *Store) PublishSpans(p *query.Publication, distribution string, span query.Range) string {
	part, duration := ofDuration(p, distribution)
	if part == nil {
		return ""
	}
	return part.buckets(p, part.within(duration, span))
}

// PublishHistogram implements query.DurationPublisher.
func (s *Store) PublishHistogram(p *query.Publication, distribution string, bounds []int64) string {
	part, duration := ofDuration(p, distribution)
	if part == nil {
		return ""
	}
	part.where.add("isNotNull" + duration)
	return newStatement("published", query.Scope{}).where("where", part.where).
		with("columns", selection([]string{
			"roundDown(assumeNotNull" + duration + ", {bounds:Array(Int64)}) AS from_ms",
			"count() AS count", "count() / sum(count()) OVER () AS share",
		})).bind("bounds", append([]int64{0}, bounds...)).
		with("table", part.table).with("elements", "").with("keys", "from_ms").published()
}
