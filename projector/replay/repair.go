package replay

import (
	"context"
	"slices"

	"github.com/parley-analytics/parley/projector/tables"
)

// portion is how many conversations are repaired by one statement.
const portion = 1000

// repair takes the rows of the owners that differ out of the live version and
// writes them again as they were built. A row that the live projector writes
// meanwhile may go with them: the comparison that follows finds what the repair
// has come too late for.
func (r *Rebuild) repair(ctx context.Context, version, live uint32, report *Report) error {
	for _, table := range tables.Compared() {
		for owners := range slices.Chunk(report.differing[table.Name], portion) {
			if err := r.Tables.Rewrite(ctx, table, version, live, owners); err != nil {
				return err
			}
		}
	}
	return nil
}
