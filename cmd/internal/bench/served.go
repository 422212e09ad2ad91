package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/sink"
	"github.com/parley-analytics/parley/projector/tables"
)

// Metrics of the projector.
const (
	stageSeconds = "parley_projector_batch_seconds_sum"
	stageTimes   = "parley_projector_batch_seconds_count"
)

// served is a process `parley serve` on a log that was filled beforehand.
type served struct {
	command *exec.Cmd
	url     string
	child   int // process id of ClickHouse
	tables  *tables.Tables
}

// serveBinary starts the binary on the rig's directory and returns when the whole
// log is in the tables, with the time that took from the start of the process.
func (r *rig) serveBinary(ctx context.Context, last uint64) (*served, time.Duration, error) {
	s := &served{}
	s.command = exec.CommandContext(ctx, r.bench.parley, "serve", "--data-dir", r.dir,
		"--listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0", "--clickhouse-http", "127.0.0.1:0", "--log-level", "warn")
	s.command.Stderr = os.Stderr
	s.command.Cancel = func() error { return s.command.Process.Signal(syscall.SIGTERM) }
	s.command.WaitDelay = 30 * time.Second
	out, err := s.command.StdoutPipe()
	if err != nil {
		return s, 0, err
	}
	began := time.Now()
	if err := s.command.Start(); err != nil {
		return s, 0, fmt.Errorf("%w: make build makes it", err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	url, ready := strings.CutPrefix(strings.TrimSpace(line), "ready ")
	if !ready {
		return s, 0, errors.Join(fmt.Errorf("%s serve did not get ready", r.bench.parley), err)
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	s.url = url
	if s.child, err = childOf(s.command.Process.Pid); err != nil {
		return s, 0, err
	}
	var endpoints struct {
		ClickHouse struct {
			HTTP   string
			Writer embedded.User
		}
	}
	content, err := os.ReadFile(filepath.Join(r.dir, "endpoints.json"))
	if err != nil {
		return s, 0, err
	}
	if err := json.Unmarshal(content, &endpoints); err != nil {
		return s, 0, err
	}
	user := endpoints.ClickHouse.Writer
	s.tables, err = sink.Dial(ctx, sink.Server{URL: endpoints.ClickHouse.HTTP, User: user.Name, Password: user.Password})
	if err != nil {
		return s, 0, err
	}
	ticks := time.NewTicker(20 * time.Millisecond)
	defer ticks.Stop()
	for at := uint64(0); at < last; {
		select {
		case <-ctx.Done():
			return s, 0, ctx.Err()
		case <-ticks.C:
		}
		if err := s.tables.Conn().QueryRow(ctx, "SELECT max(sequence) FROM parley_1.positions WHERE log = 'events'").Scan(&at); err != nil {
			return s, 0, err
		}
	}
	return s, time.Since(began), nil
}

func (s *served) close() {
	if s.tables != nil {
		_ = s.tables.Close()
	}
	if s.command != nil && s.command.Process != nil {
		_ = s.command.Process.Signal(syscall.SIGTERM)
		_ = s.command.Wait() // it was asked to end
	}
}

// childOf is the process that another has started.
func childOf(parent int) (int, error) {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return 0, err
	}
	for _, entry := range entries {
		pid, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		content, err := os.ReadFile(filepath.Join("/proc", entry.Name(), "stat"))
		if err != nil {
			continue // it has ended
		}
		_, after, _ := strings.Cut(string(content), ") ")
		if fields := strings.Fields(after); len(fields) > 1 && fields[1] == strconv.Itoa(parent) {
			return pid, nil
		}
	}
	return 0, errors.New("parley has no child process")
}

// stages are the seconds that the projector has spent in each of its stages, and
// the batches it has written.
func (s *served) stages(ctx context.Context) (map[string]float64, float64, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url+"/metrics", nil)
	if err != nil {
		return nil, 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, 0, err
	}
	defer response.Body.Close()
	stages, batches := map[string]float64{}, 0.0
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		rest, found := strings.CutPrefix(lines.Text(), stageSeconds+`{log="events",stage="`)
		stage, value, split := strings.Cut(rest, `"} `)
		if seconds, err := strconv.ParseFloat(value, 64); found && split && err == nil {
			stages[stage] = seconds
		}
		if times, found := strings.CutPrefix(lines.Text(), stageTimes+`{log="events",stage="write"} `); found {
			if batches, err = strconv.ParseFloat(times, 64); err != nil {
				return nil, 0, err
			}
		}
	}
	return stages, batches, nil
}

// idle is what a `parley serve` takes to start on an empty log: its first start
// reads the whole library of ClickHouse to verify it, and makes the tables.
func (b *bench) idle(ctx context.Context) (cost, error) {
	r, err := b.start(ctx, natsOnly)
	defer r.close()
	if err != nil {
		return cost{}, err
	}
	r.stopNATS()
	s, _, err := r.serveBinary(ctx, 0)
	defer s.close()
	if err != nil {
		return cost{}, err
	}
	return s.spent()
}

// spent is the processor time of parley and of its ClickHouse.
func (s *served) spent() (c cost, err error) {
	if c.self, err = processorTime(s.command.Process.Pid); err != nil {
		return c, err
	}
	c.child, err = processorTime(s.child)
	return c, err
}

// measured is what a `parley serve` took for a log.
type measured struct {
	rate           float64            // events a second, from the start of the process
	memory, child  float64            // most resident MiB
	cpu            cost               // without those of idle
	log            float64            // bytes an event
	tables, stages map[string]float64 // bytes an event, seconds
	batches        float64
}

// measureServed fills a log, has `parley serve` catch up, and looks at what it took.
func (b *bench) measureServed(ctx context.Context, events int) (*measured, error) {
	starting, err := b.idle(ctx)
	if err != nil {
		return nil, fmt.Errorf("on an empty log: %w", err)
	}
	r, err := b.start(ctx, natsOnly)
	defer r.close()
	if err != nil {
		return nil, err
	}
	if err := r.fill(ctx, events); err != nil {
		return nil, err
	}
	last, err := r.broker.Events().Last(ctx)
	if err != nil {
		return nil, err
	}
	r.stopNATS()
	// For so long the server would remember the ids of this burst: a log of any
	// size is to be read, not one that was filled a moment ago.
	select {
	case <-time.After(eventlog.DuplicateWindow):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	m := &measured{tables: map[string]float64{}}
	if m.log, err = bytesBelow(filepath.Join(r.dir, "nats")); err != nil {
		return nil, err
	}
	m.log /= float64(events)
	s, took, err := r.serveBinary(ctx, uint64(last))
	defer s.close()
	if err != nil {
		return nil, err
	}
	m.rate = float64(events) / took.Seconds()
	pid := s.command.Process.Pid
	for _, read := range []struct {
		into *float64
		pid  int
	}{
		{&m.memory, pid}, {&m.child, s.child},
	} {
		if *read.into, err = residentPeak(read.pid); err != nil {
			return nil, err
		}
	}
	if m.cpu, err = s.spent(); err != nil {
		return nil, err
	}
	m.cpu = m.cpu.minus(starting)
	if m.stages, m.batches, err = s.stages(ctx); err != nil {
		return nil, err
	}
	if err := (&rig{bench: b, tables: s.tables}).settle(ctx); err != nil {
		return nil, err
	}
	rows, err := s.tables.Conn().Query(ctx, "SELECT table, toFloat64(sum(bytes_on_disk)) FROM system.parts WHERE active AND database = 'parley_1' GROUP BY table")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var table string
		var bytes float64
		if err := rows.Scan(&table, &bytes); err != nil {
			return nil, err
		}
		m.tables[table] = bytes / float64(events)
	}
	return m, rows.Err()
}

func bytesBelow(dir string) (float64, error) {
	var sum int64
	err := filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			sum += info.Size()
		}
		return err
	})
	return float64(sum), err
}

// usage measures line h.
func (b *bench) usage(ctx context.Context) error {
	m, err := b.measureServed(ctx, b.events)
	if err != nil {
		return err
	}
	one := func(v float64) *spread { return spreadOf([]float64{v}) }
	b.report.add(figure{Line: "h", What: "parley serve: catch-up from its start", Unit: "events/s", Ours: one(m.rate),
		Note: fmt.Sprintf("%.0f batches; stages, seconds: %s", m.batches, listed(m.stages))})
	b.report.add(figure{Line: "h", What: "parley serve: most memory, without ClickHouse", Unit: "MiB", Ours: one(m.memory)}.goal("< 500 MB", m.memory < 477))
	b.report.add(figure{Line: "h", What: "its ClickHouse: most memory", Unit: "MiB", Ours: one(m.child)})
	millions := float64(b.events) / 1e6
	all := (m.cpu.self + m.cpu.child) / millions
	b.report.add(figure{Line: "h", What: "processor time, all processes, beyond a start on an empty log", Unit: "core-s/million", Ours: one(all),
		Note: fmt.Sprintf("parley %.1f, ClickHouse %.1f", m.cpu.self/millions, m.cpu.child/millions)}.goal("≤ 12", all <= 12))
	b.report.add(figure{Line: "h", What: "disk: the log", Unit: "bytes/event", Ours: one(m.log)})
	sum := 0.0
	for _, bytes := range m.tables {
		sum += bytes
	}
	b.report.add(figure{Line: "h", What: "disk: the tables", Unit: "bytes/event", Ours: one(sum), Note: listed(m.tables)})
	return nil
}

func listed(values map[string]float64) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		parts = append(parts, fmt.Sprintf("%s %s", name, number(values[name])))
	}
	return strings.Join(parts, ", ")
}

// grow measures line i. How pages grow is seen by the sizes of line f.
func (b *bench) grow(ctx context.Context) error {
	small, err := b.measureServed(ctx, b.events)
	if err != nil {
		return err
	}
	large, err := b.measureServed(ctx, b.events*b.growth)
	if err != nil {
		return fmt.Errorf("at %d times the events: %w", b.growth, err)
	}
	at := fmt.Sprintf("at %d times the events", b.growth)
	row := func(what, unit, goal string, met func(figure) bool, large, small float64) {
		f := figure{Line: "i", What: what + " " + at, Unit: unit, Ours: spreadOf([]float64{large})}.against("at one time", spreadOf([]float64{small}))
		if met != nil {
			f = f.goal(goal, met(f))
		}
		b.report.add(f)
	}
	perEvent := func(m *measured, events int) float64 { return (m.cpu.self + m.cpu.child) / float64(events) * 1e6 }
	row("processor time of a catch-up", "core-s/million", "within 20 %", func(f figure) bool { return f.Ratio <= 1.2 },
		perEvent(large, b.events*b.growth), perEvent(small, b.events))
	row("catch-up by parley serve", "events/s", "within 20 %", func(f figure) bool { return f.Ratio >= 0.8 }, large.rate, small.rate)
	row("most memory of parley", "MiB", "< 500 MB", func(f figure) bool { return f.Ours.Median < 477 }, large.memory, small.memory)
	row("most memory of ClickHouse", "MiB", "", nil, large.child, small.child)
	row("bytes of the log", "bytes/event", "", nil, large.log, small.log)
	return nil
}
