package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// TestEventsWithOneXXH3HashAreTwo posts two events whose project, source and id
// have one 128-bit xxh3 hash: see colliding in projector/sink.
func TestEventsWithOneXXH3HashAreTwo(t *testing.T) {
	i := running(t)
	const project = 7904
	id := func(first, second string) string {
		return strings.Repeat("0", 15) + first + "0000uaz" + strings.Repeat("0", 120) + second + "000K9tD" + strings.Repeat("0", 105)
	}
	for _, id := range []string{id("4", "0"), id("0", "4")} {
		if a := i.post(t, event(project, someConversation, id, "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"SMS"}`)); a.Accepted != 1 {
			t.Fatalf("%+v", a)
		}
	}
	waitForEvents(t, i, project, 2)
}

// TestHeadersOfAPublisherHaveNoEffect publishes events with every header that means
// something to NATS, to JetStream or to the log. Each is an event like any other.
func TestHeadersOfAPublisherHaveNoEffect(t *testing.T) {
	i := running(t)
	const project = 7905
	conn, err := nats.Connect(i.where.NATS.URL, nats.UserInfo(i.where.NATS.User, i.where.NATS.Password), nats.Timeout(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	opened := func(id string) string {
		return event(project, someConversation, id, "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"SMS"}`)
	}
	i.post(t, opened("first"))
	victim := eventlog.MessageID(schema.EventKey{Project: project, Source: "test", ID: "victim"})
	headers := []nats.Header{
		{"Status": {"100"}}, {"Status": {"100"}, "Description": {"Idle Heartbeat"}}, {"Status": {"409"}}, {"Status": {"503"}},
		{"Nats-Last-Consumer": {"1"}, "Nats-Last-Stream": {"1"}}, {"Nats-Consumer-Stalled": {"$JS.API.STREAM.PURGE." + eventlog.EventsStream}},
		{"Parley-Lost": {"1"}}, {"Parley-Sum": {"wrong"}}, {"Parley-Events": {"2"}}, {"Parley-Events": {"x"}, "Content-Encoding": {"zstd"}},
		{nats.MsgIdHdr: {victim}}, {nats.ExpectedLastSeqHdr: {"0"}}, {nats.ExpectedLastSubjSeqHdr: {"0"}}, {nats.ExpectedLastMsgIdHdr: {victim}},
		{nats.ExpectedStreamHdr: {"OTHER"}}, {nats.MsgRollup: {"all"}}, {nats.MsgRollup: {"sub"}}, {"Nats-TTL": {"1s"}},
		{"Nats-Schedule": {"@every 1s"}, "Nats-Schedule-Target": {eventlog.EventsSubject}, "Nats-Schedule-TTL": {"1s"}},
		{"Nats-Batch-Id": {"open"}, "Nats-Batch-Sequence": {"1"}}, {"Nats-Batch-Id": {"whole"}, "Nats-Batch-Sequence": {"1"}, "Nats-Batch-Commit": {"1"}},
		{"Nats-Incr": {"1"}}, {"Nats-Marker-Reason": {"Purge"}}, {"KV-Operation": {"PURGE"}}, {"Nats-Stream-Source": {"OTHER 1"}},
		{"Nats-Response-Type": {"error"}}, {"Nats-Sequence": {"1"}}, {"Nats-Trace-Dest": {"parley.publish." + someConversation}, "Nats-Trace-Only": {"true"}},
	}
	taken := 1
	for n, header := range headers {
		payload := []byte(opened(fmt.Sprint("marked-", n)))
		if header.Get("Nats-Trace-Only") != "" { // the server itself keeps such a message from everyone
			header.Del("Nats-Trace-Only")
		}
		for _, data := range [][]byte{payload, nil} { // one without a payload goes to quarantine
			if err := conn.PublishMsg(&nats.Msg{Subject: "parley.publish." + someConversation, Header: header, Data: data}); err != nil {
				t.Fatal(err)
			}
		}
		taken++
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	waitForEvents(t, i, project, taken)
	if a := i.post(t, opened("victim")); a.Accepted != 1 || a.Duplicates != 0 {
		t.Errorf("the event whose message id a publisher used: %+v", a)
	}
	waitForEvents(t, i, project, taken+1)
	if n := i.number(t, fmt.Sprintf("SELECT count() AS n FROM parley.events WHERE project_id = %d AND event_id IN ('first', 'victim')", project)); n != 2 {
		t.Errorf("%d of the 2 events beside them are in the tables", n)
	}
}
