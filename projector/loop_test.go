package projector_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

// taken is when the log takes the events of tests.
var taken = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// payloads are events as a sender would write them.
func payloads(events []schema.Event) [][]byte {
	out := make([][]byte, len(events))
	for i := range events {
		out[i] = schema.Encode(&events[i])
	}
	return out
}

// running starts a projector; stop cuts it off, as a crash would, and waits.
func running(config projector.Config) (p *projector.Projector, stop func(), err error) {
	if p, err = projector.New(config); err != nil {
		return nil, nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = p.Run(ctx)
	}()
	return p, func() { cancel(); <-done }, nil
}

// bubble runs a test with a log and tables of its own, under synctest.
func bubble(t *testing.T, test func(t *testing.T, log *porttest.Log, tables *porttest.Tables)) {
	synctest.Test(t, func(t *testing.T) {
		test(t, porttest.NewLog(), porttest.NewTables())
	})
}

// pass lets time pass, which under synctest takes none.
func pass(d time.Duration) { <-time.After(d) }

// start runs a projector until the test ends.
func start(t *testing.T, config projector.Config) *projector.Projector {
	t.Helper()
	p, stop, err := running(config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(stop)
	return p
}

func await(t *testing.T, tables *porttest.Tables, log string, position schema.Sequence) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
	defer cancel()
	if err := tables.Await(ctx, log, position); err != nil {
		t.Fatal(err)
	}
}

func compare(t *testing.T, tables *porttest.Tables, records []schema.Record) {
	t.Helper()
	if err := tables.Compare(foldtest.Distinct(records)); err != nil {
		t.Fatal(err)
	}
}

func TestEventsAreInTheTablesSoonWhenTheLogIsQuiet(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		start(t, projector.Config{Log: log, Sink: tables, Archive: tables})
		pass(time.Minute)
		begun := time.Now()
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		last := log.Append(taken, payloads(events[:1])...)
		await(t, tables, projector.LogEvents, last)
		if took := time.Since(begun); took > 50*time.Millisecond {
			t.Errorf("a single event took %s", took)
		}
		compare(t, tables, foldtest.Records(events[:1], 1))
	})
}

func TestEventsThatKeepArrivingAreInTheTablesAtBatchAge(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		start(t, projector.Config{Log: log, Sink: tables, Archive: tables, BatchAge: 100 * time.Millisecond})
		pass(time.Minute)
		all := payloads(foldtest.Stream(foldtest.Seeded(2), 100))[:1000]
		go func() {
			for _, p := range all {
				log.Append(taken, p)
				pass(2 * time.Millisecond)
			}
		}()
		begun := time.Now()
		await(t, tables, projector.LogEvents, 1)
		if took := time.Since(begun); took > 110*time.Millisecond {
			t.Errorf("the first event took %s", took)
		}
		await(t, tables, projector.LogEvents, schema.Sequence(len(all)))
	})
}

func TestABadEntryIsQuarantinedAndBlocksNoOther(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)
		records := foldtest.Records(events[:2], 1)
		log.Append(taken, payloads(events[:2])...)
		log.Append(taken, []byte(`no event`), []byte(`{"specversion":"1.0","id":"x","source":"them","type":"parley.conversation.lost.v1"}`))
		last := log.Append(taken, payloads(events[2:4])...)
		records = append(records, foldtest.Records(events[2:4], 5)...)

		start(t, projector.Config{Log: log, Sink: tables, Archive: tables})
		await(t, tables, projector.LogEvents, last)
		compare(t, tables, records)
		bad := tables.Quarantine()
		if len(bad) != 2 {
			t.Fatalf("quarantine: %+v", bad)
		}
		if bad[0].Sequence != 3 || bad[0].Reason != schema.CodeInvalidJSON || string(bad[0].Original) != "no event" || bad[0].Log != "events" {
			t.Errorf("first: %+v", bad[0])
		}
		if bad[1].Sequence != 4 || bad[1].Reason != schema.CodeUnknownType || bad[1].Source != "them" || bad[1].EventID != "x" || bad[1].Detail == "" {
			t.Errorf("second: %+v", bad[1])
		}
		if bad[0].ReceivedAt != schema.TimestampOf(taken) {
			t.Errorf("received at %s", bad[0].ReceivedAt)
		}
	})
}

func TestAnOversizedBatchIsWrittenInSmallerOnes(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Stream(foldtest.Seeded(5), 60)
		last := log.Append(taken, payloads(events)...)
		sink := &limited{Sink: tables, most: 40}
		p := start(t, projector.Config{Log: log, Sink: sink, Archive: tables})
		await(t, tables, projector.LogEvents, last)
		compare(t, tables, foldtest.Records(events, 1))
		synctest.Wait()
		if err := p.Ready(); err != nil {
			t.Errorf("not ready: %v", err)
		}

		// And in big ones again when the trouble is over.
		sink.most, sink.largest = 1000, 0
		more := foldtest.Stream(foldtest.Seeded(6), 60)
		for i := range more {
			more[i].Source = "again"
		}
		last = log.Append(taken, payloads(more)...)
		await(t, tables, projector.LogEvents, last)
		if sink.largest < 200 {
			t.Errorf("the largest batch has %d events", sink.largest)
		}
	})
}

// limited is a sink that has memory for some events only, and notices that
// when it has written a part of the batch.
type limited struct {
	projector.Sink
	most, largest int
}

func (l *limited) Write(ctx context.Context, b *projector.Batch) error {
	if len(b.Events) > l.most {
		part := *b
		part.Position, part.Events = 0, nil
		_ = l.Sink.Write(ctx, &part)
		return errors.New("memory limit exceeded")
	}
	l.largest = max(l.largest, len(b.Events))
	return l.Sink.Write(ctx, b)
}

func TestALateEventMovesTheClosingTimeAndLeavesOneRow(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		key := foldtest.Conversation(1, 1)
		var events []schema.Event
		happen := func(at schema.Timestamp, typ schema.Type, data schema.Data) {
			events = append(events, schema.Event{Project: key.Project, Conversation: key.Conversation,
				Source: "s", ID: fmt.Sprint(len(events)), Time: at, Type: typ, Data: data})
		}
		user := schema.User{ID: 1, Kind: schema.KindBot}
		happen(1000, schema.TypePushed, &schema.Pushed{To: user})
		happen(9000, schema.TypeClosed, &schema.Closed{})
		happen(3000, schema.TypeClosed, &schema.Closed{}) // closed earlier than was known
		happen(5000, schema.TypePushed, &schema.Pushed{To: user})
		happen(20000, schema.TypePushed, &schema.Pushed{To: user}) // open again
		happen(30000, schema.TypeClosed, &schema.Closed{})

		start(t, projector.Config{Log: log, Sink: tables, Archive: tables})
		for i := range events {
			last := log.Append(taken, schema.Encode(&events[i]))
			await(t, tables, projector.LogEvents, last)
			compare(t, tables, foldtest.Records(events[:i+1], 1))
		}
	})
}

func TestRowsOfACutOffBatchAreWrittenOver(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		key := foldtest.Conversation(1, 1)
		var events []schema.Event
		for i, text := range []string{"first", "edited", "first"} {
			events = append(events, schema.Event{Project: key.Project, Conversation: key.Conversation, Source: "s", ID: fmt.Sprint(i),
				Time: schema.Timestamp(i), Type: schema.TypeMessage,
				Data: &schema.Message{MessageID: "m", AuthorKind: schema.KindVisitor, Text: &text}})
		}
		cut := false
		tables.Fail = func(point string) error {
			if cut && point == "before position" {
				return errors.New("cut off")
			}
			return nil
		}
		log.Append(taken, payloads(events[:1])...)
		_, stop, err := running(projector.Config{Log: log, Sink: tables, Archive: tables})
		if err != nil {
			t.Fatal(err)
		}
		await(t, tables, projector.LogEvents, 1)
		cut = true
		log.Append(taken, payloads(events[1:2])...)
		pass(time.Second) // the edited text is in the tables, ahead of the position
		stop()

		// The text is again what it was before the batch that was cut off.
		cut = false
		last := log.Append(taken, payloads(events[2:])...)
		start(t, projector.Config{Log: log, Sink: tables, Archive: tables})
		await(t, tables, projector.LogEvents, last)
		compare(t, tables, foldtest.Records(events, 1))
	})
}

// TestRowsOfALargeBatchBeforeACrashAreWrittenOver begins again with batches so small that one before the crash is more
// than all of them that may still arrive.
func TestRowsOfALargeBatchBeforeACrashAreWrittenOver(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		key := foldtest.Conversation(1, 1)
		say := func(n int, id, text string) schema.Event {
			return schema.Event{
				Project: key.Project, Conversation: key.Conversation, Source: "s", ID: fmt.Sprint(n), Time: schema.Timestamp(1_700_000_000_000 + n),
				Type: schema.TypeMessage, Data: &schema.Message{MessageID: id, AuthorKind: schema.KindVisitor, Text: &text},
			}
		}
		events := []schema.Event{say(1, "edited", "one")}
		for n := 2; n <= 10; n++ {
			events = append(events, say(n, fmt.Sprint(n), "another"))
		}
		events = append(events, say(11, "edited", "two"), say(12, "edited", "one"))

		last := log.Append(taken, payloads(events[:11])...)
		tables.Fail = func(point string) error {
			if point == "before position" {
				return errors.New("cut off")
			}
			return nil
		}
		_, stop, err := running(projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: 100})
		if err != nil {
			t.Fatal(err)
		}
		pass(50 * time.Millisecond)
		stop()
		tables.Fail = nil
		if _, held, err := tables.Position(t.Context(), projector.LogEvents); held != last || err != nil {
			t.Fatalf("rows up to %d of %d: %v", held, last, err)
		}
		last = log.Append(taken, payloads(events[11:])...)
		start(t, projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: 2})
		await(t, tables, projector.LogEvents, last)
		compare(t, tables, foldtest.Records(events, 1))
	})
}

// TestRowsMadeWithoutADuplicateThatCountsAreReplaced has an event that is refused after other rows of its batch
// were inserted: those of another conversation, whose first event was left out as a duplicate of it.
func TestRowsMadeWithoutADuplicateThatCountsAreReplaced(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		say := func(conversation, at int, id string) schema.Event {
			key := foldtest.Conversation(1, conversation)
			return schema.Event{
				Project: key.Project, Conversation: key.Conversation, Source: "s", ID: id, Time: schema.Timestamp(1_700_000_000_000 + at),
				Type: schema.TypeMessage, Data: &schema.Message{MessageID: fmt.Sprint(at), AuthorKind: schema.KindVisitor},
			}
		}
		events := []schema.Event{say(1, 3, "twice"), say(2, 1, "twice"), say(2, 2, "once")}
		last := log.Append(taken, payloads(events)...)
		crashed := false
		tables.RefuseAt, tables.Refuse = "events", func(e schema.Event) bool {
			refused := e.Conversation == events[0].Conversation
			crashed = crashed || refused
			return refused
		}
		tables.Fail = func(string) error {
			if crashed {
				return errors.New("cut off")
			}
			return nil
		}
		_, stop, err := running(projector.Config{Log: log, Sink: tables, Archive: tables})
		if err != nil {
			t.Fatal(err)
		}
		pass(50 * time.Millisecond)
		stop()
		tables.Fail = nil
		if _, held, err := tables.Position(t.Context(), projector.LogEvents); held != last || err != nil {
			t.Fatalf("rows up to %d of %d: %v", held, last, err)
		}
		start(t, projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: 1})
		await(t, tables, projector.LogEvents, last)
		compare(t, tables, foldtest.Records(events[1:], 2))
	})
}

func TestADuplicateInAnotherConversationChangesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Realistic(foldtest.Seeded(1), foldtest.Conversation(1, 1), 0)[:5]
		again := events[2]
		again.Conversation = foldtest.Conversation(1, 2).Conversation
		last := log.Append(taken, payloads(append(events, again))...)
		_, stop, err := running(projector.Config{Log: log, Sink: tables, Archive: tables})
		if err != nil {
			t.Fatal(err)
		}
		await(t, tables, projector.LogEvents, last)
		compare(t, tables, foldtest.Records(events, 1))
		stop()

		// Also after a restart, in a batch of its own.
		last = log.Append(taken, schema.Encode(&again))
		start(t, projector.Config{Log: log, Sink: tables, Archive: tables})
		await(t, tables, projector.LogEvents, last)
		compare(t, tables, foldtest.Records(events, 1))
	})
}

func TestAProjectorNeedsItsPorts(t *testing.T) {
	if _, err := projector.New(projector.Config{}); err == nil {
		t.Error("a projector of nothing")
	}
}
