package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"text/tabwriter"

	"go.yaml.in/yaml/v3"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

type hoursCommand struct {
	Set    hoursSet    `cmd:"" help:"Set the opening hours of a project from a date on. Earlier hours are kept."`
	Show   hoursShow   `cmd:"" help:"Show the opening hours of a project."`
	List   hoursList   `cmd:"" help:"List the projects that have opening hours."`
	Remove hoursRemove `cmd:"" help:"Remove opening hours of a project."`
}

// hoursBucket is the bucket in which all roles find the opening hours.
const hoursBucket = "PARLEY_HOURS"

var hoursConfig = eventlog.BucketConfig{Description: "opening hours of the projects of parley"}

func openHours(ctx context.Context, broker *eventlog.Broker) (*hours.Store, error) {
	bucket, err := broker.Bucket(ctx, hoursBucket, hoursConfig)
	return hours.NewStore(bucket), err
}

// ofProject names a project of the running installation.
type ofProject struct {
	engines.Location
	Project projectID `help:"Project id." required:"" placeholder:"N"`
}

// open connects to the opening hours.
func (c *ofProject) open(a *app) (*hours.Store, *eventlog.Broker, error) {
	return engines.OpenRecords(a.ctx, &c.Location, "hours", openHours)
}

type hoursSet struct {
	ofProject
	File string `help:"YAML or JSON with validFrom, timeZone, week (monday: [09:00-12:30, 13:30-18:00], …) and holidays (2024-12-25: [] is closed); - reads standard input." required:"" placeholder:"FILE"`
}

// Run sets one version of a schedule.
func (c *hoursSet) Run(a *app) error {
	var content []byte
	var err error
	if c.File == "-" {
		content, err = io.ReadAll(io.LimitReader(a.stdin, 1<<20))
	} else {
		content, err = os.ReadFile(c.File)
	}
	if err != nil {
		return err
	}
	var version hours.Version
	decoder := yaml.NewDecoder(bytes.NewReader(content))
	decoder.KnownFields(true)
	if err := decoder.Decode(&version); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	store, broker, err := c.open(a)
	if err != nil {
		return err
	}
	defer broker.Close()
	if err := store.Change(a.ctx, schema.ProjectID(c.Project), func(s *hours.Schedule) error { return s.Set(version) }); err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}
	fmt.Fprintf(a.stderr, "opening hours of project %d are set from %s on\n", c.Project, version.ValidFrom)
	return nil
}

type hoursShow struct{ ofProject }

// Run prints the versions as `hours set` takes them, one JSON document a line.
func (c *hoursShow) Run(a *app) error {
	store, broker, err := c.open(a)
	if err != nil {
		return err
	}
	defer broker.Close()
	project := schema.ProjectID(c.Project)
	found, err := store.Schedules(a.ctx, schema.Projects{IDs: []schema.ProjectID{project}})
	if err != nil {
		return err
	}
	if found[project] == nil {
		return fmt.Errorf("project %d has no opening hours", project)
	}
	for _, version := range found[project].Versions {
		if err := printJSON(a.stdout, version); err != nil {
			return err
		}
	}
	return nil
}

type hoursList struct {
	engines.Location
}

// Run prints a table of projects and versions.
func (c *hoursList) Run(a *app) error {
	store, broker, err := engines.OpenRecords(a.ctx, &c.Location, "hours", openHours)
	if err != nil {
		return err
	}
	defer broker.Close()
	found, err := store.Schedules(a.ctx, schema.Projects{All: true})
	if err != nil {
		return err
	}
	var projects []schema.ProjectID
	for project := range found {
		projects = append(projects, project)
	}
	slices.Sort(projects)
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "PROJECT\tVALID FROM\tTIME ZONE\tHOLIDAYS")
	for _, project := range projects {
		for _, v := range found[project].Versions {
			fmt.Fprintf(table, "%d\t%s\t%s\t%d\n", project, v.ValidFrom, printable(v.TimeZone), len(v.Holidays))
		}
	}
	return table.Flush()
}

type hoursRemove struct {
	ofProject
	ValidFrom *hours.Date `help:"Only the hours valid from this date. Defaults to all hours of the project." placeholder:"DATE"`
}

// Run removes one version, or all.
func (c *hoursRemove) Run(a *app) error {
	store, broker, err := c.open(a)
	if err != nil {
		return err
	}
	defer broker.Close()
	return store.Change(a.ctx, schema.ProjectID(c.Project), func(s *hours.Schedule) error {
		switch {
		case c.ValidFrom == nil && len(s.Versions) > 0:
			s.Versions = nil
		case c.ValidFrom == nil || !s.Remove(*c.ValidFrom):
			return errors.New("no such opening hours")
		}
		return nil
	})
}
