package query

import (
	"context"
	"slices"
)

// StateFigures count the changes of state of conversations, each at its own time. Open, Snoozed and
// Unattended are how many more conversations are in the state after the step than before it.
type StateFigures struct {
	GroupKey
	Created, Closings, FirstClosings, Reopenings int64
	Open, Snoozed, Unattended                    int64
}

// stateFigures names the fields of a bucket that states over time answer.
func stateFigures() []string {
	return []string{"createdConversations", "closings", "firstClosings", "reopenings", "openAtEnd", "snoozedAtEnd", unattended}
}

const unattended = "unattendedAtEnd"

var errLocalStates = badInput("groupBy", "HOUR_OF_DAY and DAY_OF_WEEK do not apply to states over time: use step")

// states reads the changes of state.
func (m *metrics) states(ctx context.Context, grouping Grouping, columns []string) ([]StateFigures, error) {
	var others, ofUnattended []StateFigures
	var loads []func() error
	if slices.ContainsFunc(columns, func(field string) bool { return field != unattended && slices.Contains(stateFigures(), field) }) {
		loads = append(loads, func() (err error) {
			others, err = m.store.ConversationStates(ctx, m.scope, m.interval, m.filter, grouping, columns)
			return err
		})
	}
	if slices.Contains(columns, unattended) {
		loads = append(loads, func() (err error) {
			ofUnattended, err = m.store.ConversationsUnattended(ctx, m.scope, m.interval, m.filter, grouping)
			return err
		})
	}
	err := together(loads)
	return slices.Concat(others, ofUnattended), err
}

// addUp puts the changes of state into their buckets, and adds them up over the steps.
func (b *bucketing) addUp(rows []StateFigures) error {
	before := map[[maxDimensions]groupValue]StateFigures{}
	for i := range rows {
		key := rows[i].GroupKey
		earlier := key.Step < 0
		if earlier {
			key.Step = int64(b.grouping.starts()[0])
			sum := before[key.group().values]
			sum.add(&rows[i])
			before[key.group().values] = sum
		}
		bucket, err := b.bucket(&key)
		if err != nil {
			return err
		}
		if !earlier {
			bucket.ofStates.add(&rows[i])
		}
	}
	values := map[[maxDimensions]groupValue]bool{}
	for g := range b.byGroup {
		values[g.values] = true
	}
	for v := range values {
		now := before[v]
		for _, start := range b.grouping.starts() {
			of := &b.byGroup[group{int64(start), v}].ofStates
			of.Open += now.Open
			of.Snoozed += now.Snoozed
			of.Unattended += now.Unattended
			now = *of
		}
	}
	return nil
}

// add adds the changes of another statement.
func (f *StateFigures) add(more *StateFigures) {
	f.Created += more.Created
	f.Closings += more.Closings
	f.FirstClosings += more.FirstClosings
	f.Reopenings += more.Reopenings
	f.Open += more.Open
	f.Snoozed += more.Snoozed
	f.Unattended += more.Unattended
}
