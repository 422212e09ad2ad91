package schema_test

import (
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func TestTypesAreRankedAsInTheContract(t *testing.T) {
	order := []schema.Type{
		schema.TypeOpened, schema.TypeTransferred, schema.TypeSnoozed, schema.TypeRouted, schema.TypePushed, schema.TypeMessage, schema.TypeClosed,
		schema.TypeUntagged, schema.TypeTagged, schema.TypeSatisfaction, schema.TypeTransaction,
	}
	for i, of := range order {
		if of.Rank() != i || of.LifeCycle() != (i <= 6) {
			t.Errorf("%s has rank %d, life-cycle %v", of, of.Rank(), of.LifeCycle())
		}
	}
	if other := schema.Type("other"); other.Rank() <= schema.TypeTransaction.Rank() || other.LifeCycle() {
		t.Errorf("an unknown type has rank %d", other.Rank())
	}
}

// event is one of an instant: source, id, type, and the sender's sequence (0 for none).
func event(at schema.Timestamp, source, id string, of schema.Type, order uint64) schema.Record {
	return schema.Record{Event: schema.Event{Project: 1, Source: source, ID: id, Type: of, Time: at, Order: order, HasOrder: order > 0}}
}

func TestInOrder(t *testing.T) {
	for name, want := range map[string][]schema.Record{
		"time before type":                          {event(1, "a", "1", schema.TypeClosed, 0), event(2, "a", "2", schema.TypeOpened, 0)},
		"type in the order of the contract":         {event(1, "a", "2", schema.TypePushed, 0), event(1, "a", "1", schema.TypeClosed, 0)},
		"source, then id, by their bytes":           {event(1, "B", "9", schema.TypeClosed, 0), event(1, "a", "10", schema.TypeClosed, 0), event(1, "a", "9", schema.TypeClosed, 0)},
		"the sender's sequence before the type":     {event(1, "a", "2", schema.TypeClosed, 1), event(1, "a", "1", schema.TypePushed, 2)},
		"two sources: no sequence counts":           {event(1, "a", "1", schema.TypePushed, 2), event(1, "b", "2", schema.TypeClosed, 1)},
		"one without a sequence: none counts":       {event(1, "a", "1", schema.TypePushed, 2), event(1, "a", "3", schema.TypeMessage, 0), event(1, "a", "2", schema.TypeClosed, 1)},
		"the life cycle first, whatever the number": {event(1, "a", "2", schema.TypeClosed, 9), event(1, "a", "1", schema.TypeTagged, 1)},
		"equal sequences by type":                   {event(1, "a", "2", schema.TypePushed, 1), event(1, "a", "1", schema.TypeClosed, 1)},
		"a later type of the other group by type":   {event(1, "a", "2", schema.TypeUntagged, 0), event(1, "b", "1", schema.TypeTagged, 3)},
	} {
		t.Run(name, func(t *testing.T) {
			records := slices.Clone(want)
			for i := range records {
				records[i].Sequence = schema.Sequence(i + 1)
			}
			again := records[0] // the same event under a higher sequence, saying something else
			again.Sequence, again.Event.Time = 100, 7
			records = append(records, again)
			for range 20 {
				rand.Shuffle(len(records), func(i, j int) { records[i], records[j] = records[j], records[i] })
				var got string
				for _, r := range schema.InOrder(records) {
					got += strconv.FormatUint(uint64(r.Sequence), 10)
				}
				if expected := "123456789"[:len(want)]; got != expected {
					t.Fatalf("%s, want %s", got, expected)
				}
			}
		})
	}
}
