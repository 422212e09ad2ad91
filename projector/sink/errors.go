package sink

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/projector"
)

// transientCodes are transient errors of ClickHouse: the same write succeeds
// later.
var transientCodes = map[int32]string{
	3:    "UNEXPECTED_END_OF_FILE",                // the connection broke inside a block
	32:   "ATTEMPT_TO_READ_AFTER_EOF",             // likewise
	95:   "CANNOT_READ_FROM_SOCKET",               // network
	96:   "CANNOT_WRITE_TO_SOCKET",                // network
	159:  "TIMEOUT_EXCEEDED",                      // the server was too busy
	202:  "TOO_MANY_SIMULTANEOUS_QUERIES",         // likewise
	203:  "NO_FREE_CONNECTION",                    // likewise
	209:  "SOCKET_TIMEOUT",                        // network
	210:  "NETWORK_ERROR",                         // network
	225:  "NO_ZOOKEEPER",                          // the keeper is unavailable
	236:  "ABORTED",                               // the server is stopping
	242:  "TABLE_IS_READ_ONLY",                    // a replica has lost its keeper, or is starting
	243:  "NOT_ENOUGH_SPACE",                      // until space is freed
	252:  "TOO_MANY_PARTS",                        // merges are behind
	279:  "ALL_CONNECTION_TRIES_FAILED",           // a cluster's shards are unavailable
	285:  "TOO_FEW_LIVE_REPLICAS",                 // no quorum now
	286:  "UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE", // likewise
	289:  "REPLICA_IS_NOT_IN_QUORUM",              // the replica is behind: read elsewhere or later
	319:  "UNKNOWN_STATUS_OF_INSERT",              // written or not: writing again is safe
	394:  "QUERY_WAS_CANCELLED",                   // by an operator, or at shutdown
	439:  "CANNOT_SCHEDULE_TASK",                  // out of threads
	473:  "DEADLOCK_AVOIDED",                      // a lock was held too long
	999:  "KEEPER_EXCEPTION",                      // the keeper is unavailable
	1000: "POCO_EXCEPTION",                        // network, below ClickHouse's own codes
}

// memoryCodes are errors of ClickHouse for lack of memory: a smaller write passes, or
// the same one when other statements need less.
var memoryCodes = map[int32]string{
	158: "TOO_MANY_ROWS",
	173: "CANNOT_ALLOCATE_MEMORY",
	241: "MEMORY_LIMIT_EXCEEDED",
	307: "TOO_MANY_BYTES",
	396: "TOO_MANY_ROWS_OR_BYTES",
}

// unwritableCodes are errors of ClickHouse about a value in the rows: the same
// rows will be refused forever.
var unwritableCodes = map[int32]string{
	6:   "CANNOT_PARSE_TEXT",
	27:  "CANNOT_PARSE_INPUT_ASSERTION_FAILED",
	41:  "CANNOT_PARSE_DATETIME",
	53:  "TYPE_MISMATCH",
	69:  "ARGUMENT_OUT_OF_BOUND",
	70:  "CANNOT_CONVERT_TYPE",
	72:  "CANNOT_PARSE_NUMBER",
	117: "INCORRECT_DATA",
	128: "TOO_LARGE_ARRAY_SIZE",
	131: "TOO_LARGE_STRING_SIZE",
	321: "VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE",
	349: "CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN",
	407: "DECIMAL_OVERFLOW",
	469: "VIOLATED_CONSTRAINT",
}

// cellError means that a row's value does not fit into a column. The cause may
// quote the value, so it is not part of the text.
type cellError struct {
	table, column string
	err           error
}

func (e *cellError) Error() string {
	return fmt.Sprintf("a value does not fit into column %s.%s (%T)", e.table, e.column, e.err)
}

func (e *cellError) Unwrap() error { return e.err }

// serverError keeps the code of a rejection without its text, which quotes the rejected value.
type serverError struct {
	code int32
	name string
	err  error
}

func (e *serverError) Error() string {
	return fmt.Sprintf("ClickHouse rejected a value: error %d %s", e.code, e.name)
}
func (e *serverError) Unwrap() error { return e.err }

// memoryError keeps the code of a refusal for lack of memory.
type memoryError struct {
	code int32
	name string
	err  error
}

func (e *memoryError) Error() string {
	return fmt.Sprintf("ClickHouse does not have enough memory (code: %d, %s)", e.code, e.name)
}
func (e *memoryError) Unwrap() error { return e.err }

// transientError is a transient failure. The loop recognizes it by its method.
type transientError struct{ err error }

func (e *transientError) Error() string { return e.err.Error() }
func (e *transientError) Unwrap() error { return e.err }

// Temporary is true: trying again later succeeds.
func (e *transientError) Temporary() bool { return true }

// classed sorts the errors of a write into transient ones (Temporary() is
// true), permanent ones ([projector.UnwritableError]), and the rest, which an
// operator has to fix: rights, missing tables, wrong addresses.
func classed(err error) error {
	var cell *cellError
	if errors.As(err, &cell) {
		return &projector.UnwritableError{Err: err}
	}
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		if name, found := unwritableCodes[exception.Code]; found {
			return &projector.UnwritableError{Err: &serverError{exception.Code, name, err}}
		}
	}
	return passing(err)
}

// passing marks a transient error, and one for lack of memory, which may be
// transient too ([projector.TooLargeError]).
func passing(err error) error {
	var exception *clickhouse.Exception
	if errors.As(err, &exception) {
		if name, found := memoryCodes[exception.Code]; found {
			return &projector.TooLargeError{Err: &transientError{&memoryError{exception.Code, name, err}}}
		}
		if _, found := transientCodes[exception.Code]; !found {
			return err
		}
		return &transientError{err}
	}
	if fromNetwork(err) {
		return &transientError{err}
	}
	return err
}

// fromNetwork reports errors below ClickHouse: connections refused, broken or too slow, and a proxy
// without a server behind it.
func fromNetwork(err error) bool {
	var answer *clickhouse.HTTPError
	if errors.As(err, &answer) {
		return answer.StatusCode >= http.StatusInternalServerError || answer.StatusCode == http.StatusTooManyRequests
	}
	var network net.Error
	for _, sign := range []error{io.EOF, io.ErrUnexpectedEOF, io.ErrClosedPipe, net.ErrClosed, context.DeadlineExceeded,
		syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE, clickhouse.ErrAcquireConnTimeout} {
		if errors.Is(err, sign) {
			return true
		}
	}
	return errors.As(err, &network)
}
