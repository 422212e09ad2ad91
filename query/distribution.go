package query

import (
	"context"
	"fmt"
	"math"
)

// maxBounds is the most thresholds, or bounds, of one field.
const maxBounds = 100

// Distribution is the SDL's type.
type Distribution struct {
	bucket *MetricsBucket
	field  string // of the bucket

	Count                                 Long
	MeanMs, MedianMs, P90Ms, P95Ms, P99Ms *float64
}

func (b *MetricsBucket) distribution(field string, s Spread) Distribution {
	d := Distribution{bucket: b, field: field, Count: Long(s.Count)}
	if s.Count == 0 || s.Mean == nil || math.IsNaN(*s.Mean) || len(s.Quantiles) != 4 {
		return d
	}
	d.MeanMs, d.MedianMs, d.P90Ms, d.P95Ms, d.P99Ms = s.Mean, &s.Quantiles[0], &s.Quantiles[1], &s.Quantiles[2], &s.Quantiles[3]
	return d
}

// Within is the rows of each group with at most a duration, for each of some
// durations.
type Within struct {
	GroupKey
	Counts []uint64
}

// Rows is the handle of the rows that have the duration.
func (d Distribution) Rows() Text { return d.handle(Range{}) }

// handle writes a handle of the rows with a duration in the range.
func (d Distribution) handle(span Range) Text {
	rows := Rows{Over: d.field, Span: &span}
	if ofBusinessHours(d.field) {
		rows.Hours = &d.bucket.metrics.interval
	}
	return d.bucket.handle(rows)
}

// DistributionShare is the rows with at most a duration.
type DistributionShare struct {
	distribution Distribution
	Ms, Count    Long
	Share        *float64
}

// Rows is the handle of these rows.
func (s DistributionShare) Rows() Text {
	return s.distribution.handle(Range{Max: (*int64)(&s.Ms)})
}

// Within resolves the field.
func (d Distribution) Within(ctx context.Context, args struct{ Ms []input }) ([]DistributionShare, error) {
	bounds, err := bounds("ms", args.Ms)
	if err != nil {
		return nil, err
	}
	counts, err := d.within(ctx, "within", bounds)
	if err != nil {
		return nil, d.bucket.metrics.publicError(ctx, err)
	}
	shares := make([]DistributionShare, len(bounds))
	for i, bound := range bounds {
		shares[i] = DistributionShare{d, Long(bound), Long(counts[i]), rate(int64(counts[i]), int64(d.Count), 1)}
	}
	return shares, nil
}

// DistributionBin is the rows with a duration in a range.
type DistributionBin struct {
	distribution Distribution
	From, To     *Long
	Count        Long
	Share        *float64
}

// Rows is the handle of these rows. Durations are whole milliseconds.
func (b DistributionBin) Rows() Text { return b.distribution.handle(b.span()) }

func (b DistributionBin) span() Range {
	span := Range{Min: (*int64)(b.From)}
	if b.To != nil {
		most := int64(*b.To) - 1
		span.Max = &most
	}
	return span
}

// Histogram resolves the field.
func (d Distribution) Histogram(ctx context.Context, args struct{ Bounds []input }) ([]DistributionBin, error) {
	bounds, err := histogramBounds(args.Bounds)
	if err != nil {
		return nil, err
	}
	before := make([]int64, len(bounds)) // the longest durations below each bound
	for i, bound := range bounds {
		before[i] = bound - 1
	}
	counts, err := d.within(ctx, "histogram", before)
	if err != nil {
		return nil, d.bucket.metrics.publicError(ctx, err)
	}
	bins, last := make([]DistributionBin, len(bounds)+1), uint64(0)
	for i := range bins {
		bin, upTo := DistributionBin{distribution: d}, uint64(d.Count)
		if i > 0 {
			bin.From = (*Long)(&bounds[i-1])
		}
		if i < len(bounds) {
			bin.To, upTo = (*Long)(&bounds[i]), counts[i]
		}
		bin.Count = Long(upTo - last)
		bin.Share = rate(int64(bin.Count), int64(d.Count), 1)
		bins[i], last = bin, upTo
	}
	return bins, nil
}

// histogramBounds reads the bounds of a histogram.
func histogramBounds(given []input) ([]int64, error) {
	bounds, err := bounds("bounds", given)
	for i := 1; i < len(bounds); i++ {
		if bounds[i] <= bounds[i-1] {
			return nil, badInput("bounds", "must ascend, each bound once")
		}
	}
	return bounds, err
}

// bounds reads a list of milliseconds.
func bounds(field string, given []input) ([]int64, error) {
	if len(given) > maxBounds {
		return nil, badInput(field, "must hold at most %d values", maxBounds)
	}
	list := make([]int64, len(given))
	for i, v := range given {
		ms, err := v.integer(fmt.Sprintf("%s[%d]", field, i), 0, maxMillis)
		if err != nil {
			return nil, err
		}
		list[i] = ms
	}
	return list, nil
}

// within counts the rows of the bucket with at most each duration, for a member of the distribution. It is one
// statement for all buckets that are asked the same.
func (d Distribution) within(ctx context.Context, member string, most []int64) ([]uint64, error) {
	if d.Count == 0 || len(most) == 0 {
		return make([]uint64, len(most)), nil
	}
	of := d.bucket.of
	key := fmt.Sprint(d.field, member, most)
	byGroup, err := of.within.get(key, func() (map[group][]uint64, error) {
		rows, err := of.metrics.readWithin(ctx, of.grouping, key, d.field, member, most)
		byGroup := make(map[group][]uint64, len(rows))
		for i := range rows {
			byGroup[rows[i].group()] = rows[i].Counts
		}
		return byGroup, err
	})
	if err != nil {
		return nil, err
	}
	if counts := byGroup[d.bucket.group]; len(counts) == len(most) {
		return counts, nil
	}
	return make([]uint64, len(most)), nil // the rows are gone since the first statement
}
