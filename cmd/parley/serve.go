package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/schema"
)

// serveCommand runs every role. The engines are embedded unless servers are
// named.
type serveCommand struct {
	nodeFlags
	engines.Embedded
	ingestFlags
	projectFlags
	queryFlags
	Demo bool `help:"Send demo data, and print a page of addresses once it is in the tables." group:"Demo data" env:"-"`
	demoSettings
}

// Run serves until the process is asked to stop.
func (c *serveCommand) Run(a *app) error {
	lock, err := embedded.LockDataDir(c.DataDir)
	if err != nil {
		return err
	}
	defer func() { _ = lock.Unlock() }() // the end of the process also unlocks
	if err := os.Chmod(c.DataDir, 0o700); err != nil {
		return fmt.Errorf("data dir: %w", err)
	}
	_, err = os.Stat(filepath.Join(c.DataDir, embedded.CredentialsFile))
	fresh := errors.Is(err, os.ErrNotExist)

	c.queryFlags.stallAfter = c.StallAfter
	roles := []role{&c.ingestFlags, &c.projectFlags, &c.queryFlags}
	n, err := newNode(a, &c.nodeFlags, roles...)
	if err != nil {
		return err
	}
	return n.run(a, func(ctx context.Context) error {
		n.engines, err = c.Start(ctx, n.Process, &c.Embedded, n.pair, n.ready)
		if err != nil {
			return err
		}
		n.engines.Register(n.registry)
		// Before /readyz can name a problem, so that the command that it recommends finds the engines.
		where, err := n.engines.Announce(c.DataDir, n.web.URL)
		if err != nil {
			return err
		}
		if err := n.startRoles(ctx, "serve", roles); err != nil {
			return err
		}
		if err := n.writeAdminKey(ctx, c.DataDir, fresh); err != nil {
			return err
		}
		if c.Demo {
			n.Background("demo data", func(ctx context.Context) error {
				if err := n.awaitReady(ctx); err != nil {
					return err
				}
				return c.demonstrate(ctx, a, n, where)
			})
		}
		return nil
	})
}

// serveBeside runs roles on existing engines: those named by flags, or those of the serve on the data dir.
func serveBeside(a *app, f *nodeFlags, name string, roles ...role) error {
	find := f.FindLog
	if slices.ContainsFunc(roles, needsTables) {
		find = f.Find
	}
	e, err := find()
	if err != nil {
		return err
	}
	n, err := newNode(a, f, roles...)
	if err != nil {
		return err
	}
	n.engines = e
	return n.run(a, func(ctx context.Context) error { return n.startRoles(ctx, name, roles) })
}

// run starts everything, prints that it is ready, waits for the end, and stops everything.
func (n *node) run(a *app, start func(context.Context) error) error {
	began := time.Now()
	err := start(a.ctx)
	if err == nil {
		err = n.awaitReady(a.ctx)
	}
	if err == nil {
		n.log.Info("ready", "http", n.web.URL, "after", time.Since(began).Round(time.Millisecond))
		_, err = fmt.Fprintf(a.stdout, "ready %s\n", n.web.URL)
	}
	if err == nil {
		err = n.Wait(a.ctx)
	}
	if a.ctx.Err() != nil {
		n.log.Info("stopping")
		err = nil // what the end of ctx interrupted is not a failure
	}
	n.web.Drain(n.log)
	if stopped := n.Shutdown(); err == nil {
		err = stopped
	}
	if err == nil {
		n.log.Info("stopped")
	}
	return err
}

// startRoles connects to the log and starts the roles in the order of the data path. Those that need
// ClickHouse start in the background: while it cannot be reached, or its tables are brought up to
// date, events are accepted.
func (n *node) startRoles(ctx context.Context, name string, roles []role) error {
	if err := n.connect(ctx, name, roles); err != nil {
		return err
	}
	var onTables []role
	for _, r := range roles {
		if needsTables(r) {
			onTables = append(onTables, r)
		} else if err := r.start(ctx, n); err != nil {
			return err
		}
	}
	if len(onTables) == 0 {
		return nil
	}
	n.migration = newMigration(n.log, n.registry)
	for _, r := range onTables {
		for _, part := range r.parts() {
			if part.Name != engines.ClickHouse {
				n.ready.Watch(part.Name, n.migration.waiting) // until the role has started
			}
		}
	}
	n.Background("tables", func(ctx context.Context) error {
		for _, r := range onTables {
			err := r.start(ctx, n)
			if ctx.Err() != nil {
				return nil //nolint:nilerr // stopping is no failure of the role
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return nil
}

func needsTables(r role) bool {
	return slices.ContainsFunc(r.parts(), func(p readiness.Part) bool { return p.Name == engines.ClickHouse })
}

// progress compares the position of the live version with the end of the log from now
// on; see [readiness.Progress].
func (n *node) progress(stallAfter time.Duration, position func(context.Context) (schema.Sequence, error)) *readiness.Progress {
	log := n.broker.Events().NewReader()
	p := &readiness.Progress{Position: position, Last: log.Last, Next: log.Next, StallAfter: stallAfter}
	n.Background("progress of the tables", p.Run)
	return p
}

// awaitReady polls until nothing is missing, or a part fails.
func (n *node) awaitReady(ctx context.Context) error {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for len(n.ready.Missing(ctx)) > 0 {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-n.Failed():
			return n.Wait(ctx)
		case <-tick.C:
		}
	}
	return nil
}

// awaitTables waits until the tables have reached the present end of the log.
func (n *node) awaitTables(ctx context.Context) error {
	last, err := n.broker.Events().Last(ctx)
	if err != nil {
		return err
	}
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for {
		live, err := n.live(ctx)
		if err != nil || live.Written >= last {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}

// demonstrate sends demo data to this process and prints the guide once all of it is visible.
func (c *serveCommand) demonstrate(ctx context.Context, a *app, n *node, where *engines.Endpoints) error {
	key, err := readKey(filepath.Join(c.DataDir, adminKeyName))
	if err != nil {
		return err
	}
	demo := c.demoSettings.flags()
	if err := demo.check(c.DemoRate, time.Now()); err != nil {
		return err
	}
	encrypted, err := where.TLS.Config("tls")
	if err != nil {
		return err
	}
	sender := client.New(where.HTTP, key.ID, key.Secret, encrypted)
	if err := demo.sendHistory(ctx, sender, a.stderr); err != nil {
		return err
	}
	if err := n.awaitTables(ctx); err != nil {
		return err
	}
	if err := writeGuide(a.stderr, where, c.DataDir, true, n.authority.Invite(key.ID)); err != nil {
		return err
	}
	return demo.sendLive(ctx, sender, c.DemoRate, a.log)
}
