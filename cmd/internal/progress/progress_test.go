package progress

import (
	"bytes"
	"strings"
	"testing"
)

func TestProgressOnAPipePrintsTheTotal(t *testing.T) {
	var out bytes.Buffer
	p := New(&out, "work", "events", 100)
	p.Add(30)
	p.Add(45)
	p.Finish()
	if !strings.HasPrefix(out.String(), "work: 75 events in ") || !strings.HasSuffix(out.String(), "/s\n") {
		t.Errorf("%q", out.String())
	}
}
