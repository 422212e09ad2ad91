package sink

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

// TestContinuedFoldsLeadToTheSameTables projects a log in small batches, in which
// almost every conversation is long, and once as a whole.
func TestContinuedFoldsLeadToTheSameTables(t *testing.T) {
	events := foldtest.Stream(foldtest.Seeded(11), 12)
	slices.SortStableFunc(events, func(a, b schema.Event) int { return int(a.Time - b.Time) })
	late := events[len(events)/2]
	events = append(slices.Delete(events, len(events)/2, len(events)/2+1), late)
	log := porttest.NewLog()
	var last schema.Sequence
	for i := range events {
		last = log.Append(time.UnixMilli(int64(events[i].Time)), schema.Encode(&events[i]))
	}
	project := func(long, batch int) uint32 {
		s := empty(t, Options{StoreText: true})
		p, err := projector.New(projector.Config{Log: log, Sink: s, Archive: s, BatchEvents: batch, LongEvents: long})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = p.Run(ctx) }()
		looks := time.NewTicker(5 * time.Millisecond)
		defer looks.Stop()
		for deadline := time.Now().Add(2 * time.Minute); p.Progress().Position < last || len(p.Behind()) > 0; <-looks.C {
			if time.Now().After(deadline) {
				t.Fatalf("the position is %d of %d: %v", p.Progress().Position, last, p.Ready())
			}
		}
		cancel()
		<-done
		return s.options.Projection
	}
	want, got := contents(t, project(100_000, 100_000)), contents(t, project(2, 13))
	for name := range want {
		if got[name] != want[name] {
			t.Errorf("%s differs:\n%s\nwant\n%s", name, got[name], want[name])
		}
	}
}

func TestMessagesAreFoundByIDAndByPlace(t *testing.T) {
	s := empty(t, Options{})
	key, other := foldtest.Conversation(1, 1), foldtest.Conversation(1, 2)
	at := func(ms schema.Timestamp) *schema.Timestamp { return &ms }
	text := func(s string) *string { return &s }
	messages := []fold.Message{
		{ID: "a", ContactID: text("c:1"), SentAt: 1000, AuthorKind: schema.KindBot, AuthorID: text("7"), Automatic: true, Position: 1},
		{ID: "b", SentAt: 2000, AuthorKind: schema.KindVisitor, ReadAt: at(3000), Position: 2},
		{ID: "c", SentAt: 3000, AuthorKind: schema.KindVisitor, DeletedAt: at(4000), Position: 4},
	}
	write := func(position, version schema.Sequence, rows []fold.Message) {
		t.Helper()
		c := fold.Rows{Conversation: fold.Conversation{ConversationKey: key, EventCount: 1, FirstSequence: 1, LastSequence: version}, Messages: rows}
		if err := s.Write(t.Context(), &projector.Batch{Log: projector.LogEvents, Position: position, Changes: []projector.Change{{After: c}}}); err != nil {
			t.Fatal(err)
		}
	}
	older := messages[1]
	older.ReadAt = nil
	write(1, 1, []fold.Message{messages[0], older, messages[2]})
	write(2, 2, messages[1:2])
	look := func(wanted fold.Wanted, want ...fold.Message) {
		t.Helper()
		found, err := s.Messages(t.Context(), map[schema.ConversationKey]fold.Wanted{key: wanted, other: {IDs: []string{"a"}}})
		if err != nil {
			t.Fatal(err)
		}
		got := found[key]
		slices.SortFunc(got, func(a, b fold.Message) int { return int(a.Position) - int(b.Position) })
		if len(found) != 2 || len(found[other]) != 0 || !slices.EqualFunc(got, want, func(a, b fold.Message) bool { return same(&a, &b) }) {
			t.Errorf("%+v: %+v\nwant %+v", wanted, found, want)
		}
	}
	look(fold.Wanted{})
	look(fold.Wanted{IDs: []string{"b", "unknown", "c"}}, messages[1], messages[2])
	look(fold.Wanted{From: 2, To: 4}, messages[1])
	look(fold.Wanted{IDs: []string{"a"}, From: 2, To: 5}, messages...)
}
