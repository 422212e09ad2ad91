package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/certificate"
	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

type doctorCommand struct {
	engines.Location
	engines.Embedded
	Listen string `help:"Address of the HTTP server; port 0 picks a free one (${default})." default:"127.0.0.1:8080" placeholder:"HOST:PORT"`
}

const (
	doctorTimeout = 20 * time.Second
	// leastFree is the free disk space below which ClickHouse will soon be unable to merge.
	leastFree = 1 << 30
)

// diagnosis is one line of output: what was found, or what is wrong and how to fix it.
type diagnosis struct {
	name  string
	check func(context.Context) (found string, err error)
}

// Run checks the requirements of a start and, if serve is running, the state of serve. It fails if any check fails.
func (c *doctorCommand) Run(a *app) error {
	ctx, cancel := context.WithTimeout(a.ctx, doctorTimeout)
	defer cancel()
	checks := []diagnosis{
		{"library", c.library},
		{"data dir", c.folder},
		{"disk space", c.disk},
	}
	running, err := engines.Running(c.DataDir)
	beside := err == nil || c.NATSURL != "" && c.ClickHouseURL != ""
	if err == nil {
		checks = append(checks, diagnosis{"serve", func(ctx context.Context) (string, error) { return c.readiness(ctx, running) }})
		if running.TLS != nil {
			checks = append(checks, diagnosis{"certificate", func(context.Context) (string, error) { return lasting("--tls-cert", running.TLS.CertFile) }})
		}
	} else {
		checks = append(checks,
			diagnosis{"port http", c.port("--listen", c.Listen)},
			diagnosis{"port nats", c.port("--nats-listen", c.NATSListen)},
			diagnosis{"port clickhouse", c.port("--clickhouse-http", c.ClickHouseHTTP)})
	}
	failed := report(ctx, a.stdout, checks)
	if beside {
		failed = c.engines(ctx, a.stdout) || failed
	} else {
		fmt.Fprintf(a.stdout, "--    engines: not checked, %s\n", reason(err))
	}
	if failed {
		return errReported
	}
	return nil
}

func report(ctx context.Context, out io.Writer, checks []diagnosis) (failed bool) {
	for _, d := range checks {
		found, err := d.check(ctx)
		var works remark
		if errors.As(err, &works) {
			fmt.Fprintf(out, "warn  %s: %s\n", d.name, printable(works.text))
			continue
		}
		if err != nil {
			failed = true
			fmt.Fprintf(out, "FAIL  %s: %s\n", d.name, reason(err))
			continue
		}
		fmt.Fprintf(out, "ok    %s: %s\n", d.name, printable(found))
	}
	return failed
}

func (c *doctorCommand) library(context.Context) (string, error) {
	if c.ClickHouseURL != "" {
		return "not needed with --clickhouse-url", nil
	}
	path, err := embedded.FindLibrary("")
	if err != nil {
		return "", err
	}
	if err := embedded.VerifyLibrary(path, ""); err != nil {
		return "", err
	}
	return fmt.Sprintf("%s is ClickHouse %s", path, embedded.LibraryVersion), nil
}

func (c *doctorCommand) folder(context.Context) (string, error) {
	info, err := os.Stat(c.DataDir)
	if errors.Is(err, os.ErrNotExist) {
		return c.DataDir + " will be created by serve", nil
	}
	if err != nil {
		return "", err
	}
	if !info.IsDir() {
		return "", fmt.Errorf("%s is not a directory: choose another --data-dir", c.DataDir)
	}
	if others := info.Mode().Perm() & 0o077; others != 0 {
		return "", fmt.Errorf("%s is accessible to other users (%v): run `chmod 700 %s`", c.DataDir, info.Mode().Perm(), shellQuoted(c.DataDir))
	}
	probe, err := os.CreateTemp(c.DataDir, ".doctor-*")
	if err != nil {
		return "", fmt.Errorf("%s is not writable: %w: change its owner to the user that runs serve", c.DataDir, err)
	}
	probe.Close()
	if err := os.Remove(probe.Name()); err != nil {
		return "", err
	}
	for _, name := range []string{engines.EndpointsFile, adminKeyName, embedded.CredentialsFile, embedded.GuestsFile} {
		path := filepath.Join(c.DataDir, name)
		if info, err := os.Stat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
			return "", fmt.Errorf("%s holds secrets and is accessible to other users: run `chmod 600 %s`", path, shellQuoted(path))
		}
	}
	return c.DataDir + " is private to this user", nil
}

func (c *doctorCommand) disk(context.Context) (string, error) {
	folder := c.DataDir
	for {
		if _, err := os.Stat(folder); err == nil || folder == filepath.Dir(folder) {
			break
		}
		folder = filepath.Dir(folder)
	}
	var fs syscall.Statfs_t
	if err := syscall.Statfs(folder, &fs); err != nil {
		return "", err
	}
	free := int64(fs.Bavail) * int64(fs.Bsize) //nolint:unconvert // another type on macOS
	if free < leastFree {
		return "", fmt.Errorf("only %d MiB free in %s: free at least %d MiB", free>>20, folder, leastFree>>20)
	}
	return fmt.Sprintf("%.1f GiB free", float64(free)/(1<<30)), nil
}

func (c *doctorCommand) port(flag, address string) func(context.Context) (string, error) {
	return func(ctx context.Context) (string, error) {
		l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
		if err != nil {
			return "", fmt.Errorf("%w: stop the process that uses it, or choose another %s", err, flag)
		}
		return address + " is free", l.Close()
	}
}

func (c *doctorCommand) readiness(ctx context.Context, e *engines.Endpoints) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, e.HTTP+"/readyz", nil)
	if err != nil {
		return "", err
	}
	encrypted, err := e.TLS.Config("tls")
	if err != nil {
		return "", err
	}
	response, err := (&http.Client{Transport: over(encrypted)}).Do(request)
	if err != nil {
		return "", fmt.Errorf("process %d does not answer: %w", e.PID, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 64<<10))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s is not ready: %s", e.HTTP, client.Excerpt(body))
	}
	return fmt.Sprintf("process %d is ready at %s", e.PID, e.HTTP), nil
}

// lasting reports until when a certificate is valid, and fails if that is soon.
func lasting(flag, path string) (string, error) {
	leaf, err := certificate.File{Flag: flag, Path: path}.Leaf()
	if err != nil {
		return "", err
	}
	now := time.Now()
	if err := certificate.Valid(leaf, now); err != nil {
		return "", fmt.Errorf("%s %w", path, err)
	}
	end := leaf.NotAfter.UTC().Format(time.DateTime)
	if leaf.NotAfter.Sub(now) < certificate.Soon {
		return "", fmt.Errorf("%s expires on %s: replace the files, which are read again without a restart", path, end)
	}
	return fmt.Sprintf("%s is valid until %s", path, end), nil
}

// engines checks the engines that answer now.
func (c *doctorCommand) engines(ctx context.Context, out io.Writer) (failed bool) {
	var broker *eventlog.Broker
	var tables *tables.Tables
	e, err := c.Find()
	if err != nil {
		return report(ctx, out, []diagnosis{{"engines", func(context.Context) (string, error) { return "", err }}})
	}
	defer func() {
		if broker != nil {
			broker.Close()
		}
		if tables != nil {
			_ = tables.Close() // nothing was written
		}
	}()
	var last, first uint64
	ofLog := func(check func(context.Context) (string, error)) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			if broker == nil {
				return "", errors.New("not checked, see nats")
			}
			return check(ctx)
		}
	}
	ofTables := func(check func(context.Context) (string, error)) func(context.Context) (string, error) {
		return func(ctx context.Context) (string, error) {
			if tables == nil {
				return "", errors.New("not checked, see clickhouse")
			}
			return check(ctx)
		}
	}
	checks := []diagnosis{
		{"nats", func(ctx context.Context) (string, error) {
			ctx, cancel := context.WithTimeout(ctx, doctorTimeout/4)
			defer cancel()
			broker, err = e.Observe(ctx, "doctor", nil)
			var newer *eventlog.NewerError
			if errors.As(err, &newer) {
				return "", newer
			}
			if err != nil {
				return "", fmt.Errorf("%w: check that the server is running and its credentials are correct", err)
			}
			return engines.WithoutCredentials(e.Log.URL) + " answers", broker.Ready()
		}},
		{"nats version", ofLog(func(context.Context) (string, error) { return logVersion(broker) })},
		{"nats clock", ofLog(func(ctx context.Context) (string, error) { return logClock(ctx, broker) })},
		{"streams", ofLog(func(ctx context.Context) (string, error) { return streams(ctx, broker) })},
		{"copies", ofLog(func(ctx context.Context) (string, error) { return copies(ctx, broker) })},
		{"log", ofLog(func(ctx context.Context) (string, error) {
			state, err := broker.Events().State(ctx)
			if err != nil {
				return "", err
			}
			first, last = uint64(state.First), uint64(state.Last)
			for _, stream := range []*eventlog.Stream{broker.Events(), broker.Rejected()} {
				lost, err := stream.Damage(ctx)
				if err != nil {
					return "", err
				}
				if lost != nil {
					return "", lost
				}
			}
			return fmt.Sprintf("version %d, %d records, sequences %d to %d, %d MiB", eventlog.Version, state.Messages, first, last, state.Bytes>>20), nil
		})},
		{"clickhouse", func(ctx context.Context) (string, error) {
			if tables, err = e.Dial(ctx); err != nil {
				return "", fmt.Errorf("%w: check that the server is running and its credentials are correct", err)
			}
			return engines.WithoutCredentials(e.Writer.URL) + " answers", nil
		}},
		{"clickhouse server", ofTables(func(ctx context.Context) (string, error) { return tablesServer(ctx, tables) })},
		{"rights", ofTables(func(ctx context.Context) (string, error) { return tableRights(ctx, e, tables) })},
		{"tables", ofTables(func(ctx context.Context) (string, error) {
			if err := tables.Check(ctx); err != nil {
				return "", err
			}
			live, err := tables.Live(ctx)
			return fmt.Sprintf("up to date with version %d, projection %d is live", clickhouse.Version, live), err
		})},
		{"versions", ofTables(func(ctx context.Context) (string, error) { return versions(ctx, tables) })},
		{"parts", ofTables(func(ctx context.Context) (string, error) {
			return overlapping(ctx, tables), nil
		})},
		{"position", func(ctx context.Context) (string, error) {
			if tables == nil || broker == nil {
				return "", errors.New("not checked, see nats and clickhouse")
			}
			return position(ctx, tables, last)
		}},
	}
	return report(ctx, out, checks)
}

// overlapping says how many parts of the live tables that are read by ranges overlap: readers merge those. It is not a failure
// if the server does not tell.
func overlapping(ctx context.Context, t *tables.Tables) string {
	live, err := t.Live(ctx)
	var list []tables.Parts
	if err == nil {
		list, err = t.Parts(ctx, live)
	}
	if err != nil {
		return "not known: " + reason(err)
	}
	var all, overlapping uint64
	var some []string
	for _, p := range list {
		all, overlapping = all+p.All, overlapping+p.Overlapping
		if p.Overlapping > 0 {
			some = append(some, fmt.Sprintf("%s %d of %d", p.Table, p.Overlapping, p.All))
		}
	}
	text := fmt.Sprintf("%d of %d overlap", overlapping, all)
	if len(some) > 0 {
		text += ": " + strings.Join(some, ", ")
	}
	return text
}
