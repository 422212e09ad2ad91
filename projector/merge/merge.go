package merge

import (
	"context"
	"log/slog"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
)

// Tables are the tables of a server.
type Tables interface {
	// Parts returns the parts of each table of a version that is read by ranges.
	Parts(ctx context.Context, version uint32) ([]tables.Parts, error)
	// Merge makes one part of those of a table, and returns when that is done. A repeat changes nothing.
	Merge(ctx context.Context, version uint32, table string) error
}

const (
	// tick is the interval between looks at the progress of the projector.
	tick = 10 * time.Second
	// quiet is how long it must have been quiet, with fewer than quietRate events per second, and the interval between looks at the parts.
	quiet     = time.Minute
	quietRate = 100
	// least is the number of rows from which on merging them costs a query anything, and fraction is which part of all rows they must be.
	least    = 10_000
	fraction = 8
	// growth is which part of the rows of the largest part the others must have.
	growth = 4
	// rest is how long a table must not have changed, and again the time between two merges, if the others have fewer.
	rest  = time.Hour
	again = 24 * time.Hour
	// pause is how long nothing is merged after a failure.
	pause = time.Hour
)

// Merger merges the tables of a version while little arrives. Its methods are not for concurrent use.
type Merger struct {
	Tables  Tables
	Version uint32
	// Progress returns how far the version is.
	Progress func() projector.Progress
	// Live reports whether the version is live: no other is merged.
	Live   func() bool
	Logger *slog.Logger

	before projector.Progress // at the time ticked
	ticked time.Time
	busy   time.Time // when much arrived the last time
	next   time.Time // look at the parts
	began  time.Time
	known  map[string]*known
}

// known is what a merger knows about a table.
type known struct {
	rows   uint64
	since  time.Time // it has had so many
	merged time.Time // or when the merger began
}

// Run merges until the context ends.
func (m *Merger) Run(ctx context.Context) {
	m.known = map[string]*known{}
	m.began = time.Now()
	m.ticked, m.busy, m.before = m.began, m.began, m.Progress()
	ticks := time.NewTicker(tick)
	defer ticks.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
		if !m.isQuiet() || time.Now().Before(m.next) || !m.Live() {
			continue
		}
		merged, err := m.look(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			m.next = time.Now().Add(pause)
			m.Logger.Warn("parts of a table are not merged", "version", m.Version, "next", pause, "error", err)
		case !merged:
			m.next = time.Now().Add(quiet)
		}
	}
}

// isQuiet reports whether little has arrived for a while.
func (m *Merger) isQuiet() bool {
	now, p := time.Now(), m.Progress()
	arrived := float64(p.Lag())
	if p.Position > m.before.Position {
		arrived += float64(p.Position-m.before.Position) * p.Density
	}
	if arrived > quietRate*now.Sub(m.ticked).Seconds() {
		m.busy = now
	}
	m.ticked, m.before = now, p
	return now.Sub(m.busy) >= quiet
}

// look merges the first table for which that is due.
func (m *Merger) look(ctx context.Context) (merged bool, err error) {
	list, err := m.Tables.Parts(ctx, m.Version)
	if err != nil {
		return false, err
	}
	var due *tables.Parts
	for _, p := range list {
		if m.isDue(p) && due == nil {
			due = &p
		}
	}
	if due == nil {
		return false, nil
	}
	began := time.Now()
	if err := m.Tables.Merge(ctx, m.Version, due.Table); err != nil {
		return false, err
	}
	m.known[due.Table].merged = time.Now()
	m.Logger.Info("the parts of a table were merged", "version", m.Version, "table", due.Table, "parts", due.All, "rows", due.Rows, "took", time.Since(began).Round(time.Millisecond))
	return true, nil
}

// isDue reports whether a table is to be merged now.
func (m *Merger) isDue(p tables.Parts) bool {
	now := time.Now()
	k := m.known[p.Table]
	if k == nil {
		k = &known{rows: p.Rows, since: now, merged: m.began}
		m.known[p.Table] = k
	}
	if k.rows != p.Rows {
		k.rows, k.since = p.Rows, now
	}
	return gains(p) && (grown(p) || now.Sub(k.since) >= rest && now.Sub(k.merged) >= again)
}

// gains reports whether queries of a whole table merge so many of its rows that a merge pays.
func gains(p tables.Parts) bool { return p.Shared >= least && p.Shared*fraction >= p.Rows }

// grown reports whether so many rows have come since the largest part that it may be rewritten.
func grown(p tables.Parts) bool { return (p.Rows-p.Largest)*growth >= p.Largest }

// Once merges the tables of a version that gain by it. Their rows were all written since the version was begun.
func Once(ctx context.Context, t Tables, version uint32) error {
	list, err := t.Parts(ctx, version)
	if err != nil {
		return err
	}
	for _, p := range list {
		if !gains(p) {
			continue
		}
		if err := t.Merge(ctx, version, p.Table); err != nil {
			return err
		}
	}
	return nil
}
