package hours

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/parley-analytics/parley/schema"
)

// Records keeps small values under keys that roles share: see Bucket of package
// eventlog.
type Records interface {
	// Update writes what change makes of a value, which is nil if there is none.
	// Where another writer is faster, change is called again.
	Update(ctx context.Context, key string, change func(before []byte) ([]byte, error)) error
	// List returns all values whose keys begin with prefix.
	List(ctx context.Context, prefix string) (map[string][]byte, error)
}

// Store keeps one schedule for each project.
type Store struct{ records Records }

// NewStore keeps schedules in records that hold nothing else.
func NewStore(records Records) *Store { return &Store{records} }

const prefix = "project."

// Schedules returns the schedules of those of the projects that have one.
func (s *Store) Schedules(ctx context.Context, projects schema.Projects) (map[schema.ProjectID]*Schedule, error) {
	records, err := s.records.List(ctx, prefix)
	if err != nil {
		return nil, fmt.Errorf("opening hours: %w", err)
	}
	found := make(map[schema.ProjectID]*Schedule)
	for key, value := range records {
		project, err := schema.ParseProjectID(strings.TrimPrefix(key, prefix))
		if err != nil || !projects.Contains(project) {
			continue
		}
		schedule := new(Schedule)
		if err := json.Unmarshal(value, schedule); err != nil {
			return nil, fmt.Errorf("opening hours of project %d: %w", project, err)
		}
		if len(schedule.Versions) > 0 { // a record whose versions were all removed
			found[project] = schedule
		}
	}
	return found, nil
}

// Change has a project's schedule changed, however many others do so at the same
// time. An error of with leaves the schedule as it is.
func (s *Store) Change(ctx context.Context, project schema.ProjectID, with func(*Schedule) error) error {
	return s.records.Update(ctx, prefix+strconv.Itoa(int(project)), func(before []byte) ([]byte, error) {
		schedule := new(Schedule)
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
