package fold_test

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/projector/fold"
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
	continued := 0
	rapid.Check(t, func(t *rapid.T) {
		log := nasty(t)
		if rapid.IntRange(0, 3).Draw(t, "late events") > 0 { // none
			sorted := schema.InOrder(log)
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
			n := rapid.IntRange(1, 6).Draw(t, "events")
			fresh := log[done:min(len(log), done+n)]
			done += len(fresh)
			ok := false
			if state != nil {
				var wanted fold.Wanted
				if wanted, ok = state.Wants(fresh); ok {
					var before, after fold.Rows
					if before, after, ok = state.Continue(fresh, tables.find(wanted)); ok {
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
			written = clone(written)
		}
	})
	if continued < 50 {
		t.Errorf("only %d times a fold was continued", continued)
	}
}

// normal has nil for no messages.
func normal(rows fold.Rows) fold.Rows {
	if len(rows.Messages) == 0 {
		rows.Messages = nil
	}
	return rows
}

// clone copies what a continued fold may change in place.
func clone(rows fold.Rows) fold.Rows {
	rows.Contacts, rows.Transactions = slices.Clone(rows.Contacts), slices.Clone(rows.Transactions)
	if rows.Customer != nil {
		rows.Customer = new(*rows.Customer)
	}
	if rows.Seller != nil {
		rows.Seller = new(*rows.Seller)
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
			_, after, ok := state.Continue(fresh, tables.find(wanted))
			if !follows || !ok {
				t.Fatal("not continued")
			}
			tables.write(after.Messages)
		}
		if got, want := tables.whole(fold.Rows{}).Messages, fold.Of(records).Messages; !reflect.DeepEqual(got, want) {
			t.Errorf("%d held: %+v\nwant %+v", held, got, want)
		}
	}
}
