package eventlog

import (
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/schema"
)

func TestNextSkipsDeletedEntries(t *testing.T) {
	b := open(t, enginetest.NATS(t))
	s := b.Events()
	r := s.NewReader()
	if next, err := r.Next(testContext(t), 0); err != nil || next != 0 {
		t.Fatalf("next in an empty stream: %d, %v", next, err)
	}
	mustAppend(t, s, messages(1, 10)...)
	for _, gone := range []schema.Sequence{4, 5, 9, 10} {
		if err := s.Erase(testContext(t), gone); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.DropBefore(testContext(t), 3); err != nil {
		t.Fatal(err)
	}
	for after, want := range map[schema.Sequence]schema.Sequence{0: 3, 2: 3, 3: 6, 4: 6, 8: 0, 10: 0, 99: 0} {
		if next, err := r.Next(testContext(t), after); err != nil || next != want {
			t.Errorf("next after %d: %d, want %d (%v)", after, next, want, err)
		}
	}
	if first, err := r.First(testContext(t)); err != nil || first != 3 {
		t.Errorf("first: %d, %v", first, err)
	}
	if err := s.DropBefore(testContext(t), 11); err != nil {
		t.Fatal(err)
	}
	if first, err := r.First(testContext(t)); err != nil || first != 11 {
		t.Errorf("first of nothing: %d, %v", first, err)
	}
}
