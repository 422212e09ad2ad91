package replay

import (
	"context"
	"slices"

	"github.com/parley-analytics/parley/projector/tables"
)

// portion is how many conversations are repaired by one statement.
const portion = 1000

// repair deletes the rows of the owners that differ from the live version and writes the built
// ones. A row that the live projector writes meanwhile may be deleted with them: the comparison
// that follows finds such rows.
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
