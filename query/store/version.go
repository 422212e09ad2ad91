package store

import (
	"context"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema/clickhouse"
)

// CheckVersion is a NewerError of schema/clickhouse where the tables belong to a
// newer binary, and another error where they cannot be asked.
func (s *Store) CheckVersion(ctx context.Context) error {
	_, err := s.applied(ctx)
	return err
}

// CheckTables is like CheckVersion, and a PendingError of schema/clickhouse while the
// live version lacks files that this binary knows.
func (s *Store) CheckTables(ctx context.Context) error {
	applied, err := s.applied(ctx)
	if err != nil {
		return err
	}
	live, err := s.Live(ctx)
	if err != nil {
		return err
	}
	if missing := clickhouse.Unapplied(applied, live.Projection); len(missing) > 0 {
		return &clickhouse.PendingError{Missing: missing}
	}
	return nil
}

func (s *Store) applied(ctx context.Context) (map[string]string, error) {
	type row struct{ name, checksum string }
	rows, err := read(ctx, s, newStatement("applied", query.Scope{}), func(r *row) []any { return []any{&r.name, &r.checksum} })
	if err != nil {
		return nil, err
	}
	applied := make(map[string]string, len(rows))
	for _, r := range rows {
		applied[r.name] = r.checksum
	}
	_, err = clickhouse.Marked(applied)
	return applied, err
}
