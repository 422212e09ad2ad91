package demo

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

func TestAHistoryHasABotLaunchAndABadDay(t *testing.T) {
	const n = 12_000
	s := History(5, n, 28*24*time.Hour)
	begin := epoch.Add(100 * cycle)
	first := s.Last(begin)
	type sums struct{ all, byBots, leavers, waits, waited, marks, scores int }
	var before, after, bad, usual sums
	var events []Event
	for i := first; i < first+n; i++ {
		start := s.Start(i)
		of := []*sums{&usual}
		if chapterAt(start).bad {
			of[0] = &bad
		}
		events = s.Conversation(events[:0], i)
		var routed time.Time
		contacts, bot := 0, false
		for at, e := range events {
			var event struct {
				Type      schema.Type
				ProjectID int
				Data      struct {
					ToUser               struct{ Kind string }
					CustomerSatisfaction int
				}
			}
			if err := json.Unmarshal(e.JSON, &event); err != nil {
				t.Fatal(err)
			}
			if at == 0 && event.ProjectID == botShop {
				of = append(of, &before)
				if chapterAt(start).bot {
					of[1] = &after
				}
			}
			switch event.Type {
			case schema.TypeRouted:
				routed = e.At
			case schema.TypePushed:
				contacts++
				bot = bot || event.Data.ToUser.Kind == "BOT"
				if event.Data.ToUser.Kind != "BOT" && !routed.IsZero() {
					of[0].waits++
					of[0].waited += int(e.At.Sub(routed).Seconds())
					routed = time.Time{}
				}
			case schema.TypeSatisfaction:
				if score := event.Data.CustomerSatisfaction; score > 0 {
					of[0].marks++
					of[0].scores += score
				}
			}
		}
		for _, one := range of {
			one.all++
			if bot {
				one.byBots++
			}
			if contacts == 0 {
				one.leavers++
			}
		}
	}
	if before.byBots != 0 || after.byBots*10 < after.all*3 || before.all < n/10 {
		t.Errorf("of the shop's conversations bots meet %d of %d before the launch and %d of %d after it", before.byBots, before.all, after.byBots, after.all)
	}
	if bad.all < 200 || bad.waited*usual.waits < 4*usual.waited*bad.waits {
		t.Errorf("the bad day has %d s in %d waits, others %d s in %d", bad.waited, bad.waits, usual.waited, usual.waits)
	}
	if bad.leavers*usual.all < 2*usual.leavers*bad.all {
		t.Errorf("%d of %d leave on the bad day, %d of %d on others", bad.leavers, bad.all, usual.leavers, usual.all)
	}
	if 10*bad.scores*usual.marks > 9*usual.scores*bad.marks {
		t.Errorf("the marks are %d in %d answers on the bad day, %d in %d on others", bad.scores, bad.marks, usual.scores, usual.marks)
	}
}
