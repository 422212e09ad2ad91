package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/parley-analytics/parley/schema"
)

// leftover describes the rows of a conversation that an interrupted batch has left ahead of the position.
type leftover struct {
	version schema.Sequence    // the highest one found
	keys    []schema.Timestamp // sort keys found (closing times, zero for open)
	// customers are the customers that the conversation was found to belong to.
	customers []string
}

// lookAhead finds the leftovers above a position of the log of events, and
// returns the highest version of all rows.
func (s *Sink) lookAhead(ctx context.Context, position schema.Sequence) (held schema.Sequence, err error) {
	found, err := s.ahead(ctx, position)
	if err != nil {
		return 0, fmt.Errorf("rows ahead of %d: %w", position, passing(err))
	}
	s.leftovers, s.settled = found, true
	held = position
	for _, left := range found {
		held = max(held, left.version)
	}
	return held, nil
}

func (s *Sink) ahead(ctx context.Context, position schema.Sequence) (map[schema.ConversationKey]leftover, error) {
	rows, err := s.conn.Query(ctx, s.in(aheadSQL), clickhouse.Named("position", uint64(position)))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	found := map[schema.ConversationKey]leftover{}
	for rows.Next() {
		var project uint32
		var conversation string
		var version uint64
		var keys []time.Time
		var customers []string
		if err := rows.Scan(&project, &conversation, &version, &keys, &customers); err != nil {
			return nil, err
		}
		left := leftover{version: schema.Sequence(version), customers: append([]string(nil), customers...)}
		for _, k := range keys {
			left.keys = append(left.keys, schema.TimestampOf(k))
		}
		found[schema.ConversationKey{Project: schema.ProjectID(project), Conversation: schema.ConversationID(conversation)}] = left
	}
	return found, rows.Err()
}
