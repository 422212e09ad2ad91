package projector_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

// moved are events as an erasure appends them again, the first one from a place in the log.
func moved(events []schema.Event, first schema.Sequence) []schema.Event {
	out := slices.Clone(events)
	for i := range out {
		out[i].Origin = first + schema.Sequence(i)
	}
	return out
}

// An erasure announces itself with the last of its copies. The row of the conversation then has that sequence, however the log is cut
// into batches and wherever they break off; before, the copies are duplicates or, where the originals are gone, what counts.
func TestTheAnnouncementOfAnErasureChangesTheRows(t *testing.T) {
	events := foldtest.Realistic(foldtest.Seeded(5), foldtest.Conversation(1, 1), 0)
	const gone = 1000 // places of originals that are not in the log any more
	n := len(events)
	copies := moved(events, gone)
	rest, last := copies[:n-1], copies[n-1:]
	at := schema.Sequence(n)
	for name, c := range map[string]struct {
		log  [][]schema.Event
		want []schema.Record
	}{
		"originals still there": {[][]schema.Event{events, moved(events, 1), moved(events, 1)[n-1:]}, foldtest.Records(events, 1)},
		"copies only":           {[][]schema.Event{copies}, foldtest.Records(copies, 1)},
		"announced":             {[][]schema.Event{copies, last}, append(foldtest.Records(rest, 1), foldtest.Records(last, at+1)...)},
		"announced twice":       {[][]schema.Event{copies, last, last}, append(foldtest.Records(rest, 1), foldtest.Records(last, at+2)...)},
	} {
		for _, batch := range []int{1, 2, 7, 1000} {
			for _, long := range []int{1, 1000} {
				for crash := range 12 {
					t.Run(fmt.Sprint(name, batch, long, crash), func(t *testing.T) {
						bubble(t, func(t *testing.T, log *porttest.Log, tables *porttest.Tables) {
							var end schema.Sequence
							for _, some := range c.log {
								end = log.Append(taken, payloads(some)...)
							}
							points := 0
							tables.Fail = func(point string) error {
								if points++; points%12 == crash && points < 100 {
									return errors.New("failed " + point)
								}
								return nil
							}
							_, stop, err := running(projector.Config{Log: log, Sink: tables, Archive: tables, BatchEvents: batch, LongEvents: long})
							if err != nil {
								t.Fatal(err)
							}
							defer stop()
							ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
							defer cancel()
							if err := tables.Await(ctx, projector.LogEvents, end); err != nil {
								t.Fatal(err)
							}
							if err := tables.Compare(foldtest.Distinct(c.want)); err != nil {
								t.Fatal(err)
							}
						})
					})
				}
			}
		}
	}
}
