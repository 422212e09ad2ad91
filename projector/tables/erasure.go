package tables

import (
	"context"
	"fmt"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/schema"
)

// Conversations are some conversations of one project.
type Conversations struct {
	Project schema.ProjectID
	IDs     []schema.ConversationID
}

func (c Conversations) parameters() []any {
	ids := make([]string, len(c.IDs))
	for i, id := range c.IDs {
		ids[i] = string(id)
	}
	return []any{clickhouse.Named("project", uint32(c.Project)), clickhouse.Named("conversations", ids)}
}

// ConversationsOf returns the conversations of a visitor as a version has them: by
// the visitor of the conversation, and by the author of a message.
func (t *Tables) ConversationsOf(ctx context.Context, version uint32, project schema.ProjectID, visitor string) ([]schema.ConversationID, error) {
	var ids []string
	err := t.conn.QueryRow(ctx, of(eraseConversationsSQL, version),
		clickhouse.Named("project", uint32(project)), clickhouse.Named("visitor", visitor)).Scan(&ids)
	if err != nil {
		return nil, fmt.Errorf("conversations of the visitor: %w", err)
	}
	list := make([]schema.ConversationID, len(ids))
	for i, id := range ids {
		list[i] = schema.ConversationID(id)
	}
	return list, nil
}

// EventsOf returns the sequences under which a version holds events of
// conversations.
func (t *Tables) EventsOf(ctx context.Context, version uint32, conversations Conversations) (map[schema.Sequence]bool, error) {
	return t.sequences(ctx, of(eraseEventsSQL, version), conversations.parameters()...)
}

// Unwritable returns the sequences of the events that the tables have refused.
func (t *Tables) Unwritable(ctx context.Context, version uint32) (map[schema.Sequence]bool, error) {
	return t.sequences(ctx, of(unwritableSQL, version))
}

// CopyWithout copies a version into an empty one, without the rows of some
// conversations; aside is the log in quarantine that their entries name if they are set
// aside. Keys above the position are left out. step is called before each table.
func (t *Tables) CopyWithout(ctx context.Context, from, to uint32, without Conversations, aside string, position schema.Sequence, step func(done, all int)) error {
	ctx = clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"max_execution_time": 0}))
	parameters := without.parameters()
	type copying struct {
		statement  string
		parameters []any
	}
	copies := []copying{{eraseCopyKeysSQL, append(without.parameters(), clickhouse.Named("position", uint64(position)))}}
	for _, table := range compared {
		if table.Of == OfConversation { // customers are made again by the projector
			copies = append(copies, copying{table.in(eraseCopySQL), parameters})
		}
	}
	copies = append(copies, copying{eraseCopyQuarantineSQL, append(without.parameters(), clickhouse.Named("aside", aside))})
	for i, c := range copies {
		step(i, len(copies))
		if err := t.conn.Exec(ctx, between(c.statement, from, to), c.parameters...); err != nil {
			return fmt.Errorf("copy: %w", err)
		}
	}
	return nil
}
