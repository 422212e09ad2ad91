package sink

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

// bad is an event that changes rows of several tables, one of which refuses them by a constraint.
type bad struct {
	table, check string
	typ          schema.Type
	data         schema.Data
}

// badEvents are one for each table that a batch writes.
func badEvents() []bad {
	opening := &schema.Opened{Channel: "CHAT", Visitor: &schema.Visitor{ID: "bad"}}
	push := &schema.Pushed{To: schema.User{ID: 666, Kind: schema.KindBot}}
	return []bad{
		{"conversations", "NOT has(user_ids, 666)", schema.TypePushed, push},
		{"contacts", "operator_id != 666", schema.TypePushed, push},
		{"messages", "message_id != 'bad'", schema.TypeMessage, &schema.Message{MessageID: "bad", AuthorKind: schema.KindVisitor, Text: new("bad")}},
		{"visitors", "visitor_id != 'bad'", schema.TypeOpened, opening},
		{"customer_conversations", "customer_id != 'bad'", schema.TypeOpened, opening},
		{"events", "NOT startsWith(event_id, 'bad')", schema.TypeOpened, opening},
		{"events_by_time", "NOT startsWith(event_id, 'bad')", schema.TypeOpened, opening},
		{"event_hashes", "", schema.TypeOpened, opening},
	}
}

// with returns the events, with bad ones at the beginning, in the middle and at the end of
// conversations, and which of all these are good.
func (b bad) with(events []schema.Event) (all []schema.Event, good []bool) {
	var keys []schema.ConversationKey
	at := map[schema.ConversationKey][]int{}
	for i := range events {
		key := events[i].ConversationKey()
		if at[key] = append(at[key], i); len(at[key]) == 1 && !events[i].Type.Profile() {
			keys = append(keys, key)
		}
	}
	before := map[int]schema.Event{} // an event, by the one that it comes before
	for n, key := range keys[:3] {
		of := at[key]
		e := schema.Event{Project: key.Project, Conversation: key.Conversation, Source: "bad", ID: fmt.Sprint("bad", n), Time: 1_000 * schema.Timestamp(n+1), Type: b.typ, Data: b.data}
		before[[]int{of[0], of[len(of)/2], of[len(of)-1] + 1}[n]] = e
	}
	for i := range len(events) + 1 {
		if e, there := before[i]; there {
			all, good = append(all, e), append(good, false)
		}
		if i < len(events) {
			all, good = append(all, events[i]), append(good, true)
		}
	}
	return all, good
}

// TestAnEventThatIsRefusedInPartLeavesNothing has one table refuse rows of events when others have
// taken theirs.
func TestAnEventThatIsRefusedInPartLeavesNothing(t *testing.T) {
	for i, b := range badEvents() {
		t.Run(b.table, func(t *testing.T) {
			all, good := b.with(foldtest.Stream(foldtest.Seeded(uint64(40+i)), 5))
			whole := empty(t, Options{StoreText: true})
			var counting []projector.ArchivedEvent
			var refused []schema.Sequence
			for n, e := range archived(all, 1) {
				if good[n] {
					counting = append(counting, e)
				} else {
					refused = append(refused, e.Sequence)
				}
			}
			if err := (&reader{sink: whole, log: counting}).step(t.Context(), len(counting)); err != nil {
				t.Fatal(err)
			}
			s := empty(t, Options{StoreText: true})
			if b.table == "event_hashes" {
				b.check = keysCheck(refused)
			}
			enginetest.ClickHouse(t).Exec(t, s.in("ALTER TABLE $projection."+b.table+" ADD CONSTRAINT good CHECK "+b.check))
			log := porttest.NewLog()
			for n := range all {
				log.Append(all[n].Time.Time().Add(time.Second), schema.Encode(&all[n]))
			}
			projectAll(t, s, log, []int{1000, 40}[i%2])
			noDuplicates(t, s, 0)
			want, got := contents(t, whole.options.Projection), contents(t, s.options.Projection)
			for name := range want {
				if name != "quarantine" && name != "quarantine_original" && got[name] != want[name] {
					t.Errorf("%s differs:\n%s\nwant\n%s", name, got[name], want[name])
				}
			}
			if keys := enginetest.ClickHouse(t).Exec(t, s.in("SELECT count() FROM $projection.event_hashes WHERE NOT ("+keysCheck(refused)+")")); keys != "0" {
				t.Errorf("%s keys of refused events", keys)
			}
			if found := enginetest.ClickHouse(t).Exec(t, s.in("SELECT groupArray(sequence) FROM (SELECT sequence FROM $projection.quarantine FINAL ORDER BY sequence)")); found != "["+numbersOf(refused)+"]" {
				t.Errorf("in quarantine: %s, want %v", found, refused)
			}
		})
	}
}

func numbersOf(sequences []schema.Sequence) string {
	text := ""
	for i, s := range sequences {
		if i > 0 {
			text += ","
		}
		text += fmt.Sprint(s)
	}
	return text
}

func keysCheck(refused []schema.Sequence) string {
	return fmt.Sprintf("NOT has([%s], sequence)", numbersOf(refused))
}

// projectAll projects a log to its end.
func projectAll(t *testing.T, s *Sink, log *porttest.Log, batch int) {
	t.Helper()
	p, err := projector.New(projector.Config{Log: log, Sink: s, Archive: s, BatchEvents: batch})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); _ = p.Run(ctx) }()
	defer func() { cancel(); <-done }()
	last, _ := log.Last(t.Context())
	looks := time.NewTicker(5 * time.Millisecond)
	defer looks.Stop()
	for deadline := time.Now().Add(2 * time.Minute); p.Progress().Position < last; <-looks.C {
		if time.Now().After(deadline) {
			t.Fatalf("the position is %d of %d: %v", p.Progress().Position, last, p.Ready())
		}
	}
}
