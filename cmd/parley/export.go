package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/importer"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/sink/migrate"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

type exportCommand struct {
	exportTables
	Events exportEvents `cmd:"" help:"Write the accepted events, in log order: what an import makes an equal projection of. Personal data."`
}

type exportEvents struct {
	dataDir
	serverFlags
	Format   string `help:"ndjson, or parquet (needs a ClickHouse with an HTTP address)." enum:"ndjson,parquet" default:"ndjson"`
	Projects string `help:"These projects only, e.g. 1,2." default:"all" placeholder:"1,2|all"`
	Out      string `help:"File to write, as a whole or not at all; standard output unless given." type:"path" placeholder:"FILE"`
}

// Run writes every event that the log holds at this moment.
func (c *exportEvents) Run(a *app) error {
	projects, err := auth.ParseProjects(c.Projects)
	if err != nil {
		return fmt.Errorf("--projects: %w", err)
	}
	e, err := enginesBeside(c.DataDir, &c.serverFlags)
	if err != nil {
		return err
	}
	conn, err := dialPatiently(a.ctx, a.log, e.writer)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	version, err := migrate.Live(a.ctx, conn)
	if err != nil {
		return err
	}
	x := &eventExport{app: a, conn: conn, server: e.writer, table: tables.ProjectionDatabase(version) + ".events", projects: projects}
	if x.until, err = awaitProjected(a.ctx, e, conn, tables.ProjectionDatabase(version)); err != nil {
		return err
	}
	return toFile(a.stdout, c.Out, func(out io.Writer) error {
		if c.Format == "parquet" {
			return x.parquet(out)
		}
		return x.ndjson(out)
	})
}

// toFile writes standard output, or a file that appears when it is complete.
func toFile(stdout io.Writer, path string, write func(io.Writer) error) error {
	if path == "" || path == "-" {
		return write(stdout)
	}
	file, err := os.CreateTemp(filepath.Dir(path), "."+filepath.Base(path)+"-*")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	err = write(file)
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	return err
}

// projectedWithin is how long an export waits for the projector without seeing
// it come nearer.
const projectedWithin = 30 * time.Second

// awaitProjected waits until everything that the log holds now is archived, and
// gives its last sequence.
func awaitProjected(ctx context.Context, e *engines, conn driver.Conn, database string) (schema.Sequence, error) {
	e.log.Name, e.log.Observe = "parley export", true
	broker, err := eventlog.Open(ctx, e.log)
	if err != nil {
		return 0, err
	}
	defer broker.Close()
	last, err := broker.Events().Last(ctx)
	if err != nil {
		return 0, err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	reached, moved := uint64(0), time.Now()
	for {
		var position uint64
		if err := conn.QueryRow(ctx, "SELECT max(sequence) FROM "+database+".positions WHERE log = 'events'").Scan(&position); err != nil {
			return 0, err
		}
		if position >= uint64(last) {
			return last, nil
		}
		if position > reached {
			reached, moved = position, time.Now()
		}
		if time.Since(moved) > projectedWithin {
			return 0, fmt.Errorf("the projector stands at %d of %d events; nothing was exported", position, last)
		}
		select {
		case <-ctx.Done():
			return 0, ctx.Err()
		case <-tick.C:
		}
	}
}

// eventExport reads the archive of events.
type eventExport struct {
	*app
	conn     driver.Conn
	server   sink.Server
	table    string
	projects schema.Projects
	until    schema.Sequence
}

// where bounds what is exported. Its parts are ours or numbers.
func (x *eventExport) where() string {
	condition := "sequence <= " + strconv.FormatUint(uint64(x.until), 10)
	if !x.projects.All {
		ids := make([]string, len(x.projects.IDs))
		for i, id := range x.projects.IDs {
			ids[i] = strconv.Itoa(int(id))
		}
		condition += " AND project_id IN (" + strings.Join(ids, ", ") + ")"
	}
	return condition
}

// exportSettings keep the memory of ClickHouse within bounds: a large sort goes
// to disk.
var exportSettings = clickhouse.Settings{"max_bytes_before_external_sort": uint64(256 << 20), "max_execution_time": 0}

func (x *eventExport) count() (uint64, error) {
	var n uint64
	err := x.conn.QueryRow(x.ctx, "SELECT count() FROM "+x.table+" FINAL WHERE "+x.where()).Scan(&n)
	return n, err
}

// ndjson writes the bytes of the log, one event a line.
func (x *eventExport) ndjson(to io.Writer) error {
	total, err := x.count()
	if err != nil {
		return err
	}
	ctx := clickhouse.Context(x.ctx, clickhouse.WithSettings(exportSettings))
	rows, err := x.conn.Query(ctx, "SELECT original FROM "+x.table+" FINAL WHERE "+x.where()+" ORDER BY sequence")
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	shown := newProgress(x.stderr, "export", "events", int64(total))
	out := bufio.NewWriterSize(to, 1<<20)
	for rows.Next() {
		var original string
		if err := rows.Scan(&original); err != nil {
			return err
		}
		if _, err := out.Write(importer.OneLine([]byte(original))); err != nil {
			return err
		}
		if err := out.WriteByte('\n'); err != nil {
			return err
		}
		shown.add(1)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	if err := out.Flush(); err != nil {
		return err
	}
	shown.finish()
	return nil
}

// parquet lets ClickHouse write the file.
func (x *eventExport) parquet(to io.Writer) error {
	if !strings.HasPrefix(x.server.URL, "http://") && !strings.HasPrefix(x.server.URL, "https://") {
		return errors.New("--format parquet needs --clickhouse-url with http:// or https://")
	}
	total, err := x.count()
	if err != nil {
		return err
	}
	settings := url.Values{"max_bytes_before_external_sort": {"268435456"}, "max_execution_time": {"0"}}
	statement := "SELECT sequence, received_at, project_id, conversation_id, event_id, source, type, time, original FROM " +
		x.table + " FINAL WHERE " + x.where() + " ORDER BY sequence FORMAT Parquet"
	request, err := http.NewRequestWithContext(x.ctx, http.MethodPost, strings.TrimSuffix(x.server.URL, "/")+"/?"+settings.Encode(), strings.NewReader(statement))
	if err != nil {
		return err
	}
	request.Header.Set("X-ClickHouse-User", x.server.User)
	request.Header.Set("X-ClickHouse-Key", x.server.Password)
	response, err := keepsSecrets.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 4<<10)) // the status says enough
		return fmt.Errorf("ClickHouse answered %s: %s", response.Status, client.Excerpt(text))
	}
	tail := &lastBytes{}
	if _, err := io.Copy(io.MultiWriter(to, tail), response.Body); err != nil {
		return err
	}
	if !bytes.HasSuffix(tail.bytes, []byte("PAR1")) {
		return errors.New("ClickHouse broke off the file")
	}
	fmt.Fprintf(x.stderr, "export: %d events\n", total)
	return nil
}

// lastBytes remembers how a stream ended.
type lastBytes struct{ bytes []byte }

func (l *lastBytes) Write(p []byte) (int, error) {
	l.bytes = append(l.bytes, p[max(0, len(p)-8):]...)
	l.bytes = l.bytes[max(0, len(l.bytes)-8):]
	return len(p), nil
}
