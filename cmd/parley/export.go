package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/progress"
	"github.com/parley-analytics/parley/deploy/atomicfile"
	"github.com/parley-analytics/parley/ingest/importer"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/query/auth"
)

type exportCommand struct {
	exportTables
	Events exportEvents `cmd:"" help:"Export all accepted events in log order. Re-importing them yields the same tables. Contains personal data."`
}

type exportEvents struct {
	engines.Location
	Format   string `help:"ndjson, or parquet (requires ClickHouse over HTTP)." enum:"ndjson,parquet" default:"ndjson"`
	Projects string `help:"Only these projects, e.g. 1,2." default:"all" placeholder:"1,2|all"`
	Out      string `help:"Output file, written completely or not at all. Defaults to standard output." type:"path" placeholder:"FILE"`
}

// Run writes every event that the log holds at this moment.
func (c *exportEvents) Run(a *app) error {
	projects, err := auth.ParseProjects(c.Projects)
	if err != nil {
		return fmt.Errorf("--projects: %w", err)
	}
	s, err := c.Open(a.ctx, "export", a.log)
	if err != nil {
		return err
	}
	defer s.Close()
	x := &eventExport{app: a, tables: s.Tables, server: s.Writer}
	x.Version, x.Projects = s.Live, projects
	if x.Until, err = s.Log.Events().Last(a.ctx); err != nil {
		return err
	}
	if err := history.AwaitArchived(a.ctx, s.Tables, s.Live, x.Until, projectedWithin); err != nil {
		return fmt.Errorf("nothing was exported: %w", err)
	}
	return toFile(a.stdout, c.Out, func(out io.Writer) error {
		if c.Format == "parquet" {
			return x.parquet(out)
		}
		return x.ndjson(out)
	})
}

// toFile writes to standard output, or to a file that appears once it is complete.
func toFile(stdout io.Writer, path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		return write(stdout)
	}
	return atomicfile.Stream(path, write)
}

// projectedWithin is how long an export waits for a projector that makes no progress.
const projectedWithin = 30 * time.Second

// eventExport reads the archive of events.
type eventExport struct {
	*app
	tables.Export
	tables *tables.Tables
	server sink.Server
}

// ndjson writes the bytes of the log, one event a line.
func (x *eventExport) ndjson(to io.Writer) error {
	total, err := x.tables.CountExport(x.ctx, x.Export)
	if err != nil {
		return err
	}
	shown := progress.New(x.stderr, "export", "events", int64(total))
	out := bufio.NewWriterSize(to, 1<<20)
	err = x.tables.Export(x.ctx, x.Export, func(original []byte) error {
		shown.Add(1)
		_, err := out.Write(append(importer.OneLine(original), '\n'))
		return err
	})
	if err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	shown.Finish()
	return nil
}

// parquet lets ClickHouse write the file.
func (x *eventExport) parquet(to io.Writer) error {
	total, err := x.tables.CountExport(x.ctx, x.Export)
	if err != nil {
		return err
	}
	err = x.server.ExportParquet(x.ctx, x.Export, to)
	if errors.Is(err, sink.ErrNoHTTP) {
		return errors.New("--format parquet needs --clickhouse-url with http:// or https://")
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(x.stderr, "export: %s\n", counted(total, "event", "events"))
	return nil
}
