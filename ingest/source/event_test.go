package source

import (
	"encoding/json"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

func TestEventsAreWrittenInAFixedOrder(t *testing.T) {
	e := Event{
		ID: "a<b>", Source: "s", Type: schema.TypeClosed, Time: 1_700_000_000_123, Conversation: "0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10",
		Project: 7, Sequence: 2, Data: map[string]string{"b": "é", "a": "&"},
	}
	const want = `{"specversion":"1.0","id":"a<b>","source":"s","type":"parley.conversation.closed.v1","time":"2023-11-14T22:13:20.123Z",` +
		`"subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","projectid":7,"sequence":"2","datacontenttype":"application/json","data":{"a":"&","b":"é"}}`
	if got := string(e.Encode()); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestOperatorIDsAreStableAndInRange(t *testing.T) {
	if a, b := OperatorID("x", "y"), OperatorID("xy"); a == b || a != OperatorID("x", "y") {
		t.Error(a, b)
	}
	for _, name := range []string{"", "a", "agent-1"} {
		if id := OperatorID(name); id < 1 || id > 1<<53-1 {
			t.Errorf("%s: %d", name, id)
		}
	}
}

func TestMomentsOfPlatformsAreRead(t *testing.T) {
	for text, want := range map[string]schema.Timestamp{
		`"2026-01-02T03:04:05Z"`:          1767323045000,
		`"2026-01-02T03:04:05.6789Z"`:     1767323045678,
		`"2026-01-02T04:04:05+01:00"`:     1767323045000,
		`"2026-01-02T04:04:05+0100"`:      1767323045000,
		`"2026-01-02 04:04:05.001+01:00"`: 1767323045001,
		`"2026-01-02 04:04:05-0100"`:      1767330245000,
		`"2026-01-02t03:04:05z"`:          1767323045000,
		`"2016-12-31T23:59:60Z"`:          1483228800000,
		`1767323045000`:                   1767323045000,
	} {
		var m Moment
		if err := json.Unmarshal([]byte(text), &m); err != nil || m.Timestamp != want {
			t.Errorf("%s: %d, %v", text, m.Timestamp, err)
		}
	}
	for _, text := range []string{`""`, `"today"`, `{}`, `1.5`, `"2026-01-02"`, `"2026-01-02T03:04:05"`, `"2026-01-02T03:04:05,5Z"`, `"2026-01-02+0100"`, `"2026-01-02T03:04:05+24:00"`} {
		var m Moment
		if err := json.Unmarshal([]byte(text), &m); err == nil {
			t.Errorf("%s is taken", text)
		}
	}
}
