package history

import (
	"context"
	"fmt"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// Gaps returns, for a log, the sequence up to which nothing comes after another:
// see [Whole.Gap].
type Gaps func(ctx context.Context, log string, after schema.Sequence) (schema.Sequence, error)

// Pass moves the positions of a version over entries that are gone (erased, or
// taken out of quarantine). They will never be read, so a position could stay before them forever,
// and never reach that of another version which did read them. A projector may be writing the
// version at the same time. Gaps may be nil for logs without gaps.
func Pass(ctx context.Context, t *tables.Tables, gaps Gaps, version uint32) error {
	if gaps == nil {
		return nil
	}
	at, err := t.Positions(ctx, version)
	if err != nil {
		return err
	}
	for _, log := range []string{projector.LogEvents, projector.LogRejected} {
		to, err := gaps(ctx, log, at[log])
		if err != nil {
			return fmt.Errorf("gap of the %s log after %d: %w", log, at[log], err)
		}
		if to <= at[log] {
			continue
		}
		if err := t.SetPosition(ctx, version, log, to); err != nil {
			return err
		}
	}
	return nil
}
