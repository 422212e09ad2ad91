package main

import (
	"context"
	"encoding/json"
	"errors"
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
		found[schema.ProjectID(n)] = schedule
	}
	return found, nil
}

// change reads a project's schedule, has it changed, and writes it. A schedule
// without versions is deleted. Another writer in between makes it start again.
func (s hoursStore) change(ctx context.Context, project schema.ProjectID, with func(*hours.Schedule) error) error {
	for {
		schedule := new(hours.Schedule)
		value, revision, err := s.bucket.Get(ctx, hoursKey(project))
		switch {
		case errors.Is(err, eventlog.ErrNotFound):
			revision = 0
		case err != nil:
			return err
		default:
			if err := json.Unmarshal(value, schedule); err != nil {
				return fmt.Errorf("opening hours of project %d: %w", project, err)
			}
		}
		if err := with(schedule); err != nil {
			return err
		}
		if len(schedule.Versions) == 0 {
			return s.bucket.Delete(ctx, hoursKey(project))
		}
		if value, err = json.Marshal(schedule); err != nil {
			return err
		}
		if _, err = s.bucket.Put(ctx, hoursKey(project), value, revision); !errors.Is(err, eventlog.ErrConflict) {
			return err
		}
	}
}
