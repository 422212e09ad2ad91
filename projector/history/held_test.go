package history

import (
	"bytes"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/tables"
	"github.com/parley-analytics/parley/schema"
)

// TestRejectedEventsAreMadeOfTheirRows makes messages of the log of rejected events of what the tables know of them.
func TestRejectedEventsAreMadeOfTheirRows(t *testing.T) {
	held := HeldOf(nil, 1, projector.LogRejected)
	source := "webshop"
	message := func(sequence schema.Sequence, detail, original string) schema.Rejected {
		t.Helper()
		r, err := schema.DecodeRejected(held.payload(&tables.Quarantined{
			Sequence: sequence, Reason: schema.CodeInvalid, Detail: detail, Source: &source, Original: []byte(original), ReceivedAt: time.UnixMilli(5),
		}))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	whole := message(1, "a: rule", `{"projectid": 7}`)
	if whole.Reason != schema.CodeInvalid || whole.Detail != "a: rule" || whole.Source != source || whole.Whole != "" || !whole.ReceivedAt.Equal(time.UnixMilli(5)) {
		t.Errorf("%+v", whole)
	}
	// Two payloads in parts, whose records lie between each other, and the next one of the same kind.
	a1, b1 := message(2, "a: rule (part 1 of 2)", "x"), message(3, "b: rule (part 1 of 2)", "x")
	a2, b2 := message(4, "a: rule (part 2 of 2)", "y"), message(5, "b: rule (part 2 of 2)", "y")
	next := message(6, "a: rule (part 1 of 2)", "x")
	if a1.Whole == "" || a1.Whole != a2.Whole || b1.Whole != b2.Whole || a1.Whole == b1.Whole || next.Whole == a1.Whole {
		t.Errorf("parts of %q, %q; %q, %q; %q", a1.Whole, a2.Whole, b1.Whole, b2.Whole, next.Whole)
	}
	foreign := []byte("anything")
	if got := held.payload(&tables.Quarantined{Detail: projector.NotRejected, Original: foreign}); !bytes.Equal(got, foreign) {
		t.Errorf("%s", got)
	}
}

// TestWhatTheLogHasIsNotRestored knows entries by what the tables hold of them, as often as the log has them.
func TestWhatTheLogHasIsNotRestored(t *testing.T) {
	held := HeldOf(nil, 1, projector.LogRejected)
	payload := func(id string, at int64) []byte {
		return schema.EncodeRejected(schema.Rejected{Reason: schema.CodeUnknownType, EventID: id, ReceivedAt: time.UnixMilli(at), Project: schema.ProjectID(at)})
	}
	held.Has(payload("a", 1))
	for n, want := range []bool{false, true} {
		if got := held.lacks(payload("a", 2)); got != want {
			t.Errorf("the %d. time, it is lacking: %v", n+1, got)
		}
	}
	if !held.lacks(payload("b", 1)) {
		t.Error("b is not lacking")
	}
}
