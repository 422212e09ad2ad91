package asof_test

import (
	"context"
	"slices"
	"testing"

	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/asof"
	"github.com/parley-analytics/parley/schema"
)

// moving are tables in which conversations begin to straddle a position.
type moving struct{ straddling []schema.ConversationKey }

func (m *moving) Position(context.Context, uint32) (schema.Sequence, error) { return 9, nil }

func (m *moving) Straddling(context.Context, query.Scope, schema.Sequence, int) ([]schema.ConversationKey, error) {
	return slices.Clone(m.straddling), nil
}

func (m *moving) EventsOf(context.Context, query.Scope, []schema.ConversationKey) ([]query.EventRow, error) {
	return nil, nil
}

// TestAStatementMissesNothingThatAnotherHasFound lets a conversation move while two statements run: the first to look finds it,
// and the other one must know that it lacked it.
func TestAStatementMissesNothingThatAnotherHasFound(t *testing.T) {
	tables := &moving{}
	overlay := asof.NewCache(tables).Overlay(query.Scope{AsOf: 5})
	state := func() asof.State {
		s, err := overlay.State(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	one, other := state(), state()
	tables.straddling = []schema.ConversationKey{foldtest.Conversation(1, 1)}
	for name, used := range map[string]asof.State{"one": one, "other": other} {
		if grown, err := overlay.Complete(t.Context(), used); err != nil || !grown {
			t.Errorf("%s: grown %v, %v", name, grown, err)
		}
	}
	if grown, err := overlay.Complete(t.Context(), state()); err != nil || grown {
		t.Errorf("nothing is lacking: grown %v, %v", grown, err)
	}
}
