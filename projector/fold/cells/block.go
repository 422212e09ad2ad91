package cells

import (
	"encoding/binary"
	"errors"
)

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

// ErrLarge means that several rows are too large for one block: half of them may not be.
var ErrLarge = errors.New("the rows are too large for a block")

// Encode writes rows into b, from its beginning, and returns the block and b, grown if necessary. Several rows that take more than most bytes are not encoded to
// the end, so that what is not used takes little memory: [ErrLarge].
func Encode[R any](b []byte, columns []Column[R], rows []R, most int) (*Block, []byte, error) {
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
		b, err = c.cells(b, rows, most)
		switch {
		case errors.Is(err, ErrLarge), err == nil && len(b) > most && len(rows) > 1:
			return nil, b, ErrLarge
		case err != nil:
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
