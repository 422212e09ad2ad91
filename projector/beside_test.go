package projector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

// slow is an archive that takes a while for a piece of a large conversation.
type slow struct {
	*porttest.Tables
	takes time.Duration
	asked atomic.Int64
}

func (s *slow) Piece(ctx context.Context, piece projector.Piece) ([]schema.Record, error) {
	s.asked.Add(1)
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case <-time.After(s.takes):
	}
	return s.Tables.Piece(ctx, piece)
}

// monologue is a conversation of many messages, a second after each other.
type monologue struct {
	log    *porttest.Log
	key    schema.ConversationKey
	events []schema.Record
}

func newMonologue(log *porttest.Log, conversation int) *monologue {
	return &monologue{log: log, key: foldtest.Conversation(1, conversation)}
}

// say appends a message that is so late, and returns its sequence.
func (m *monologue) say(late time.Duration) schema.Sequence {
	n := len(m.events) + 1
	text := fmt.Sprint("message ", n)
	e := schema.Event{
		Project: m.key.Project, Conversation: m.key.Conversation, Source: "s", ID: fmt.Sprint(m.key.Conversation, n),
		Time: schema.Timestamp(1_700_000_000_000 + n*1000 - int(late.Milliseconds())), Type: schema.TypeMessage,
		Data: &schema.Message{MessageID: fmt.Sprint("m", n), AuthorKind: schema.KindVisitor, Text: &text},
	}
	sequence := m.log.Append(taken, schema.Encode(&e))
	m.events = append(m.events, schema.Record{Sequence: sequence, ReceivedAt: schema.TimestampOf(taken), Event: e})
	return sequence
}

// TestNobodyWaitsForALargeConversation has a conversation whose events take a minute to read back: after a start, and for
// one that is late. The others go on meanwhile, and it is said that its rows are behind.
func TestNobodyWaitsForALargeConversation(t *testing.T) {
	for name, c := range map[string]struct {
		restarted bool
		late      time.Duration
	}{
		"the first event after a start": {true, 0}, "a late one": {false, 80 * time.Second}, "the first one, and late": {true, 3 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
				large, other := newMonologue(log, 1), newMonologue(log, 2)
				for range 100 {
					large.say(0)
				}
				last := other.say(0)
				archive := &slow{Tables: tables, takes: time.Minute}
				registry := prometheus.NewRegistry()
				config := projector.Config{Log: log, Sink: tables, Archive: archive, LongEvents: 10, Registerer: registry}
				p, stop, err := running(config)
				if err != nil {
					t.Fatal(err)
				}
				await(t, tables, projector.LogEvents, last)
				if c.restarted {
					stop()
					if p, stop, err = running(config); err != nil {
						t.Fatal(err)
					}
				}
				defer func() { stop() }()
				first := large.say(c.late)
				pass(time.Second)
				began := time.Now()
				for range 20 {
					at := other.say(0)
					pass(50 * time.Millisecond)
					if got := p.Progress().Position; got < at {
						t.Fatalf("the position is %d, %s after %d", got, time.Since(began), at)
					}
				}
				if err := tables.Compare(foldtest.Distinct(other.events), large.key); err != nil {
					t.Error(err)
				}
				if seen := count(tables, large.key); seen != 100 {
					t.Errorf("the large one has %d events, want those before", seen)
				}
				behind := p.Behind()
				if len(behind) != 1 || behind[0].ConversationKey != large.key || behind[0].Sequence != first || time.Since(behind[0].Since) > 5*time.Second {
					t.Errorf("behind: %v, want %v from %d", behind, large.key, first)
				}
				if err := p.Ready(); err != nil {
					t.Error(err)
				}
				pass(4 * time.Second)
				if v := values(t, registry); v["parley_projector_behind_conversations"] != 1 || v["parley_projector_behind_seconds"] < 1 {
					t.Errorf("metrics: %v, %v", v["parley_projector_behind_conversations"], v["parley_projector_behind_seconds"])
				}

				large.say(0) // meanwhile
				last = other.say(0)
				await(t, tables, projector.LogEvents, last)
				compare(t, tables, slices.Concat(large.events, other.events))
				if len(p.Behind()) > 0 || len(tables.Quarantine()) > 0 {
					t.Errorf("still behind: %v %v", p.Behind(), tables.Quarantine())
				}
				asked := archive.asked.Load()
				large.say(0)
				pass(time.Second)
				compare(t, tables, slices.Concat(large.events, other.events))
				if archive.asked.Load() != asked {
					t.Error("the next event was not continued")
				}
			})
		})
	}
}

func count(tables *porttest.Tables, key schema.ConversationKey) uint32 {
	for _, row := range tables.Seen() {
		if row.ConversationKey == key {
			return row.EventCount
		}
	}
	return 0
}

// TestALargeConversationThatIsRejectedIsSetAside has rows that the tables refuse when they are made beside the batches.
func TestALargeConversationThatIsRejectedIsSetAside(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		large, other := newMonologue(log, 1), newMonologue(log, 2)
		var rejects atomic.Bool
		var tried atomic.Int64
		tables.Reject = func(key schema.ConversationKey) bool {
			if key != large.key || !rejects.Load() {
				return false
			}
			tried.Add(1)
			return true
		}
		for range 100 {
			large.say(0)
		}
		last := other.say(0)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, LongEvents: 10})
		await(t, tables, projector.LogEvents, last)
		rejects.Store(true)
		large.say(70 * time.Second)
		last = other.say(0)
		await(t, tables, projector.LogEvents, last)
		pass(time.Hour)
		synctest.Wait()
		q := tables.Quarantine()
		if len(p.Aside()) != 1 || len(q) != 1 || q[0].Reason != schema.CodeSetAside || !strings.Contains(q[0].Detail, "does not fit") || p.Ready() != nil {
			t.Errorf("set aside: %v, in quarantine %+v, %v", p.Aside(), q, p.Ready())
		}
		if n := tried.Load(); n != 1 {
			t.Errorf("tried %d times", n)
		}
		rejects.Store(false)
		tables.Release()
		pass(time.Minute)
		compare(t, tables, slices.Concat(large.events, other.events))
		if len(p.Aside())+len(tables.Quarantine()) > 0 {
			t.Errorf("still set aside: %v", p.Aside())
		}
	})
}

// TestNobodyWaitsForTheRowsOfALargeConversation has a late event that changes so many messages that they are written in many blocks.
func TestNobodyWaitsForTheRowsOfALargeConversation(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		const takes = 100 * time.Millisecond
		large, other := newMonologue(log, 1), newMonologue(log, 2)
		for range 50_000 {
			large.say(0)
		}
		last := other.say(0)
		p := start(t, projector.Config{Log: log, Sink: slowly{tables, takes}, Archive: tables, LongEvents: 1000})
		await(t, tables, projector.LogEvents, last)
		large.say(49_000 * time.Second)
		for len(p.Behind()) == 0 {
			pass(time.Millisecond)
		}
		waits := 0
		for ; len(p.Behind()) > 0; waits++ {
			began := time.Now()
			at := other.say(0)
			for p.Progress().Position < at {
				pass(time.Millisecond)
			}
			if took := time.Since(began); took > 3*takes {
				t.Errorf("an event of another conversation took %s, of which its own batch takes %s", took, takes)
			}
		}
		if waits < 4 {
			t.Errorf("only %d events were projected meanwhile", waits)
		}
		compare(t, tables, slices.Concat(large.events, other.events))
	})
}

// counting are tables that count the messages that are written.
type counting struct {
	*porttest.Tables
	messages, texts int
}

func (c *counting) Write(ctx context.Context, batch *projector.Batch) error {
	for _, change := range batch.Changes {
		c.messages += len(change.After.Messages)
		for _, m := range change.After.Messages {
			if m.Text != nil {
				c.texts++
			}
		}
	}
	return c.Tables.Write(ctx, batch)
}

// TestWhatWasCutOffOfALargeConversationIsMadeAgain cuts off each write of an event: of the batch, and of the fold beside it. What is
// written afterwards are the messages that change from this event on, with the texts that it names, not the whole conversation.
func TestWhatWasCutOffOfALargeConversationIsMadeAgain(t *testing.T) {
	for _, c := range []struct {
		name     string
		late     time.Duration
		writes   int
		messages int
	}{{"a further event", 0, 1, 1}, {"an event late by half of it", 50 * time.Second, 3, 51}} {
		for write := range c.writes {
			for _, point := range []string{"before conversations", "after conversations", "after messages", "after events", "before quarantine", "after quarantine", "after position"} {
				t.Run(fmt.Sprint(c.name, ", write ", write+1, " ", point), func(t *testing.T) {
					bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
						large, sink := newMonologue(log, 1), &counting{Tables: tables}
						start(t, projector.Config{Log: log, Sink: sink, Archive: tables, LongEvents: 10})
						for range 100 {
							await(t, tables, projector.LogEvents, large.say(0))
						}
						synctest.Wait()
						begun, cut := 0, false
						tables.Fail = func(at string) error {
							if at == "before conversations" {
								begun++
							}
							if cut || begun != write+1 || at != point {
								return nil
							}
							cut, sink.messages, sink.texts = true, 0, 0
							return errors.New("cut off " + at)
						}
						last := large.say(c.late)
						pass(time.Minute)
						await(t, tables, projector.LogEvents, last)
						synctest.Wait()
						compare(t, tables, large.events)
						if !cut || sink.messages > c.messages || sink.texts > 1 {
							t.Errorf("cut off: %v; then %d messages and %d texts were written, want %d and 1 at most", cut, sink.messages, sink.texts, c.messages)
						}
					})
				})
			}
		}
	}
}

// TestAnUnwritableEventOfALargeConversationIsQuarantined has the fold continued with what is left of a batch.
func TestAnUnwritableEventOfALargeConversationIsQuarantined(t *testing.T) {
	for _, insert := range []string{"conversations", "events"} {
		t.Run(insert, func(t *testing.T) {
			bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
				large := newMonologue(log, 1)
				tables.RefuseAt, tables.Refuse = insert, func(e schema.Event) bool { return strings.HasSuffix(e.ID, "102") }
				var last schema.Sequence
				for range 100 {
					last = large.say(0)
				}
				p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, LongEvents: 10})
				await(t, tables, projector.LogEvents, last)
				for range 4 {
					last = large.say(0)
				}
				await(t, tables, projector.LogEvents, last)
				var counting []schema.Record
				for _, r := range large.events {
					if !strings.HasSuffix(r.Event.ID, "102") {
						counting = append(counting, r)
					}
				}
				compare(t, tables, counting)
				q := tables.Quarantine()
				synctest.Wait()
				if len(q) != 1 || q[0].Reason != schema.CodeUnwritable || p.Ready() != nil {
					t.Errorf("in quarantine: %+v, %v", q, p.Ready())
				}
			})
		})
	}
}

// TestALittleLateEventIsFoldedInItsBatch continues the fold from an earlier state.
func TestALittleLateEventIsFoldedInItsBatch(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		large := newMonologue(log, 1)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, LongEvents: 10})
		for range 100 {
			await(t, tables, projector.LogEvents, large.say(0))
		}
		for _, late := range []time.Duration{3 * time.Second, 25 * time.Second, 2500 * time.Millisecond} {
			await(t, tables, projector.LogEvents, large.say(0))
			at := large.say(late)
			for p.Progress().Position < at {
				pass(time.Millisecond)
			}
			if len(p.Behind()) > 0 {
				t.Errorf("behind after an event %s late", late)
			}
			compare(t, tables, large.events)
		}
	})
}
