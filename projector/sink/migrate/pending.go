package migrate

import (
	"context"
	"fmt"
	"slices"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

// pending finds the next statements to apply, as far as they can be known now:
// what stands on others comes up when those are applied.
func pending(ctx context.Context, conn driver.Conn) ([]step, error) {
	var steps []step
	databases, err := names(ctx, conn, "SELECT name FROM system.databases")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{tables.MetaDatabase, tables.ViewDatabase} {
		steps = append(steps, missingDatabase(databases, name)...)
	}
	if len(steps) > 0 {
		return steps, nil
	}

	// The list of what was applied is the first file itself.
	meta := tables.Meta()
	existing, err := names(ctx, conn, "SELECT name FROM system.tables WHERE database = 'parley_meta'")
	if err != nil {
		return nil, err
	}
	if !slices.Contains(existing, "migrations") {
		return []step{{name: meta[0].Name, statement: meta[0].Statement, noted: true}}, nil
	}
	applied, err := readApplied(ctx, conn)
	if err != nil {
		return nil, err
	}
	if steps, err = pendingVersion(applied); err != nil || len(steps) > 0 {
		return steps, err
	}
	if steps, err = unapplied(applied, "", meta); err != nil || len(steps) > 0 {
		return steps, err
	}

	all, err := projections(ctx, conn)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return []step{{name: "the first projection",
			statement: "INSERT INTO parley_meta.projections (version, state, _version) SELECT 1, 'live', 1"}}, nil
	}
	for _, p := range all {
		if p.State == Dropped {
			continue
		}
		more, err := pendingTables(databases, applied, p.Version)
		if err != nil {
			return nil, err
		}
		steps = append(steps, more...)
	}
	if len(steps) > 0 {
		return steps, nil
	}
	live, err := liveOf(all)
	if err != nil {
		return nil, err
	}
	return pendingViews(ctx, conn, applied, live)
}

func missingDatabase(existing []string, name string) []step {
	if slices.Contains(existing, name) {
		return nil
	}
	return []step{{name: "database " + name, statement: "CREATE DATABASE IF NOT EXISTS " + name + " ENGINE = Atomic"}}
}

// unapplied gives the files that were not applied under the prefix. One that was
// applied with other contents is an error.
func unapplied(applied map[string]string, prefix string, files []tables.File) ([]step, error) {
	var steps []step
	for _, f := range files {
		s := step{name: prefix + f.Name, statement: f.Statement, noted: true}
		sum, done := applied[s.name]
		if !done {
			steps = append(steps, s)
			continue
		}
		if sum != s.checksum() {
			return nil, fmt.Errorf("%s was applied with other contents: an applied file is never changed, a change is a new file", s.name)
		}
	}
	return steps, nil
}

// pendingTables gives what the database of a projection lacks.
func pendingTables(databases []string, applied map[string]string, version uint32) ([]step, error) {
	database := tables.ProjectionDatabase(version)
	steps := missingDatabase(databases, database)
	files, err := unapplied(applied, database+"/", tables.Projection(version))
	return append(steps, files...), err
}

// pendingViews gives the views that do not read the live version, or not as
// their file and table say now.
func pendingViews(ctx context.Context, conn driver.Conn, applied map[string]string, live uint32) ([]step, error) {
	existing, err := names(ctx, conn, "SELECT name FROM system.tables WHERE database = 'parley'")
	if err != nil {
		return nil, err
	}
	described, err := describe(ctx, conn, live)
	if err != nil {
		return nil, err
	}
	var steps []step
	for _, v := range tables.Views() {
		table := described[v.Table]
		statement, err := v.Over(live, table.comment, table.columns)
		if err != nil {
			return nil, err
		}
		s := step{name: "view " + tables.ViewDatabase + "." + v.View, statement: statement, noted: true}
		if applied[s.name] != s.checksum() || !slices.Contains(existing, v.View) {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

// table is what views take over from a table.
type table struct {
	comment string
	columns []tables.Column
}

func describe(ctx context.Context, conn driver.Conn, version uint32) (map[string]table, error) {
	rows, err := conn.Query(ctx, `
		SELECT c.table, t.comment, c.name, c.type, c.comment
		FROM system.columns AS c INNER JOIN system.tables AS t ON t.database = c.database AND t.name = c.table
		WHERE c.database = {database:String}
		ORDER BY c.table, c.position`, clickhouse.Named("database", tables.ProjectionDatabase(version)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	described := map[string]table{}
	for rows.Next() {
		var name, comment string
		var c tables.Column
		if err := rows.Scan(&name, &comment, &c.Name, &c.Type, &c.Comment); err != nil {
			return nil, err
		}
		described[name] = table{comment: comment, columns: append(described[name].columns, c)}
	}
	return described, rows.Err()
}

func readApplied(ctx context.Context, conn driver.Conn) (map[string]string, error) {
	rows, err := conn.Query(ctx, "SELECT name, checksum FROM parley_meta.migrations FINAL")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	applied := map[string]string{}
	for rows.Next() {
		var name, checksum string
		if err := rows.Scan(&name, &checksum); err != nil {
			return nil, err
		}
		applied[name] = checksum
	}
	return applied, rows.Err()
}

// names runs a query for one column of names.
func names(ctx context.Context, conn driver.Conn, query string) ([]string, error) {
	rows, err := conn.Query(ctx, query)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		var name string
		if err := rows.Scan(&name); err != nil {
			return nil, err
		}
		list = append(list, name)
	}
	return list, rows.Err()
}
