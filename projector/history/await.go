package history

import (
	"context"
	"fmt"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// AwaitArchived waits until a version has archived the log of events up to a
// sequence. It fails when the projector has made no progress for so long.
func AwaitArchived(ctx context.Context, t *tables.Tables, version uint32, last schema.Sequence, patience time.Duration) error {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	reached, moved := schema.Sequence(0), time.Now()
	for {
		at, err := t.Positions(ctx, version)
		if err != nil {
			return err
		}
		position := at[projector.LogEvents]
		if position >= last {
			return nil
		}
		if position > reached {
			reached, moved = position, time.Now()
		}
		if time.Since(moved) > patience {
			return fmt.Errorf("the projector is at sequence %d of %d and makes no progress", position, last)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-tick.C:
		}
	}
}
