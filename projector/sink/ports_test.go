package sink

import (
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
	ddl "github.com/parley-analytics/parley/schema/clickhouse"
)

// TestTheSinkIsWhatTheLoopReliesOn puts the real tables to the tests that the
// tables in memory pass.
func TestTheSinkIsWhatTheLoopReliesOn(t *testing.T) { overBoth(t, testPorts) }

func testPorts(t *testing.T, url string) {
	porttest.Sinks(t, func(t *testing.T) porttest.SinkSubject {
		conn := connectTo(t, url)
		options := Options{Projection: projection(t, conn)}
		return porttest.SinkSubject{
			Open: func(t *testing.T) (projector.Sink, projector.Archive) {
				s := reopen(t, conn, options)
				return s, s
			},
			Conversations: func(t *testing.T) []porttest.Seen {
				rows, err := conn.Query(t.Context(), "SELECT project_id, conversation_id, closed_at, last_sequence, event_count, contact_count FROM "+
					ddl.ProjectionDatabase(options.Projection)+".conversations FINAL")
				if err != nil {
					t.Fatal(err)
				}
				defer rows.Close()
				var seen []porttest.Seen
				for rows.Next() {
					var (
						project                uint32
						conversation           string
						closedAt               *time.Time
						lastSequence           uint64
						eventCount, contactCnt uint32
					)
					if err := rows.Scan(&project, &conversation, &closedAt, &lastSequence, &eventCount, &contactCnt); err != nil {
						t.Fatal(err)
					}
					row := porttest.Seen{LastSequence: schema.Sequence(lastSequence), EventCount: eventCount, ContactCount: contactCnt}
					row.Project, row.Conversation = schema.ProjectID(project), schema.ConversationID(conversation)
					if closedAt != nil {
						row.ClosedAt = new(schema.TimestampOf(*closedAt))
					}
					seen = append(seen, row)
				}
				if err := rows.Err(); err != nil {
					t.Fatal(err)
				}
				return seen
			},
		}
	})
}
