package tables

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// pending finds the next statements to apply, as far as they can be known now:
// what depends on others is found once those are applied.
func (t *Tables) pending(ctx context.Context) ([]step, error) {
	if err := t.checkDatabases(ctx); err != nil {
		return nil, err
	}
	var steps []step
	databases, err := t.names(ctx, databasesSQL)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{ddl.MetaDatabase, ddl.ViewDatabase} {
		steps = append(steps, missingDatabase(databases, name)...)
	}
	if len(steps) > 0 {
		return steps, nil
	}

	// The list of what was applied is the first file itself.
	meta := ddl.Meta()
	existing, err := t.names(ctx, tablesSQL, clickhouse.Named("database", ddl.MetaDatabase))
	if err != nil {
		return nil, err
	}
	if !slices.Contains(existing, "migrations") {
		return []step{{name: meta[0].Name, statement: meta[0].Statement, noted: true}}, nil
	}
	applied, err := t.applied(ctx)
	if err != nil {
		return nil, err
	}
	if steps, err = pendingVersion(applied); err != nil || len(steps) > 0 {
		return steps, err
	}
	if steps, err = unapplied(applied, "", meta); err != nil || len(steps) > 0 {
		return steps, err
	}

	all, err := t.projections(ctx)
	if err != nil {
		return nil, err
	}
	if len(all) == 0 {
		return []step{{name: "the first projection", statement: firstProjectionSQL}}, nil
	}
	for _, p := range all {
		if p.State == Dropped { // before its tables
			steps = append(steps, leftover(databases, p.Version)...)
			continue
		}
		more, err := t.pendingTables(ctx, databases, applied, p.Version)
		if err != nil {
			return nil, err
		}
		steps = append(steps, more...)
	}
	if len(steps) > 0 {
		return steps, nil
	}
	live, err := all.Live()
	if err != nil {
		return nil, err
	}
	if steps, err = t.pendingGrants(ctx, live); err != nil || len(steps) > 0 {
		return steps, err
	}
	return t.pendingViews(ctx, applied, live)
}

// checkDatabases returns an error if a database that somebody else has made would not keep the tables: in one with the engine
// Replicated, every server of a cluster would have tables with rows of its own; in one with Memory they would be gone after a restart.
// Shared is what ClickHouse Cloud makes of Atomic.
func (t *Tables) checkDatabases(ctx context.Context) error {
	foreign, err := t.names(ctx, foreignDatabasesSQL)
	if err != nil || len(foreign) == 0 {
		return err
	}
	return fmt.Errorf("database %s: Parley's tables are those of one server, in databases with the engine Atomic; drop what has another engine, and Parley creates it",
		strings.Join(foreign, ", database "))
}

// leftover removes what is still there of a version that was dropped.
func leftover(databases []string, version uint32) []step {
	name := ddl.ProjectionDatabase(version)
	if !slices.Contains(databases, name) {
		return nil
	}
	return []step{{name: "database " + name + ", which is dropped", statement: of(dropDatabaseSQL, version)}}
}

func missingDatabase(existing []string, name string) []step {
	if slices.Contains(existing, name) {
		return nil
	}
	return []step{{name: "database " + name, statement: strings.ReplaceAll(createDatabaseSQL, "$database", name)}}
}

// unapplied returns the files that were not applied under the prefix. One that was
// applied with other contents is an error.
func unapplied(applied map[string]string, prefix string, files []ddl.File) ([]step, error) {
	var steps []step
	for _, f := range files {
		s := step{name: prefix + f.Name, statement: f.Statement, noted: true}
		sum, done := applied[s.name]
		if !done {
			steps = append(steps, s)
			continue
		}
		if sum != s.checksum() {
			return nil, fmt.Errorf("%s was applied with different contents: never change an applied file, add a new one", s.name)
		}
	}
	return steps, nil
}

// pendingTables returns what the database of a projection lacks.
//
// A database that does not exist gets its tables as the files would leave them, and
// those count as applied then. That it is made this way is noted before it exists: every process that
// finds it without applied files does the same.
func (t *Tables) pendingTables(ctx context.Context, databases []string, applied map[string]string, version uint32) ([]step, error) {
	database := ddl.ProjectionDatabase(version)
	steps := missingDatabase(databases, database)
	files, err := unapplied(applied, database+"/", ddl.Projection(version))
	for i := range files {
		files[i].version = version
	}
	entirely := step{name: database + "/finished", sum: "1", noted: true}
	_, begun := applied[entirely.name]
	if err != nil || len(files) < len(ddl.Projection(version)) || !begun && len(steps) == 0 {
		return append(steps, files...), err
	}
	if !begun {
		steps = append([]step{entirely}, steps...)
	}
	existing, err := t.names(ctx, tablesSQL, clickhouse.Named("database", database))
	if err != nil {
		return nil, err
	}
	for _, f := range ddl.Finished(version) {
		if !slices.Contains(existing, f.Table()) {
			steps = append(steps, step{name: database + "/" + f.Name, statement: f.Statement})
		}
	}
	entirely.instead = files
	return append(steps, entirely), nil
}

// pendingGrants returns the rights that the users of the views lack on the live
// version: on the columns their views show and no other.
func (t *Tables) pendingGrants(ctx context.Context, live uint32) ([]step, error) {
	granted, err := t.names(ctx, grantsSQL, clickhouse.Named("databases", []string{ddl.ProjectionDatabase(live), ddl.MetaDatabase}))
	if err != nil {
		return nil, err
	}
	var steps []step
	for _, v := range ddl.Views() {
		for _, r := range v.Reads {
			table := r.In(live) + "." + r.Table
			lacks := func(column string) bool { return !slices.Contains(granted, v.Definer+" "+table+" "+column) }
			if slices.ContainsFunc(r.Columns, lacks) {
				grant := strings.NewReplacer("$columns", strings.Join(r.Columns, ", "), "$table", table, "$definer", v.Definer).Replace(grantSQL)
				steps = append(steps, step{name: "rights of view " + ddl.ViewDatabase + "." + v.View, statement: grant})
			}
		}
	}
	return steps, nil
}

// pendingViews returns the views that do not read the live version, or not as
// their file and table say now.
func (t *Tables) pendingViews(ctx context.Context, applied map[string]string, live uint32) ([]step, error) {
	existing, err := t.names(ctx, tablesSQL, clickhouse.Named("database", ddl.ViewDatabase))
	if err != nil {
		return nil, err
	}
	sources, err := t.describe(ctx, live)
	if err != nil {
		return nil, err
	}
	var steps []step
	for _, v := range ddl.Views() {
		table := sources[v.Reads[0].Table]
		statement, err := v.Over(live, table.comment, table.columns)
		if err != nil {
			return nil, err
		}
		s := step{name: "view " + ddl.ViewDatabase + "." + v.View, statement: statement, noted: true, view: true}
		if applied[s.name] != s.checksum() || !slices.Contains(existing, v.View) {
			steps = append(steps, s)
		}
	}
	return steps, nil
}

// described is what views take over from a table.
type described struct {
	comment string
	columns []ddl.Column
}

func (t *Tables) describe(ctx context.Context, version uint32) (map[string]described, error) {
	rows, err := t.conn.Query(ctx, columnsSQL, clickhouse.Named("database", ddl.ProjectionDatabase(version)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[string]described{}
	for rows.Next() {
		var name, comment string
		var c ddl.Column
		if err := rows.Scan(&name, &comment, &c.Name, &c.Type, &c.Comment); err != nil {
			return nil, err
		}
		found[name] = described{comment: comment, columns: append(found[name].columns, c)}
	}
	return found, rows.Err()
}

// applied returns the checksums of what was applied, by name.
func (t *Tables) applied(ctx context.Context) (map[string]string, error) {
	rows, err := t.conn.Query(ctx, appliedSQL)
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
