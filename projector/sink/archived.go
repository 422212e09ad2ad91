package sink

import (
	"encoding/binary"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold/cells"
	"github.com/parley-analytics/parley/schema"
)

// eventsTable is the archive.
func eventsTable() *table[projector.ArchivedEvent] {
	t := tableOf("events", append(eventColumns(), cells.Text("original", func(e *projector.ArchivedEvent) []byte { return e.Original })))
	t.most = mostArchivedBytes
	return t
}

// eventsByTimeTable has the events of the archive in the order of their time, without their originals.
func eventsByTimeTable() *table[projector.ArchivedEvent] {
	t := tableOf("events_by_time", eventColumns())
	t.most = mostArchivedBytes
	return t
}

func eventColumns() []cells.Column[projector.ArchivedEvent] {
	type row = projector.ArchivedEvent
	return []cells.Column[row]{
		cells.Number("project_id", func(e *row) uint32 { return uint32(e.Event.Project) }),
		cells.Text("conversation_id", func(e *row) string { return string(e.Event.Conversation) }),
		cells.Text("event_id", func(e *row) string { return e.Event.ID }),
		cells.Word("source", func(e *row) string { return e.Event.Source }),
		cells.Word("type", func(e *row) string { return string(e.Event.Type) }),
		cells.Moment("time", func(e *row) schema.Timestamp { return e.Event.Time }),
		cells.Number("sequence", func(e *row) uint64 { return uint64(e.Sequence) }),
		cells.Moment("received_at", func(e *row) schema.Timestamp { return e.ReceivedAt }),
	}
}

// keyRow is a row of event_hashes.
type keyRow struct {
	hash     hash
	sequence schema.Sequence
}

// hash represents an event key, in two halves: the table is sorted by the first.
type hash struct{ key, check uint64 }

func hashOf(k schema.EventKey) hash {
	sum := k.Hash()
	return hash{key: binary.LittleEndian.Uint64(sum[:8]), check: binary.LittleEndian.Uint64(sum[8:])}
}

func eventHashesTable() *table[keyRow] {
	return tableOf("event_hashes", []cells.Column[keyRow]{
		cells.Number("key", func(k *keyRow) uint64 { return k.hash.key }),
		cells.Number("check", func(k *keyRow) uint64 { return k.hash.check }),
		cells.Number("sequence", func(k *keyRow) uint64 { return uint64(k.sequence) }),
	})
}

// rejectionVersion is the version of every row of quarantine written for an event, so that rows
// replayed or purged since (with a higher version) stay so when the log is read again.
const rejectionVersion = 1

func quarantineTable() *table[projector.Rejection] {
	type row = projector.Rejection
	return tableOf("quarantine", []cells.Column[row]{
		cells.Word("log", func(r *row) string { return r.Log }),
		cells.Number("sequence", func(r *row) uint64 { return uint64(r.Sequence) }),
		cells.Moment("received_at", func(r *row) schema.Timestamp { return r.ReceivedAt }),
		cells.Word("reason", func(r *row) string { return string(r.Reason) }),
		cells.Text("detail", func(r *row) string { return r.Detail }),
		cells.TextOrNull("source", func(r *row) *string { return nullIfEmpty(r.Source) }),
		cells.TextOrNull("event_id", func(r *row) *string { return nullIfEmpty(r.EventID) }),
		cells.Text("original", func(r *row) []byte { return r.Original }),
		cells.Number("_version", func(r *row) uint64 { return max(rejectionVersion, r.Version) }),
		cells.Number("_deleted", func(r *row) uint8 {
			if r.Gone {
				return 1
			}
			return 0
		}),
	})
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
	origin   projector.Origin
}

func positionsTable() *table[positionRow] {
	return tableOf("positions", []cells.Column[positionRow]{
		cells.Word("log", func(p *positionRow) string { return p.log }),
		cells.Number("sequence", func(p *positionRow) uint64 { return uint64(p.sequence) }),
		cells.Text("log_identity", func(p *positionRow) string { return p.origin.Log }),
		cells.Number("checksum", func(p *positionRow) uint32 { return p.origin.Checksum }),
	})
}
