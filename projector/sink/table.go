package sink

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// table is one table of the projection: how a row becomes its columns, and the
// rows that wait to be inserted. Its buffers are used again for every batch.
type table[R any] struct {
	name    string
	columns []column[R]
	rows    []R

	insert string    // INSERT statement, complete but for the data
	buffer []byte    // of the block made last
	made   *rowBlock // nil without rows
}

// inserter is a table of whatever rows.
type inserter interface {
	bind(database string, types map[string]map[string]string) error
	prepare() error
	send(ctx context.Context, conn driver.Conn) error
	clear()
}

// bind makes the INSERT statement. It fails if a column of the server's table is
// missing, or of another type.
func (t *table[R]) bind(database string, types map[string]map[string]string) error {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		kind, found := types[t.name][c.name]
		switch {
		case !found:
			return fmt.Errorf("table %s.%s has no column %s: bring the tables up to date (--migrate)", database, t.name, c.name)
		case kind != c.kind:
			return fmt.Errorf("column %s of table %s.%s has type %s, expected %s: the table was altered outside Parley; restore the column's type", c.name, database, t.name, kind, c.kind)
		}
		names[i] = c.name
	}
	t.insert = strings.NewReplacer("$projection", database, "$table", t.name, "$columns", strings.Join(names, ", ")).Replace(strings.TrimSpace(insertSQL))
	return nil
}

// prepare makes one block of the waiting rows, which ClickHouse writes as a whole
// or not at all.
func (t *table[R]) prepare() (err error) {
	if len(t.rows) == 0 {
		return nil
	}
	t.made, t.buffer, err = blockOf(t.buffer, t.columns, t.rows)
	var cell *cellError
	if errors.As(err, &cell) {
		cell.table = t.name
	}
	return err
}

// send inserts the block, if there is one.
func (t *table[R]) send(ctx context.Context, conn driver.Conn) error {
	if t.made == nil {
		return nil
	}
	err := conn.InsertFormat(ctx, "Native", t.insert, t.made)
	if err != nil {
		t.buffer = nil // the transport may still use the block
		return fmt.Errorf("insert into %s: %w", t.name, err)
	}
	return nil
}

// spacious is the size from which a buffer is given back when little of it was
// used, in bytes.
const spacious = 1 << 20

// clear forgets the rows, and keeps buffers that were of use.
func (t *table[R]) clear() {
	if cap(t.buffer) > spacious && len(t.buffer) < cap(t.buffer)/8 {
		t.buffer = nil
	}
	t.made = nil
	clear(t.rows)
	t.rows = t.rows[:0]
}
