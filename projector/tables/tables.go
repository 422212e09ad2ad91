package tables

import (
	"context"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/schema"
)

// Tables are the tables of one server. They may be used by many goroutines at
// once.
type Tables struct {
	conn driver.Conn

	// At is called after each statement of [Tables.Up], with "statement". The
	// crash harness ends the process there; may be nil.
	At func(point string)
	// Report is called with what [Tables.Up] is about to do; may be nil.
	Report func(MigrationProgress)
}

// New makes tables over a connection: sink.Dial makes one.
func New(conn driver.Conn) *Tables { return &Tables{conn: conn} }

// Conn is the connection, for the package that writes blocks into it.
func (t *Tables) Conn() driver.Conn { return t.conn }

// Ping checks that the server answers.
func (t *Tables) Ping(ctx context.Context) error { return t.conn.Ping(ctx) }

// Close closes the connection.
func (t *Tables) Close() error { return t.conn.Close() }

// names runs a query for one column of names.
func (t *Tables) names(ctx context.Context, query string, parameters ...any) ([]string, error) {
	return column[string](ctx, t.conn, query, parameters...)
}

// sequences runs a query for one column of sequences.
func (t *Tables) sequences(ctx context.Context, query string, parameters ...any) (map[schema.Sequence]bool, error) {
	list, err := column[uint64](ctx, t.conn, query, parameters...)
	if err != nil {
		return nil, err
	}
	found := make(map[schema.Sequence]bool, len(list))
	for _, sequence := range list {
		found[schema.Sequence(sequence)] = true
	}
	return found, nil
}

// column runs a query for one column.
func column[V any](ctx context.Context, conn driver.Conn, query string, parameters ...any) ([]V, error) {
	rows, err := conn.Query(ctx, query, parameters...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []V
	for rows.Next() {
		var value V
		if err := rows.Scan(&value); err != nil {
			return nil, err
		}
		list = append(list, value)
	}
	return list, rows.Err()
}

func numbers(sequences []schema.Sequence) []uint64 {
	list := make([]uint64, len(sequences))
	for i, s := range sequences {
		list[i] = uint64(s)
	}
	return list
}
