package eventlog

import (
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog/record"
)

func TestNextSkipsDeletedEntries(t *testing.T) {
	b := open(t, enginetest.NATS(t))
	s := b.Events()
	r := s.NewReader()
	if next, err := r.Next(testContext(t), 0); err != nil || next != 0 {
		t.Fatalf("next in an empty stream: %d, %v", next, err)
	}
	mustAppend(t, s, singles(1, 10)...)
	for _, gone := range []record.Number{4, 5, 9, 10} {
		if err := s.Erase(testContext(t), at(gone, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DropBefore(testContext(t), at(3, 0)); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[record.Number]record.Number{0: 3, 2: 3, 3: 6, 4: 6, 8: 0, 10: 0, 99: 0} {
		if next, err := r.Next(testContext(t), at(after, 0)); err != nil || next != at(want, 0) {
			t.Errorf("next after %d: %d, want record %d (%v)", after, next, want, err)
		}
	}
	if first, err := r.First(testContext(t)); err != nil || first != at(3, 0) {
		t.Errorf("first: %d, %v", first, err)
	}
	if err := s.DropBefore(testContext(t), at(11, 0)); err != nil {
		t.Fatal(err)
	}
	if first, err := r.First(testContext(t)); err != nil || first != at(11, 0) {
		t.Errorf("first of nothing: %d, %v", first, err)
	}
}
