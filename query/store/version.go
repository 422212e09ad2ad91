package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// CheckVersion is a NewerError of schema/clickhouse where the tables belong to a
// newer binary, and another error where they cannot be asked.
func (s *Store) CheckVersion(ctx context.Context) error {
	type row struct{ name, checksum string }
	rows, err := read(ctx, s, newStatement("applied", query.Scope{}), func(r *row) []any { return []any{&r.name, &r.checksum} })
	if err != nil {
		return err
	}
	applied := make(map[string]string, len(rows))
	for _, r := range rows {
		applied[r.name] = r.checksum
	}
	_, err = clickhouse.Marked(applied)
	return err
}
