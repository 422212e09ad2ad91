package main

import (
	"bufio"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/tables"
)

// upkeep is a connection to both engines beside a running serve.
type upkeep struct {
	broker *eventlog.Broker
	tables *tables.Tables
	live   uint32 // version of the projection
	close  func()
}

// openUpkeep connects. Alone makes sure that nobody replays, verifies or
// changes the log at the same time.
func openUpkeep(a *app, dir string, servers *serverFlags, what string, alone bool) (*upkeep, error) {
	var release []func()
	u := &upkeep{close: func() {
		for i := len(release) - 1; i >= 0; i-- {
			release[i]()
		}
	}}
	if err := u.open(a, dir, servers, what, alone, &release); err != nil {
		u.close()
		return nil, err
	}
	return u, nil
}

func (u *upkeep) open(a *app, dir string, servers *serverFlags, what string, alone bool, release *[]func()) error {
	if alone {
		lock, err := embedded.LockDataDir(filepath.Join(dir, "rebuild"))
		if err != nil {
			return fmt.Errorf("another replay, verify, erase or quarantine command is running: %w", err)
		}
		*release = append(*release, func() { _ = lock.Unlock() })
	}
	e, err := enginesBeside(dir, servers)
	if err != nil {
		return err
	}
	e.log.Name, e.log.Observe, e.log.Logger = "parley "+what, true, a.log
	if u.broker, err = eventlog.Open(a.ctx, e.log); err != nil {
		return err
	}
	*release = append(*release, u.broker.Close)
	if u.tables, err = dialClickHouse(a.ctx, a.log, e.writer); err != nil {
		return err
	}
	*release = append(*release, func() { _ = u.tables.Close() })
	u.live, err = u.tables.Live(a.ctx)
	return err
}

// confirm asks before something that cannot be undone, unless it was said that
// the answer is yes.
func confirm(a *app, yes bool, question string) error {
	if yes {
		return nil
	}
	fmt.Fprintf(a.stderr, "%s This cannot be undone. Type yes to continue: ", question)
	answer, _ := bufio.NewReader(a.stdin).ReadString('\n') // the end is no yes
	if strings.TrimSpace(answer) != "yes" {
		return errors.New("nothing was changed: not confirmed (use --yes in scripts)")
	}
	return nil
}
