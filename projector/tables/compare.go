package tables

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/schema"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// Table is a table of a projection with the columns that identify its rows. The first two columns
// of the key are the owner of the rows: the unit that a repair rewrites.
type Table struct {
	Name string
	Key  []string
	Of   Of
	// Archive says that the rows are events: a repair of one such table is one of all.
	Archive bool
}

// Of is the kind of owner of a table's rows, which determines the rows that can be compared.
type Of uint8

// The kinds of owners: a conversation (or the subject of a profile), a customer, or an entry of a log.
const (
	OfConversation Of = iota
	OfCustomer
	OfLog
)

var compared = []Table{
	{Name: "conversations", Key: []string{"project_id", "conversation_id"}, Of: OfConversation},
	{Name: "contacts", Key: []string{"project_id", "conversation_id", "contact_id"}, Of: OfConversation},
	{Name: "transactions", Key: []string{"project_id", "conversation_id", "transaction_id"}, Of: OfConversation},
	{Name: "messages", Key: []string{"project_id", "conversation_id", "message_id"}, Of: OfConversation},
	{Name: "message_texts", Key: []string{"project_id", "conversation_id", "message_id"}, Of: OfConversation},
	{Name: "visitors", Key: []string{"project_id", "conversation_id"}, Of: OfConversation},
	{Name: "customer_conversations", Key: []string{"project_id", "conversation_id", "customer_id"}, Of: OfConversation},
	{Name: "customer_profiles", Key: []string{"project_id", "conversation_id"}, Of: OfConversation},
	{Name: "sellers", Key: []string{"project_id", "conversation_id"}, Of: OfConversation},
	{Name: "customers", Key: []string{"project_id", "customer_id"}, Of: OfCustomer},
	{Name: "events", Key: []string{"project_id", "conversation_id", "sequence"}, Of: OfConversation, Archive: true},
	{Name: "events_by_time", Key: []string{"project_id", "conversation_id", "sequence"}, Of: OfConversation, Archive: true},
	{Name: "quarantine", Key: []string{"log", "sequence"}, Of: OfLog},
}

// Compared are the tables that are compared and repaired, in that order. The others are derived
// from them, or are bookkeeping.
func Compared() []Table { return compared }

// in inserts the table and its key into a statement.
func (t Table) in(statement string) string {
	return strings.NewReplacer("$table", t.Name, "$key", strings.Join(t.Key, ", "), "$first", t.Key[0], "$second", t.Key[1]).Replace(statement)
}

// Scope narrows a comparison, and with it a repair. The zero value is everything.
type Scope struct {
	Projects []schema.ProjectID // these only; none means all
	Since    schema.Timestamp   // conversations with an event at or after this moment
}

// Everything reports whether nothing is left out.
func (s Scope) Everything() bool { return len(s.Projects) == 0 && s.Since == 0 }

// buckets is the number of parts a table's checksum is taken in.
const buckets = 256

// Comparison compares the rows of one version with those of another, as of a sequence that both
// have reached. Conversations that have changed in either since then are skipped.
type Comparison struct {
	tables          *Tables
	expected, found uint32
	parameters      []any
	since           bool
}

// Compare begins a comparison.
func (t *Tables) Compare(expected, found uint32, upTo schema.Sequence, scope Scope) *Comparison {
	projects := make([]uint32, len(scope.Projects))
	for i, p := range scope.Projects {
		projects[i] = uint32(p)
	}
	return &Comparison{
		tables: t, expected: expected, found: found, since: scope.Since > 0,
		parameters: []any{
			clickhouse.Named("upTo", uint64(upTo)), clickhouse.Named("buckets", uint16(buckets)),
			clickhouse.Named("projects", projects), clickhouse.Named("since", int64(scope.Since)),
		},
	}
}

// context limits the memory of ClickHouse.
func (c *Comparison) context(ctx context.Context) context.Context {
	return clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"max_bytes_before_external_group_by": uint64(512 << 20),
		"max_bytes_before_external_sort":     uint64(512 << 20),
	}))
}

// statement inserts the versions. Only the parameters are missing then.
func (c *Comparison) statement(text string) string {
	return strings.NewReplacer("$expected", ddl.ProjectionDatabase(c.expected), "$found", ddl.ProjectionDatabase(c.found)).Replace(text)
}

// Moved counts the conversations that have changed after the compared sequence. Rows are written
// before events, so both are checked.
func (c *Comparison) Moved(ctx context.Context) (count uint64, err error) {
	statement := strings.ReplaceAll(compareMovedCountSQL, "$moved", compareMovedSQL)
	err = c.tables.conn.QueryRow(c.context(ctx), c.statement(statement), c.parameters...).Scan(&count)
	return count, err
}

// TableComparison is the comparison of one table.
type TableComparison struct {
	comparison *Comparison
	table      Table
	// Columns are the columns that must be equal.
	Columns []string
	rows    string // a statement for the rows of both versions, with a hash
}

// Table compares one table. Its columns are read from the expected version.
func (c *Comparison) Table(ctx context.Context, table Table) (*TableComparison, error) {
	rows, err := c.tables.conn.Query(ctx, compareColumnsSQL,
		clickhouse.Named("database", ddl.ProjectionDatabase(c.expected)), clickhouse.Named("table", table.Name))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	t := &TableComparison{comparison: c, table: table}
	var parts []string
	for rows.Next() {
		var name string
		var isMap bool
		if err := rows.Scan(&name, &isMap); err != nil {
			return nil, err
		}
		t.Columns = append(t.Columns, name)
		if isMap {
			name = "mapSort(" + name + ")" // the order of a map has no meaning
		}
		parts = append(parts, name)
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if len(t.Columns) == 0 {
		return nil, fmt.Errorf("no table %s.%s", ddl.ProjectionDatabase(c.expected), table.Name)
	}
	t.rows = strings.NewReplacer(
		"$hash", "cityHash64(formatRow('RowBinary', "+strings.Join(parts, ", ")+"))", // RowBinary tells NULL from empty
		"$settled", c.settled(table),
	).Replace(compareRowsSQL)
	return t, nil
}

// settled is the condition on rows that can be compared. Of rows without a conversation, only those
// of the log of events have the compared sequence; the log of rejections is small and is compared
// when it does not change.
func (c *Comparison) settled(table Table) string {
	switch table.Of {
	case OfLog:
		return compareSettledLogSQL
	case OfCustomer:
		return compareSettledCustomersSQL
	}
	condition := strings.ReplaceAll(compareSettledSQL, "$moved", compareMovedSQL)
	if c.since {
		condition += compareSinceSQL
	}
	return condition
}

// statement fills in the rows, the table and the versions.
func (t *TableComparison) statement(text string) string {
	text = strings.NewReplacer("$differing", compareDifferingSQL, "$columns", strings.Join(t.Columns, ", ")).Replace(text)
	return t.comparison.statement(t.table.in(strings.ReplaceAll(text, "$rows", t.rows)))
}

func (t *TableComparison) parameters(more ...any) []any {
	return append(append([]any(nil), t.comparison.parameters...), more...)
}

// Buckets counts the expected rows, and returns the buckets whose checksums
// differ.
func (t *TableComparison) Buckets(ctx context.Context) (count uint64, uneven []uint64, err error) {
	rows, err := t.comparison.tables.conn.Query(t.comparison.context(ctx), t.statement(compareBucketsSQL), t.parameters()...)
	if err != nil {
		return 0, nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var bucket, expected uint64
		var differs uint8
		if err := rows.Scan(&bucket, &expected, &differs); err != nil {
			return 0, nil, err
		}
		count += expected
		if differs != 0 {
			uneven = append(uneven, bucket)
		}
	}
	return count, uneven, rows.Err()
}

// Differing counts the rows of some buckets that differ, are missing or superfluous.
func (t *TableComparison) Differing(ctx context.Context, uneven []uint64) (count uint64, err error) {
	err = t.comparison.tables.conn.QueryRow(t.comparison.context(ctx), t.statement(compareCountSQL),
		t.parameters(clickhouse.Named("uneven", uneven))...).Scan(&count)
	return count, err
}

// Owner is the first two columns of a key, as text.
type Owner [2]string

// Owners returns the owners whose rows differ.
func (t *TableComparison) Owners(ctx context.Context, uneven []uint64) ([]Owner, error) {
	rows, err := t.comparison.tables.conn.Query(t.comparison.context(ctx), t.statement(compareOwnersSQL),
		t.parameters(clickhouse.Named("uneven", uneven))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Owner
	for rows.Next() {
		var owner Owner
		if err := rows.Scan(&owner[0], &owner[1]); err != nil {
			return nil, err
		}
		list = append(list, owner)
	}
	return list, rows.Err()
}

// Spell calls do with the first rows that differ, as JSON by column: the expected ones and the found ones.
func (t *TableComparison) Spell(ctx context.Context, uneven []uint64, limit int, do func(expected bool, row map[string]json.RawMessage)) error {
	rows, err := t.comparison.tables.conn.Query(t.comparison.context(ctx), t.statement(compareSpelledSQL),
		t.parameters(clickhouse.Named("uneven", uneven), clickhouse.Named("limit", uint64(limit)))...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var expected bool
		var text string
		if err := rows.Scan(&expected, &text); err != nil {
			return err
		}
		var row map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			return err
		}
		do(expected, row)
	}
	return rows.Err()
}
