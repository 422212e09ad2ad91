package projector_test

import (
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

func TestOnlyTheUnwritableEventIsQuarantined(t *testing.T) {
	for _, batch := range []int{1, 3, 1000} {
		for _, insert := range []string{"conversations", "messages", "events", "keys"} {
			onlyTheUnwritable(t, batch, insert)
		}
	}
}

// onlyTheUnwritable has one of the inserts of a batch refuse events when those before it are done.
func onlyTheUnwritable(t *testing.T, batch int, insert string) {
	t.Run(fmt.Sprint(batch, insert), func(t *testing.T) {
		bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
			tables.RefuseAt = insert
			events := foldtest.Stream(foldtest.Seeded(5), 30)
			refused := map[schema.EventKey]bool{}
			for i := 7; i < len(events); i += 40 {
				refused[events[i].Key()] = true
			}
			tables.Refuse = func(e schema.Event) bool { return refused[e.Key()] }
			records := foldtest.Records(events, 1)
			last := log.Append(taken, payloads(events)...)
			p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: batch})
			await(t, tables, projector.LogEvents, last)

			var counting []schema.Record
			unwritable := 0
			for _, r := range records {
				if refused[r.Event.Key()] {
					unwritable++
				} else {
					counting = append(counting, r)
				}
			}
			compare(t, tables, counting)
			bad := tables.Quarantine()
			if len(bad) != unwritable {
				t.Errorf("%d in quarantine, want %d", len(bad), unwritable)
			}
			for _, r := range bad {
				if r.Reason != schema.CodeUnwritable || len(r.Original) == 0 || r.Detail == "" || !refused[schema.EventKey{Project: records[r.Sequence-1].Event.Project, Source: r.Source, ID: r.EventID}] {
					t.Errorf("in quarantine: %+v", r)
				}
			}
			synctest.Wait()
			if err := p.Ready(); err != nil {
				t.Errorf("not ready: %v", err)
			}
		})
	})
}

func TestTablesThatRefuseEverythingPutNothingIntoQuarantine(t *testing.T) {
	for _, batch := range []int{1000, 1} {
		t.Run(fmt.Sprint(batch), func(t *testing.T) {
			bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
				events := foldtest.Stream(foldtest.Seeded(6), 60)
				wrong := atomic.Bool{}
				wrong.Store(true)
				tables.Refuse = func(schema.Event) bool { return wrong.Load() }
				last := log.Append(taken, payloads(events)...)
				p := start(t, projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: batch})
				<-time.After(10 * time.Minute) // of the bubble
				if err := p.Ready(); err == nil || !strings.Contains(err.Error(), "consecutive events") {
					t.Errorf("ready: %v", err)
				}
				wrong.Store(false)
				await(t, tables, projector.LogEvents, last)
				// Alone, one event is refused like any bad one, until it is clear what is wrong.
				if n := len(tables.Quarantine()); n > 0 && batch > 1 || n > 100 {
					t.Errorf("%d in quarantine", n)
				}
				synctest.Wait()
				if err := p.Ready(); err != nil {
					t.Errorf("not ready: %v", err)
				}
			})
		})
	}
}
