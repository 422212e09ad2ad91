package fold_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/reference"
	"github.com/parley-analytics/parley/schema"
)

func TestARowListsAThousandTagsAndOperatorsAndCountsAll(t *testing.T) {
	for _, n := range []int{999, 1_000, 1_001, 2_500} {
		records := many(n)
		// Two of the tags go again: others take their place in the list.
		for i, id := range []int{0, n - 1} {
			records = append(records, record(len(records), &schema.Untagged{Tag: schema.Ref{ID: fmt.Sprint("t", id)}}, schema.TypeUntagged))
			records[len(records)-1].Event.Time = schema.Timestamp(10_000 + i)
		}
		rows := fold.Of(records)
		c := &rows.Conversation
		if want := min(n-2, 1_000); int(c.TagCount) != n-2 || len(c.Tags) != want || c.Tags[0].ID != "t1" || c.Tags[want-1].ID != fmt.Sprint("t", want) {
			t.Errorf("of %d tags %d are counted and %d listed, from %v to %v", n-2, c.TagCount, len(c.Tags), c.Tags[0], c.Tags[len(c.Tags)-1])
		}
		if want := min(n, 1_000); int(c.UserCount) != n || len(c.Users) != want || c.Users[0].ID != 1 || int(c.Users[want-1].ID) != want {
			t.Errorf("of %d operators %d are counted and %d listed", n, c.UserCount, len(c.Users))
		}
		if got, want := comparable(rows), comparable(reference.Rows(records)); !reflect.DeepEqual(got, want) {
			t.Errorf("with %d, fold and reference differ", n)
		}
	}
}

// many are so many tags, and pushes to so many operators.
func many(n int) []schema.Record {
	var records []schema.Record
	for i := range n {
		records = append(records, record(len(records), &schema.Tagged{Tag: schema.Ref{ID: fmt.Sprint("t", i)}}, schema.TypeTagged),
			record(len(records)+1, &schema.Pushed{To: schema.User{ID: schema.OperatorID(n - i), Kind: schema.KindBot}}, schema.TypePushed))
	}
	return records
}

func record(n int, data schema.Data, kind schema.Type) schema.Record {
	key := foldtest.Conversation(7, 1)
	return schema.Record{Sequence: schema.Sequence(n + 1), Event: schema.Event{Project: key.Project, Conversation: key.Conversation,
		Source: "s", ID: fmt.Sprintf("e%07d", n), Type: kind, Time: schema.Timestamp(n), Data: data}}
}
