package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

// TestReceiptsAndProfilesAreInTablesAndAnswers sends read and deleted messages
// and the profiles of a customer and a seller to the real binary.
func TestReceiptsAndProfilesAreInTablesAndAnswers(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"), "--store-text")
	const project, id = 7501, "44444444-4444-4444-8444-444444444441"
	at := func(second int) string { return fmt.Sprintf("2025-02-01T10:00:%02dZ", second) }
	customer := string(schema.ProfileSubject(project, schema.ProfileCustomer, "v-1"))
	seller := string(schema.ProfileSubject(project, schema.ProfileSeller, "660119"))
	i.post(t,
		event(project, id, "1", "conversation.opened", at(0), `{"channel":"CHAT","visitor":{"id":"v-1","firstName":"Ada"}}`),
		event(project, id, "2", "message.sent", at(1), `{"messageId":"m1","author":{"kind":"VISITOR","id":"v-1"},"text":"hello"}`),
		event(project, id, "3", "message.sent", at(2), `{"messageId":"m2","author":{"kind":"BOT","id":9},"text":"oops"}`),
		event(project, id, "4", "message.read", at(3), `{"reader":"OPERATOR"}`),
		event(project, id, "5", "message.deleted", at(4), `{"messageId":"m2"}`),
		event(project, customer, "6", "customer.updated", at(5), `{"customer":{"id":"v-1","email":"ada@example.org","notes":"VIP"}}`),
		event(project, seller, "7", "seller.updated", at(6), `{"seller":{"id":"660119","businessName":"Corner","online":true}}`),
	)
	i.refuse(t, event(project, id, "8", "customer.updated", at(7), `{"customer":{"id":"v-1"}}`))
	eventually(t, func() error {
		entries := i.quarantined(t)
		if len(entries) != 1 || !strings.HasPrefix(entries[0].Detail, "subject: must be the UUIDv5") {
			return fmt.Errorf("a profile with the subject of a conversation: %+v", entries)
		}
		return nil
	})
	eventually(t, func() error {
		if n := i.number(t, fmt.Sprintf("SELECT count() FROM parley.events WHERE project_id = %d", project)); n != 7 {
			return fmt.Errorf("%d of 7 events are in the tables", n)
		}
		return nil
	})

	key := i.newKey(t, fmt.Sprint(project), "read")
	answer := i.graphQL(t, key, fmt.Sprintf(`{conversation(id: %q) {
		eventCount messages {totalCount edges {node {... on ChatMessage {id text readAt deletedAt}}}}}}`, id))
	got, _ := json.Marshal(answer)
	for _, want := range []string{
		`"eventCount":5`, `"totalCount":2`,
		`{"deletedAt":null,"id":"m1","readAt":"2025-02-01T10:00:03.000Z","text":"hello"}`,
		`{"deletedAt":"2025-02-01T10:00:04.000Z","id":"m2","readAt":null,"text":null}`,
	} {
		if !strings.Contains(string(got), want) {
			t.Errorf("the answer lacks %s:\n%s", want, got)
		}
	}
	rows := func(table, columns, want string) {
		t.Helper()
		if got := i.asWriter(t, fmt.Sprintf("SELECT %s FROM parley.%s WHERE project_id = %d FORMAT JSONCompactEachRow", columns, table, project)); got != want {
			t.Errorf("%s: %s, want %s", table, got, want)
		}
	}
	rows("conversations", "count()", "[1]")
	rows("customers", "customer_id, type, conversation_count, event_count", `["v-1", "GUEST", 1, 6]`)
	rows("customers_personal", "first_name, email, notes", `["Ada", "ada@example.org", "VIP"]`)
	rows("sellers", "seller_id, business_name, online, last_message_at", `["660119", "Corner", true, null]`)
	rows("message_texts", "groupArray(text)", `[["hello",""]]`)
	i.want(t, 0, "verify")
	i.want(t, 0, "replay")
	rows("customers", "customer_id, type, conversation_count, event_count", `["v-1", "GUEST", 1, 6]`)
	i.want(t, 0, "verify")
}
