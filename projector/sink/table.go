package sink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector/fold/cells"
)

// table is one table of the projection: how a row becomes its columns, and the
// rows that wait to be inserted. Small buffers are used again for every batch.
type table[R any] struct {
	name    string
	columns []cells.Column[R]
	rows    []R
	most    int // bytes of a block

	insert string      // INSERT statement, complete but for the data
	perRow int         // bytes of a row of the last block
	spare  []byte      // a small buffer of an earlier batch, for the first block
	first  []byte      // that of the first block
	made   []*rowBlock // none without rows
}

func tableOf[R any](name string, columns []cells.Column[R]) *table[R] {
	return &table[R]{name: name, columns: columns, most: mostBlockBytes}
}

// mostBlockBytes is the size from which a block is made of fewer rows: an insert costs the server
// several times the size of its block.
const mostBlockBytes = 8 << 20

// mostArchivedBytes is that size for the archive, which has no columns with values inside values: a
// batch is one part of it.
const mostArchivedBytes = 32 << 20

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
	for rows := t.rows; len(rows) > 0; {
		n := len(rows)
		if t.perRow > 0 {
			n = min(n, max(1, t.most/t.perRow))
		}
		taken, err := t.block(rows[:n])
		var cell *cells.Error
		if errors.As(err, &cell) {
			return &cellError{table: t.name, column: cell.Column, err: cell.Err}
		}
		if err != nil {
			return err
		}
		rows = rows[taken:]
	}
	return nil
}

// block encodes rows into a block: all, or half of them as often as that is too large. It returns
// how many it took.
func (t *table[R]) block(rows []R) (int, error) {
	buffer := t.spare
	t.spare = nil
	for {
		made, filled, err := blockOf(slices.Grow(buffer[:0], t.perRow*len(rows)), t.columns, rows, t.most)
		switch {
		case errors.Is(err, cells.ErrLarge):
			rows, buffer = rows[:len(rows)/2], filled
		case err != nil:
			return 0, err
		default:
			if len(t.made) == 0 {
				t.first = filled
			}
			t.perRow = len(filled)/len(rows) + 1
			t.made = append(t.made, made)
			return len(rows), nil
		}
	}
}

// send inserts the blocks one after the other.
func (t *table[R]) send(ctx context.Context, conn driver.Conn) error {
	for _, block := range t.made {
		block.rewind()
		if err := conn.InsertFormat(ctx, "Native", t.insert, block); err != nil {
			t.first = nil // the transport may still use the block
			return fmt.Errorf("insert into %s: %w", t.name, err)
		}
	}
	return nil
}

const (
	// mostSpare is the largest buffer, in bytes, that is kept between batches. To make a large one again takes a hundredth of the
	// time of its batch, and a process whose batches have become small would keep it for nothing.
	mostSpare = 1 << 20
	// mostSpareRows is how many rows there is room for between batches.
	mostSpareRows = 1 << 12
)

// clear drops the rows, and keeps small buffers.
func (t *table[R]) clear() {
	if t.first != nil && cap(t.first) <= mostSpare {
		t.spare = t.first
	}
	t.first, t.made = nil, nil
	clear(t.rows)
	if t.rows = t.rows[:0]; cap(t.rows) > mostSpareRows {
		t.rows = nil
	}
}
