package sink

import (
	"errors"
	"fmt"

	"github.com/parley-analytics/parley/projector"
)

// cellError says that the driver could not put a row's value into a column. The
// cause may quote the value, so it is not part of the text.
type cellError struct {
	table, column string
	err           error
}

func (e *cellError) Error() string {
	return fmt.Sprintf("a value does not fit into column %s.%s", e.table, e.column)
}

func (e *cellError) Unwrap() error { return e.err }

// classed marks errors that no repetition mends.
func classed(err error) error {
	var cell *cellError
	if errors.As(err, &cell) {
		return &projector.UnwritableError{Err: err}
	}
	return err
}
