package fold_test

import (
	"fmt"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// A bot answers, an agent takes over and closes. The events may come in any
// order, and any of them twice.
func ExampleOf() {
	var events []schema.Record
	happen := func(at schema.Timestamp, t schema.Type, data schema.Data) {
		n := schema.Sequence(len(events) + 1)
		events = append(events, schema.Record{Sequence: n, Event: schema.Event{
			Project: 7, Conversation: "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01",
			Source: "chat", ID: fmt.Sprint(n), Type: t, Time: at, Data: data,
		}})
	}
	happen(90_000, schema.TypeClosed, &schema.Closed{})
	happen(1_000, schema.TypePushed, &schema.Pushed{To: schema.User{ID: 9, Kind: schema.KindBot}})
	happen(2_000, schema.TypeMessage, &schema.Message{MessageID: "m1", AuthorKind: schema.KindBot})
	happen(31_000, schema.TypePushed, &schema.Pushed{To: schema.User{ID: 42, Kind: schema.KindProfessional}})

	rows := fold.Of(events)
	for _, c := range rows.Contacts {
		fmt.Println(c.Ordinal, c.Operator.Kind, c.Status, *c.Ending, *c.Duration)
	}
	fmt.Println(*rows.Conversation.AutomationLevel, rows.Conversation.HandleTime)
	// Output:
	// 1 BOT ANSWERED TRANSFERRED 30000
	// 2 PROFESSIONAL UNANSWERED CLOSED 59000
	// PARTIALLY_AUTOMATED 89000
}
