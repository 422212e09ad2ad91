package tables

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

const (
	// slots is the number of parts that conversations are divided into, by a hash of
	// their id. A piece is some consecutive slots.
	slots = 1 << 16
	// rowsOfPiece is about how many rows of the largest table belong to a piece.
	rowsOfPiece = 200_000
	// memoryExceeded is ClickHouse's code for a statement that needs too much memory.
	memoryExceeded = 241
)

// copies reports whether the step fills a table of a projection from others, which
// takes as long and as much memory as those are large.
func (s step) copies() bool {
	return s.version > 0 && strings.HasPrefix(s.statement, "INSERT") && strings.Contains(s.statement, "FROM "+ddl.ProjectionDatabase(s.version)+".")
}

// copyInPieces runs such a statement for some conversations at a time, and records
// after each piece how far it is: it continues there after an interruption. A piece
// that needs too much memory is halved.
func (t *Tables) copyInPieces(ctx context.Context, s step, progress MigrationProgress) error {
	tables, err := t.describe(ctx, s.version)
	if err != nil {
		return err
	}
	rows, err := t.mostRows(ctx, s.version)
	if err != nil {
		return err
	}
	applied, err := t.applied(ctx)
	if err != nil {
		return err
	}
	record := "progress of " + s.name
	from, _ := strconv.Atoi(applied[record]) // no record reads as 0
	width := max(1, slots/(1+int(rows/rowsOfPiece)))
	for from < slots {
		progress.Done = float64(from) / slots
		t.report(progress)
		to := min(slots, from+width)
		err := t.execute(piece(ctx, s.version, tables, from, to), s.statement)
		var refused *clickhouse.Exception
		if errors.As(err, &refused) && refused.Code == memoryExceeded && width > 1 {
			width /= 2
			continue
		}
		if err != nil {
			return err
		}
		if from = to; width < slots {
			if err := t.note(ctx, step{name: record, sum: strconv.Itoa(from % slots)}); err != nil {
				return err
			}
		}
	}
	return nil
}

// piece makes statements read only the conversations of some slots, of all tables that
// have conversations, with little memory.
func piece(ctx context.Context, version uint32, tables map[string]described, from, to int) context.Context {
	settings := clickhouse.Settings{
		"max_execution_time":          0,
		"max_threads":                 2,
		"max_insert_threads":          1,
		"max_block_size":              8192,
		"min_insert_block_size_rows":  65_536,
		"min_insert_block_size_bytes": 16 << 20,
	}
	if from > 0 || to < slots {
		var filters []string
		for name, table := range tables {
			if slices.ContainsFunc(table.columns, func(c ddl.Column) bool { return c.Name == "conversation_id" }) {
				filters = append(filters, fmt.Sprintf("'%s.%s': 'cityHash64(conversation_id) %% %d BETWEEN %d AND %d'",
					ddl.ProjectionDatabase(version), name, slots, from, to-1))
			}
		}
		settings["additional_table_filters"] = "{" + strings.Join(filters, ", ") + "}"
	}
	return clickhouse.Context(ctx, clickhouse.WithSettings(settings))
}

// mostRows returns the number of rows of the largest table of a version.
func (t *Tables) mostRows(ctx context.Context, version uint32) (rows uint64, err error) {
	err = t.conn.QueryRow(ctx, mostRowsSQL, clickhouse.Named("database", ddl.ProjectionDatabase(version))).Scan(&rows)
	return rows, err
}
