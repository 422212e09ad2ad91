package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime/pprof"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// noCache keeps no conversation in memory: every batch reads back all it needs.
const noCache = 1

// catchUp measures lines c and d.
func (b *bench) catchUp(ctx context.Context) error {
	r, err := b.start(ctx, bothEngines)
	defer r.close()
	if err != nil {
		return err
	}
	if err := r.fill(ctx, b.events); err != nil {
		return fmt.Errorf("fill the log: %w", err)
	}
	floor, err := r.recordBlocks(ctx)
	if err != nil {
		return fmt.Errorf("record the blocks: %w", err)
	}
	client, err := plainClient(16)
	if err != nil {
		return err
	}
	defer client.CloseIdleConnections()

	var reads, inserts, warm, cold, builds, replays []float64
	var spent cost
	for range b.rounds {
		rate, err := r.read(ctx)
		if err != nil {
			return err
		}
		reads = append(reads, rate)
		if rate, err = floor.rate(ctx, r, client); err != nil {
			return err
		}
		inserts = append(inserts, rate)
		if b.wants("c") {
			before := r.spent()
			profiled, err := b.profiled()
			if err != nil {
				return err
			}
			rate, err = r.catchUpRate(ctx, 0)
			if err := errors.Join(err, profiled()); err != nil {
				return err
			}
			warm = append(warm, rate)
			spent = spent.plus(r.spent().minus(before))
			if rate, err = r.catchUpRate(ctx, noCache); err != nil {
				return err
			}
			cold = append(cold, rate)
		}
		if b.wants("d") {
			build, whole, err := r.replay(ctx)
			if err != nil {
				return err
			}
			builds = append(builds, float64(b.events)/build.Seconds())
			replays = append(replays, float64(b.events)/whole.Seconds())
		}
	}
	b.reportCatchUp(reads, inserts, warm, cold, builds, replays, spent, floor)
	return nil
}

// profiled writes the requested profile until the returned function is
// called. That of the last round stays.
func (b *bench) profiled() (func() error, error) {
	if b.profile == "" {
		return func() error { return nil }, nil
	}
	file, err := os.Create(b.profile)
	if err != nil {
		return nil, err
	}
	if err := pprof.StartCPUProfile(file); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() error { pprof.StopCPUProfile(); return file.Close() }, nil
}

func (b *bench) reportCatchUp(reads, inserts, warm, cold, builds, replays []float64, spent cost, floor *recording) {
	const unit = "events/s"
	read, insert := spreadOf(reads), spreadOf(inserts)
	c, name := insert, "inserting the same blocks (C)"
	if read.Median < insert.Median {
		c, name = read, "reading the log (C)"
	}
	b.report.add(figure{Line: "c", What: "floor: reading the log in order, raw", Unit: unit, Ours: read})
	b.report.add(figure{Line: "c", What: "floor: inserting the very same blocks, raw", Unit: unit, Ours: insert,
		Note: fmt.Sprintf("%d batches, %.0f bytes an event sent", len(floor.blocks.batches), float64(floor.blocks.bytes)/float64(b.events))})
	if b.wants("c") {
		ours := figure{Line: "c", What: "catch-up, conversations in the cache", Unit: unit, Ours: spreadOf(warm)}.against(name, c)
		b.report.add(ours.goal("≥ 0.5 C", ours.Ratio >= 0.5))
		ours = figure{Line: "c", What: "catch-up, against reading", Unit: unit, Ours: spreadOf(warm)}.against("reading the log", read)
		b.report.add(ours.goal("≥ 0.3", ours.Ratio >= 0.3))
		b.report.add(figure{Line: "c", What: "catch-up, nothing in the cache", Unit: unit, Ours: spreadOf(cold)}.against(name, c))
		millions := float64(b.events*b.rounds) / 1e6
		all := (spent.self + spent.child) / millions
		b.report.add(figure{Line: "c", What: "processor time of a catch-up", Unit: "core-s/million", Ours: spreadOf([]float64{all}),
			Note: fmt.Sprintf("this process with NATS %.1f, ClickHouse with its merges %.1f", spent.self/millions, spent.child/millions)}.goal("≤ 12", all <= 12))
	}
	if b.wants("d") {
		ours := figure{Line: "d", What: "replay: built, compared, swapped", Unit: unit, Ours: spreadOf(replays)}.against(name, c)
		b.report.add(ours.goal("≥ 0.6 C", ours.Ratio >= 0.6))
		b.report.add(figure{Line: "d", What: "replay: the building alone", Unit: unit, Ours: spreadOf(builds)}.against(name, c))
		if b.wants("c") {
			b.report.add(figure{Line: "d", What: "replay, against catch-up", Unit: unit, Ours: spreadOf(replays)}.against("catch-up", spreadOf(warm)))
		}
	}
}

// recording is the blocks of a catch-up, and where it went.
type recording struct {
	blocks  *blocks
	version uint32
	events  int
}

// recordBlocks catches up once, into the version that is live, so that a replay
// has something to compare itself with.
func (r *rig) recordBlocks(ctx context.Context) (*recording, error) {
	version, err := r.tables.Live(ctx)
	if err != nil {
		return nil, err
	}
	requests, err := r.tape.record(func() error {
		_, err := r.catchUp(ctx, version, 0)
		return err
	})
	if err != nil {
		return nil, err
	}
	kept, err := insertsOf(requests, version)
	return &recording{kept, version, r.bench.events}, err
}

// rate inserts the blocks once.
func (f *recording) rate(ctx context.Context, r *rig, client *http.Client) (float64, error) {
	return r.fresh(ctx, func(version uint32) (time.Duration, error) {
		began := time.Now()
		err := f.blocks.insert(ctx, client, f.version, version)
		return time.Since(began), err
	})
}

// catchUpRate catches up once from the beginning.
func (r *rig) catchUpRate(ctx context.Context, cache int) (float64, error) {
	return r.fresh(ctx, func(version uint32) (time.Duration, error) { return r.catchUp(ctx, version, cache) })
}

// fresh does something with the empty tables of a new version, drops them, and
// returns how many of the log's events a second that was.
func (r *rig) fresh(ctx context.Context, do func(version uint32) (time.Duration, error)) (float64, error) {
	version, err := r.version(ctx)
	if err != nil {
		return 0, err
	}
	took, err := do(version)
	if err := errors.Join(err, r.tables.Drop(ctx, version)); err != nil {
		return 0, err
	}
	return float64(r.bench.events) / took.Seconds(), nil
}

// read reads the whole log in order and does nothing with it.
func (r *rig) read(ctx context.Context) (float64, error) {
	log := r.broker.Events()
	last, err := log.Last(ctx)
	if err != nil {
		return 0, err
	}
	reader := log.NewReader()
	defer reader.Close()
	began := time.Now()
	for at := schema.Sequence(0); at < last; {
		entries, err := reader.Read(ctx, at, 10_000, time.Second)
		if err != nil {
			return 0, err
		}
		if len(entries) > 0 {
			at = entries[len(entries)-1].End()
		}
	}
	return float64(r.bench.events) / time.Since(began).Seconds(), nil
}
