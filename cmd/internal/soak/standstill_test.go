package soak

import (
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// TestTheWatcherFindsStandstills gives it a sample a second.
func TestTheWatcherFindsStandstills(t *testing.T) {
	ready := sample{ready: true, ingest: true}
	type part struct {
		seconds int
		of      func(n int) sample // the n-th sample of the part
	}
	at := func(position, last schema.Sequence) func(int) sample {
		return func(int) sample { s := ready; s.position, s.last = position, last; return s }
	}
	growing := func(position schema.Sequence) func(int) sample {
		return func(n int) sample { return at(position, schema.Sequence(100+n))(n) }
	}
	unready := func(n int) sample { s := growing(10)(n); s.ready = false; return s }
	unread := func(int) sample { return ready }
	refusing := func(n int) sample { s := at(10, 10)(n); s.taken, s.refused = 5, int64(n); return s }
	for _, c := range []struct {
		name  string
		parts []part
		want  string
	}{
		{"still, but with all of the log", []part{{600, at(10, 10)}}, ""},
		{"still, with the log ahead", []part{{61, at(10, 20)}}, "stood still at 10"},
		{"still, with the log moving", []part{{30, at(10, 10)}, {61, growing(10)}}, "stood still at 10"},
		{"still for less than a minute", []part{{59, growing(10)}, {59, growing(11)}}, ""},
		{"moving far behind", []part{{600, func(n int) sample { return at(schema.Sequence(1+n), 1000)(n) }}}, ""},
		{"still, and saying so at last", []part{{50, growing(10)}, {600, unready}, {50, growing(10)}}, ""},
		{"still, and saying so for a moment", []part{{50, growing(10)}, {1, unready}, {61, growing(10)}}, "stood still at 10"},
		{"still, and neither can be read", []part{{2, growing(10)}, {60, unread}}, "stood still at 10"},
		{"never read", []part{{600, unread}}, ""},
		{"back at an older version", []part{{50, growing(10)}, {50, growing(5)}}, ""},
		{"ready for queries of all", []part{{61, func(n int) sample { s := growing(10)(n); s.ingest = false; return s }}}, "stood still at 10"},
		{"refusing everything", []part{{62, refusing}}, "every request was refused"},
		{"refusing everything, and saying so", []part{{600, func(n int) sample { s := refusing(n); s.ingest = false; return s }}}, ""},
		{"taking some", []part{{600, func(n int) sample { s := refusing(n); s.taken = int64(n / 50); return s }}}, ""},
		{"asked for nothing", []part{{2, refusing}, {600, func(int) sample { return refusing(1) }}}, ""},
	} {
		var w standstill
		var found error
		now := time.Unix(0, 0)
		for _, part := range c.parts {
			for n := range part.seconds {
				s := part.of(n)
				s.at = now
				if err := w.look(s); found == nil {
					found = err
				}
				now = now.Add(time.Second)
			}
		}
		if c.want == "" && found != nil || c.want != "" && (found == nil || !strings.Contains(found.Error(), c.want)) {
			t.Errorf("%s: %v, want %q", c.name, found, c.want)
		}
	}
}

// TestTheWatcherIsPatientWhenItSleptItself leaves out samples, as on a machine that is too busy.
func TestTheWatcherIsPatientWhenItSleptItself(t *testing.T) {
	var w standstill
	for n := range 100 {
		s := sample{at: time.Unix(int64(20*n), 0), ready: true, position: 10, last: 20}
		if err := w.look(s); err != nil {
			t.Fatal(err)
		}
	}
}
