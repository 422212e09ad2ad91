package query_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// TestExplainNamesTheEventsBehindEachValue explains a conversation that was
// snoozed and gone on with, whose events arrived out of order.
func TestExplainNamesTheEventsBehindEachValue(t *testing.T) {
	r := theRig(t)
	const id = "5f000000-0000-4000-8000-0000000000aa"
	w := new(storetest.World)
	c := r.world.Conversations[0]
	c.Project, c.ID, c.LastSequence, c.Version = 503, id, 19, 19
	w.Conversations = append(w.Conversations, c)
	add := func(sequence uint64, second int, name, data string) {
		at := millis("2024-05-01T10:00:00Z") + storetest.Millis(second*1000)
		original := fmt.Sprintf(`{"specversion":"1.0","id":"e%d","source":"test","type":%q,"time":"2024-05-01T10:%02d:%02dZ","subject":%q,"projectid":503,"data":%s}`, sequence, name, second/60, second%60, id, data)
		w.Events = append(w.Events, storetest.Event{Project: 503, Conversation: id, ID: fmt.Sprintf("e%d", sequence), Source: "test", Type: name, Time: at, Sequence: sequence, ReceivedAt: at, Original: original})
	}
	add(11, 0, "parley.conversation.opened.v1", `{"channel":"CHAT"}`)
	add(12, 10, "parley.conversation.routed.v1", `{"routingRule":{"id":"r"}}`)
	add(13, 40, "parley.conversation.pushed.v1", `{"toUser":{"id":7,"kind":"PROFESSIONAL"}}`)
	add(19, 50, "parley.message.sent.v1", `{"messageId":"m1","author":{"kind":"VISITOR"}}`)
	add(14, 60, "parley.message.sent.v1", `{"messageId":"m2","author":{"kind":"PROFESSIONAL","id":7}}`)
	add(15, 100, "parley.conversation.snoozed.v1", `{}`)
	add(16, 200, "parley.conversation.pushed.v1", `{"toUser":{"id":7,"kind":"PROFESSIONAL"}}`)
	add(17, 300, "parley.conversation.closed.v1", `{"reason":"DONE"}`)
	add(18, 400, "parley.satisfaction.answered.v1", `{"customerSatisfaction":4}`)
	add(20, 410, "parley.satisfaction.answered.v1", `{"customerSatisfaction":1}`) // newer than the row that is explained
	w.Insert(t, r.server, projection)

	type values []struct {
		Name      string
		Value     *string
		Sequences []int
	}
	got := ask[struct {
		Explain struct {
			Conversation struct{ ID string }
			Events       []struct {
				Sequence              int
				ID, Type, Time        string
				ReceivedAt, ContactID *string
			}
			Values   values
			Contacts []struct {
				ID      string
				Ordinal int
				Values  values
			}
		}
	}](t, r, reader(503), `{ explain(conversationId: "`+id+`") { conversation { id } events { sequence id type time receivedAt contactId }
		values { name value sequences } contacts { id ordinal values { name value sequences } } } }`, nil).Explain

	order := []int{}
	for _, e := range got.Events {
		order = append(order, e.Sequence)
	}
	if !slices.Equal(order, []int{11, 12, 13, 19, 14, 15, 16, 17, 18}) {
		t.Errorf("the events are in the order %v", order)
	}
	if len(got.Contacts) != 2 {
		t.Fatalf("%d contacts", len(got.Contacts))
	}
	look := func(list values, name, value string, from ...int) {
		t.Helper()
		for _, v := range list {
			if v.Name != name {
				continue
			}
			shown := "null"
			if v.Value != nil {
				shown = *v.Value
			}
			if shown != value || !slices.Equal(v.Sequences, from) {
				t.Errorf("%s is %s from %v, want %s from %v", name, shown, v.Sequences, value, from)
			}
			return
		}
		t.Errorf("%s is not explained", name)
	}
	look(got.Values, "durationMs", "300000", 11, 17)
	look(got.Values, "firstResponseTimeMs", "10000", 19, 14)
	look(got.Values, "resolutionTimeMs", "250000", 19, 17)
	look(got.Values, "handleTimeMs", "160000", 13, 15, 16, 17)
	look(got.Values, "snoozeTimeMs", "100000", 15, 16)
	look(got.Values, "contactCount", "2", 13, 16)
	look(got.Values, "customerSatisfaction", "4", 18)
	look(got.Values, "netPromoterScore", "null")
	look(got.Values, "answeredByHuman", "true", 14)
	look(got.Contacts[0].Values, "waitTimeMs", "30000", 12, 13)
	look(got.Contacts[0].Values, "status", "ANSWERED", 14, 15)
	look(got.Contacts[0].Values, "ending", "SNOOZED", 15)
	look(got.Contacts[1].Values, "status", "UNANSWERED", 17)
	look(got.Contacts[1].Values, "waitTimeMs", "null")
	look(got.Contacts[1].Values, "routingRule", "r", 12)
	if c := got.Events[4].ContactID; c == nil || *c != got.Contacts[0].ID {
		t.Errorf("the answer belongs to %v", c)
	}
	refused(t, r, reader(503), query.CodeBadInput, `{ explain(conversationId: "5f") { events { id } } }`, nil)
}
