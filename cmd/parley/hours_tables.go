package main

import (
	"context"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

const (
	// hoursAhead is how far into the future the tables know the opening hours.
	hoursAhead = 400 * 24 * time.Hour
	// hoursAgain is the interval at which they are written again, so that they never end.
	hoursAgain = 24 * time.Hour
	// hoursRetry is the pause after a failure.
	hoursRetry = 5 * time.Second
)

// publishHours writes the opening hours into ClickHouse, for the views: now, after every change, and
// once a day.
func publishHours(ctx context.Context, n *node, t *tables.Tables) error {
	var bucket *eventlog.Bucket
	err := eventlog.Retry(ctx, func() (err error) {
		bucket, err = n.broker.Bucket(ctx, hoursBucket, hoursConfig)
		return err
	})
	if err != nil {
		return err
	}
	changed := make(chan struct{}, 1)
	n.Background("changes of opening hours", func(ctx context.Context) error {
		return bucket.Watch(ctx, "", func(string, []byte) {
			select {
			case changed <- struct{}{}:
			default: // what waits covers it
			}
		})
	})
	store := hours.NewStore(bucket)
	n.Background("opening hours", func(ctx context.Context) error {
		for {
			again := hoursAgain
			if err := writeHours(ctx, store, t); err != nil {
				n.log.Warn("the opening hours were not written into ClickHouse; retrying", "error", err)
				again = hoursRetry
			}
			timer := time.NewTimer(again)
			select {
			case <-ctx.Done():
				timer.Stop()
				return nil
			case <-changed:
				timer.Stop()
			case <-timer.C:
			}
		}
	})
	return nil
}

func writeHours(ctx context.Context, store *hours.Store, t *tables.Tables) error {
	schedules, err := store.Schedules(ctx, schema.Projects{All: true})
	if err != nil {
		return err
	}
	now := time.Now()
	line := hours.NewTimeline(schedules, hours.Interval{To: now.Add(hoursAhead).Unix()})
	h := tables.NewOpeningHours(line.Projects, line.Lanes, line.Begins, line.Ends, line.Starts, line.Lengths, uint64(now.UnixMilli()))
	return t.SetOpeningHours(ctx, h)
}
