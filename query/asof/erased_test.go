package asof_test

import (
	"fmt"
	"testing"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// TestAConversationStraddlesAfterItsFirstEventWasErased erases the opening of a conversation, which the log then has behind all
// others, and builds a version in which an earlier batch had made a row of the rest, with another first sequence.
func TestAConversationStraddlesAfterItsFirstEventWasErased(t *testing.T) {
	r := newRig(t)
	const begin = schema.Timestamp(1_700_000_000_000)
	event := func(n int, kind schema.Type, at schema.Timestamp, data schema.Data) schema.Event {
		return schema.Event{Project: 1, Conversation: foldtest.Conversation(1, n).Conversation, Source: "s", ID: fmt.Sprint(n, kind, at), Type: kind, Time: at, Data: data}
	}
	name := "Ada"
	pushed := &schema.Pushed{To: schema.User{ID: 7, Kind: schema.KindProfessional}}
	r.append(t, event(1, schema.TypeOpened, begin, &schema.Opened{Channel: "CHAT", Visitor: &schema.Visitor{ID: "v", FirstName: &name}}))
	moments := []moment{r.note(t)}
	r.append(t, event(1, schema.TypePushed, begin+1000, pushed), event(1, schema.TypeClosed, begin+2000, &schema.Closed{}))
	moments = append(moments, r.note(t))
	// More than a batch between the first events and those that are erased.
	var others []schema.Event
	for n := range 300 {
		others = append(others, event(2+n, schema.TypePushed, begin, pushed))
	}
	r.append(t, others...)
	r.append(t, event(1, schema.TypePushed, begin+3000, pushed))
	moments = append(moments, r.note(t))
	r.append(t, event(1, schema.TypeClosed, begin+4000, &schema.Closed{}))

	r.eraseConversation(t, foldtest.Conversation(1, 1))
	for i := range moments {
		moments[i].erased = true
	}
	r.check(t, "after the erasure", moments)
	if _, err := r.rebuild.Replay(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.restart(t)
	r.check(t, "in a version built after it", moments)
}
