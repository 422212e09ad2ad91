package fold_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/reference"
	"github.com/parley-analytics/parley/schema"
)

// thread is the table of messages: what continued folds have written.
type thread map[string]fold.Message

// find returns the messages wanted, without their texts.
func (t thread) find(wanted fold.Wanted) []fold.Message {
	var found []fold.Message
	for _, m := range t {
		if slices.Contains(wanted.IDs, m.ID) || m.Position >= wanted.From && m.Position < wanted.To {
			m.Text = nil
			found = append(found, m)
		}
	}
	return found
}

// write keeps the rows, as the tables do: a row without a text leaves the text
// that is there, unless the message is deleted.
func (t thread) write(rows []fold.Message) {
	for _, m := range rows {
		if m.Text == nil && m.DeletedAt == nil {
			m.Text = t[m.ID].Text
		}
		t[m.ID] = m
	}
}

// whole returns rows with all messages.
func (t thread) whole(rows fold.Rows) fold.Rows {
	rows.Messages = slices.SortedFunc(maps.Values(t), func(a, b fold.Message) int { return int(a.Position) - int(b.Position) })
	return rows
}

// TestAContinuedFoldIsTheFoldOfAll cuts the log of a conversation anywhere, and
// folds part after part: continued where that is possible.
func TestAContinuedFoldIsTheFoldOfAll(t *testing.T) {
	continued, again := 0, 0
	property := func(t *rapid.T) {
		log := nasty(t)
		if late := rapid.IntRange(0, 5).Draw(t, "late events"); late > 0 { // none, or a few a little
			sorted := schema.InOrder(log)
			for i := 0; late > 3 && i+1 < len(sorted); i += 5 {
				by := min(rapid.IntRange(1, 8).Draw(t, "late by"), len(sorted)-1-i)
				r := sorted[i]
				copy(sorted[i:i+by], sorted[i+1:])
				sorted[i+by] = r
			}
			log = nil
			for i, r := range sorted {
				r := *r
				r.Sequence = schema.Sequence(i + 1)
				log = append(log, r)
			}
		}
		held := rapid.IntRange(0, 5).Draw(t, "held")
		tables := thread{}
		var state *fold.State
		var written fold.Rows
		for done := 0; done < len(log); {
			n := rapid.IntRange(1, 12).Draw(t, "events")
			fresh := log[done:min(len(log), done+n)]
			done += len(fresh)
			ok := false
			if state != nil {
				var wanted fold.Wanted
				if wanted, ok = state.Wants(fresh); ok {
					var before, after fold.Rows
					var next *fold.State
					if next, before, after, ok = state.Continue(fresh, tables.find(wanted)); ok {
						state = next
						continued++
						before.Messages = written.Messages
						if !reflect.DeepEqual(before, written) {
							t.Fatalf("before:\n%+v\nwant:\n%+v", before, written)
						}
						tables.write(after.Messages)
						written = tables.whole(after)
					}
				}
			}
			if state != nil && !ok {
				earlier := state.Earlier()
				for i := len(earlier) - 1; i >= 0 && !ok; i-- {
					var since []schema.Record
					for _, r := range log[:done] {
						if r.Sequence > earlier[i].UpTo() {
							since = append(since, r)
						}
					}
					var wanted fold.Wanted
					if wanted, ok = earlier[i].Wants(since); ok {
						var next *fold.State
						var after fold.Rows
						if next, after, ok = earlier[i].Again(earlier[:i], since, tables.find(wanted)); ok {
							state = next
							again++
							tables.write(after.Messages)
							written = tables.whole(after)
						}
					}
				}
			}
			if !ok {
				state, written = fold.Begin(log[:done], held)
				clear(tables)
				tables.write(written.Messages)
			}
			want := fold.Of(log[:done])
			want.Messages = append([]fold.Message{}, want.Messages...)
			written.Messages = append([]fold.Message{}, written.Messages...)
			if !reflect.DeepEqual(written, want) {
				t.Fatalf("continued %v:\n%+v\nwant:\n%+v", ok, written, want)
			}
			if want := comparable(reference.Rows(log[:done])); !reflect.DeepEqual(comparable(normal(written)), want) {
				t.Fatalf("continued %v:\n%+v\nreference:\n%+v", ok, written, want)
			}
		}
	}
	// What is drawn decides how many folds can be continued, so it is drawn until there are enough.
	const rounds = 50
	for n := 0; n == 0 || n < rounds && (continued < 50 || again < 50); n++ {
		rapid.Check(t, property)
	}
	if continued < 50 || again < 50 {
		t.Errorf("only %d times a fold was continued, and %d times from an earlier state", continued, again)
	}
}

// normal has nil for no messages.
func normal(rows fold.Rows) fold.Rows {
	if len(rows.Messages) == 0 {
		rows.Messages = nil
	}
	return rows
}

func TestAContinuedThreadKeepsWhatWasRead(t *testing.T) {
	var records []schema.Record
	happen := func(typ schema.Type, data schema.Data) []schema.Record {
		n := len(records) + 1
		e := schema.Event{Project: 7, Conversation: "c", Source: "s", ID: string(rune('a' + n)), Time: schema.Timestamp(n), Type: typ, Data: data}
		records = append(records, schema.Record{Sequence: schema.Sequence(n), Event: e})
		return records[n-1:]
	}
	said := func(id string) []schema.Record {
		return happen(schema.TypeMessage, &schema.Message{MessageID: id, AuthorKind: schema.KindVisitor})
	}
	for _, held := range []int{0, 1, 10} {
		records = nil
		said("m1")
		happen(schema.TypeRead, &schema.Read{Reader: schema.ReaderOperator})
		tables := thread{}
		state, rows := fold.Begin(records, held)
		tables.write(rows.Messages)
		for _, fresh := range [][]schema.Record{said("m2"), said("m1"), happen(schema.TypeRead, &schema.Read{Reader: schema.ReaderOperator})} {
			wanted, follows := state.Wants(fresh)
			next, _, after, ok := state.Continue(fresh, tables.find(wanted))
			if !follows || !ok {
				t.Fatal("not continued")
			}
			state = next
			tables.write(after.Messages)
		}
		if got, want := tables.whole(fold.Rows{}).Messages, fold.Of(records).Messages; !reflect.DeepEqual(got, want) {
			t.Errorf("%d held: %+v\nwant %+v", held, got, want)
		}
	}
}

// TestAFoldInPiecesIsTheFoldOfAll cuts the events of a conversation between any two instants. The state
// after them is the same as that of a fold of all, and a later fold continues from either.
func TestAFoldInPiecesIsTheFoldOfAll(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		log := nasty(t)
		if len(log) == 0 {
			return
		}
		cuts := 0
		named := map[string]bool{}
		for _, r := range log {
			if m, is := r.Event.Data.(*schema.Message); is && rapid.Bool().Draw(t, "text") {
				named[m.MessageID] = true
			}
		}
		held := rapid.IntRange(0, 5).Draw(t, "held")
		pieces := fold.NewPieces(log[0].Event.ConversationKey(), held, 0, func(id string) bool { return named[id] })
		var piece []schema.Record
		order := schema.InOrder(log)
		for i, r := range order {
			if i > 0 && order[i-1].Event.Time < r.Event.Time && rapid.Bool().Draw(t, "cut") {
				pieces.Add(piece)
				piece = nil
				cuts++
			}
			piece = append(piece, *r)
		}
		pieces.Add(piece)
		state, rows := pieces.End()
		want := fold.Of(log)
		for i := range want.Messages {
			if m := &want.Messages[i]; !named[m.ID] {
				m.Text = nil
			}
		}
		if !reflect.DeepEqual(rows, want) {
			t.Fatalf("%d cuts:\n%+v\nwant:\n%+v", cuts, rows, want)
		}
		want.Messages = nil
		if got := state.Rows(); !reflect.DeepEqual(got, want) {
			t.Fatalf("state:\n%+v\nwant:\n%+v", got, want)
		}
	})
}

// TestAStateMadeInPiecesIsTheStateOfAll folds the first events of a conversation in pieces, without messages, and the others continue from there.
func TestAStateMadeInPiecesIsTheStateOfAll(t *testing.T) {
	continued, tangled := 0, 0
	property := func(t *rapid.T) {
		events := foldtest.Nasty(throws{t}, foldtest.Conversation(7, 1), rapid.IntRange(2, 50).Draw(t, "events"))
		for i := range events {
			events[i].Time, events[i].Order, events[i].HasOrder = schema.Timestamp(1_700_000_000_000+i), 0, false
			talk(t, &events[i])
		}
		log := foldtest.Records(events, 1)
		first := rapid.IntRange(1, len(log)-1).Draw(t, "first")
		pieces := fold.NewPieces(foldtest.Conversation(7, 1), rapid.IntRange(0, 3).Draw(t, "held"), fold.NoMessages, func(string) bool { return false })
		for done := 0; done < first; {
			n := min(rapid.IntRange(1, 8).Draw(t, "piece"), first-done)
			pieces.Add(slices.Clone(log[done : done+n]))
			done += n
		}
		state, rows := pieces.End()
		want := fold.Of(log[:first])
		tables := thread{}
		tables.write(want.Messages)
		want.Messages = nil
		if !reflect.DeepEqual(rows, want) {
			t.Fatalf("rows:\n%+v\nwant:\n%+v", rows, want)
		}
		if got := state.Rows(); !reflect.DeepEqual(got, want) {
			t.Fatalf("state:\n%+v\nwant:\n%+v", got, want)
		}
		wanted, follow := state.Wants(log[first:])
		if !follow {
			t.Fatal("later events do not follow")
		}
		_, _, after, ok := state.Continue(log[first:], tables.find(wanted))
		if !ok {
			tangled++
			return
		}
		continued++
		tables.write(after.Messages)
		if got, want := normal(tables.whole(after)), normal(fold.Of(log)); !reflect.DeepEqual(got, want) {
			t.Fatalf("continued:\n%+v\nwant:\n%+v", got, want)
		}
	}
	for range 5 {
		rapid.Check(t, property)
	}
	if continued < 100 {
		t.Errorf("only %d folds were continued; %d were tangled", continued, tangled)
	}
}

// talk makes most events ones of the thread, of few messages.
func talk(t *rapid.T, e *schema.Event) {
	id := rapid.SampledFrom([]string{"m1", "m2", "m3", "m4", "m5", "m6", "m7", "m8"}).Draw(t, "message")
	switch rapid.IntRange(0, 8).Draw(t, "kind") {
	case 0, 1, 2, 3:
		e.Type, e.Data = schema.TypeMessage, &schema.Message{
			MessageID:  id,
			AuthorKind: rapid.SampledFrom([]schema.UserKind{schema.KindVisitor, schema.KindVisitor, schema.KindBot}).Draw(t, "author"),
			Text:       rapid.SampledFrom([]*string{nil, new("a"), new("b")}).Draw(t, "text"),
		}
	case 4, 5:
		e.Type, e.Data = schema.TypeRead, &schema.Read{Reader: schema.ReaderOperator, UpTo: rapid.SampledFrom([]*string{nil, &id}).Draw(t, "up to")}
	case 6:
		e.Type, e.Data = schema.TypeDeleted, &schema.Deleted{MessageID: id}
	}
}
