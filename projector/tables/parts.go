package tables

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// Parts are the parts of a table. A reader merges those that overlap: their ranges of the sorting key
// have a value in common.
type Parts struct {
	Table            string
	All, Overlapping uint64
}

// Parts returns the parts of each table of a version.
func (t *Tables) Parts(ctx context.Context, version uint32) ([]Parts, error) {
	rows, err := t.conn.Query(ctx, sortingKeysSQL, clickhouse.Named("database", ddl.ProjectionDatabase(version)))
	if err != nil {
		return nil, fmt.Errorf("parts: %w", err)
	}
	defer rows.Close()
	var list []Parts
	for rows.Next() {
		var table, key string
		if err := rows.Scan(&table, &key); err != nil {
			return nil, fmt.Errorf("parts: %w", err)
		}
		p := Parts{Table: table}
		statement := strings.NewReplacer("$table", table, "$key", key).Replace(of(partsOverlappingSQL, version))
		if err := t.conn.QueryRow(ctx, statement).Scan(&p.All, &p.Overlapping); err != nil {
			return nil, fmt.Errorf("parts of %s: %w", table, err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}
