package sink

import (
	"errors"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

func TestAnEventWhoseRowsTheServerRefusesLeavesNoKey(t *testing.T) { overBoth(t, testRefusedRow) }

func testRefusedRow(t *testing.T, url string) {
	s := emptyOver(t, connectTo(t, url), Options{})
	enginetest.ClickHouse(t).Exec(t, s.in("ALTER TABLE $projection.conversations ADD CONSTRAINT none CHECK project_id != 1"))
	events := archived(foldtest.Realistic(foldtest.Seeded(3), foldtest.Conversation(1, 1), 1_700_000_000_000)[:1], 1)
	batch := func() *projector.Batch {
		return &projector.Batch{
			Log: projector.LogEvents, Position: 1, Events: events,
			Changes: []projector.Change{{After: fold.Of([]schema.Record{events[0].Record})}},
		}
	}
	var unwritable *projector.UnwritableError
	if err := s.Write(t.Context(), batch()); !errors.As(err, &unwritable) {
		t.Fatalf("the write of a refused row gives %v", err)
	}
	key := events[0].Event.Key()
	if known, err := reopen(t, s.conn, s.options).Known(t.Context(), []schema.EventKey{key}); err != nil || len(known) > 0 {
		t.Errorf("a refused event is known: %v, %v", known, err)
	}
	enginetest.ClickHouse(t).Exec(t, s.in("ALTER TABLE $projection.conversations DROP CONSTRAINT none"))
	if err := s.Write(t.Context(), batch()); err != nil {
		t.Fatal(err)
	}
	if known, err := s.Known(t.Context(), []schema.EventKey{key}); err != nil || known[key] != 1 {
		t.Errorf("a written event is known as %v, %v", known, err)
	}
}
