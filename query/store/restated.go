package store

import (
	"context"
	"fmt"

	chgo "github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// ReopenCounts implements query.EventReader.
func (s *Store) ReopenCounts(ctx context.Context, scope query.Scope) (map[schema.ConversationKey]uint32, error) {
	where := within("a", scope.Projects).since(scope)
	where.add("reopen_count > 0")
	type row struct {
		project      uint32
		conversation string
		count        uint32
	}
	rows, err := read(ctx, s, newStatement("reopen_counts", scope).where("where", where), func(r *row) []any {
		return []any{&r.project, &r.conversation, &r.count}
	})
	counts := make(map[schema.ConversationKey]uint32, len(rows))
	for _, r := range rows {
		counts[schema.ConversationKey{Project: schema.ProjectID(r.project), Conversation: schema.ConversationID(r.conversation)}] = r.count
	}
	return counts, err
}

// RestatedEvents implements query.EventReader. The conversations come with the statement as a temporary table: there
// may be more of them than a parameter holds.
func (s *Store) RestatedEvents(ctx context.Context, scope query.Scope, keys []schema.ConversationKey, since schema.Sequence) ([]query.RestatedEvents, error) {
	table, err := ext.NewTable("restated", ext.Column("project_id", "UInt32"), ext.Column("conversation_id", "String"))
	if err != nil {
		return nil, fmt.Errorf("temporary table of conversations: %w", err)
	}
	for _, key := range keys {
		if err := table.Append(uint32(key.Project), string(key.Conversation)); err != nil {
			return nil, fmt.Errorf("temporary table of conversations: %w", err)
		}
	}
	st := newStatement("restated_events", query.Scope{Projection: scope.Projection}).where("where", within("a", scope.Projects)).
		bind("since", uint64(since)).bind("until", uint64(scope.AsOf))
	return run(chgo.Context(ctx, chgo.WithExternalTable(table)), s, st, func(r *query.RestatedEvents) []any {
		return []any{&r.Project, &r.Conversation, &r.Type, &r.Moved, &r.Released, &r.Count}
	})
}
