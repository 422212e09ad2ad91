package sink

import (
	"context"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/zeebo/xxh3"

	"github.com/parley-analytics/parley/schema"
)

// seen is the filter in front of event_hashes and events. It holds every event key, and every
// conversation with archived events, that existed when it was made, and those that this sink has
// written or tried to write since.
type seen struct {
	filter *filter // nil until the first Known
	// stale: another process has written since, so the table may hold keys that
	// the filter lacks.
	stale bool
}

// add remembers an event.
func (s *seen) add(key hash, conversation schema.ConversationID) {
	if s.filter == nil {
		return
	}
	s.filter.add(key.key)
	if h := xxh3.HashString(string(conversation)); !s.filter.maybe(h) {
		s.filter.add(h)
	}
}

// archived returns the conversations that may have archived events.
func (s *seen) archived(keys []schema.ConversationKey) []schema.ConversationKey {
	if s.filter == nil || s.stale {
		return keys
	}
	var may []schema.ConversationKey
	for _, k := range keys {
		if s.filter.maybe(xxh3.HashString(string(k.Conversation))) {
			may = append(may, k)
		}
	}
	return may
}

// Known returns which keys belong to a written event: see [projector.Archive].
// Only keys that the filter cannot rule out are looked up, in one statement.
func (s *Sink) Known(ctx context.Context, keys []schema.EventKey) (map[schema.EventKey]schema.Sequence, error) {
	if s.seen.filter == nil || s.seen.stale || s.seen.filter.full() {
		if err := s.remember(ctx); err != nil {
			return nil, fmt.Errorf("read event keys: %w", passing(err))
		}
	}
	probable := map[hash][]schema.EventKey{}
	for _, k := range keys {
		if h := hashOf(k); s.seen.filter.maybe(h.key) {
			probable[h] = append(probable[h], k)
		}
	}
	known := map[schema.EventKey]schema.Sequence{}
	if len(probable) == 0 {
		return known, nil
	}
	if err := s.lookUp(ctx, probable, known); err != nil {
		return nil, fmt.Errorf("look up %d event keys: %w", len(probable), passing(err))
	}
	return known, nil
}

func (s *Sink) lookUp(ctx context.Context, probable map[hash][]schema.EventKey, known map[schema.EventKey]schema.Sequence) error {
	wanted, err := ext.NewTable("wanted", ext.Column("key", "UInt64"))
	if err != nil {
		return err
	}
	for h := range probable {
		if err := wanted.Append(h.key); err != nil {
			return err
		}
	}
	rows, err := s.conn.Query(clickhouse.Context(ctx, clickhouse.WithExternalTable(wanted)), s.in(knownSQL))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var h hash
		var sequence uint64
		if err := rows.Scan(&h.key, &h.check, &sequence); err != nil {
			return err
		}
		for _, k := range probable[h] {
			known[k] = schema.Sequence(sequence)
		}
	}
	return rows.Err()
}

// Doubt makes the filter out of date: see [projector.Archive].
func (s *Sink) Doubt() { s.seen.stale = true }

// remember builds the filter from the table.
func (s *Sink) remember(ctx context.Context) error {
	started := time.Now()
	s.seen = seen{} // first, so that the memory of the old one is free for the new one
	var count uint64
	if err := s.conn.QueryRow(ctx, s.in(keysCountSQL)).Scan(&count); err != nil {
		return err
	}
	made := newFilter(int(count + count/10)) // mostly at least ten events per conversation
	for _, statement := range []string{keysSQL, archivedSQL} {
		if err := s.each(ctx, statement, made.add); err != nil {
			return err
		}
	}
	s.seen.filter = made
	s.log.Info("event keys read", "count", count, "duration", time.Since(started))
	return nil
}

// each calls do with every number that a statement returns.
func (s *Sink) each(ctx context.Context, statement string, do func(uint64)) error {
	rows, err := s.conn.Query(ctx, s.in(statement))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var n uint64
		if err := rows.Scan(&n); err != nil {
			return err
		}
		do(n)
	}
	return rows.Err()
}
