package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestProgressOnAPipeSaysHowMuchItWas(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "work", "events", 100)
	p.add(30)
	p.add(45)
	p.finish()
	if !strings.HasPrefix(out.String(), "work: 75 events in ") || !strings.HasSuffix(out.String(), "/s\n") {
		t.Errorf("%q", out.String())
	}
}
