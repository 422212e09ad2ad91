package fold_test

import (
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/reference"
	"github.com/parley-analytics/parley/schema"
)

// throws are dice that rapid throws, and shrinks.
type throws struct{ *rapid.T }

func (t throws) IntN(n int) int { return rapid.IntRange(0, n-1).Draw(t.T, "die") }

// nasty draws the events of a conversation, in a log in any order.
func nasty(t *rapid.T) []schema.Record {
	n := rapid.IntRange(0, 30).Draw(t, "events")
	var events []schema.Event
	switch rapid.IntRange(0, 5).Draw(t, "subject") {
	case 0:
		events = foldtest.Profile(throws{t}, 7, schema.ProfileCustomer, "v1", n)
	case 1:
		events = foldtest.Profile(throws{t}, 7, schema.ProfileSeller, "660119", n)
	case 2: // a hostile sender's: a conversation with the subject of a customer
		events = foldtest.Profile(throws{t}, 7, schema.ProfileCustomer, "v1", n/2)
		key := schema.ConversationKey{Project: 7, Conversation: schema.ProfileSubject(7, schema.ProfileCustomer, "v1")}
		for _, e := range foldtest.Nasty(throws{t}, key, n-n/2) {
			e.ID += "-c"
			events = append(events, e)
		}
	default:
		events = foldtest.Nasty(throws{t}, foldtest.Conversation(7, 1), n)
	}
	first := schema.Sequence(rapid.Uint64Range(1, 1000).Draw(t, "first"))
	return foldtest.Records(rapid.Permutation(events).Draw(t, "log order"), first)
}

func TestPermutationsFoldToEqualRows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := nasty(t)
		permuted := rapid.Permutation(records).Draw(t, "permuted")
		given := slices.Clone(permuted)
		want, got := fold.Of(records), fold.Of(permuted)
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("permuted:\n%+v\nwant:\n%+v", got, want)
		}
		if !reflect.DeepEqual(permuted, given) {
			t.Fatal("Of has modified its argument")
		}
	})
}

func TestDuplicatesChangeNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := nasty(t)
		want := fold.Of(records)

		// Later records of the same keys, saying what other events say.
		doubled := slices.Clone(records)
		for i := range records {
			if !rapid.Bool().Draw(t, "twice") {
				continue
			}
			again := records[rapid.IntRange(0, len(records)-1).Draw(t, "says")]
			again.Event.Source, again.Event.ID = records[i].Event.Source, records[i].Event.ID
			again.Sequence = 10_000 + schema.Sequence(i)
			doubled = append(doubled, again)
		}
		got := fold.Of(rapid.Permutation(doubled).Draw(t, "order"))
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("with duplicates:\n%+v\nwant:\n%+v", got, want)
		}
	})
}

func TestFoldAgreesWithTheReference(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := nasty(t)
		got, want := comparable(fold.Of(records)), comparable(reference.Rows(records))
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("fold:\n%+v\nreference:\n%+v", got, want)
		}
	})
}

// comparable leaves out what the reference does not fill in, and writes amounts
// and empty lists one way.
func comparable(rows fold.Rows) any {
	c := rows.Conversation
	var users []schema.OperatorID
	for _, u := range c.Users {
		users = append(users, u.ID)
	}
	marks := slices.Clone(c.Marks)
	for i := range marks {
		marks[i].Position = 0
	}
	revenue := map[schema.Currency]string{}
	for currency, sum := range c.Revenue {
		revenue[currency] = sum.String()
	}
	messages := slices.Clone(rows.Messages)
	for i := range messages {
		messages[i].Position = 0
	}
	c.Users, c.Marks, c.Revenue = nil, nil, nil
	return []any{c, users, marks, revenue, rows.Contacts, messages, rows.Transactions, rows.Customer, rows.Seller}
}

func TestRowsAddUp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		records := nasty(t)
		rows := fold.Of(records)
		c := rows.Conversation
		profile := uint32(0)
		if rows.Customer != nil {
			profile += rows.Customer.EventCount
		}
		if rows.Seller != nil {
			profile += rows.Seller.EventCount
		}
		if int(c.EventCount+profile) != len(records) {
			t.Fatalf("eventCount is %d of %d events", c.EventCount, len(records))
		}
		if int(c.ContactCount) != len(rows.Contacts) {
			t.Fatalf("contactCount is %d of %d contacts", c.ContactCount, len(rows.Contacts))
		}
		if int(c.VisitorMessageCount+c.OperatorMessageCount) != len(rows.Messages) {
			t.Fatal("messages are on neither or both sides")
		}
		ids := map[string]bool{}
		for i, contact := range rows.Contacts {
			if ids[contact.ID] {
				t.Fatalf("contact id %s twice", contact.ID)
			}
			ids[contact.ID] = true
			if (contact.EndedAt == nil) != (contact.Status == fold.Ongoing) || (contact.EndedAt == nil) != (contact.Ending == nil) {
				t.Fatalf("contact %d is half open: %+v", i, contact)
			}
			if contact.EndedAt == nil && i != len(rows.Contacts)-1 {
				t.Fatalf("contact %d is open and not the last", i)
			}
			if contact.EndedAt == nil && c.ClosedAt != nil {
				t.Fatal("a closed conversation has an open contact")
			}
		}
		places := map[uint32]bool{}
		for _, m := range c.Marks {
			places[m.Position] = true
		}
		for _, m := range rows.Messages {
			places[m.Position] = true
			if m.ContactID != nil && !ids[*m.ContactID] {
				t.Fatalf("message %s is in no known contact", m.ID)
			}
		}
		if len(places) != len(c.Marks)+len(rows.Messages) {
			t.Fatal("two entries of the thread have one position")
		}
	})
}

func TestNoEventsFoldToNothing(t *testing.T) {
	if rows := fold.Of(nil); !reflect.DeepEqual(rows, fold.Rows{}) {
		t.Fatalf("rows of nothing: %+v", rows)
	}
}
