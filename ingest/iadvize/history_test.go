package iadvize

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/ingest/webhook"
	"github.com/parley-analytics/parley/schema"
)

// answered is an API's conversation whose webhooks were received.
const answered = `{
	"id": "3b1d6c9a-58e2-4f47-9a0c-7d1e5b2f8c10", "project": {"id": 9999},
	"createdAt": "2026-03-02T09:15:04.120Z", "closedAt": "2026-03-02T09:31:12.000Z", "channel": "CHAT", "language": null,
	"visitor": {"id": "5c9e0f5e-7d2b-4d58-8a55-1d7f6f0e2b33", "externalId": "crm-20418", "firstName": null},
	"customData": [], "tags": [], "routingEvents": [],
	"conversions": {"transactions": [{"transactionId": "0d4b9a4e-6c0f-4c39-b0a3-3f2f4c5e6a77", "externalConversionId": "order-88213",
		"amount": 300.2, "currency": "EUR", "receivedAt": "2026-03-02T11:02:30.000Z", "source": "ONSITE", "attributedTo": {"id": 148377}}]},
	"messages": {"edges": [
		{"node": {"__typename": "SystemMessage", "id": "1", "createdAt": "2026-03-02T09:15:04.120Z", "toUser": {"id": 148201, "kind": "PROFESSIONAL"}, "attachment": {"__typename": "ConversationPushedSystemAttachment"}}},
		{"node": {"__typename": "SystemMessage", "id": "2", "createdAt": "2026-03-02T09:19:40.000Z", "toUser": {"id": 148377, "kind": "PROFESSIONAL"}, "attachment": {"__typename": "ConversationPushedSystemAttachment"}}},
		{"node": {"__typename": "SystemMessage", "id": "3", "createdAt": "2026-03-02T09:31:12.000Z", "attachment": {"__typename": "ConversationClosedSystemAttachment"}}}
	]}}`

func conversationOf(t *testing.T, text string) *Conversation {
	t.Helper()
	c := new(Conversation)
	if err := json.Unmarshal([]byte(text), c); err != nil {
		t.Fatal(err)
	}
	return c
}

func decoded(t *testing.T, raw []byte) schema.Event {
	t.Helper()
	event, refused := schema.Decode(raw, time.Now())
	if refused != nil {
		t.Fatalf("%v: %s", refused, raw)
	}
	return event
}

// TestHistoryAndWebhooksMakeTheSameEvents imports what webhooks have delivered.
func TestHistoryAndWebhooksMakeTheSameEvents(t *testing.T) {
	delivered := make(map[string]string)
	for _, body := range [][]byte{file(t, "conversation.pushed"), file(t, "conversation.pushed.again"), file(t, "conversation.closed"), file(t, "transaction.attributed")} {
		for _, event := range translate(t, testHook, body).Events {
			delivered[decoded(t, event).ID] = string(event)
		}
	}
	events := conversationOf(t, answered).Events(time.Now())
	if len(events) != 5 {
		t.Errorf("%d events", len(events))
	}
	for _, event := range events {
		before, known := delivered[decoded(t, event).ID]
		if !known || before != string(event) && !slices.Contains([]schema.Type{schema.TypeClosed, schema.TypeTransaction}, decoded(t, event).Type) { // a webhook names who took part, and has a sequence
			t.Errorf("history  %s\nwebhooks %s", event, before)
		}
	}
}

func TestInstantKeepsTheOrderOfTheThread(t *testing.T) {
	mark := func(kind, more string) string {
		return `{"node": {"__typename": "SystemMessage", "createdAt": "2026-03-02T09:15:04.120Z", "attachment": {"__typename": "Conversation` + kind + `SystemAttachment"}` + more + `}}`
	}
	push := mark("Pushed", `, "toUser": {"id": 1}`)
	text := strings.Replace(answered, `"edges": [`, `"edges": [`+push+`,`+mark("Snoozed", "")+`,`+push+`,`, 1)
	text = strings.Replace(text, `"routingEvents": []`, `"routingEvents": [{"createdAt": "2026-03-02T09:15:04.120Z", "routingRule": {"id": "r"}}]`, 1)
	var got []string
	seen := make(map[string]bool)
	for _, raw := range conversationOf(t, text).Events(time.Now()) {
		event := decoded(t, raw)
		if seen[event.ID] {
			t.Errorf("%s occurs twice", event.ID)
		}
		seen[event.ID] = true
		if event.Time == 1772442904120 {
			got = append(got, fmt.Sprintf("%d %s", event.Order, strings.TrimPrefix(string(event.Type), "parley.conversation.")))
		}
	}
	if want := "1 opened.v1,2 routed.v1,3 pushed.v1,4 snoozed.v1,5 pushed.v1,6 pushed.v1"; strings.Join(got, ",") != want {
		t.Errorf("%s, want %s", strings.Join(got, ","), want)
	}
}

func TestDetailedOpeningOfTheHistoryComesFirst(t *testing.T) {
	text := strings.Replace(answered, `"language": null`, `"language": "fr"`, 1)
	for _, raw := range conversationOf(t, text).Events(time.Now()) {
		event := decoded(t, raw)
		if event.Type == schema.TypeOpened && (!strings.HasPrefix(event.ID, "details:") || event.ID >= "opened:") {
			t.Error(event.ID)
		}
	}
}

func file(t *testing.T, name string) []byte {
	t.Helper()
	return read(t, "testdata/"+name+".json")
}

// TestClosingTimeWithoutAMarkCloses takes the mark of the close away.
func TestClosingTimeWithoutAMarkCloses(t *testing.T) {
	mark := strings.Index(answered, `{"node": {"__typename": "SystemMessage", "id": "3"`)
	text := strings.TrimRight(answered[:mark], " \n\t,") + "]}}"
	var closed []schema.Event
	for _, raw := range conversationOf(t, text).Events(time.Now()) {
		if event := decoded(t, raw); event.Type == schema.TypeClosed {
			closed = append(closed, event)
		}
	}
	if len(closed) != 1 || closed[0].ID != "closed:3b1d6c9a-58e2-4f47-9a0c-7d1e5b2f8c10:1772443872000" || closed[0].Time != 1772443872000 {
		t.Errorf("%+v", closed)
	}
	if n := strings.Count(fmt.Sprintf("%s", conversationOf(t, answered).Events(time.Now())), "conversation.closed"); n != 1 {
		t.Errorf("with its mark it is closed %d times", n)
	}
}

var _ webhook.Source = (*Webhook)(nil)

func read(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
