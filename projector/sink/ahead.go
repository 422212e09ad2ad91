package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

// Ahead lists what a batch that was cut off has left: see [projector.Archive].
// Only events make rows with versions; no other log leaves any.
func (s *Sink) Ahead(ctx context.Context, log string) ([]projector.Stray, error) {
	if log != projector.LogEvents {
		return nil, nil
	}
	position, err := s.Position(ctx, log)
	if err != nil {
		return nil, err
	}
	strays, err := s.ahead(ctx, position)
	if err != nil {
		return nil, fmt.Errorf("rows ahead of %d: %w", position, passing(err))
	}
	clear(s.strays)
	for _, stray := range strays {
		s.strays[stray.ConversationKey] = stray
	}
	s.settled = true
	return strays, nil
}

func (s *Sink) ahead(ctx context.Context, position schema.Sequence) ([]projector.Stray, error) {
	rows, err := s.conn.Query(ctx, s.in(aheadSQL), clickhouse.Named("position", uint64(position)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var strays []projector.Stray
	for rows.Next() {
		var project uint32
		var conversation string
		var version uint64
		var keys []time.Time
		if err := rows.Scan(&project, &conversation, &version, &keys); err != nil {
			return nil, err
		}
		stray := projector.Stray{Version: schema.Sequence(version)}
		stray.Project, stray.Conversation = schema.ProjectID(project), schema.ConversationID(conversation)
		for _, k := range keys {
			stray.Keys = append(stray.Keys, schema.TimestampOf(k))
		}
		strays = append(strays, stray)
	}
	return strays, rows.Err()
}
