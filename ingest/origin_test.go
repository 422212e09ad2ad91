package ingest

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// TestOnlyAnErasureSetsTheOrigin refuses an event that claims an earlier place in the log.
func TestOnlyAnErasureSetsTheOrigin(t *testing.T) {
	const event = `{"specversion":"1.0","id":"1","source":"s","type":"parley.conversation.closed.v1","time":"2026-03-01T00:00:00Z",
		"subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","projectid":1,"data":{},"parleyorigin":$}`
	caller := &schema.Caller{Projects: schema.Projects{All: true}}
	for value, valid := range map[string]bool{`"17"`: false, `17`: false, `"x"`: false, `null`: true, `"0"`: true} {
		v, err := judge([][]byte{[]byte(strings.Replace(event, "$", value, 1))}, caller, time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC), false)
		if err != nil || len(v.valid) == 1 != valid || len(v.rejected) == 1 == valid {
			t.Errorf("parleyorigin %s: %d valid, %+v, %v", value, len(v.valid), v.rejected, err)
		}
	}
}
