package cells

import "encoding/binary"

// Block is some rows in the Native format.
type Block struct {
	Rows    int
	Columns []Encoded
}

// Encoded is a column of a block, with its cells.
type Encoded struct {
	Name, Kind string
	Data       []byte
}

// Error means that a row's value does not fit into a column. The cause may
// quote the value.
type Error struct {
	Column string
	Err    error
}

// Error names the column.
func (e *Error) Error() string { return "a value does not fit into column " + e.Column }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Encode writes rows into b, from its beginning, and returns the block and b, grown if necessary.
func Encode[R any](b []byte, columns []Column[R], rows []R) (*Block, []byte, error) {
	b = binary.AppendUvarint(b[:0], uint64(len(columns)))
	b = binary.AppendUvarint(b, uint64(len(rows)))
	ends := make([]int, 0, 2*len(columns))
	for _, c := range columns {
		b = appendText(appendText(b, c.Name), c.Kind)
		ends = append(ends, len(b))
		if c.prefix != nil && len(rows) > 0 {
			b = c.prefix(b)
		}
		var err error
		if b, err = c.cells(b, rows); err != nil {
			return nil, b, &Error{Column: c.Name, Err: err}
		}
		ends = append(ends, len(b))
	}
	block := &Block{Rows: len(rows)}
	for i, c := range columns {
		block.Columns = append(block.Columns, Encoded{c.Name, c.Kind, b[ends[2*i]:ends[2*i+1]]})
	}
	return block, b, nil
}
