package projector_test

import (
	"fmt"
	"maps"
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

func TestAConversationWithoutRoomIsSetAsideAndTakenBack(t *testing.T) {
	for _, batch := range []int{1, 7, 1000} {
		t.Run(fmt.Sprint(batch), func(t *testing.T) {
			bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
				events := foldtest.Stream(foldtest.Seeded(5), 30)
				records := foldtest.Records(events, 1)
				distinct := foldtest.Distinct(records)
				large := events[len(events)/3].ConversationKey() // its events come in the whole log
				room := atomic.Bool{}
				room.Store(true)
				tables.Large = func(key schema.ConversationKey) bool { return key == large && !room.Load() }
				third, half := len(events)/3, len(events)/2
				last := log.Append(taken, payloads(events[:third])...)
				config := projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: batch}
				_, stop, err := running(config)
				if err != nil {
					t.Fatal(err)
				}
				await(t, tables, projector.LogEvents, last)
				room.Store(false)
				first := last + 1 // the event that was picked
				last = log.Append(taken, payloads(events[third:half])...)
				await(t, tables, projector.LogEvents, last)
				stop()

				p := start(t, config) // after a restart
				last = log.Append(taken, payloads(events[half:])...)
				await(t, tables, projector.LogEvents, last)
				synctest.Wait()
				if err := p.Ready(); err != nil {
					t.Errorf("not ready: %v", err)
				}
				aside := p.Aside()
				if len(aside) != 1 || aside[0].ConversationKey != large || aside[0].Sequence < first {
					t.Fatalf("set aside are %v, want %v", aside, large)
				}
				if q := tables.Quarantine(); len(q) != 1 || q[0].Log != projector.LogConversations || q[0].Reason != schema.CodeSetAside || q[0].Detail == "" {
					t.Errorf("in quarantine: %+v", q)
				}
				others := foldtest.Distinct(records)
				delete(others, large)
				if err := tables.Compare(others, large); err != nil {
					t.Error(err)
				}

				tables.Release() // still too large
				<-time.After(time.Minute)
				if aside := p.Aside(); len(aside) != 1 || aside[0].Reason != schema.CodeSetAside {
					t.Errorf("set aside are %v, want it again", aside)
				}
				room.Store(true)
				tables.Release()
				<-time.After(time.Minute)
				if aside := p.Aside(); len(aside) != 0 || len(tables.Quarantine()) != 0 {
					t.Errorf("still set aside: %v %v", aside, tables.Quarantine())
				}
				if err := tables.Compare(distinct); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestARefusalForAMomentSetsNothingAside(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Stream(foldtest.Seeded(7), 5)
		began := time.Now()
		tables.Large = func(schema.ConversationKey) bool { return time.Since(began) < 2*time.Second }
		last := log.Append(taken, payloads(events)...)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: 1})
		await(t, tables, projector.LogEvents, last)
		if aside := p.Aside(); len(aside) > 0 {
			t.Errorf("set aside: %v", aside)
		}
	})
}

func TestTablesWithoutRoomForAnythingSetNothingAside(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Stream(foldtest.Seeded(8), 30)
		full := atomic.Bool{}
		full.Store(true)
		tables.Large = func(schema.ConversationKey) bool { return full.Load() }
		last := log.Append(taken, payloads(events)...)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables})
		<-time.After(10 * time.Minute) // of the bubble
		if err := p.Ready(); err == nil {
			t.Error("ready, though nothing is written")
		}
		full.Store(false)
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()
		if err := p.Ready(); err != nil || len(p.Aside()) > 10 {
			t.Errorf("%v, %d set aside", err, len(p.Aside()))
		}
	})
}

// TestAnyNumberOfLargeConversationsIsSetAside has nothing between them that passes.
func TestAnyNumberOfLargeConversationsIsSetAside(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		const large = 15
		tables.Large = func(key schema.ConversationKey) bool { return key.Project == 1 }
		custom := make([]schema.CustomValue, 50)
		for i := range custom {
			custom[i] = schema.CustomValue{Key: fmt.Sprint(i), Value: strings.Repeat("x", schema.MaxCustomValueBytes)}
		}
		var events []schema.Event
		for n := range large + 1 {
			key := foldtest.Conversation(1, n)
			if n == large {
				key.Project = 2 // an innocent one, after all others
			}
			events = append(events, schema.Event{
				Project: key.Project, Conversation: key.Conversation, Source: "s", ID: fmt.Sprint(n), Time: 1_700_000_000_000,
				Type: schema.TypeOpened, Data: &schema.Opened{Channel: "CHAT", CustomData: custom},
			})
		}
		last := log.Append(taken, payloads(events)...)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: large})
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()
		if err := p.Ready(); err != nil || len(p.Aside()) != large {
			t.Errorf("%v, %d set aside", err, len(p.Aside()))
		}
	})
}

func TestAConversationThatCannotBeReadBackIsSetAside(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Stream(foldtest.Seeded(9), 20)
		records := foldtest.Records(events, 1)
		large := events[0].ConversationKey()
		room := atomic.Bool{}
		tables.LargeToRead = func(key schema.ConversationKey) bool { return key == large && !room.Load() }
		last := log.Append(taken, payloads(events)...)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: 20, CacheBytes: 1})
		await(t, tables, projector.LogEvents, last)
		synctest.Wait()
		if err := p.Ready(); err != nil || len(p.Aside()) != 1 || p.Aside()[0].ConversationKey != large {
			t.Errorf("%v, set aside: %v", err, p.Aside())
		}
		room.Store(true)
		tables.Release()
		<-time.After(time.Minute)
		if err := tables.Compare(foldtest.Distinct(records)); err != nil || len(p.Aside()) > 0 {
			t.Errorf("%v, set aside: %v", err, p.Aside())
		}
	})
}

// TestRowsThatAreRejectedAgainAreTriedEverMoreRarely asks for the rows of conversations again, of which
// the tables reject one. Nothing fails for it, and it is tried again until they accept it.
func TestRowsThatAreRejectedAgainAreTriedEverMoreRarely(t *testing.T) {
	bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
		events := foldtest.Stream(foldtest.Seeded(10), 20)
		records := foldtest.Records(events, 1)
		rejected := events[0].ConversationKey()
		var rejects atomic.Bool
		var tried atomic.Int64
		tables.Reject = func(key schema.ConversationKey) bool {
			if key != rejected || !rejects.Load() {
				return false
			}
			tried.Add(1)
			return true
		}
		registry := prometheus.NewRegistry()
		last := log.Append(taken, payloads(events)...)
		p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, Registerer: registry})
		await(t, tables, projector.LogEvents, last)

		rejects.Store(true)
		tables.AskAgain(slices.Collect(maps.Keys(foldtest.Distinct(records)))...)
		<-time.After(time.Hour)
		if n := tried.Load(); n < 8 || n > 30 {
			t.Errorf("tried %d times in an hour", n)
		}
		if left := tables.Quarantine(); len(left) != 1 {
			t.Errorf("still asked for: %+v", left)
		}
		want := fmt.Sprintf("[%d/%s (write: unwritable: a value does not fit)]", rejected.Project, rejected.Conversation)
		if got := fmt.Sprint(p.Rejected()); got != want {
			t.Errorf("rejected are %s, want %s", got, want)
		}
		if failed := values(t, registry)["parley_projector_failures_total"]; failed > 0 || p.Ready() != nil {
			t.Errorf("%v failures, %v", failed, p.Ready())
		}
		rejects.Store(false)
		<-time.After(10 * time.Minute)
		if left := tables.Quarantine(); len(left)+len(p.Rejected()) > 0 {
			t.Errorf("still asked for: %+v; rejected %v", left, p.Rejected())
		}
		compare(t, tables, records)
	})
}
