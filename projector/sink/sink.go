package sink

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
	tables "github.com/parley-analytics/parley/schema/clickhouse"
)

// Stage is a part of Write that is on disk before the next begins.
type Stage string

// The stages, in their order.
const (
	StageKeys       Stage = "keys"
	StageRows       Stage = "rows"
	StageEvents     Stage = "events"
	StageQuarantine Stage = "quarantine"
	StagePosition   Stage = "position"
)

// Options are how a sink writes.
type Options struct {
	// Projection is the version whose tables are written, see migrate.Live.
	Projection uint32
	// StoreText keeps the text of messages in message_texts.
	StoreText bool
	// Logger; nil logs nothing.
	Logger *slog.Logger
	// After, if given, is called when a stage is on disk; its error ends Write.
	// Tests and the crash harness cut batches off with it.
	After func(Stage) error
}

// Sink writes and reads back one projection. It implements [projector.Sink] and
// [projector.Archive] for one goroutine.
type Sink struct {
	conn     driver.Conn
	options  Options
	database string
	log      *slog.Logger

	conversations *table[conversationRow]
	contacts      *table[contactRow]
	transactions  *table[transactionRow]
	messages      *table[messageRow]
	texts         *table[messageRow]
	visitors      *table[visitorRow]
	events        *table[projector.ArchivedEvent]
	keys          *table[keyRow]
	quarantine    *table[projector.Rejection]
	positions     *table[positionRow]
}

var (
	_ projector.Sink = (*Sink)(nil)
)

// Open makes a sink over a connection, see [Dial]. The tables must be there, see
// package migrate. The connection stays the caller's to close, when the sink is
// no longer used.
func Open(ctx context.Context, conn driver.Conn, options Options) (*Sink, error) {
	s := &Sink{
		conn: conn, options: options, database: tables.ProjectionDatabase(options.Projection), log: options.Logger,
		conversations: conversationsTable(), contacts: contactsTable(), transactions: transactionsTable(),
		messages: messagesTable(), texts: messageTextsTable(), visitors: visitorsTable(),
		events: eventsTable(), keys: eventKeysTable(), quarantine: quarantineTable(), positions: positionsTable(),
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

// stages gives the tables of each stage. Inserts of one stage may run in any order.
func (s *Sink) stages() []stage {
	return []stage{
		{StageKeys, []inserter{s.keys}},
		{StageRows, []inserter{s.conversations, s.contacts, s.transactions, s.messages, s.texts, s.visitors}},
		{StageEvents, []inserter{s.events}},
		{StageQuarantine, []inserter{s.quarantine}},
		{StagePosition, []inserter{s.positions}},
	}
}

type stage struct {
	name   Stage
	tables []inserter
}

func (s *Sink) tables() []inserter {
	var all []inserter
	for _, stage := range s.stages() {
		all = append(all, stage.tables...)
	}
	return all
}

// Position is the last sequence of the log that is stored, 0 at first.
func (s *Sink) Position(ctx context.Context, log string) (schema.Sequence, error) {
	var position uint64
	row := s.conn.QueryRow(ctx, "SELECT max(sequence) FROM "+s.database+".positions WHERE log = {log:String}", clickhouse.Named("log", log))
	if err := row.Scan(&position); err != nil {
		return 0, fmt.Errorf("position of %s: %w", log, err)
	}
	return schema.Sequence(position), nil
}

// Write stores a batch: see [projector.Sink].
func (s *Sink) Write(ctx context.Context, batch *projector.Batch) error {
	defer func() {
		for _, t := range s.tables() {
			t.clear()
		}
	}()
	s.fill(batch)
	if err := s.insert(ctx); err != nil {
		return fmt.Errorf("write %s up to %d: %w", batch.Log, batch.Position, classed(err))
	}
	return nil
}

// fill puts the rows of the batch into the tables.
func (s *Sink) fill(batch *projector.Batch) {
	for i := range batch.Events {
		e := &batch.Events[i]
		s.keys.rows = append(s.keys.rows, keyRow{hash: hashOf(e.Event.Key()), sequence: e.Sequence})
	}
	for i := range batch.Changes {
		s.change(&batch.Changes[i])
	}
	s.events.rows = append(s.events.rows, batch.Events...)
	s.quarantine.rows = append(s.quarantine.rows, batch.Quarantine...)
	s.positions.rows = append(s.positions.rows, positionRow{batch.Log, batch.Position})
}

// change puts in the rows of a conversation that differ from before.
func (s *Sink) change(c *projector.Change) {
	after := &c.After
	version := after.Conversation.LastSequence
	o := owner{after.Conversation.ConversationKey, version}
	before := c.Before
	if before == nil {
		before = &projector.Rows{}
	}

	// The row, and its removal from every other key at which it may stand.
	key := closedKey(&after.Conversation)
	s.conversations.rows = append(s.conversations.rows, conversationRow{Rows: after, closedKey: key, version: version})
	left := c.Retired
	if c.Before != nil {
		left = append([]schema.Timestamp{closedKey(&before.Conversation)}, left...)
	}
	for _, k := range left {
		if k != key {
			s.conversations.rows = append(s.conversations.rows, moved(o.ConversationKey, k, version))
		}
	}

	changed(before.Contacts, after.Contacts, func(c *projector.Contact) string { return c.ID },
		func(c *projector.Contact) { s.contacts.rows = append(s.contacts.rows, contactRow{o, c}) })
	changed(before.Transactions, after.Transactions, func(t *projector.Transaction) string { return t.ID },
		func(t *projector.Transaction) {
			s.transactions.rows = append(s.transactions.rows, transactionRow{o, t})
		})
	changed(before.Messages, after.Messages, func(m *projector.Message) string { return m.ID },
		func(m *projector.Message) {
			s.messages.rows = append(s.messages.rows, messageRow{o, m})
			if s.options.StoreText && m.Text != nil {
				s.texts.rows = append(s.texts.rows, messageRow{o, m})
			}
		})
	if v := after.Conversation.Visitor; v != nil {
		if earlier := before.Conversation.Visitor; earlier == nil || !same(earlier, v) {
			s.visitors.rows = append(s.visitors.rows, visitorRow{o, v})
		}
	}
}

// insert writes the waiting rows stage by stage. All blocks are made before the
// first is sent: a value that a column refuses leaves no part of the batch behind.
func (s *Sink) insert(ctx context.Context) error {
	stages := s.stages()
	prepared := make([][]driver.Batch, len(stages))
	defer func() {
		for _, batches := range prepared {
			for _, b := range batches {
				_ = b.Close() // has no effect on what was sent
			}
		}
	}()
	for i, stage := range stages {
		for _, t := range stage.tables {
			b, err := t.prepare(ctx, s.conn)
			if err != nil {
				return err
			}
			if b != nil {
				prepared[i] = append(prepared[i], b)
			}
		}
	}
	for i, stage := range stages {
		for _, b := range prepared[i] {
			if err := b.Send(); err != nil {
				return fmt.Errorf("%s: %w", stage.name, err)
			}
		}
		if s.options.After == nil {
			continue
		}
		if err := s.options.After(stage.name); err != nil {
			return err
		}
	}
	return nil
}

// columnTypes gives the types of all columns of a database by table and name.
func columnTypes(ctx context.Context, conn driver.Conn, database string) (map[string]map[string]string, error) {
	rows, err := conn.Query(ctx, "SELECT table, name, type FROM system.columns WHERE database = {database:String}",
		clickhouse.Named("database", database))
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
		return nil, errors.New("database " + database + " has no tables, or they may not be read: bring the tables up to date (--migrate)")
	}
	return types, nil
}
