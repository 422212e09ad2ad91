package rebuild

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/schema"
)

// table is a table of a projection with what tells its rows apart. The first two
// columns of the key name the owner of the rows: what a repair writes again.
type table struct {
	name string
	key  []string
	// moving tells that rows belong to conversations, so that those which the
	// log has moved on can be left out.
	moving bool
}

var projectionTables = []table{
	{"conversations", []string{"project_id", "conversation_id"}, true},
	{"contacts", []string{"project_id", "conversation_id", "contact_id"}, true},
	{"transactions", []string{"project_id", "conversation_id", "transaction_id"}, true},
	{"messages", []string{"project_id", "conversation_id", "message_id"}, true},
	{"message_texts", []string{"project_id", "conversation_id", "message_id"}, true},
	{"visitors", []string{"project_id", "conversation_id"}, true},
	{"events", []string{"project_id", "conversation_id", "sequence"}, true},
	{"quarantine", []string{"log", "sequence"}, false},
}

// Difference is one field of one row that is not as it should be. Where a row
// is missing or too many, Field is empty and one of the values says "row".
type Difference struct {
	Table    string
	Key      map[string]string // the row's key columns, as JSON
	Field    string
	Expected string
	Found    string
}

// String names the table, the key, the field and both values. Values of personal
// data are shown as they are: the report is for who may read the tables.
func (d Difference) String() string {
	var key []string
	for _, t := range projectionTables {
		if t.name == d.Table {
			for _, column := range t.key {
				key = append(key, strings.Trim(d.Key[column], `"`))
			}
		}
	}
	return fmt.Sprintf("%s %s: %s: expected %s, found %s",
		d.Table, strings.Join(key, "/"), d.Field, d.Expected, d.Found)
}

// Report is the outcome of a comparison.
type Report struct {
	Sequence    schema.Sequence   // the comparison holds at this sequence
	Rows        map[string]uint64 // compared, per table, as expected
	Moved       uint64            // conversations left out because the log has moved them on
	Differing   uint64            // rows that differ, are missing or too many
	Differences []Difference      // of the first rows, up to the limit asked for

	differing map[string][][2]string // by table: the owners of differing rows
}

// buckets is the number of parts a table's checksum is taken in.
const buckets = 256

// Scope narrows a comparison, and with it a repair. The zero value is everything.
type Scope struct {
	Projects []schema.ProjectID // these only; none means all
	Since    schema.Timestamp   // conversations with an event at or after this moment
}

// Everything tells that nothing is left out.
func (s Scope) Everything() bool { return len(s.Projects) == 0 && s.Since == 0 }

// condition is the scope as SQL over a table with conversations in it. It is
// made of numbers only.
func (s Scope) condition() string {
	condition := "true"
	if len(s.Projects) > 0 {
		condition += " AND project_id IN (" + strings.Trim(strings.Join(strings.Fields(fmt.Sprint(s.Projects)), ", "), "[]") + ")"
	}
	if s.Since > 0 {
		condition += fmt.Sprintf(" AND (project_id, conversation_id) IN (SELECT project_id, conversation_id FROM $expected.events WHERE time >= fromUnixTimestamp64Milli(%d))", int64(s.Since))
	}
	return condition
}

// Compare holds the tables of database found against those of expected, at
// sequence upTo, which both have reached. Conversations that have moved on since
// in either are left out. At most limit differing rows are spelled out; all are
// counted.
func Compare(ctx context.Context, conn driver.Conn, expected, found string, upTo schema.Sequence, scope Scope, limit int) (*Report, error) {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{
		"max_bytes_before_external_group_by": uint64(512 << 20),
		"max_bytes_before_external_sort":     uint64(512 << 20),
	}))
	report := &Report{Sequence: upTo, Rows: map[string]uint64{}, differing: map[string][][2]string{}}
	c := comparison{conn: conn, expected: expected, found: found, upTo: upTo, scope: scope}
	err := conn.QueryRow(ctx, c.sql("SELECT count() FROM ("+moved+")")).Scan(&report.Moved)
	if err != nil {
		return nil, fmt.Errorf("count conversations in motion: %w", err)
	}
	for _, t := range projectionTables {
		if !t.moving && !scope.Everything() {
			continue
		}
		if err := c.compareTable(ctx, t, limit, report); err != nil {
			return nil, fmt.Errorf("compare %s: %w", t.name, err)
		}
	}
	return report, nil
}

type comparison struct {
	conn            driver.Conn
	expected, found string
	upTo            schema.Sequence
	scope           Scope
}

// moved are the conversations that have gone on after the sequence compared at.
// Rows are written before events, so both tell.
const moved = `SELECT project_id, conversation_id FROM $found.conversations WHERE _version > $upTo
	UNION DISTINCT SELECT project_id, conversation_id FROM $expected.conversations WHERE _version > $upTo
	UNION DISTINCT SELECT project_id, conversation_id FROM $found.events WHERE sequence > $upTo
	UNION DISTINCT SELECT project_id, conversation_id FROM $expected.events WHERE sequence > $upTo`

// settle is how long a batch may be in the middle of its rows.
const settle = 300 * time.Millisecond

// sql fills in names and numbers of our own making; nothing of it is input.
func (c *comparison) sql(text string) string {
	return strings.NewReplacer("$expected", c.expected, "$found", c.found, "$upTo", fmt.Sprint(uint64(c.upTo))).Replace(text)
}

// hash is an expression over every column that has to be equal. RowBinary tells
// NULL from empty; maps are sorted, because their order means nothing.
func (c *comparison) hash(ctx context.Context, t table) (expression string, columns []string, err error) {
	rows, err := c.conn.Query(ctx, `
		SELECT name, startsWith(type, 'Map(') FROM system.columns
		WHERE database = {database:String} AND table = {table:String} AND name NOT IN ('_version', '_deleted')
		ORDER BY position`, clickhouse.Named("database", c.expected), clickhouse.Named("table", t.name))
	if err != nil {
		return "", nil, err
	}
	defer rows.Close()
	var parts []string
	for rows.Next() {
		var name string
		var isMap bool
		if err := rows.Scan(&name, &isMap); err != nil {
			return "", nil, err
		}
		columns = append(columns, name)
		if isMap {
			name = "mapSort(" + name + ")"
		}
		parts = append(parts, name)
	}
	if len(columns) == 0 {
		return "", nil, fmt.Errorf("no table %s.%s", c.expected, t.name)
	}
	return "cityHash64(formatRow('RowBinary', " + strings.Join(parts, ", ") + "))", columns, rows.Err()
}

func (t table) bucket() string {
	return fmt.Sprintf("cityHash64(%s) %% %d", strings.Join(t.key, ", "), buckets)
}

// settled is the condition on rows that can be compared. Of what is not of a
// conversation, only the log of events has the sequence compared at; that of
// rejections is small and compared when it stands still.
func (c *comparison) settled(t table) string {
	if !t.moving {
		return "log != 'events' OR sequence <= $upTo"
	}
	return "(project_id, conversation_id) NOT IN (" + moved + ") AND " + c.scope.condition()
}

func (c *comparison) compareTable(ctx context.Context, t table, limit int, report *Report) error {
	hash, columns, err := c.hash(ctx, t)
	if err != nil {
		return err
	}
	both := fmt.Sprintf(`
		SELECT %[1]s, true AS wanted, %[2]s AS bucket, %[3]s AS hash FROM $expected.%[4]s FINAL WHERE %[5]s
		UNION ALL
		SELECT %[1]s, false AS wanted, %[2]s AS bucket, %[3]s AS hash FROM $found.%[4]s FINAL WHERE %[5]s`,
		strings.Join(t.key, ", "), t.bucket(), hash, t.name, c.settled(t))

	var uneven []uint64
	rows, err := c.conn.Query(ctx, c.sql(`
		SELECT toUInt64(bucket), countIf(wanted), countIf(wanted) != countIf(NOT wanted) OR sumIf(hash, wanted) != sumIf(hash, NOT wanted)
		FROM (`+both+`) GROUP BY bucket ORDER BY bucket`))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var bucket, count uint64
		var differs uint8
		if err := rows.Scan(&bucket, &count, &differs); err != nil {
			return err
		}
		report.Rows[t.name] += count
		if differs != 0 {
			uneven = append(uneven, bucket)
		}
	}
	if err := rows.Err(); err != nil || len(uneven) == 0 {
		return err
	}
	return c.rowByRow(ctx, t, both, columns, uneven, limit, report)
}

// rowByRow counts the rows that differ in uneven buckets and spells the first
// ones out.
func (c *comparison) rowByRow(ctx context.Context, t table, both string, columns []string, uneven []uint64, limit int, report *Report) error {
	keys := strings.Join(t.key, ", ")
	differing := fmt.Sprintf(`
		SELECT %s FROM (%s) WHERE bucket IN (%s) GROUP BY %s
		HAVING countIf(wanted) != 1 OR countIf(NOT wanted) != 1 OR sumIf(hash, wanted) != sumIf(hash, NOT wanted)`,
		keys, both, strings.Trim(strings.Join(strings.Fields(fmt.Sprint(uneven)), ", "), "[]"), keys)
	count, err := c.persistent(ctx, differing)
	if err != nil || count == 0 {
		return err
	}
	report.Differing += count
	if err := c.owners(ctx, t, differing, report); err != nil || len(report.Differences) >= limit {
		return err
	}

	list := strings.Join(columns, ", ")
	rows, err := c.conn.Query(ctx, c.sql(fmt.Sprintf(`
		WITH bad AS (%[1]s ORDER BY %[2]s LIMIT %[3]d)
		SELECT true, formatRowNoNewline('JSONEachRow', %[4]s) FROM $expected.%[5]s FINAL WHERE (%[2]s) IN bad
		UNION ALL
		SELECT false, formatRowNoNewline('JSONEachRow', %[4]s) FROM $found.%[5]s FINAL WHERE (%[2]s) IN bad`,
		differing, keys, limit, list, t.name)))
	if err != nil {
		return err
	}
	defer rows.Close()
	type pair struct{ expected, found map[string]json.RawMessage }
	pairs := map[string]*pair{}
	var order []string
	for rows.Next() {
		var wanted bool
		var text string
		if err := rows.Scan(&wanted, &text); err != nil {
			return err
		}
		var row map[string]json.RawMessage
		if err := json.Unmarshal([]byte(text), &row); err != nil {
			return err
		}
		id := ""
		for _, k := range t.key {
			id += string(row[k]) + "/"
		}
		if pairs[id] == nil {
			pairs[id] = &pair{}
			order = append(order, id)
		}
		if wanted {
			pairs[id].expected = row
		} else {
			pairs[id].found = row
		}
	}
	if err := rows.Err(); err != nil {
		return err
	}
	slices.Sort(order)
	for _, id := range order {
		p := pairs[id]
		report.Differences = append(report.Differences, differences(t, columns, p.expected, p.found)...)
	}
	return nil
}

// persistent counts the rows that differ, until two counts are the same: the
// live version writes on, and a conversation that is in the middle of its rows
// looks different for a moment, and then as moved.
func (c *comparison) persistent(ctx context.Context, differing string) (count uint64, err error) {
	for before := uint64(0); ; before = count {
		if err := c.conn.QueryRow(ctx, c.sql("SELECT count() FROM ("+differing+")")).Scan(&count); err != nil {
			return 0, err
		}
		if count == 0 || count == before {
			return count, nil
		}
		select {
		case <-ctx.Done():
			return 0, context.Cause(ctx)
		case <-time.After(settle):
		}
	}
}

// owners notes whose rows differ.
func (c *comparison) owners(ctx context.Context, t table, differing string, report *Report) error {
	rows, err := c.conn.Query(ctx, c.sql(fmt.Sprintf("SELECT DISTINCT toString(%s), toString(%s) FROM (%s)", t.key[0], t.key[1], differing)))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var owner [2]string
		if err := rows.Scan(&owner[0], &owner[1]); err != nil {
			return err
		}
		report.differing[t.name] = append(report.differing[t.name], owner)
	}
	return rows.Err()
}

func differences(t table, columns []string, expected, found map[string]json.RawMessage) []Difference {
	key := map[string]string{}
	for _, k := range t.key {
		row := expected
		if row == nil {
			row = found
		}
		key[k] = string(row[k])
	}
	switch {
	case expected == nil:
		return []Difference{{Table: t.name, Key: key, Field: "row", Expected: "none", Found: "one"}}
	case found == nil:
		return []Difference{{Table: t.name, Key: key, Field: "row", Expected: "one", Found: "none"}}
	}
	var all []Difference
	for _, column := range columns {
		if string(expected[column]) != string(found[column]) {
			all = append(all, Difference{
				Table: t.name, Key: key, Field: column,
				Expected: string(expected[column]), Found: string(found[column]),
			})
		}
	}
	return all
}
