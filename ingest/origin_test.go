package ingest

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// TestOnlyAnErasureSetsTheOrigin takes an event that claims an earlier place in the log without the claim, as one that was
// exported after an erasure, and everything else value for value.
func TestOnlyAnErasureSetsTheOrigin(t *testing.T) {
	const event = `{"specversion":"1.0","id":"1","source":"s","type":"parley.conversation.closed.v1","time":"2026-03-01T00:00:00Z",
		"subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","projectid":1,"data":{"reason":"<&>","more":1.50},"parleyorigin":$,"other":9007199254740993}`
	for _, released := range []string{`"true"`, `"false"`} {
		sent := strings.Replace(strings.Replace(event, "$", "null", 1), `"specversion"`, `"parleyreleased":`+released+`,"specversion"`, 1)
		v, err := judge([][]byte{[]byte(sent)}, &schema.Caller{Projects: schema.Projects{All: true}}, time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC), false)
		if err != nil || len(v.valid) != 1 || strings.Contains(string(v.valid[0].Payload), `"parleyreleased":"true"`) {
			t.Errorf("parleyreleased %s: %+v, %v", released, v, err)
		}
	}
	const without = `{"data":{"reason":"<&>","more":1.50},"id":"1","other":9007199254740993,"projectid":1,"source":"s","specversion":"1.0","subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","time":"2026-03-01T00:00:00Z","type":"parley.conversation.closed.v1"}`
	caller := &schema.Caller{Projects: schema.Projects{All: true}}
	for value, want := range map[string]string{`"17"`: without, `17`: without, `"x"`: "", `null`: "as sent", `"0"`: "as sent"} {
		sent := strings.Replace(event, "$", value, 1)
		if want == "as sent" {
			want = sent
		}
		v, err := judge([][]byte{[]byte(sent)}, caller, time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC), false)
		if err != nil || len(v.valid)+len(v.rejected) != 1 {
			t.Fatalf("parleyorigin %s: %+v, %v", value, v, err)
		}
		got := ""
		if len(v.valid) == 1 {
			got = string(v.valid[0].Payload)
		}
		if got != want {
			t.Errorf("parleyorigin %s is stored as\n%s, want\n%s", value, got, want)
		}
	}
}
