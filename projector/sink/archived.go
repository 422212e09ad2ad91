package sink

import (
	"encoding/binary"

	"github.com/zeebo/xxh3"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/schema"
)

func eventsTable() *table[projector.ArchivedEvent] {
	type row = projector.ArchivedEvent
	return &table[row]{name: "events", columns: []column[row]{
		cell("project_id", func(e *row) uint32 { return uint32(e.Event.Project) }),
		cell("conversation_id", func(e *row) string { return string(e.Event.Conversation) }),
		cell("event_id", func(e *row) string { return e.Event.ID }),
		cell("source", func(e *row) string { return e.Event.Source }),
		cell("type", func(e *row) string { return string(e.Event.Type) }),
		cell("time", func(e *row) int64 { return int64(e.Event.Time) }),
		cell("sequence", func(e *row) uint64 { return uint64(e.Sequence) }),
		cell("received_at", func(e *row) int64 { return int64(e.ReceivedAt) }),
		cell("original", func(e *row) string { return string(e.Original) }),
	}}
}

// keyRow is a row of event_keys.
type keyRow struct {
	hash     hash
	sequence schema.Sequence
}

// hash stands for an event key. Two keys with the same 128 bits are taken for
// one; among 10^10 keys the chance of any such pair is below 10^-18.
type hash struct{ key, check uint64 }

// hashOf hashes the parts so that none can run into the next.
func hashOf(k schema.EventKey) hash {
	b := make([]byte, 0, 128)
	b = binary.LittleEndian.AppendUint32(b, uint32(k.Project))
	b = binary.AppendUvarint(b, uint64(len(k.Source)))
	b = append(b, k.Source...)
	b = append(b, k.ID...)
	sum := xxh3.Hash128(b)
	return hash{key: sum.Lo, check: sum.Hi}
}

func eventKeysTable() *table[keyRow] {
	return &table[keyRow]{name: "event_keys", columns: []column[keyRow]{
		cell("key", func(k *keyRow) uint64 { return k.hash.key }),
		cell("check", func(k *keyRow) uint64 { return k.hash.check }),
		cell("sequence", func(k *keyRow) uint64 { return uint64(k.sequence) }),
	}}
}

// rejectionVersion is the version of every row of quarantine written from a log,
// so that what was replayed or purged since (with a higher one) stays so when
// the log is read again.
const rejectionVersion = 1

func quarantineTable() *table[projector.Rejection] {
	type row = projector.Rejection
	return &table[row]{name: "quarantine", columns: []column[row]{
		cell("log", func(r *row) string { return r.Log }),
		cell("sequence", func(r *row) uint64 { return uint64(r.Sequence) }),
		cell("received_at", func(r *row) int64 { return int64(r.ReceivedAt) }),
		cell("reason", func(r *row) string { return string(r.Reason) }),
		cell("detail", func(r *row) string { return r.Detail }),
		cell("source", func(r *row) *string { return nullIfEmpty(r.Source) }),
		cell("event_id", func(r *row) *string { return nullIfEmpty(r.EventID) }),
		cell("original", func(r *row) string { return string(r.Original) }),
		cell("_version", func(*row) uint64 { return rejectionVersion }),
		cell("_deleted", func(*row) uint8 { return 0 }),
	}}
}

func nullIfEmpty(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// positionRow is a row of positions.
type positionRow struct {
	log      string
	sequence schema.Sequence
}

func positionsTable() *table[positionRow] {
	return &table[positionRow]{name: "positions", columns: []column[positionRow]{
		cell("log", func(p *positionRow) string { return p.log }),
		cell("sequence", func(p *positionRow) uint64 { return uint64(p.sequence) }),
	}}
}
