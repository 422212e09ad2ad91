package sink

import (
	"fmt"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
)

// TestABatchIsInsertedInPiecesOfBoundedSize writes many hostile conversations in
// one batch to a server that gives a statement little memory.
func TestABatchIsInsertedInPiecesOfBoundedSize(t *testing.T) {
	server := enginetest.ClickHouse(t)
	for protocol, url := range map[string]string{"HTTP": "http://" + server.Addr, "native": "clickhouse://" + server.NativeAddr} {
		t.Run(protocol, func(t *testing.T) {
			s := emptyOver(t, connectTo(t, url+"?max_memory_usage=100000000"), Options{})
			batch := &projector.Batch{Log: projector.LogEvents, Position: 1}
			const conversations, contacts = 12, 300
			for n := range conversations {
				change := hostile(contacts)
				change.After.Conversation.ConversationKey = foldtest.Conversation(7, n+1)
				for i := range change.After.Conversation.Tags {
					name := fmt.Sprint(n, *change.After.Conversation.Tags[i].Name)
					change.After.Conversation.Tags[i].Name = &name
				}
				batch.Changes = append(batch.Changes, change)
			}
			if err := s.Write(t.Context(), batch); err != nil {
				t.Fatal(err)
			}
			var got string
			query := s.in("SELECT concat(toString((SELECT count() FROM $projection.conversations)), ' ', toString((SELECT count() FROM $projection.contacts)))")
			if err := s.conn.QueryRow(t.Context(), query).Scan(&got); err != nil || got != fmt.Sprint(conversations, conversations*contacts) {
				t.Errorf("conversations and contacts: %s (%v)", got, err)
			}
		})
	}
}
