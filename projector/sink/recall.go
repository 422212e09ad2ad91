package sink

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

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
	return eachArchived(rows, func(key schema.ConversationKey, e projector.ArchivedEvent) { found[key] = append(found[key], e) })
}

// eachArchived calls do with every archived event of some rows.
func eachArchived(rows driver.Rows, do func(schema.ConversationKey, projector.ArchivedEvent)) error {
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
		do(key, projector.ArchivedEvent{
			Record:   schema.Record{Sequence: schema.Sequence(sequence), ReceivedAt: schema.TimestampOf(receivedAt), Event: event},
			Original: original,
		})
	}
	return rows.Err()
}

// Larger returns the conversations with more archived events: see [projector.Archive]. Those that are new
// according to the filter are not requested.
func (s *Sink) Larger(ctx context.Context, keys []schema.ConversationKey, most int) ([]schema.ConversationKey, error) {
	var large []schema.ConversationKey
	for some := range slices.Chunk(s.seen.archived(keys), recallAtOnce) {
		wanted, err := conversationsTableOf(some)
		if err != nil {
			return nil, err
		}
		rows, err := s.conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(wanted)), s.in(largeSQL), clickhouse.Named("most", uint64(most)))
		if err != nil {
			return nil, fmt.Errorf("count the events of %d conversations: %w", len(some), passing(err))
		}
		if large, err = conversationsOf(rows, large); err != nil {
			return nil, fmt.Errorf("count the events of %d conversations: %w", len(some), passing(err))
		}
	}
	return large, nil
}

// conversationsOf appends the conversations that some rows name.
func conversationsOf(rows driver.Rows, to []schema.ConversationKey) ([]schema.ConversationKey, error) {
	defer rows.Close()
	for rows.Next() {
		var project uint32
		var conversation string
		if err := rows.Scan(&project, &conversation); err != nil {
			return nil, err
		}
		to = append(to, schema.ConversationKey{Project: schema.ProjectID(project), Conversation: schema.ConversationID(conversation)})
	}
	return to, rows.Err()
}

// Piece returns a part of the archived events of a conversation: see [projector.Archive].
func (s *Sink) Piece(ctx context.Context, piece projector.Piece) ([]schema.Record, error) {
	most := uint64(piece.Most)
	if most == 0 {
		most = math.MaxInt64
	}
	rows, err := s.conn.Query(ctx, s.in(pieceSQL), append(pieceParameters(piece, most),
		clickhouse.Named("later", int64(piece.Later)), clickhouse.Named("until", int64(piece.Until)))...)
	if err != nil {
		return nil, fmt.Errorf("read a part of a conversation: %w", passing(err))
	}
	var records []schema.Record
	if err := eachArchived(rows, func(_ schema.ConversationKey, e projector.ArchivedEvent) { records = append(records, e.Record) }); err != nil {
		return nil, fmt.Errorf("read a part of a conversation: %w", passing(err))
	}
	return records, nil
}

func pieceParameters(piece projector.Piece, most uint64) []any {
	return []any{
		clickhouse.Named("project", uint32(piece.Project)), clickhouse.Named("conversation", string(piece.Conversation)),
		clickhouse.Named("after", uint64(piece.After)), clickhouse.Named("upTo", uint64(piece.UpTo)), clickhouse.Named("most", most),
	}
}

// Pieces cuts a part of the archived events into smaller ones: see [projector.Archive].
func (s *Sink) Pieces(ctx context.Context, piece projector.Piece, about int) ([]projector.Piece, error) {
	rows, err := s.conn.Query(ctx, s.in(piecesSQL), pieceParameters(piece, uint64(about))...)
	if err != nil {
		return nil, fmt.Errorf("cut a conversation into pieces: %w", passing(err))
	}
	defer rows.Close()
	var pieces []projector.Piece
	later := piece.Later
	for rows.Next() {
		var until int64
		var first, last uint64
		if err := rows.Scan(&until, &first, &last); err != nil {
			return nil, fmt.Errorf("cut a conversation into pieces: %w", err)
		}
		pieces = append(pieces, projector.Piece{
			ConversationKey: piece.ConversationKey, After: schema.Sequence(first - 1), UpTo: schema.Sequence(last), Later: later, Until: schema.Timestamp(until),
		})
		later = schema.Timestamp(until)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("cut a conversation into pieces: %w", passing(err))
	}
	return pieces, nil
}
