package sink

import (
	"context"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// table is one table of the projection: how a row becomes its columns, and the
// rows that wait to be inserted. Its buffers are used again for every batch.
type table[R any] struct {
	name    string
	columns []column[R]
	rows    []R

	insert string // INSERT statement, complete but for the data
	types  []clickhouse.ColumnNameAndType
}

// column is a column of a table of R.
type column[R any] struct {
	name string
	// cells gives a slice with one cell per row, valid until the next call.
	cells func(rows []R) any
}

// cell is a column whose cells are computed one by one. T is a type that
// clickhouse-go appends to the column by the slice.
func cell[R, T any](name string, of func(*R) T) column[R] {
	var list []T
	return column[R]{name: name, cells: func(rows []R) any {
		list = list[:0]
		for i := range rows {
			list = append(list, of(&rows[i]))
		}
		return list
	}}
}

// inserter is a table of whatever rows.
type inserter interface {
	bind(database string, types map[string]map[string]string) error
	prepare(ctx context.Context, conn driver.Conn) (driver.Batch, error)
	clear()
}

// bind makes the INSERT statement. It fails if the server's table lacks a column.
func (t *table[R]) bind(database string, types map[string]map[string]string) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		columnType, found := types[t.name][c.name]
		if !found {
			return fmt.Errorf("table %s.%s has no column %s: bring the tables up to date (--migrate)", database, t.name, c.name)
		}
		names[i] = c.name
		t.types = append(t.types, clickhouse.ColumnNameAndType{Name: c.name, Type: columnType})
	}
	t.insert = "INSERT INTO " + database + "." + t.name + " (" + strings.Join(names, ", ") + ")"
	return nil
}

// prepare puts the waiting rows into one insert, that is one block, which
// ClickHouse writes as a whole or not at all. It gives nil without rows. The
// caller sends or closes the batch.
func (t *table[R]) prepare(ctx context.Context, conn driver.Conn) (driver.Batch, error) {
	if len(t.rows) == 0 {
		return nil, nil
	}
	// Over HTTP the driver would ask for the types before every insert.
	ctx = clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(t.types))
	batch, err := conn.PrepareBatch(ctx, t.insert)
	if err != nil {
		return nil, fmt.Errorf("insert into %s: %w", t.name, err)
	}
	for i, c := range t.columns {
		if err := batch.Column(i).Append(c.cells(t.rows)); err != nil {
			_ = batch.Close()
			return nil, &cellError{table: t.name, column: c.name, err: err}
		}
	}
	return batch, nil
}

// clear forgets the rows and keeps the buffer.
func (t *table[R]) clear() {
	clear(t.rows)
	t.rows = t.rows[:0]
}
