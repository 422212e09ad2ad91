package store

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/fold/cells"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/asof"
	"github.com/parley-analytics/parley/schema"
)

// Statements as of an earlier position: see package asof. In the text of a statement every table that
// has a past is replaced by a subquery of its rows up to the position and those of the overlay,
// which come with the statement as temporary tables. What is inserted are names and conditions
// of this file.

// The tables that have a past.
const pastTables = "(conversations|contacts|transactions|messages|message_texts|visitors)"

var (
	pastKeyed = regexp.MustCompile(`\{projection:Identifier\}\.` + pastTables + ` FINAL\s+PREWHERE \$(\w+)`)
	pastTable = regexp.MustCompile(`\{projection:Identifier\}\.` + pastTables + ` FINAL`)
	pastNamed = regexp.MustCompile(`#` + pastTables + `#`)
)

// inPlaceOf puts a subquery in the place of each table, with the name of the condition on its keys, if it has one.
func inPlaceOf(table *regexp.Regexp, file, text string) string {
	subquery := strings.TrimSpace(newStatement(file, query.Scope{}).text)
	return table.ReplaceAllStringFunc(text, func(found string) string {
		parts := append(table.FindStringSubmatch(found), "")
		return strings.NewReplacer("$table", parts[1], "$keys", "$"+parts[2]).Replace(subquery)
	})
}

// earlier replaces the tables that are read by keys, whose conditions are filled in later.
func (s *statement) earlier() {
	s.text = inPlaceOf(pastKeyed, "as_of_keys", s.text)
	s.bind("asof", uint64(s.scope.AsOf))
}

// asOf completes the text for an overlay, and returns the columns that it needs of each table.
func (s *statement) asOf() (text string, needed map[string][]string) {
	file := "as_of"
	if s.scope.Straddling {
		file = "as_of_straddling"
	}
	text = inPlaceOf(pastTable, file, s.text)
	words := map[string]bool{}
	for _, word := range wordsOf.FindAllString(text, -1) {
		words[word] = true
	}
	needed = map[string][]string{}
	for _, named := range pastNamed.FindAllStringSubmatch(text, -1) {
		table := named[1]
		if needed[table] == nil {
			needed[table] = slices.DeleteFunc(pastColumns(table), func(name string) bool {
				return !words[name] && name != "project_id" && name != "conversation_id"
			})
		}
		text = strings.ReplaceAll(text, named[0], strings.Join(needed[table], ", "))
		until := "_version <= {asof:UInt64}" + unlessStraddling
		if table == "conversations" {
			until = "last_sequence <= {asof:UInt64}"
		}
		text = strings.ReplaceAll(text, "#"+table+" up to#", until)
	}
	return text, needed
}

// unlessStraddling is the condition that a row is not of a straddling conversation. Each version is the sequence of one event, and
// so of one conversation: numbers are compared much faster than the keys.
const unlessStraddling = " AND _version NOT IN (SELECT version FROM asof_versions)"

// orOfChanged is the condition that a row that was written before the scope's Since is of a conversation that has events above it: such a
// conversation straddles that position.
const orOfChanged = " OR _version IN (SELECT version FROM asof_changed)"

var wordsOf = regexp.MustCompile(`\w+`)

// pastColumns are the columns of a table that the overlay has.
func pastColumns(table string) []string {
	switch table {
	case "conversations":
		return namesOf(cells.Conversations())
	case "contacts":
		return namesOf(cells.Contacts())
	case "transactions":
		return namesOf(cells.Transactions())
	case "messages":
		return namesOf(cells.Messages())
	case "message_texts":
		return namesOf(cells.MessageTexts())
	}
	return namesOf(cells.Visitors())
}

func namesOf[R any](columns []cells.Column[R]) []string {
	names := make([]string, len(columns))
	for i, c := range columns {
		names[i] = c.Name
	}
	return names
}

// attempts is how often a statement is run while the overlay grows.
const attempts = 8

// runAsOf runs a statement as of its scope's position.
func runAsOf[R any](ctx context.Context, s *Store, st *statement, into func(*R) []any) ([]R, error) {
	var rows []R
	err := s.asOf(ctx, st, func(ctx context.Context, completed *statement) (err error) {
		rows, err = run(ctx, s, completed, into)
		return err
	})
	return rows, err
}

// overlay returns the overlay of a position within a scope.
func (s *Store) overlay(scope query.Scope, position schema.Sequence) *asof.Overlay {
	return s.overlays.Overlay(query.Scope{Projection: scope.Projection, Projects: scope.Projects, AsOf: position})
}

// versioned is a condition of a statement on the versions of an overlay's conversations, which come with it as a temporary table.
type versioned struct {
	overlay          *asof.Overlay
	condition, table string
}

// onVersions returns the conditions on versions in the text of a statement with an overlay.
func (s *Store) onVersions(scope query.Scope, overlay *asof.Overlay, text string) []versioned {
	var all []versioned
	if strings.Contains(text, unlessStraddling) {
		all = append(all, versioned{overlay, unlessStraddling, "versions"})
	}
	if strings.Contains(text, orOfChanged) {
		all = append(all, versioned{s.overlay(scope, scope.Since), orOfChanged, "changed"})
	}
	return all
}

// asOf passes a statement with its overlay to send, again if the overlay was not complete.
func (s *Store) asOf(ctx context.Context, st *statement, send func(context.Context, *statement) error) error {
	overlay := s.overlay(st.scope, st.scope.AsOf)
	text, needed := st.asOf()
	conditions := s.onVersions(st.scope, overlay, text)
	used := map[*asof.Overlay]asof.State{overlay: {}}
	for _, c := range conditions {
		used[c.overlay] = asof.State{}
	}
	defer func() {
		for o := range used {
			s.overlays.Used(o)
		}
	}()
	for range attempts {
		for o := range used {
			state, err := o.State(ctx)
			if err != nil {
				return withCode(st.name, err)
			}
			used[o] = state
		}
		completed := *st
		completed.text = text
		tables, err := s.temporary(ctx, st.scope, used[overlay].Rows, needed)
		if err != nil {
			return err
		}
		for _, c := range conditions {
			versions := used[c.overlay].Versions
			if len(versions) == 0 {
				completed.text = strings.ReplaceAll(completed.text, c.condition, "")
				continue
			}
			table, err := temporaryTable(c.table, versionColumns(), []string{"version"}, versions)
			if err != nil {
				return fmt.Errorf("temporary table of %s: %w", c.table, err)
			}
			tables = append(tables, table)
		}
		tables = completed.withoutEmpty(tables)
		if err := send(chgo.Context(ctx, chgo.WithExternalTable(tables...)), &completed); err != nil {
			return err
		}
		lacking := false
		for o, state := range used {
			grown, err := o.Complete(ctx, state)
			if err != nil {
				return err
			}
			lacking = lacking || grown
		}
		if !lacking {
			return nil
		}
	}
	return &query.Error{Code: query.CodeUnavailable, Message: "asOf: conversations of this position change too fast at the moment: try again"}
}

// withoutEmpty leaves out the temporary tables without rows; the statement reads none in their place. clickhouse-go writes prefixes of
// columns without rows, which the server does not expect.
func (s *statement) withoutEmpty(tables []*ext.Table) []*ext.Table {
	return slices.DeleteFunc(tables, func(table *ext.Table) bool {
		if table.Block().Rows() > 0 {
			return false
		}
		none := newStatement("as_of_none", query.Scope{}).with("table", strings.TrimPrefix(table.Name(), "asof_"))
		s.text = strings.ReplaceAll(s.text, table.Name(), none.text)
		return true
	})
}

// temporary makes the tables of an overlay.
func (s *Store) temporary(ctx context.Context, scope query.Scope, rows []fold.Rows, needed map[string][]string) ([]*ext.Table, error) {
	var conversations []cells.Conversation
	var contacts []cells.Contact
	var transactions []cells.Transaction
	var messages, texts []cells.Message
	var visitors []cells.Visitor
	withTexts := false
	if needed["message_texts"] != nil {
		n, err := readCount(ctx, s, newStatement("holds_texts", query.Scope{Projection: scope.Projection}))
		if err != nil {
			return nil, err
		}
		withTexts = n > 0
	}
	for i := range rows {
		r := &rows[i]
		owner := cells.Owner{ConversationKey: r.Conversation.ConversationKey, BeganAt: r.Conversation.BeganAt, Version: r.Conversation.LastSequence}
		conversations = append(conversations, cells.Conversation{Rows: r, Version: owner.Version})
		traits := cells.TraitsOf(r)
		for j := range r.Contacts {
			contacts = append(contacts, cells.Contact{Owner: owner, Row: &cells.ContactWithTraits{Contact: &r.Contacts[j], Of: traits}})
		}
		for j := range r.Transactions {
			transactions = append(transactions, cells.Transaction{Owner: owner, Row: &r.Transactions[j]})
		}
		for j := range r.Messages {
			m := cells.Message{Owner: owner, Row: &r.Messages[j]}
			messages = append(messages, m)
			if withTexts && (m.Row.Text != nil || m.Row.DeletedAt != nil) {
				texts = append(texts, m)
			}
		}
		if v := r.Conversation.Visitor; v != nil {
			visitors = append(visitors, cells.Visitor{Owner: owner, Row: v})
		}
	}
	var tables []*ext.Table
	for name, columns := range needed {
		var table *ext.Table
		var err error
		switch name {
		case "conversations":
			table, err = temporaryTable(name, cells.Conversations(), columns, conversations)
		case "contacts":
			table, err = temporaryTable(name, cells.Contacts(), columns, contacts)
		case "transactions":
			table, err = temporaryTable(name, cells.Transactions(), columns, transactions)
		case "messages":
			table, err = temporaryTable(name, cells.Messages(), columns, messages)
		case "message_texts":
			table, err = temporaryTable(name, cells.MessageTexts(), columns, texts)
		case "visitors":
			table, err = temporaryTable(name, cells.Visitors(), columns, visitors)
		}
		if err != nil {
			return nil, fmt.Errorf("temporary table of %s: %w", name, err)
		}
		tables = append(tables, table)
	}
	return tables, nil
}

func versionColumns() []cells.Column[schema.Sequence] {
	return []cells.Column[schema.Sequence]{cells.Number("version", func(v *schema.Sequence) uint64 { return uint64(*v) })}
}

// temporaryTable makes a table of some columns, as the sink would write them.
func temporaryTable[R any](name string, all []cells.Column[R], names []string, rows []R) (*ext.Table, error) {
	columns := slices.DeleteFunc(all, func(c cells.Column[R]) bool { return !slices.Contains(names, c.Name) })
	_, encoded, err := cells.Encode(nil, columns, rows, math.MaxInt)
	if err != nil {
		return nil, err
	}
	table, err := ext.NewTable("asof_" + name)
	if err != nil {
		return nil, err
	}
	return table, table.Block().Decode(proto.NewReader(bytes.NewReader(encoded)), 0)
}

// past reads the tables for overlays, without the cache of a request.
type past struct{ *Store }

var _ asof.Tables = past{}

// Position implements asof.Tables: what the last request has read is new enough.
func (s past) Position(ctx context.Context, projection uint32) (schema.Sequence, error) {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	if s.live.Projection != projection {
		return 0, nil
	}
	return s.live.Position, nil
}

// Straddling implements asof.Tables. The newest version of a row has the highest last sequence and, where the first event was erased
// and comes behind others in the log, the lowest first one: it meets the conditions if an older version does, and the statement needs
// no FINAL.
func (s past) Straddling(ctx context.Context, scope query.Scope, after schema.Sequence, limit int) ([]schema.ConversationKey, error) {
	where := within("a", scope.Projects)
	where.add("first_sequence <= {$:UInt64}", uint64(scope.AsOf))
	where.add("last_sequence > {$:UInt64}", uint64(after))
	st := newStatement("straddling", query.Scope{Projection: scope.Projection}).where("where", where).bind("limit", uint32(limit))
	type row struct {
		project      uint32
		conversation string
	}
	rows, err := run(ctx, s.Store, st, func(r *row) []any { return []any{&r.project, &r.conversation} })
	keys := make([]schema.ConversationKey, len(rows))
	for i, r := range rows {
		keys[i] = schema.ConversationKey{Project: schema.ProjectID(r.project), Conversation: schema.ConversationID(r.conversation)}
	}
	return keys, err
}

// EventsOf implements asof.Tables.
func (s past) EventsOf(ctx context.Context, scope query.Scope, keys []schema.ConversationKey) ([]query.EventRow, error) {
	st := newStatement("archived_events", query.Scope{Projection: scope.Projection}).where("keys", of("a", scope, keys))
	return run(ctx, s.Store, st, func(r *query.EventRow) []any { return []any{&r.Sequence, &r.ReceivedAt, &r.Original} })
}

// PositionAt implements query.Store.
func (s *Store) PositionAt(ctx context.Context, projection uint32, at schema.Timestamp) (schema.Sequence, error) {
	position, err := readCount(ctx, s, newStatement("position_at", query.Scope{Projection: projection}).bind("at", int64(at)))
	return schema.Sequence(position), err
}
