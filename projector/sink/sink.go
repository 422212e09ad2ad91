package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold/cells"
	"github.com/parley-analytics/parley/schema"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// Options configure a sink.
type Options struct {
	// Projection is the version whose tables are written, see tables.Tables.Live.
	Projection uint32
	// StoreText keeps the text of messages in message_texts.
	StoreText bool
	// Logger; nil logs nothing.
	Logger *slog.Logger
	// Allowed, if given, is asked before each stage; its error ends Write. A process that may no
	// longer write notices it there, wherever it was suspended.
	Allowed func() error
	// After, if given, is called when a stage is on disk; its error ends Write. Like Allowed, it is called
	// concurrently for stages that are written at the same time. Tests and the crash harness interrupt batches with it.
	After func(Stage) error
}

// Sink writes and reads back one projection. It implements [projector.Sink] and
// [projector.Archive] for one goroutine.
type Sink struct {
	conn     driver.Conn
	options  Options
	database string
	log      *slog.Logger

	conversations *table[cells.Conversation]
	contacts      *table[cells.Contact]
	transactions  *table[cells.Transaction]
	messages      *table[cells.Message]
	texts         *table[cells.Message]
	visitors      *table[cells.Visitor]
	visits        *table[visitRow]
	profiles      *table[profileRow]
	sellers       *table[sellerRow]
	customers     *table[customer]
	events        *table[projector.ArchivedEvent]
	eventsByTime  *table[projector.ArchivedEvent]
	keys          *table[keyRow]
	quarantine    *table[projector.Rejection]
	positions     *table[positionRow]

	seen     seen
	replaced replacement     // what the current batch replaces
	written  schema.Sequence // position in the log of events that this sink has written
}

var (
	_ projector.Sink    = (*Sink)(nil)
	_ projector.Archive = (*Sink)(nil)
)

// Open makes a sink over a connection, see [Dial]. The tables must exist, see package tables. The
// caller closes the connection when the sink is no longer used.
func Open(ctx context.Context, conn driver.Conn, options Options) (*Sink, error) {
	s := &Sink{
		conn: conn, options: options, database: ddl.ProjectionDatabase(options.Projection), log: options.Logger,
		conversations: tableOf("conversations", cells.Conversations()), contacts: tableOf("contacts", cells.Contacts()),
		transactions: tableOf("transactions", cells.Transactions()), messages: tableOf("messages", cells.Messages()),
		texts: tableOf("message_texts", cells.MessageTexts()), visitors: tableOf("visitors", cells.Visitors()),
		visits: visitsTable(), profiles: profilesTable(), sellers: sellersTable(), customers: customersTable(),
		events: eventsTable(), eventsByTime: eventsByTimeTable(), keys: eventHashesTable(), quarantine: quarantineTable(), positions: positionsTable(),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	types, err := columnTypes(ctx, conn, s.database)
	if err != nil {
		return nil, fmt.Errorf("open sink: %w", err)
	}
	for _, t := range s.tables() {
		if err := t.bind(s.database, types); err != nil {
			return nil, fmt.Errorf("open sink: %w", err)
		}
	}
	return s, nil
}

// Position returns the last stored sequence of the log, 0 at first, and the highest one that rows
// come from: see [projector.Sink]. Only events make rows with versions; no other log leaves any
// ahead.
func (s *Sink) Position(ctx context.Context, log string) (stored, held schema.Sequence, err error) {
	if stored, err = s.position(ctx, log); err != nil || log != projector.LogEvents {
		return stored, stored, err
	}
	if stored != s.written {
		s.seen.stale = true // another process has written
	}
	if err := s.catchUpCustomers(ctx, stored); err != nil {
		return stored, stored, passing(err)
	}
	held, err = s.held(ctx, stored)
	return stored, held, err
}

// held returns the highest version of all rows, at least the position.
func (s *Sink) held(ctx context.Context, position schema.Sequence) (schema.Sequence, error) {
	var held uint64
	if err := s.conn.QueryRow(ctx, s.in(heldSQL), clickhouse.Named("position", uint64(position))).Scan(&held); err != nil {
		return 0, fmt.Errorf("rows ahead of %d: %w", position, passing(err))
	}
	return max(position, schema.Sequence(held)), nil
}

func (s *Sink) position(ctx context.Context, log string) (schema.Sequence, error) {
	var stored uint64
	row := s.conn.QueryRow(ctx, s.in(positionSQL), clickhouse.Named("log", log))
	if err := row.Scan(&stored); err != nil {
		return 0, fmt.Errorf("position of %s: %w", log, passing(err))
	}
	return schema.Sequence(stored), nil
}

// Origin returns what was stored with the position of a log: see [projector.Sink].
func (s *Sink) Origin(ctx context.Context, log string) (o projector.Origin, err error) {
	row := s.conn.QueryRow(ctx, s.in(originSQL), clickhouse.Named("log", log))
	if err := row.Scan(&o.Log, &o.Checksum); err != nil {
		return o, fmt.Errorf("origin of the position of %s: %w", log, passing(err))
	}
	return o, nil
}

// columnTypes returns the types of all columns of a database by table and name.
func columnTypes(ctx context.Context, conn driver.Conn, database string) (map[string]map[string]string, error) {
	rows, err := conn.Query(ctx, columnTypesSQL, clickhouse.Named("database", database))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	types := map[string]map[string]string{}
	for rows.Next() {
		var table, name, columnType string
		if err := rows.Scan(&table, &name, &columnType); err != nil {
			return nil, err
		}
		if types[table] == nil {
			types[table] = map[string]string{}
		}
		types[table][name] = columnType
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(types) == 0 {
		return nil, errors.New("database " + database + " has no tables or they cannot be read: bring the tables up to date (--migrate)")
	}
	return types, nil
}
