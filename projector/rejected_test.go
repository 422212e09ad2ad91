package projector_test

import (
	"testing"
	"testing/synctest"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

func TestWhatWasRefusedAtTheEdgeGetsIntoQuarantine(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		rejected := porttest.NewLog()
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		last := log.Append(taken, payloads(events)...)
		last = max(last, log.Append(taken, []byte("not json")))
		end := rejected.Append(taken,
			schema.EncodeRejected(schema.Rejected{Reason: schema.CodeMissing, Detail: "data.channel: must be there", Source: "chat", EventID: "7", ReceivedAt: taken, Original: []byte(`{"a":1}`)}),
			schema.EncodeRejected(schema.Rejected{Reason: schema.CodeInvalidJSON, Detail: "must be JSON", ReceivedAt: taken}),
			[]byte("another sender's"),
		)
		p := start(t, projector.Config{Log: log, Rejected: rejected, Sink: tables, Archive: tables})
		await(t, tables, projector.LogEvents, last)
		await(t, tables, projector.LogRejected, end)
		compare(t, tables, foldtest.Records(events, 1))

		got := tables.Quarantine()
		if len(got) != 4 {
			t.Fatalf("quarantine: %+v", got)
		}
		if r := got[0]; r.Log != projector.LogEvents || string(r.Original) != "not json" {
			t.Errorf("of the log of events: %+v", r)
		}
		if r := got[1]; r.Log != projector.LogRejected || r.Sequence != 1 || r.Reason != schema.CodeMissing || r.Detail != "data.channel: must be there" ||
			r.Source != "chat" || r.EventID != "7" || string(r.Original) != `{"a":1}` || r.ReceivedAt != schema.TimestampOf(taken) {
			t.Errorf("first: %+v", r)
		}
		if r := got[2]; r.Sequence != 2 || len(r.Original) != 0 {
			t.Errorf("second: %+v", r)
		}
		if r := got[3]; r.Sequence != 3 || r.Reason != schema.CodeInvalidJSON || string(r.Original) != "another sender's" {
			t.Errorf("third: %+v", r)
		}
		synctest.Wait()
		if err := p.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}
	})
}
