package store

import (
	"bufio"
	"bytes"
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
	rows, err := s.conn.QueryFormat(chgo.Context(ctx, chgo.WithSettings(settings)), "JSONEachRow", st.text, st.args...)
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
	return changes, nil
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
