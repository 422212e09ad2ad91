package sink

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

// recallAtOnce is the number of conversations that one statement reads back.
const recallAtOnce = 2_000

// Recall reads back the archived events of conversations: see
// [projector.Archive]. Conversations that are new according to the filter are not requested.
func (s *Sink) Recall(ctx context.Context, keys []schema.ConversationKey) (map[schema.ConversationKey][]projector.ArchivedEvent, error) {
	found := make(map[schema.ConversationKey][]projector.ArchivedEvent, len(keys))
	for some := range slices.Chunk(s.seen.archived(keys), recallAtOnce) {
		if err := s.recall(ctx, some, found); err != nil {
			return nil, fmt.Errorf("recall %d conversations: %w", len(keys), passing(err))
		}
	}
	// A batch that was written twice has its events twice in the table, until they are merged.
	for key, events := range found {
		slices.SortFunc(events, func(a, b projector.ArchivedEvent) int { return cmp.Compare(a.Sequence, b.Sequence) })
		found[key] = slices.CompactFunc(events, func(a, b projector.ArchivedEvent) bool { return a.Sequence == b.Sequence })
	}
	return found, nil
}

func (s *Sink) recall(ctx context.Context, keys []schema.ConversationKey, found map[schema.ConversationKey][]projector.ArchivedEvent) error {
	wanted, err := conversationsTableOf(keys)
	if err != nil {
		return err
	}
	rows, err := s.conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(wanted)), s.in(recallSQL))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var project uint32
		var conversation string
		var sequence uint64
		var receivedAt time.Time
		var original []byte
		if err := rows.Scan(&project, &conversation, &sequence, &receivedAt, &original); err != nil {
			return err
		}
		event, invalid := schema.Decode(original, receivedAt)
		if invalid != nil {
			return fmt.Errorf("the archived event of sequence %d does not decode: %w", sequence, invalid)
		}
		key := schema.ConversationKey{Project: schema.ProjectID(project), Conversation: schema.ConversationID(conversation)}
		found[key] = append(found[key], projector.ArchivedEvent{
			Record:   schema.Record{Sequence: schema.Sequence(sequence), ReceivedAt: schema.TimestampOf(receivedAt), Event: event},
			Original: original,
		})
	}
	return rows.Err()
}
