package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

// Unwritable returns the events that were refused: see [projector.Sink].
func (s *Sink) Unwritable(ctx context.Context, log string) ([]projector.Rejection, error) {
	rows, err := s.conn.Query(ctx, s.in(unwritableSQL), clickhouse.Named("log", log),
		clickhouse.Named("reason", string(schema.CodeUnwritable)), clickhouse.Named("most", uint32(projector.MostUnwritable)))
	if err != nil {
		return nil, passing(err)
	}
	defer rows.Close()
	var list []projector.Rejection
	for rows.Next() {
		r := projector.Rejection{Log: log, Reason: schema.CodeUnwritable}
		var sequence uint64
		if err := rows.Scan(&sequence, &r.Source, &r.EventID); err != nil {
			return nil, err
		}
		r.Sequence = schema.Sequence(sequence)
		list = append(list, r)
	}
	return list, rows.Err()
}

// Aside returns the conversations that are set aside: see [projector.Sink].
func (s *Sink) Aside(ctx context.Context) ([]projector.Aside, error) {
	rows, err := s.conn.Query(ctx, s.in(asideSQL), clickhouse.Named("log", projector.LogConversations))
	if err != nil {
		return nil, passing(err)
	}
	defer rows.Close()
	var list []projector.Aside
	for rows.Next() {
		var sequence, version uint64
		var at time.Time
		var reason string
		var original []byte
		if err := rows.Scan(&sequence, &at, &reason, &original, &version); err != nil {
			return nil, err
		}
		key, err := projector.ParseAside(original)
		if err != nil {
			return nil, fmt.Errorf("the row of quarantine for the conversation at %d: %w", sequence, err)
		}
		list = append(list, projector.Aside{
			ConversationKey: key, Sequence: schema.Sequence(sequence), Version: version, Since: at.UTC(), Reason: schema.Code(reason),
		})
	}
	return list, rows.Err()
}
