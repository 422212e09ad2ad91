package porttest

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// SinkSubject is a sink with its archive under test, over tables of its own
// that are empty at first.
type SinkSubject struct {
	// Open opens them again, as after a restart.
	Open func(t *testing.T) (projector.Sink, projector.Archive)
	// Conversations returns the rows of conversations that a reader sees.
	Conversations func(t *testing.T) []Seen
}

// Seen is a row of conversations, as far as the tests look at it.
type Seen struct {
	schema.ConversationKey
	ClosedAt     *schema.Timestamp
	LastSequence schema.Sequence
	EventCount   uint32
	ContactCount uint32
}

// String makes rows comparable.
func (s Seen) String() string {
	closed := "open"
	if s.ClosedAt != nil {
		closed = s.ClosedAt.String()
	}
	return fmt.Sprint(s.Project, s.Conversation, closed, s.LastSequence, s.EventCount, s.ContactCount)
}

// Sinks tests an implementation of [projector.Sink] and [projector.Archive].
// open makes one with tables of its own.
func Sinks(t *testing.T, open func(t *testing.T) SinkSubject) {
	t.Run("PositionsAreKeptByLog", func(t *testing.T) { positionsAreKept(t, open(t)) })
	t.Run("EventsAreRecalledAsTheyWere", func(t *testing.T) { eventsAreRecalled(t, open(t)) })
	t.Run("EventsAreReadInPieces", func(t *testing.T) { piecesAreRead(t, open(t)) })
	t.Run("KeysAreKnownWithTheirLowestSequence", func(t *testing.T) { keysAreKnown(t, open(t)) })
	t.Run("WhatWasRefusedIsKnown", func(t *testing.T) { refusedAreKnown(t, open(t)) })
	t.Run("ABatchMayBeWrittenAgain", func(t *testing.T) { batchesRepeat(t, open(t)) })
	t.Run("AMovedSortKeyLeavesOneRow", func(t *testing.T) { sortKeysMove(t, open(t)) })
	t.Run("AProjectorFillsTheTables", func(t *testing.T) { projectorFills(t, open(t), 1000) })
	t.Run("AProjectorFillsTheTablesWithLargeConversations", func(t *testing.T) { projectorFills(t, open(t), 2) })
}

// batchOf is a batch with all events of conversations, up to the last.
func batchOf(records []schema.Record) *projector.Batch {
	b := &projector.Batch{Log: projector.LogEvents, Position: records[len(records)-1].Sequence}
	for _, r := range records {
		b.Events = append(b.Events, projector.ArchivedEvent{Record: r, Original: schema.Encode(&r.Event)})
	}
	distinct := foldtest.Distinct(records)
	for _, key := range slices.SortedFunc(maps.Keys(distinct), func(a, b schema.ConversationKey) int {
		return bytes.Compare([]byte(a.Conversation), []byte(b.Conversation))
	}) {
		b.Changes = append(b.Changes, projector.Change{After: fold.Of(distinct[key])})
	}
	return b
}

func write(t *testing.T, sink projector.Sink, b *projector.Batch) {
	t.Helper()
	if err := sink.Write(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

func realistic(seed uint64, n int) []schema.Record {
	events := foldtest.Realistic(foldtest.Seeded(seed), foldtest.Conversation(1, n), 1_700_000_000_000)
	return foldtest.Records(events, 1)
}

func positionsAreKept(t *testing.T, s SinkSubject) {
	sink, _ := s.Open(t)
	look := func(log string, want schema.Sequence) {
		t.Helper()
		if got, held, err := sink.Position(t.Context(), log); got != want || held != want || err != nil {
			t.Errorf("position of %s is %d, rows up to %d, %v; want %d", log, got, held, err, want)
		}
	}
	look(projector.LogEvents, 0)
	origin := projector.Origin{Log: "of events", Checksum: 1<<32 - 1}
	write(t, sink, &projector.Batch{Log: projector.LogEvents, Position: 6, Origin: projector.Origin{Log: "of events", Checksum: 6}})
	write(t, sink, &projector.Batch{Log: projector.LogEvents, Position: 7, Origin: origin})
	write(t, sink, &projector.Batch{Log: "rejected", Position: 3, Quarantine: []projector.Rejection{{
		Log: "rejected", Sequence: 2, Reason: schema.CodeInvalid, Detail: "data: must be", Original: []byte{0, 255},
	}}})
	for range 2 {
		look(projector.LogEvents, 7)
		look("rejected", 3)
		for log, want := range map[string]projector.Origin{projector.LogEvents: origin, "rejected": {}, "never written": {}} {
			if got, err := sink.Origin(t.Context(), log); got != want || err != nil {
				t.Errorf("origin of %s: %+v, %v; want %+v", log, got, err, want)
			}
		}
		sink, _ = s.Open(t)
	}
}

func eventsAreRecalled(t *testing.T, s SinkSubject) {
	sink, _ := s.Open(t)
	records := realistic(1, 1)
	b := batchOf(records)
	write(t, sink, b)
	_, archive := s.Open(t)
	key := records[0].Event.ConversationKey()
	found, err := archive.Recall(t.Context(), []schema.ConversationKey{key, foldtest.Conversation(1, 2), foldtest.Conversation(2, 1)})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) != 1 || len(found[key]) != len(records) {
		t.Fatalf("recalled %d conversations, %d events; want 1 of %d", len(found), len(found[key]), len(records))
	}
	for i, e := range found[key] {
		if e.Sequence != records[i].Sequence || e.ReceivedAt != records[i].ReceivedAt || !bytes.Equal(e.Original, b.Events[i].Original) {
			t.Errorf("event %d is %d at %s: %s", i, e.Sequence, e.ReceivedAt, e.Original)
		}
		if e.Event.Key() != records[i].Event.Key() || e.Event.Type != records[i].Event.Type || e.Event.Time != records[i].Event.Time {
			t.Errorf("event %d is %v", i, e.Event)
		}
	}
}

func piecesAreRead(t *testing.T, s SinkSubject) {
	sink, _ := s.Open(t)
	records := realistic(1, 1)
	write(t, sink, batchOf(records))
	_, archive := s.Open(t)
	key := records[0].Event.ConversationKey()
	for most, want := range map[int]int{len(records) - 1: 1, len(records): 0} {
		large, err := archive.Larger(t.Context(), []schema.ConversationKey{key, foldtest.Conversation(1, 2)}, most)
		if err != nil || len(large) != want || want > 0 && large[0] != key {
			t.Errorf("%d events are more than %d: %v, %v", len(records), most, large, err)
		}
	}
	// Whichever the size, the pieces are all events between two sequences, in the order of their time.
	all := projector.Piece{ConversationKey: key, After: records[1].Sequence, UpTo: records[len(records)-2].Sequence, Later: -1, Until: math.MaxInt64}
	for _, about := range []int{1, 3, 1000} {
		pieces, err := archive.Pieces(t.Context(), all, about)
		if err != nil {
			t.Fatal(err)
		}
		read := map[schema.Sequence]bool{}
		before := schema.Timestamp(-1)
		for _, piece := range pieces {
			some, err := archive.Piece(t.Context(), piece)
			if err != nil {
				t.Fatal(err)
			}
			instants, latest := map[schema.Timestamp]bool{}, before
			for _, r := range some {
				if r.Event.Time <= before || read[r.Sequence] {
					t.Errorf("%d of %s is in a piece after %s", r.Sequence, r.Event.Time, before)
				}
				read[r.Sequence], instants[r.Event.Time] = true, true
				latest = max(latest, r.Event.Time)
			}
			if before = latest; len(instants) > about || len(some) == 0 {
				t.Errorf("a piece of %d has %d events at %d instants", about, len(some), len(instants))
			}
		}
		for _, r := range records {
			if want := r.Sequence > all.After && r.Sequence <= all.UpTo; read[r.Sequence] != want {
				t.Errorf("in pieces of %d, event %d is read: %v", about, r.Sequence, !want)
			}
		}
	}
	all.Most = 3
	some, err := archive.Piece(t.Context(), all)
	if err != nil || len(some) != 3 || some[0].Sequence != records[2].Sequence || some[2].Sequence != records[4].Sequence {
		t.Errorf("the first events: %v, %v", some, err)
	}
}

func keysAreKnown(t *testing.T, s SinkSubject) {
	sink, archive := s.Open(t)
	records := realistic(1, 1)
	some := records[3].Event.Key()
	unknown := schema.EventKey{Project: some.Project + 1, Source: some.Source, ID: some.ID}
	look := func(want schema.Sequence) {
		t.Helper()
		known, err := archive.Known(t.Context(), []schema.EventKey{some, unknown})
		if err != nil {
			t.Fatal(err)
		}
		if _, there := known[unknown]; there || known[some] != want {
			t.Errorf("known: %v, want %d", known, want)
		}
	}
	look(0)
	write(t, sink, batchOf(records))
	look(4)
	// The same key under a higher sequence, as an overlapping batch may write it.
	again := records[3]
	again.Sequence = 900
	b := batchOf(append(slices.Clone(records), again))
	b.Events = b.Events[len(b.Events)-1:]
	write(t, sink, b)
	look(4)
	_, archive = s.Open(t)
	look(4)
}

func refusedAreKnown(t *testing.T, s SinkSubject) {
	sink, _ := s.Open(t)
	b := &projector.Batch{Log: projector.LogEvents, Position: 9}
	for i, reason := range []schema.Code{schema.CodeUnwritable, schema.CodeInvalidJSON, schema.CodeUnwritable} {
		b.Quarantine = append(b.Quarantine, projector.Rejection{Log: projector.LogEvents, Sequence: schema.Sequence(7 + i), Reason: reason,
			Source: "/crm", EventID: fmt.Sprint("e-", i), Original: []byte("{}")})
	}
	write(t, sink, b)
	sink, _ = s.Open(t)
	for log, want := range map[string][]projector.Rejection{
		projector.LogRejected: nil,
		projector.LogEvents: {
			{Log: projector.LogEvents, Sequence: 9, Reason: schema.CodeUnwritable, Source: "/crm", EventID: "e-2"},
			{Log: projector.LogEvents, Sequence: 7, Reason: schema.CodeUnwritable, Source: "/crm", EventID: "e-0"},
		},
	} {
		if got, err := sink.Unwritable(t.Context(), log); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("of %s: %+v (%v), want %+v", log, got, err, want)
		}
	}
}

func (s SinkSubject) expect(t *testing.T, want map[schema.ConversationKey][]schema.Record) {
	t.Helper()
	var expected, seen []string
	for _, records := range want {
		rows := fold.Of(records)
		if rows.Empty() {
			continue // a profile: no conversation
		}
		c := rows.Conversation
		expected = append(expected, Seen{c.ConversationKey, c.ClosedAt, c.LastSequence, c.EventCount, c.ContactCount}.String())
	}
	for _, row := range s.Conversations(t) {
		seen = append(seen, row.String())
	}
	slices.Sort(expected)
	slices.Sort(seen)
	if !slices.Equal(seen, expected) {
		t.Errorf("a reader sees\n%q\nwant\n%q", seen, expected)
	}
}

func batchesRepeat(t *testing.T, s SinkSubject) {
	sink, _ := s.Open(t)
	records := realistic(2, 1)
	write(t, sink, batchOf(records))
	write(t, sink, batchOf(records))
	sink, archive := s.Open(t)
	write(t, sink, batchOf(records))
	s.expect(t, foldtest.Distinct(records))
	key := records[0].Event.ConversationKey()
	found, err := archive.Recall(t.Context(), []schema.ConversationKey{key})
	if err != nil || len(found[key]) != len(records) {
		t.Errorf("recalled %d events, %v; want %d", len(found[key]), err, len(records))
	}
}

func sortKeysMove(t *testing.T, s SinkSubject) {
	sink, _ := s.Open(t)
	key := foldtest.Conversation(1, 1)
	var records []schema.Record
	happen := func(at schema.Timestamp, typ schema.Type, data schema.Data) {
		n := schema.Sequence(len(records) + 1)
		records = append(records, schema.Record{Sequence: n, ReceivedAt: at, Event: schema.Event{
			Project: key.Project, Conversation: key.Conversation, Source: "s", ID: fmt.Sprint(n), Time: at, Type: typ, Data: data}})
	}
	const day = 1_700_000_000_000
	user := schema.User{ID: 1, Kind: schema.KindBot}
	happen(day+1000, schema.TypePushed, &schema.Pushed{To: user})
	happen(day+9000, schema.TypeClosed, &schema.Closed{})
	happen(day+3000, schema.TypeClosed, &schema.Closed{})
	happen(day+20_000, schema.TypePushed, &schema.Pushed{To: user})
	happen(day+9_000, schema.TypePushed, &schema.Pushed{To: user})
	happen(day+30_000, schema.TypeClosed, &schema.Closed{})
	for n := range records {
		b := batchOf(records[:n+1])
		b.Events = b.Events[n:]
		if n > 0 {
			b.Changes[0].Before = new(fold.Of(records[:n]))
		}
		write(t, sink, b)
		s.expect(t, foldtest.Distinct(records[:n+1]))
	}
	if stored, held, err := sink.Position(t.Context(), projector.LogEvents); held != stored || err != nil {
		t.Errorf("position %d and rows up to %d after clean writes: %v", stored, held, err)
	}
}

// projectorFills runs projectors over a log, several times with a restart.
func projectorFills(t *testing.T, s SinkSubject, long int) {
	events := foldtest.Stream(foldtest.Seeded(3), 40)
	log := NewLog()
	for part := range 4 {
		for _, e := range events[part*len(events)/4 : (part+1)*len(events)/4] {
			log.Append(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), schema.Encode(&e))
		}
		last, _ := log.Last(t.Context())
		sink, archive := s.Open(t)
		p, err := projector.New(projector.Config{Log: log, Sink: sink, Archive: archive, BatchEvents: 150 * (1 + part), LongEvents: long})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = p.Run(ctx) }()
		looks := time.NewTicker(5 * time.Millisecond)
		for deadline := time.Now().Add(time.Minute); p.Progress().Position < last || len(p.Behind()) > 0; <-looks.C {
			if time.Now().After(deadline) {
				t.Errorf("the position is %d of %d: %v", p.Progress().Position, last, p.Ready())
				break
			}
		}
		looks.Stop()
		cancel()
		<-done
		s.expect(t, foldtest.Distinct(foldtest.Records(events[:last], 1)))
	}
}
