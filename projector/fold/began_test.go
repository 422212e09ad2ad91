package fold_test

import (
	"slices"
	"testing"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// TestTheSortKeyOfAConversationNeverChanges folds every conversation of a log after each of its
// events, which come in any order of time and repeatedly.
func TestTheSortKeyOfAConversationNeverChanges(t *testing.T) {
	late := 0
	for seed := range uint64(100) {
		events := foldtest.Stream(foldtest.Seeded(seed), 8)
		so := map[schema.ConversationKey][]schema.Record{}
		for i := range events {
			key := events[i].ConversationKey()
			so[key] = append(so[key], schema.Record{Sequence: schema.Sequence(i + 1), Event: events[i]})
			rows := fold.Of(so[key])
			if rows.Empty() {
				continue
			}
			first := so[key][slices.IndexFunc(so[key], func(r schema.Record) bool { return !r.Event.Type.Profile() })].Event.Time
			if got := rows.Conversation.BeganAt; got != first {
				t.Fatalf("seed %d: after %d events conversation %v began at %d, before at %d", seed, len(so[key]), key, got, first)
			}
			if events[i].Time < first {
				late++
			}
		}
	}
	if late < 10 {
		t.Errorf("%d events are late", late)
	}
}

func TestEveryVisitorThatAnOpeningNamesIsListed(t *testing.T) {
	var records []schema.Record
	for i, id := range []string{"b", "", "a", "b", "c"} {
		records = append(records, schema.Record{Sequence: schema.Sequence(i + 1), Event: schema.Event{Project: 1, Conversation: "c", Source: "s",
			ID: id + string(rune('0'+i)), Time: schema.Timestamp(10 - i), Type: schema.TypeOpened, Data: &schema.Opened{Channel: "CHAT", Visitor: &schema.Visitor{ID: id}}}})
	}
	if got := fold.Of(records).Visitors; !slices.Equal(got, []string{"c", "b", "a"}) {
		t.Errorf("visitors are %q", got)
	}
}
