package sink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector/fold/cells"
)

// table is one table of the projection: how a row becomes its columns, and the
// rows that wait to be inserted. Its buffers are used again for every batch.
type table[R any] struct {
	name    string
	columns []cells.Column[R]
	rows    []R

	insert  string // INSERT statement, complete but for the data
	buffers [][]byte
	made    []*rowBlock // none without rows
}

func tableOf[R any](name string, columns []cells.Column[R]) *table[R] {
	return &table[R]{name: name, columns: columns}
}

// mostBlockBytes is the size from which a block is made of half as many rows: an
// insert costs the server several times the size of its block.
const mostBlockBytes = 8 << 20

// inserter is a table with rows of any type.
type inserter interface {
	bind(database string, types map[string]map[string]string) error
	prepare() error
	send(ctx context.Context, conn driver.Conn) error
	clear()
}

// bind creates the INSERT statement. It fails if a column of the server's table is
// missing, or of another type.
func (t *table[R]) bind(database string, types map[string]map[string]string) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		kind, found := types[t.name][c.Name]
		switch {
		case !found:
			return fmt.Errorf("table %s.%s has no column %s: bring the tables up to date (--migrate)", database, t.name, c.Name)
		case kind != c.Kind:
			return fmt.Errorf("column %s of table %s.%s has type %s, expected %s: the table was altered outside Parley; restore the column's type", c.Name, database, t.name, kind, c.Kind)
		}
		names[i] = c.Name
	}
	t.insert = strings.NewReplacer("$projection", database, "$table", t.name, "$columns", strings.Join(names, ", ")).Replace(strings.TrimSpace(insertSQL))
	return nil
}

// prepare encodes the waiting rows into blocks, mostly one. ClickHouse writes each completely or not at all.
func (t *table[R]) prepare() error {
	if len(t.rows) == 0 {
		return nil
	}
	err := t.block(t.rows)
	var cell *cells.Error
	if errors.As(err, &cell) {
		return &cellError{table: t.name, column: cell.Column, err: cell.Err}
	}
	return err
}

// block encodes some rows into a block, or into two halves if that is too large.
func (t *table[R]) block(rows []R) error {
	n := len(t.made)
	if n == len(t.buffers) {
		t.buffers = append(t.buffers, nil)
	}
	made, buffer, err := blockOf(t.buffers[n], t.columns, rows)
	t.buffers[n] = buffer
	if err != nil {
		return err
	}
	half := len(rows) / 2
	if len(buffer) <= mostBlockBytes || half == 0 {
		t.made = append(t.made, made)
		return nil
	}
	if err := t.block(rows[:half]); err != nil {
		return err
	}
	return t.block(rows[half:])
}

// send inserts the blocks one after the other.
func (t *table[R]) send(ctx context.Context, conn driver.Conn) error {
	for _, block := range t.made {
		block.rewind()
		if err := conn.InsertFormat(ctx, "Native", t.insert, block); err != nil {
			t.buffers = nil // the transport may still use the block
			return fmt.Errorf("insert into %s: %w", t.name, err)
		}
	}
	return nil
}

// spacious is the size, in bytes, from which a buffer is released if little of it was used.
const spacious = 1 << 20

// clear drops the rows, and keeps the first buffer if it was mostly used.
func (t *table[R]) clear() {
	t.buffers = t.buffers[:min(1, len(t.buffers))]
	if len(t.buffers) == 1 && cap(t.buffers[0]) > spacious && len(t.buffers[0]) < cap(t.buffers[0])/8 {
		t.buffers[0] = nil
	}
	clear(t.made)
	t.made = t.made[:0]
	clear(t.rows)
	t.rows = t.rows[:0]
}
