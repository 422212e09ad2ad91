package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/fold/cells"
	"github.com/parley-analytics/parley/schema"
)

// Messages reads back rows of messages: see [projector.Archive]. Those with ids
// come in one statement for all conversations; those of a part of a thread in one
// for each.
func (s *Sink) Messages(ctx context.Context, wanted map[schema.ConversationKey]fold.Wanted) (map[schema.ConversationKey][]fold.Message, error) {
	found := messageRows{}
	ids, err := ext.NewTable("wanted", ext.Column("project_id", "UInt32"), ext.Column("conversation_id", "String"), ext.Column("message_id", "String"))
	if err != nil {
		return nil, err
	}
	named := 0
	for key, w := range wanted {
		found[key] = map[string]cells.Message{}
		for _, id := range w.IDs {
			if err := ids.Append(uint32(key.Project), string(key.Conversation), id); err != nil {
				return nil, err
			}
			named++
		}
		if w.From >= w.To {
			continue
		}
		err := s.readMessages(ctx, found, messagesByPositionSQL, clickhouse.Named("project", uint32(key.Project)),
			clickhouse.Named("conversation", string(key.Conversation)), clickhouse.Named("from", w.From), clickhouse.Named("to", w.To))
		if err != nil {
			return nil, err
		}
	}
	if named > 0 {
		if err := s.readMessages(clickhouse.Context(ctx, clickhouse.WithExternalTable(ids)), found, messagesByIDSQL); err != nil {
			return nil, err
		}
	}
	return found.messages(), nil
}

// messageRows are the newest rows found, by conversation and message.
type messageRows map[schema.ConversationKey]map[string]cells.Message

func (m messageRows) messages() map[schema.ConversationKey][]fold.Message {
	all := map[schema.ConversationKey][]fold.Message{}
	for key, rows := range m {
		all[key] = make([]fold.Message, 0, len(rows))
		for _, row := range rows {
			all[key] = append(all[key], *row.Row)
		}
	}
	return all
}

func (s *Sink) readMessages(ctx context.Context, found messageRows, statement string, parameters ...any) error {
	rows, err := s.conn.Query(ctx, s.in(statement), parameters...)
	if err != nil {
		return fmt.Errorf("read messages: %w", passing(err))
	}
	defer rows.Close()
	for rows.Next() {
		row, err := scanMessage(rows)
		if err != nil {
			return fmt.Errorf("read messages: %w", err)
		}
		of := found[row.ConversationKey]
		if had, seen := of[row.Row.ID]; !seen || had.Version < row.Version {
			of[row.Row.ID] = row
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read messages: %w", passing(err))
	}
	return nil
}

func scanMessage(rows driver.Rows) (cells.Message, error) {
	var project uint32
	var conversation, kind string
	var version uint64
	var sent time.Time
	var read, deleted *time.Time
	m := &fold.Message{}
	err := rows.Scan(&project, &conversation, &m.ID, &m.ContactID, &sent, &kind, &m.AuthorID, &m.Automatic, &read, &deleted, &m.Position, &version)
	m.SentAt, m.AuthorKind, m.ReadAt, m.DeletedAt = schema.TimestampOf(sent), schema.UserKind(kind), timestampOrNil(read), timestampOrNil(deleted)
	key := schema.ConversationKey{Project: schema.ProjectID(project), Conversation: schema.ConversationID(conversation)}
	return cells.Message{Owner: cells.Owner{ConversationKey: key, Version: schema.Sequence(version)}, Row: m}, err
}

func timestampOrNil(at *time.Time) *schema.Timestamp {
	if at == nil {
		return nil
	}
	return new(schema.TimestampOf(*at))
}
