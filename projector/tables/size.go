package tables

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// Size is what a table takes in ClickHouse: its active parts, and the rows and compressed bytes in them.
type Size struct {
	Table              string
	Parts, Rows, Bytes uint64
}

// Sizes returns what the tables of a version take.
func (t *Tables) Sizes(ctx context.Context, version uint32) ([]Size, error) {
	rows, err := t.conn.Query(ctx, sizesSQL, clickhouse.Named("database", ddl.ProjectionDatabase(version)))
	if err != nil {
		return nil, fmt.Errorf("sizes of version %d: %w", version, err)
	}
	defer rows.Close()
	var sizes []Size
	for rows.Next() {
		var s Size
		if err := rows.Scan(&s.Table, &s.Parts, &s.Rows, &s.Bytes); err != nil {
			return nil, fmt.Errorf("sizes of version %d: %w", version, err)
		}
		sizes = append(sizes, s)
	}
	return sizes, rows.Err()
}
