package replay_test

import (
	"testing"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

func TestVerifyNamesWhatDiffersAndRepairFixesIt(t *testing.T) {
	h := newSetup(t)
	events := foldtest.Stream(foldtest.Seeded(2), 60)
	h.log.append(events...)
	h.rebuild.Limit = 1000
	if verified, err := h.rebuild.Verify(t.Context(), false); err != nil || verified.Left.Differing != 0 {
		t.Fatalf("before anything is broken: %v %+v", err, verified)
	}
	for _, damage := range []string{
		"INSERT INTO parley_1.conversations SELECT * REPLACE (duration_ms + 1 AS duration_ms) FROM parley_1.conversations FINAL WHERE duration_ms IS NOT NULL LIMIT 1",
		"DELETE FROM parley_1.contacts WHERE contact_id IN (SELECT contact_id FROM parley_1.contacts FINAL ORDER BY contact_id LIMIT 2)",
		"INSERT INTO parley_1.transactions SELECT * REPLACE ('never' AS transaction_id) FROM parley_1.transactions FINAL LIMIT 1",
		"DELETE FROM parley_1.events WHERE sequence IN (3, 5)",
		"INSERT INTO parley_1.events SELECT * REPLACE ('false' AS source) FROM parley_1.events FINAL WHERE sequence = 9",
		"INSERT INTO parley_1.events SELECT * REPLACE ('00000000-0000-4000-8000-000000000001' AS conversation_id) FROM parley_1.events FINAL WHERE sequence = 9",
		"DELETE FROM parley_1.events_by_time WHERE sequence IN (4, 5)",
		"INSERT INTO parley_1.events_by_time SELECT * REPLACE ('false' AS source) FROM parley_1.events_by_time FINAL WHERE sequence = 10",
		"INSERT INTO parley_1.events_by_time SELECT * REPLACE (time + 1 AS time) FROM parley_1.events_by_time FINAL WHERE sequence = 11",
		"INSERT INTO parley_1.events_by_time SELECT * REPLACE ('00000000-0000-4000-8000-000000000001' AS conversation_id) FROM parley_1.events_by_time FINAL WHERE sequence = 12",
		"INSERT INTO parley_1.conversations SELECT * REPLACE ('00000000-0000-4000-8000-000000000002' AS conversation_id) FROM parley_1.conversations FINAL LIMIT 1",
		"INSERT INTO parley_1.messages SELECT * REPLACE (NOT automatic AS automatic, (SELECT max(_version) FROM parley_1.conversations) AS _version) FROM parley_1.messages FINAL LIMIT 3",
		"INSERT INTO parley_1.customers SELECT * REPLACE (event_count + 1 AS event_count) FROM parley_1.customers FINAL LIMIT 2",
		"INSERT INTO parley_1.customers SELECT * REPLACE ('never' AS customer_id) FROM parley_1.customers FINAL LIMIT 1",
	} {
		if err := h.tables.Conn().Exec(t.Context(), damage); err != nil {
			t.Fatalf("%s: %v", damage, err)
		}
	}
	verified, err := h.rebuild.Verify(t.Context(), true)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, d := range verified.Found.Differences {
		found[d.Table+"."+d.Field]++
	}
	for _, expected := range []string{"conversations.duration_ms", "contacts.row", "transactions.row", "events.row", "events.source", "events_by_time.row", "events_by_time.source", "conversations.row", "messages.automatic", "customers.event_count", "customers.row"} {
		if found[expected] == 0 {
			t.Errorf("%s was not reported: %v", expected, verified.Found.Differences)
		}
	}
	if verified.Left.Differing != 0 {
		t.Fatalf("after the repair: %v", verified.Left.Differences)
	}
	if n := h.one(t, "SELECT count() FROM parley.transactions WHERE transaction_id = 'never'"); n != 0 {
		t.Error("the row too many is still there")
	}

	// The next event of each conversation finds what was repaired, and a repeated one is known.
	seen := map[schema.ConversationKey]bool{}
	for _, e := range events {
		if seen[e.ConversationKey()] {
			continue
		}
		seen[e.ConversationKey()] = true
		h.log.append(e)
		e.ID, e.Type, e.Data = e.ID+" more", schema.TypeTagged, &schema.Tagged{Tag: schema.Ref{ID: "more"}}
		h.log.append(e)
	}
	h.settle(t)
	if verified, err := h.rebuild.Verify(t.Context(), false); err != nil || verified.Left.Differing != 0 {
		t.Fatalf("after more events: %v %+v", err, verified)
	}
}
