package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

// hoursBucket is where all roles find the opening hours.
const hoursBucket = "PARLEY_HOURS"

// hoursStore keeps schedules in a bucket of the broker, one record for each
// project.
type hoursStore struct{ bucket *eventlog.Bucket }

func openHours(ctx context.Context, broker *eventlog.Broker) (hoursStore, error) {
	bucket, err := broker.Bucket(ctx, hoursBucket, eventlog.BucketConfig{Description: "opening hours of the projects of parley"})
	return hoursStore{bucket}, err
}

const hoursPrefix = "project."

func hoursKey(project schema.ProjectID) string { return hoursPrefix + strconv.Itoa(int(project)) }

// Schedules implements query.HoursReader.
func (s hoursStore) Schedules(ctx context.Context, projects schema.Projects) (map[schema.ProjectID]*hours.Schedule, error) {
	records, err := s.bucket.List(ctx, hoursPrefix)
	if err != nil {
		return nil, fmt.Errorf("opening hours: %w", err)
	}
	found := make(map[schema.ProjectID]*hours.Schedule)
	for key, value := range records {
		n, err := strconv.ParseInt(strings.TrimPrefix(key, hoursPrefix), 10, 32)
		if err != nil || !projects.Contains(schema.ProjectID(n)) {
			continue
		}
		schedule := new(hours.Schedule)
		if err := json.Unmarshal(value, schedule); err != nil {
			return nil, fmt.Errorf("opening hours of project %d: %w", n, err)
		}
		if len(schedule.Versions) > 0 { // a record whose versions were all removed
			found[schema.ProjectID(n)] = schedule
		}
	}
	return found, nil
}

// change has a project's schedule changed, however many others do so at the same
// time.
func (s hoursStore) change(ctx context.Context, project schema.ProjectID, with func(*hours.Schedule) error) error {
	return s.bucket.Update(ctx, hoursKey(project), func(before []byte) ([]byte, error) {
		schedule := new(hours.Schedule)
		if before != nil {
			if err := json.Unmarshal(before, schedule); err != nil {
				return nil, fmt.Errorf("opening hours of project %d: %w", project, err)
			}
		}
		if err := with(schedule); err != nil {
			return nil, err
		}
		return json.Marshal(schedule)
	})
}
