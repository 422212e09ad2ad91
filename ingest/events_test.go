package ingest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func TestRejectedEventsAreNamedByIndexAndTheOthersTaken(t *testing.T) {
	r := newRig(t)
	broken := []struct {
		event string
		want  Rejected
	}{
		{`{"id":`, nameless(0, schema.CodeInvalidJSON)},
		{`[]`, nameless(0, schema.CodeInvalidJSON)},
		{`7`, nameless(0, schema.CodeInvalidJSON)},
		{`{}`, nameless(0, schema.CodeMissing)},
		{event("x", `"specversion":"1.0"`, `"specversion":"0.3"`), named(0, "x", schema.CodeInvalid)},
		{event("x", `"id":"x",`, ``), nameless(0, schema.CodeMissing)},
		{event("x", `"id":"x"`, `"id":""`), nameless(0, schema.CodeInvalid)},
		{event("x", `"source":"/test",`, ``), named(0, "x", schema.CodeMissing)},
		{event("x", `closed.v1`, `closed.v9`), named(0, "x", schema.CodeUnknownType)},
		{event("x", `2026-01-02T03`, `1969-01-02T03`), named(0, "x", schema.CodeInvalid)},
		{event("x", `2026-01-02T03`, `2150-01-02T03`), named(0, "x", schema.CodeInvalid)},
		{event("x", conversation, `no-uuid`), named(0, "x", schema.CodeInvalid)},
		{event("x", `"projectid":1`, `"projectid":0`), named(0, "x", schema.CodeInvalid)},
		{event("x", `"projectid":1,`, ``), named(0, "x", schema.CodeMissing)},
		{event("x", `"projectid":1`, `"projectid":1,"sequence":"x"`), named(0, "x", schema.CodeInvalid)},
		{event("x", `,"data":{"reason":"DONE"}`, `,"data_base64":"e30="`), named(0, "x", schema.CodeInvalid)},
		{event("x", `,"data":{"reason":"DONE"}`, ``), named(0, "x", schema.CodeMissing)},
		{event("x", `{"reason":"DONE"}`, `{"reason":7}`), named(0, "x", schema.CodeInvalid)},
		{event("x", `DONE`, strings.Repeat("A", schema.MaxEventBytes)), named(0, "x", schema.CodeTooLarge)},
		{event("x", `"projectid":1`, `"projectid":3`), named(0, "x", schema.CodeForbiddenProject)},
	}
	var lines []string
	var want []Rejected
	for i, b := range broken {
		lines = append(lines, event(fmt.Sprint("good", i)), "", b.event)
		b.want.Index = 2*i + 1
		want = append(want, b.want)
	}
	r.expect(r.lines(lines...), 202, len(broken), 0, want...)

	entries := stored(t, r.broker.Events())
	for i, e := range entries {
		if string(e.Payload) != event(fmt.Sprint("good", i)) {
			t.Fatalf("entry %d: %s", i, e.Payload)
		}
	}
	kept := r.rejections()
	if len(kept) != len(broken)-1 { // the forbidden one is not kept
		t.Fatalf("%d rejections kept", len(kept))
	}
	for i, k := range kept {
		if k.Reason != broken[i].want.Code || string(k.Original) != broken[i].event || k.Detail == "" || k.ReceivedAt.IsZero() {
			t.Errorf("rejection %d: %+v", i, k)
		}
		if id := broken[i].want.ID; id != nil && k.EventID != *id {
			t.Errorf("rejection %d: event id %q", i, k.EventID)
		}
	}
}

func TestEachBrokenEventOfABatchIsNamed(t *testing.T) {
	r := newRig(t)
	a := r.post(typeBatch, strings.NewReader("["+event("1")+`,null,"x",[{}],`+event("2")+"]"))
	r.expect(a, 202, 2, 0, nameless(1, schema.CodeInvalidJSON), nameless(2, schema.CodeInvalidJSON), nameless(3, schema.CodeInvalidJSON))
}

func TestNothingValidIs422(t *testing.T) {
	r := newRig(t)
	r.expect(r.lines(`{`, `{}`), 422, 0, 0, nameless(0, schema.CodeInvalidJSON), nameless(1, schema.CodeMissing))
	r.expect(r.post(typeStructured, strings.NewReader(`[]`)), 422, 0, 0, nameless(0, schema.CodeInvalidJSON))
	r.expect(r.post(typeStructured, strings.NewReader(event("x", conversation, ""))), 422, 0, 0, named(0, "x", schema.CodeInvalid))
	r.expect(r.post("", nil, "ce-id", "x"), 422, 0, 0, named(0, "x", schema.CodeMissing))
	a := r.lines(event("x", `"projectid":1`, `"projectid":"77"`))
	r.expect(a, 422, 0, 0, named(0, "x", schema.CodeForbiddenProject))
	if !strings.HasPrefix(a.body, `{"accepted":0,"duplicates":0,"rejected":[{"index":0,"id":"x","code":"FORBIDDEN_PROJECT","message":"`) ||
		!strings.HasSuffix(a.body, `}],"firstSequence":null,"lastSequence":null}`+"\n") {
		t.Fatal(a.body)
	}
	if n := len(r.rejections()); n != 5 {
		t.Fatalf("%d rejections kept", n)
	}
}

func TestForeignProjectIsCheckedFirst(t *testing.T) {
	r := newRig(t)
	a := r.lines(event("x", `"projectid":1`, `"projectid":9`, `closed.v1`, `nothing`, `"specversion":"1.0",`, ``))
	r.expect(a, 422, 0, 0, named(0, "x", schema.CodeForbiddenProject))
	if n := len(r.rejections()); n != 0 {
		t.Fatalf("%d rejections kept", n)
	}
}

func TestDuplicatesAreValid(t *testing.T) {
	r := newRig(t)
	r.expect(r.lines(event("1"), event("2"), event("1")), 202, 2, 1)
	a := r.lines(event("1"), event("2", "DONE", "OTHER"))
	r.expect(a, 202, 0, 2)
	a = r.lines(event("0"), event("1"), event("3"))
	r.expect(a, 202, 2, 1)
	if *a.FirstSequence != 2*schema.RecordEvents || *a.LastSequence != 2*schema.RecordEvents+1 {
		t.Fatal(a.body)
	}
	// Another source or project makes it another event.
	r.expect(r.lines(event("1", "/test", "/other"), event("1", `"projectid":1`, `"projectid":2`)), 202, 2, 0)
	if n := len(stored(t, r.broker.Events())); n != 6 {
		t.Fatalf("%d events stored", n)
	}
}

func TestCorrectedEventMayUseTheIDOfARejectedOne(t *testing.T) {
	r := newRig(t)
	r.expect(r.lines(event("1", "DONE\"", "DONE\",\"byUser\":7")), 422, 0, 0, named(0, "1", schema.CodeInvalid))
	r.expect(r.lines(event("1")), 202, 1, 0)
}

func TestReceiptsBelongToTheirRequests(t *testing.T) {
	r := newRig(t)
	r.expect(r.lines(event("shared")), 202, 1, 0)
	const senders, rounds, size = 12, 10, 5
	type span struct{ first, last schema.Sequence }
	var mu sync.Mutex
	spans := map[string]span{}
	var group sync.WaitGroup
	for sender := range senders {
		group.Go(func() {
			for round := range rounds {
				name := fmt.Sprintf("%d-%d-", sender, round)
				lines := []string{event("shared")} // a duplicate in every request
				for i := range size {
					lines = append(lines, event(fmt.Sprint(name, i)))
				}
				a := r.lines(lines...)
				if a.status != 202 || a.Accepted != size || a.Duplicates != 1 || *a.LastSequence-*a.FirstSequence != size-1 {
					t.Errorf("answer %d %s", a.status, a.body)
					return
				}
				mu.Lock()
				spans[name] = span{*a.FirstSequence, *a.LastSequence}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	entries := stored(t, r.broker.Events())
	if len(entries) != 1+senders*rounds*size {
		t.Fatalf("%d events stored", len(entries))
	}
	at := map[schema.Sequence]schema.Entry{}
	for _, e := range entries {
		at[e.Sequence] = e
	}
	for name, s := range spans {
		for i := range size {
			e := at[s.first+schema.Sequence(i)]
			if string(e.Payload) != event(fmt.Sprint(name, i)) {
				t.Fatalf("sequence %d: %s", e.Sequence, e.Payload)
			}
		}
	}
}
