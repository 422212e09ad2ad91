package replay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/history"
	"github.com/parley-analytics/parley/projector/merge"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// Open makes a projector that writes a version; release frees what it uses.
type Open func(ctx context.Context, version uint32) (p *projector.Projector, release func(), err error)

// Lease lets one process at a time write the live version. Keep waits for it, does
// the work while it holds it, again if it was lost meanwhile, and releases it.
type Lease interface {
	Keep(ctx context.Context, do func(ctx context.Context) error) error
}

// Rebuild replays and verifies. The caller ensures that only one runs on a server at a time.
type Rebuild struct {
	Tables *tables.Tables
	Open   Open
	// Flags are those that decide which rows Open's projectors write: an interrupted build is
	// continued only with the same flags.
	Flags string
	// Ends returns the last sequence of each log, which a version must reach.
	Ends func(ctx context.Context) (map[string]schema.Sequence, error)
	// Gaps returns the sequences that are lost permanently; nil for a log that has none.
	Gaps history.Gaps
	// Begins is the first sequence that the stream of events still holds; nil for
	// one that drops nothing.
	Begins func(ctx context.Context) (schema.Sequence, error)
	// Report is called with the progress of the build; may be nil.
	Report Progress
	// Scope narrows what is compared and repaired.
	Scope tables.Scope
	// Limit is the maximum number of differing rows that are listed. Default: 20.
	Limit int
	// Lease is the projector's: its holder makes versions live.
	Lease Lease
	// Patience is how long a comparison waits for the live version to write what the
	// log had before the build ended. Default: 30 s.
	Patience time.Duration
	// Logger gets warnings of failures that do not stop a replay; may be nil.
	Logger *slog.Logger
	// At is called at the named points of a replay: "built", "compared",
	// "offered". The crash harness ends the process there; may be nil.
	At func(point string)
}

func (r *Rebuild) at(point string) {
	if r.At != nil {
		r.At(point)
	}
}

// maker identifies builds with the same outcome as this binary with these flags.
func (r *Rebuild) maker() string {
	return fmt.Sprintf("fold %d, tables %d, %s", fold.Version, clickhouse.Version, r.Flags)
}

func (r *Rebuild) limit() int {
	if r.Limit > 0 {
		return r.Limit
	}
	return 20
}

// Replayed is the outcome of a replay.
type Replayed struct {
	Version, Before uint32
	Events          uint64  // in the new version's archive
	Conversations   uint64  // with rows in the new version
	Report          *Report // what was different in the previous version
	Handed          bool    // a live projector made the swap
}

// Replay builds a version from the log, and makes it live. The version before
// is kept, older ones are dropped. Rows that were different in the live version are reported, and
// are correct afterwards.
func (r *Rebuild) Replay(ctx context.Context) (*Replayed, error) {
	live, err := r.Tables.Live(ctx)
	if err != nil {
		return nil, err
	}
	version, report, err := r.buildAndCompare(ctx, live)
	if err != nil {
		return nil, err
	}
	outcome := &Replayed{Version: version, Before: live, Report: report}
	if outcome.Events, outcome.Conversations, err = r.check(ctx, version); err != nil {
		return nil, err
	}
	r.at("compared")
	if outcome.Handed, err = r.MakeLive(ctx, version); err != nil {
		return nil, err
	}
	if err := r.carry(ctx, live, version); err != nil { // what was dropped while it was offered
		return nil, err
	}
	return outcome, r.Tables.DropAllBut(ctx, live, version)
}

// buildAndCompare builds a version with everything now in the log, and compares the live one with it.
func (r *Rebuild) buildAndCompare(ctx context.Context, live uint32) (uint32, *Report, error) {
	version, err := r.Tables.Begin(ctx, r.maker())
	if err != nil {
		return 0, nil, err
	}
	if err := r.catchUp(ctx, version); err != nil {
		return 0, nil, err
	}
	r.at("built")
	report, err := r.compare(ctx, version, live)
	return version, report, err
}

func (r *Rebuild) catchUp(ctx context.Context, version uint32) error {
	ends, err := r.Ends(ctx)
	if err != nil {
		return fmt.Errorf("end of the log: %w", err)
	}
	if err := build(ctx, r.Tables, r.Open, version, ends, r.Gaps, r.Report); err != nil {
		return err
	}
	return r.carryFromLive(ctx, version)
}

// compare compares the live version with a built one, at the sequence both have reached.
func (r *Rebuild) compare(ctx context.Context, version, live uint32) (*Report, error) {
	built, err := r.Tables.Positions(ctx, version)
	if err != nil {
		return nil, err
	}
	// The live version gets time to write what was in the log before the build ended.
	deadline := time.Now().Add(r.patience())
	for tries := 1; !r.Tables.Reached(ctx, live, version, 0) && time.Now().Before(deadline); tries++ {
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(50 * time.Millisecond):
		}
		if tries%20 == 0 {
			if err := history.Pass(ctx, r.Tables, r.Gaps, live); err != nil {
				return nil, err
			}
		}
	}
	at, err := r.Tables.Positions(ctx, live)
	if err != nil {
		return nil, err
	}
	upTo := min(built[projector.LogEvents], at[projector.LogEvents])
	return Compare(ctx, r.Tables, version, live, upTo, r.Scope, r.limit())
}

func (r *Rebuild) patience() time.Duration {
	if r.Patience > 0 {
		return r.Patience
	}
	return 30 * time.Second
}

// check compares a built version with its own archive, as far as its position:
// every event has its key, and every conversation with events has its row. Rows beyond the position
// are left over from an interrupted batch.
func (r *Rebuild) check(ctx context.Context, version uint32) (events, conversations uint64, err error) {
	at, err := r.Tables.Positions(ctx, version)
	if err != nil {
		return 0, 0, err
	}
	c, err := r.Tables.Count(ctx, version, at[projector.LogEvents])
	if err != nil {
		return 0, 0, fmt.Errorf("check: %w", err)
	}
	if c.Events != c.Keys || c.Conversations != c.Archived {
		return 0, 0, fmt.Errorf("version %d is inconsistent: %d events with %d keys, %d conversations with %d rows; it is not made live",
			version, c.Events, c.Keys, c.Archived, c.Conversations)
	}
	return c.Events, c.Conversations, nil
}

// MakeLive merges a version that is complete up to its positions, offers it, and returns when
// it is live. The process that holds the projector's lease makes it so: the running
// projector, however long it takes, or this command where none runs; handed says
// that it was the projector. An offer that is given up is an error with its reason.
func (r *Rebuild) MakeLive(ctx context.Context, version uint32) (handed bool, err error) {
	if err := r.mergeParts(ctx, version); err != nil {
		return false, err
	}
	if err := r.carryFromLive(ctx, version); err != nil {
		return false, err
	}
	if err := history.Pass(ctx, r.Tables, r.Gaps, version); err != nil {
		return false, err
	}
	if err := r.Tables.Offer(ctx, version); err != nil {
		return false, r.withdraw(ctx, version, err) // it may have been offered nevertheless
	}
	r.at("offered")
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	var swapped bool
	own := make(chan error, 1)
	var working sync.WaitGroup
	working.Go(func() {
		own <- r.Lease.Keep(waiting, func(ctx context.Context) (err error) {
			swapped, err = r.swap(ctx, version)
			return err
		})
	})
	err = r.awaitLive(ctx, version, own)
	stop()
	working.Wait()
	if err == nil {
		return !swapped, r.Tables.Up(ctx) // the views may still be on their way
	}
	return false, r.withdraw(ctx, version, err)
}

// mergeParts merges the parts of a version, so that its first readers need not. It fails only if the context ends: parts that
// are not merged are slower to read.
func (r *Rebuild) mergeParts(ctx context.Context, version uint32) error {
	err := merge.Once(ctx, r.Tables, version)
	if ctx.Err() != nil {
		return fmt.Errorf("the command was stopped: %w", context.Cause(ctx))
	}
	if err != nil && r.Logger != nil {
		r.Logger.Warn("parts of the new version are not merged", "version", version, "error", err)
	}
	return nil
}

// awaitLive waits until an offer has been accepted or withdrawn, or the command's own attempt, of which
// own returns the error, has failed.
func (r *Rebuild) awaitLive(ctx context.Context, version uint32, own <-chan error) error {
	for {
		all, err := r.Tables.Projections(ctx)
		if err == nil {
			switch p := all.Find(version); p.State {
			case tables.Alive:
				return nil
			case tables.Offered:
			default:
				return fmt.Errorf("version %d is not made live, and is %s: %s", version, p.State, p.Reason)
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the command was stopped: %w", context.Cause(ctx))
		case err := <-own:
			if err != nil {
				return err
			}
			// It has made the version live, or was stopped with the command: only the tables say which.
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// withdraw ends an offer that came to nothing, however the command ends, and returns the reason, with
// the version that is live.
func (r *Rebuild) withdraw(ctx context.Context, version uint32, why error) error {
	ctx = context.WithoutCancel(ctx)
	if err := r.Tables.Withdraw(ctx, version, why.Error()); err != nil {
		return errors.Join(why, err)
	}
	live, err := r.Tables.Live(ctx)
	if err != nil {
		return errors.Join(why, err)
	}
	return fmt.Errorf("%w; version %d is live", why, live)
}

// swap makes an offered version live if no projector runs; swapped reports that it did. A projector
// that starts meanwhile waits for the lease.
func (r *Rebuild) swap(ctx context.Context, version uint32) (swapped bool, err error) {
	for {
		live, err := r.Tables.Live(ctx)
		if err != nil || live == version {
			return false, err
		}
		if err := r.catchUp(ctx, version); err != nil {
			return false, err
		}
		if r.Tables.Reached(ctx, version, live, 0) {
			return true, r.Tables.Swap(ctx, version, live)
		}
	}
}

// Undo makes the previous live version live again, once it has caught up from its own position.
func (r *Rebuild) Undo(ctx context.Context) (*Replayed, error) {
	live, err := r.Tables.Live(ctx)
	if err != nil {
		return nil, err
	}
	all, err := r.Tables.Projections(ctx)
	if err != nil {
		return nil, err
	}
	kept := all.Before()
	if kept == 0 {
		return nil, errors.New("nothing to undo: no earlier version of the projection is kept")
	}
	outcome := &Replayed{Version: kept, Before: live}
	if outcome.Handed, err = r.MakeLive(ctx, kept); err != nil {
		return nil, err
	}
	outcome.Events, outcome.Conversations, err = r.check(ctx, kept)
	return outcome, err
}

// Verified is the outcome of a verification.
type Verified struct {
	Found *Report // what was different in the live version
	Left  *Report // what is still different after a repair
}

// Verify builds a version from the log, compares the live one with it, and drops
// it. With repair, the conversations that differ are written again in the live
// version, until nothing differs.
func (r *Rebuild) Verify(ctx context.Context, repair bool) (*Verified, error) {
	live, err := r.Tables.Live(ctx)
	if err != nil {
		return nil, err
	}
	version, report, err := r.buildAndCompare(ctx, live)
	if err != nil {
		return nil, err
	}
	outcome := &Verified{Found: report, Left: report}
	for round := 0; repair && outcome.Left.Differing > 0 && round < 5; round++ {
		if err := r.repair(ctx, version, live, outcome.Left); err != nil {
			return nil, err
		}
		if err := r.catchUp(ctx, version); err != nil {
			return nil, err
		}
		if outcome.Left, err = r.compare(ctx, version, live); err != nil {
			return nil, err
		}
	}
	return outcome, r.Tables.Drop(ctx, version)
}
