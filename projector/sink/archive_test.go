package sink

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

func TestRecallReturnsTheOriginalBytes(t *testing.T) {
	s := empty(t, Options{})
	d := foldtest.Seeded(3)
	wide, other := foldtest.Conversation(1, 1), foldtest.Conversation(2, 1) // one id in two projects
	events := append(foldtest.Realistic(d, wide, 1_700_000_000_000), foldtest.Realistic(d, other, 1_700_000_000_000)...)
	log := archived(events, 1)
	// Bytes that none of our encoders would write.
	log[0].Original = append([]byte(" \r\n\t"), append(log[0].Original, "\n"...)...)
	write := func() {
		t.Helper()
		if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: schema.Sequence(len(log)), Events: log}); err != nil {
			t.Fatal(err)
		}
	}
	write()
	write() // a batch may be written twice

	// More keys than one statement takes, most of them unknown.
	keys := []schema.ConversationKey{other}
	for i := range recallAtOnce {
		keys = append(keys, foldtest.Conversation(3, i))
	}
	keys = append(keys, wide)
	recalled, err := s.Recall(t.Context(), keys)
	if err != nil {
		t.Fatal(err)
	}
	if len(recalled) != 2 {
		t.Errorf("%d conversations are recalled", len(recalled))
	}
	next := map[schema.ConversationKey]int{}
	for _, want := range log {
		key := want.Event.ConversationKey()
		got := recalled[key][next[key]]
		next[key]++
		if !bytes.Equal(got.Original, want.Original) || got.Sequence != want.Sequence || got.ReceivedAt != want.ReceivedAt {
			t.Errorf("event %d comes back as %+v", want.Sequence, got)
		}
		if fmt.Sprintf("%#v", got.Event.Key()) != fmt.Sprintf("%#v", want.Event.Key()) {
			t.Errorf("event %d comes back as %v", want.Sequence, got.Event.Key())
		}
	}
	for key, n := range next {
		if len(recalled[key]) != n {
			t.Errorf("%v has %d events, want %d", key, len(recalled[key]), n)
		}
	}
}

func TestRecallNamesAnEventThatDoesNotDecode(t *testing.T) {
	s := empty(t, Options{})
	key := foldtest.Conversation(1, 1)
	event := archived(foldtest.Realistic(foldtest.Seeded(1), key, 1_700_000_000_000)[:1], 42)
	event[0].Original = []byte(`{"secret"`)
	if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 42, Events: event}); err != nil {
		t.Fatal(err)
	}
	_, err := s.Recall(t.Context(), []schema.ConversationKey{key})
	if err == nil || !bytes.Contains([]byte(err.Error()), []byte("sequence 42")) || bytes.Contains([]byte(err.Error()), []byte("secret")) {
		t.Errorf("error is %v", err)
	}
}

func TestKnownKeysAreFoundAcrossConversationsAndProcesses(t *testing.T) {
	s := empty(t, Options{})
	d := foldtest.Seeded(5)
	log := archived(append(foldtest.Realistic(d, foldtest.Conversation(1, 1), 1_700_000_000_000),
		foldtest.Realistic(d, foldtest.Conversation(2, 2), 1_700_000_000_000)...), 10)
	var keys []schema.EventKey
	for i := range log {
		keys = append(keys, log[i].Event.Key())
	}
	check := func(s *Sink, want int) {
		t.Helper()
		// Each key with variants that must not run into it.
		asked := append([]schema.EventKey(nil), keys...)
		for _, k := range keys {
			asked = append(asked, schema.EventKey{Project: k.Project + 10, Source: k.Source, ID: k.ID},
				schema.EventKey{Project: k.Project, Source: k.Source + k.ID[:1], ID: k.ID[1:]}, schema.EventKey{Project: k.Project, Source: k.Source, ID: k.ID + "x"})
		}
		known, err := s.Known(t.Context(), asked)
		if err != nil {
			t.Fatal(err)
		}
		if len(known) != want {
			t.Errorf("%d keys are known, want %d", len(known), want)
		}
		for i, k := range keys[:min(want, len(keys))] {
			if known[k] != log[i].Sequence {
				t.Errorf("key %d is known under %d, want %d", i, known[k], log[i].Sequence)
			}
		}
	}
	check(s, 0)
	if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 100, Events: log}); err != nil {
		t.Fatal(err)
	}
	check(s, len(keys))

	// A later event of the same key changes nothing: the lowest sequence counts.
	again := log[0]
	again.Sequence = 200
	elsewhere := reopen(t, s.conn, s.options)
	check(elsewhere, len(keys))
	if err := elsewhere.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 200, Events: []projector.ArchivedEvent{again}}); err != nil {
		t.Fatal(err)
	}
	check(elsewhere, len(keys))
}

// TestKnownSeesWhatAnotherProcessWroteBeforeThePosition has two owners for a
// moment: the second has read the position of the first.
func TestKnownSeesWhatAnotherProcessWroteBeforeThePosition(t *testing.T) {
	first := empty(t, Options{})
	second := reopen(t, first.conn, first.options)
	log := archived(foldtest.Realistic(foldtest.Seeded(5), foldtest.Conversation(1, 1), 1_700_000_000_000), 1)
	key := log[0].Event.Key()
	if known, err := second.Known(t.Context(), []schema.EventKey{key}); err != nil || len(known) != 0 {
		t.Fatalf("%v %v", known, err)
	}
	if err := first.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 50, Events: log}); err != nil {
		t.Fatal(err)
	}
	if position, _, err := second.Position(t.Context(), projector.LogEvents); err != nil || position != 50 {
		t.Fatalf("%v %v", position, err)
	}
	if known, err := second.Known(t.Context(), []schema.EventKey{key}); err != nil || known[key] != 1 {
		t.Errorf("%v %v", known, err)
	}
}

// TestPositionFindsWhatACutOffBatchLeft cuts a batch off that closes a conversation.
func TestPositionFindsWhatACutOffBatchLeft(t *testing.T) {
	for _, stage := range []Stage{StageKeys, StageRows, StageEvents, StageQuarantine, StagePosition} {
		t.Run(string(stage), func(t *testing.T) {
			var cut Stage
			s := empty(t, Options{After: func(done Stage) error {
				if done == cut {
					return errCut
				}
				return nil
			}})
			key := foldtest.Conversation(1, 1)
			open := fold.Rows{Conversation: fold.Conversation{ConversationKey: key, LastSequence: 1, EventCount: 1}}
			closed := fold.Rows{Conversation: fold.Conversation{ConversationKey: key, LastSequence: 5, EventCount: 1, ClosedAt: new(schema.Timestamp(99))}}
			if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 1, Changes: []projector.Change{{After: open}}}); err != nil {
				t.Fatal(err)
			}
			cut = stage
			if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: 6, Changes: []projector.Change{{Before: &open, After: closed}}}); err == nil {
				t.Fatal("the batch is not cut off")
			}
			cut = ""

			after := reopen(t, s.conn, s.options)
			stored, held, err := after.Position(t.Context(), projector.LogEvents)
			if err != nil {
				t.Fatal(err)
			}
			ahead := schema.Sequence(5)
			if stage == StagePosition {
				ahead = stored
			}
			if held != ahead {
				t.Errorf("rows are held up to %d, want %d", held, ahead)
			}
			if stored, held, err := after.Position(t.Context(), projector.LogRejected); err != nil || held != stored {
				t.Errorf("rows of the other log are ahead of %d, up to %d (%v)", stored, held, err)
			}
			if count := enginetest.ClickHouse(t).Exec(t, s.in("SELECT count() FROM $projection.conversations FINAL")); count != "1" {
				t.Errorf("%s rows are visible", count)
			}
		})
	}
}

// TestConversationsThatAreNewAreNotLookedFor has the filter made by this process,
// and by the tables.
func TestConversationsThatAreNewAreNotLookedFor(t *testing.T) {
	s := empty(t, Options{})
	batch := played(50)
	old := map[schema.ConversationKey]bool{}
	var keys, newer []schema.ConversationKey
	for _, e := range batch.Events {
		if !old[e.Event.ConversationKey()] {
			old[e.Event.ConversationKey()] = true
			keys = append(keys, e.Event.ConversationKey())
		}
	}
	for i := range 1000 {
		newer = append(newer, foldtest.Conversation(1, 1_000_000+i))
	}
	if _, err := s.Known(t.Context(), []schema.EventKey{batch.Events[0].Event.Key()}); err != nil {
		t.Fatal(err)
	}
	if err := s.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	again := reopen(t, s.conn, s.options)
	if got := again.seen.archived(newer); len(got) != len(newer) {
		t.Errorf("%d of %d are ruled out before the filter is made", len(newer)-len(got), len(newer))
	}
	if _, err := again.Known(t.Context(), []schema.EventKey{batch.Events[0].Event.Key()}); err != nil {
		t.Fatal(err)
	}
	for made, sink := range map[string]*Sink{"as written": s, "from the tables": again} {
		if got := sink.seen.archived(keys); len(got) != len(keys) {
			t.Errorf("%s: only %d of %d conversations are looked for", made, len(got), len(keys))
		}
		if got := sink.seen.archived(newer); len(got) > 50 {
			t.Errorf("%s: %d of %d new conversations are looked for", made, len(got), len(newer))
		}
		found, err := sink.Recall(t.Context(), append(slices.Clone(newer), keys...))
		if err != nil || len(found) != len(keys) {
			t.Errorf("%s: %d of %d conversations are found: %v", made, len(found), len(keys), err)
		}
	}
}
