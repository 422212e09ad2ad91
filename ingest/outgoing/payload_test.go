package outgoing

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// TestTranscriptTellsWhatIsKnown renders one with a profile, a bot, a deleted
// message, and one that nobody has answered.
func TestTranscriptTellsWhatIsKnown(t *testing.T) {
	var records []schema.Record
	for n, line := range []string{
		event(1, 0, schema.TypeOpened, `{"channel":"CHAT","language":"de","visitor":{"id":"v1","firstName":"J","email":"old@example.org"},
			"customData":{"city":"Dublin","Cart":"jeans","marketingConsent":true,"hostName":"getwear.com","chatStartedPage":"http://getwear.com/a"}}`),
		event(1, 1, schema.TypeRouted, `{"routingRule":{"id":"r"},"routingGroup":{"id":"g1"}}`),
		event(1, 1, schema.TypePushed, `{"toUser":{"id":42,"kind":"PROFESSIONAL","name":"Liz","email":"liz@example.org"}}`),
		strings.Replace(says(1, 2, "BOT", "menu"), `"id":42`, `"id":43`, 1), says(1, 3, "PROFESSIONAL", "hello"), says(1, 4, "VISITOR", "secret"), says(1, 5, "VISITOR", "bye"),
		event(1, 6, schema.TypeDeleted, `{"messageId":"secret"}`), closes(1, 7),
	} {
		e, refused := schema.Decode([]byte(line), time.Now())
		if refused != nil {
			t.Fatal(refused)
		}
		records = append(records, schema.Record{Sequence: schema.Sequence(n + 1), Event: e})
	}
	rows := fold.Of(records)
	email, notes := "new@example.org", "Loves jeans"
	customer := &fold.Customer{ID: "v1", Email: &email, Notes: &notes, Cleared: []string{"firstName"}}
	body, err := render(&Delivery{Event: ChatTranscript, Sequence: 9}, records, &rows, customer)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"eventName":"chatTranscript","messages":[
{"id":"menu","type":"agent","text":"menu","createdAt":1772366402000},
{"id":"hello","type":"agent","text":"hello","createdAt":1772366403000,"agentId":"42","agentName":"Liz"},
{"id":"secret","type":"client","text":"","createdAt":1772366404000,"isMissed":true},
{"id":"bye","type":"client","text":"bye","createdAt":1772366405000,"isMissed":true}],
"offlineMessagesCount":2,"agents":[{"id":"42","name":"Liz","email":"liz@example.org"}],
"client":{"id":"v1","chatId":"00000000-0000-4000-8000-000000000001","groupId":"g1","chatLanguage":"de","city":"Dublin",
"basicInfo":{"email":"new@example.org","notes":"Loves jeans"},"customFormData":{},"integrationData":{"Cart":"jeans"},
"info":{"Cart":"jeans","email":"new@example.org","notes":"Loves jeans"},"marketingConsent":true},
"hostName":"getwear.com","chatStartedPage":{"link":"http://getwear.com/a"}}`
	if got := string(body); got != strings.ReplaceAll(want, "\n", "") {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	// A chat that an agent has started names the agent.
	body, err = render(&Delivery{Event: ChatStarted, Sequence: 5}, records, &rows, nil)
	var started struct{ Agent, Message map[string]any }
	if err != nil || json.Unmarshal(body, &started) != nil || started.Agent["email"] != "liz@example.org" || started.Message["id"] != "hello" {
		t.Errorf("%s, %v", body, err)
	}
	// What is gone is not sent.
	if body, err := render(&Delivery{Event: ChatStarted, Sequence: 99}, records, &rows, nil); body != nil || err != nil {
		t.Errorf("%s, %v", body, err)
	}
}
