package tables

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// Parts are the parts of a table that is read by ranges of its sorting key. A reader merges those that
// overlap: their ranges of the key have a value in common.
type Parts struct {
	Table            string
	All, Overlapping uint64
	// Rows are those of all parts, and Largest those of the part with the most; rows that newer ones replace are
	// included. Shared are the rows of the granules that overlap another part: a reader of the whole table
	// merges those.
	Rows, Largest, Shared uint64
}

// Parts returns the parts of each table of a version that is read by ranges.
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
		if err := t.conn.QueryRow(ctx, statement).Scan(&p.All, &p.Overlapping, &p.Rows, &p.Largest, &p.Shared); err != nil {
			return nil, fmt.Errorf("parts of %s: %w", table, err)
		}
		list = append(list, p)
	}
	return list, rows.Err()
}

// Merge makes one part of all that a table of a version has, and returns when that is done; one that is merged already stays as it
// is. Readers and writers go on meanwhile. ClickHouse does not end a merge with its statement: if ctx ends, or the server takes longer
// than a client waits for an answer, the server still finishes it.
func (t *Tables) Merge(ctx context.Context, version uint32, table string) error {
	if err := t.conn.Exec(ctx, strings.ReplaceAll(of(mergeSQL, version), "$table", table)); err != nil {
		return fmt.Errorf("merge %s of version %d: %w", table, version, err)
	}
	return nil
}
