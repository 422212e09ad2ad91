package replay

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
)

// portion is how many conversations are repaired by one statement.
const portion = 1000

// repair corrects what differs in the live version: its archive and its quarantine first, from
// the built version; then the projector of the live version makes the rows of the conversations
// again; then customers. Newer rows win over all that is written here.
func (r *Rebuild) repair(ctx context.Context, version, live uint32, report *Report) error {
	conversations := map[tables.Owner]bool{}
	for _, table := range tables.Compared() {
		owners := report.differing[table.Name]
		for some := range slices.Chunk(owners, portion) {
			var err error
			switch {
			case table.Archive:
				err = r.Tables.RepairArchive(ctx, version, live, report.Sequence, some)
			case table.Of == tables.OfLog:
				err = r.Tables.Rewrite(ctx, table, version, live, some)
			}
			if err != nil {
				return err
			}
		}
		if table.Of == tables.OfConversation {
			for _, owner := range owners {
				conversations[owner] = true
			}
		}
	}
	if err := r.makeAgain(ctx, live, conversations); err != nil {
		return err
	}
	for some := range slices.Chunk(report.differing["customers"], portion) {
		if err := r.Tables.RepairCustomers(ctx, version, live, report.Sequence, some); err != nil {
			return err
		}
	}
	return nil
}

// makeAgain asks the projector of the live version to make the rows of conversations again, and
// returns when it has. Where none runs, this process projects meanwhile.
func (r *Rebuild) makeAgain(ctx context.Context, live uint32, conversations map[tables.Owner]bool) error {
	if len(conversations) == 0 {
		return nil
	}
	var all []tables.Owner
	for owner := range conversations {
		all = append(all, owner)
	}
	for some := range slices.Chunk(all, portion) {
		if err := r.Tables.AskToRewrite(ctx, live, projector.LogConversations, some); err != nil {
			return err
		}
	}
	projecting, stop := context.WithCancel(ctx)
	own := make(chan error, 1)
	go func() {
		own <- r.Lease.Keep(projecting, func(ctx context.Context) error {
			p, release, err := r.Open(ctx, live)
			if err != nil {
				return err
			}
			defer release()
			return p.Run(ctx)
		})
	}()
	err := r.awaitRewritten(ctx, live)
	stop()
	return errors.Join(err, <-own)
}

// awaitRewritten waits until no conversation is to be made again. It gives up when none was for a
// while.
func (r *Rebuild) awaitRewritten(ctx context.Context, live uint32) error {
	before, moved := uint64(0), time.Now()
	for {
		left, err := r.Tables.ToRewrite(ctx, live, projector.LogConversations)
		if err == nil && left == 0 {
			return nil
		}
		if left != before {
			before, moved = left, time.Now()
		}
		if time.Since(moved) > stuck {
			return errors.Join(fmt.Errorf("the projector has not made the rows of %d conversations again within %v: the notes of /readyz say why", left, stuck), err)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
