package query

import (
	"context"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// StateFigures count the changes of state of conversations, each at its own time. Open and Snoozed are
// how many more conversations are in the state after the step than before it.
type StateFigures struct {
	GroupKey
	Created, Closings, FirstClosings, Reopenings int64
	Open, Snoozed                                int64
}

// stateFigures names the fields of a bucket that states over time answer.
func stateFigures() []string {
	return []string{"createdConversations", "closings", "firstClosings", "reopenings", "openAtEnd", "snoozedAtEnd"}
}

// states reads the changes of state into their buckets, and adds them up over the steps.
func (b *bucketing) states(ctx context.Context, columns []string) error {
	m := b.metrics
	if slices.ContainsFunc(b.grouping.By, Dimension.Local) {
		return badInput("groupBy", "HOUR_OF_DAY and DAY_OF_WEEK do not apply to states over time: use step")
	}
	rows, err := m.store.ConversationStates(ctx, m.scope, m.interval, m.filter, b.grouping, columns)
	if err != nil {
		return err
	}
	before := map[[maxDimensions]groupValue]StateFigures{}
	for i := range rows {
		key := rows[i].GroupKey
		earlier := key.Step < 0
		if earlier {
			key.Step = int64(b.starts()[0])
			before[key.group().values] = rows[i]
		}
		bucket, err := b.bucket(&key)
		if err != nil {
			return err
		}
		if !earlier {
			bucket.ofStates = rows[i]
		}
	}
	values := map[[maxDimensions]groupValue]bool{}
	for g := range b.byGroup {
		values[g.values] = true
	}
	for v := range values {
		now := before[v]
		for _, start := range b.starts() {
			of := &b.byGroup[group{int64(start), v}].ofStates
			of.Open += now.Open
			of.Snoozed += now.Snoozed
			now = *of
		}
	}
	return nil
}

// starts are the starts of the steps; without steps a single 0.
func (b *bucketing) starts() []schema.Timestamp {
	if len(b.grouping.Steps) == 0 {
		return []schema.Timestamp{0}
	}
	return b.grouping.Steps
}
