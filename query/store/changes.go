package store

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	chgo "github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/stream"
	"github.com/parley-analytics/parley/schema"
)

// Changes implements [stream.Tables].
func (s *Store) Changes(ctx context.Context, table query.Table, scope query.Scope, after, upTo schema.Sequence, limit int) ([]stream.Change, error) {
	version, parts := versionOf(table)
	where := within("c", scope.Projects)
	where.add(version+" > {$:UInt64}", uint64(after))
	where.add(version+" <= {$:UInt64}", uint64(upTo))
	st := newStatement("changes", scope).where("where", where).bind("limit", uint32(limit)).
		with("version", version).with("columns", strings.Join(viewColumns(string(table)), ", ")).with("table", string(table))
	settings := chgo.Settings{
		"date_time_output_format":                   "iso",
		"output_format_json_quote_64bit_integers":   0,
		"output_format_json_quote_decimals":         0,
		"output_format_json_escape_forward_slashes": 0,
		"prefer_column_name_to_alias":               1,
	}
	rows, err := s.conn.QueryFormat(chgo.Context(ctx, chgo.WithSettings(settings)), "JSONEachRow", st.sent(), st.args...)
	if err != nil {
		return nil, withCode(st.name, err)
	}
	defer rows.Close()
	var changes []stream.Change
	lines := bufio.NewScanner(rows)
	lines.Buffer(nil, maxChange)
	for lines.Scan() {
		var row struct {
			Position     schema.Sequence       `json:"position"`
			Project      schema.ProjectID      `json:"project_id"`
			Conversation schema.ConversationID `json:"conversation_id"`
			Contact      string                `json:"contact_id"`
			Ordinal      int                   `json:"ordinal"`
		}
		if err := json.Unmarshal(lines.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("%s: %w", st.name, err)
		}
		changes = append(changes, stream.Change{
			At: stream.Position{Sequence: row.Position, Part: row.Ordinal * parts}, Project: row.Project,
			Conversation: row.Conversation, Contact: row.Contact, Row: bytes.Clone(lines.Bytes()),
		})
	}
	if err := lines.Err(); err != nil {
		return nil, withCode(st.name, err)
	}
	slices.SortFunc(changes, func(a, b stream.Change) int { return a.At.Compare(b.At) })
	return changes, s.markErased(ctx, scope, changes)
}

// erasedMark begins the row of a change that is an erasure.
var erasedMark = []byte(`{"erased":true,`)

// erasedAtOnce is how many changes one statement looks at.
const erasedAtOnce = 1000

// markErased marks the changes that an erasure made: those of events that it has appended.
func (s *Store) markErased(ctx context.Context, scope query.Scope, changes []stream.Change) error {
	for some := range slices.Chunk(changes, erasedAtOnce) {
		conversations, sequences := make([]string, len(some)), make([]uint64, len(some))
		for i, c := range some {
			conversations[i], sequences[i] = string(c.Conversation), uint64(c.At.Sequence)
		}
		where := within("c", scope.Projects)
		where.add("conversation_id IN {$:Array(String)}", unique(conversations))
		where.add("sequence IN {$:Array(UInt64)}", unique(sequences))
		rows, err := read(ctx, s, newStatement("erasures", scope).where("where", where), func(sequence *uint64) []any { return []any{sequence} })
		if err != nil {
			return err
		}
		for i := range some {
			if c := &some[i]; slices.Contains(rows, uint64(c.At.Sequence)) {
				c.Erased = true
				c.Row = append(bytes.Clone(erasedMark), c.Row[len("{"):]...)
			}
		}
	}
	return nil
}

func unique[T cmp.Ordered](list []T) []T {
	slices.Sort(list)
	return slices.Compact(list)
}

// maxChange is more than a row has: lists of 1,000 entries and custom data of 200 values.
const maxChange = 16 << 20

// versionOf is the column that says which event changed a row last, and 1 if several rows have the same one and
// are told apart by their ordinal.
func versionOf(table query.Table) (column string, parts int) {
	switch table {
	case query.TableConversations:
		return "last_sequence", 0
	case query.TableContacts:
		return "_version", 1
	}
	return "sequence", 0
}
