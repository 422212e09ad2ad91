package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/parley-analytics/parley/ingest"
)

// Line o: a conversation of many messages. Further events are measured one by one, while new
// conversations are opened at a steady pace and looked for. The floor is the same with a conversation of few messages, in turns.
const (
	longID        = "00000000-0000-4000-8000-00000000000a"
	shortID       = "00000000-0000-4000-8000-00000000000b"
	longAtOnce    = 4_000
	furtherRounds = 4
	furtherEvents = 10 // in a round
	bystanderPace = 250 * time.Millisecond
	lookPace      = 10 * time.Millisecond

	// The table under the view: to analyse the view for each look would take the cores from what is measured.
	longTable = "parley_1.conversations FINAL"
)

// monologue is a `parley serve` with a long conversation.
type monologue struct {
	*served
	remote
	rig  *rig
	said map[string]int // messages by conversation
}

// times are the milliseconds until events were visible: those that were measured, and others beside them.
type times struct{ events, others []float64 }

// longConversation measures line o.
func (b *bench) longConversation(ctx context.Context) error {
	sizes, err := b.sizes()
	if err != nil {
		return err
	}
	for _, size := range sizes {
		if err := b.longOf(ctx, size); err != nil {
			return fmt.Errorf("%d messages: %w", size, err)
		}
	}
	return nil
}

func (b *bench) longOf(ctx context.Context, size int) error {
	r, err := b.start(ctx, natsOnly)
	defer r.close()
	if err != nil {
		return err
	}
	r.stopNATS()
	m := &monologue{rig: r, said: map[string]int{}}
	defer func() { m.served.close() }()
	if err := m.serve(ctx); err != nil {
		return err
	}
	for m.said[longID] < size {
		if err := m.say(ctx, longID, min(longAtOnce, size-m.said[longID]), 0); err != nil {
			return err
		}
	}
	if err := m.visible(ctx, longID); err != nil {
		return err
	}
	what := fmt.Sprintf("a conversation of %s messages: ", number(float64(size)))
	if err := m.memory(what+"while they come in", b.report); err != nil {
		return err
	}
	var of, floor times
	for range furtherRounds {
		if err := m.measure(ctx, longID, furtherEvents, 0, &of); err != nil {
			return err
		}
		if err := m.measure(ctx, shortID, furtherEvents, 0, &floor); err != nil {
			return err
		}
	}
	b.report.add(visibleAfter(what+"a further event", of.events, floor.events, furtherGoal))
	b.report.add(visibleAfter(what+"others beside further events", of.others, floor.others, othersGoal))
	half := time.Duration(size/2) * time.Millisecond
	for _, phase := range []struct {
		name    string
		times   int
		late    time.Duration
		started bool // after a start of the process
		within  bool // the start is in the middle of what an event late by half of it has to change
	}{
		{"an event 1 s late", 3, time.Second, false, false},
		{"an event late by half of it", 2, half, false, false},
		{"the first event after a start", 1, 0, true, false},
		{"one after a start while an event late by half of it is folded", 1, 0, true, true},
	} {
		if phase.within {
			if err := m.say(ctx, longID, 1, half); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(untilFolded):
			}
		}
		if phase.started {
			m.served.close()
			if err := m.serve(ctx); err != nil {
				return err
			}
		}
		var of times
		if err := m.measure(ctx, longID, phase.times, phase.late, &of); err != nil {
			return err
		}
		b.report.add(visibleAfter(what+phase.name, of.events, nil, 0))
		b.report.add(visibleAfter(what+"others beside "+phase.name, of.others, nil, othersGoal))
		if err := m.memory(what+phase.name, b.report); err != nil {
			return err
		}
	}
	return nil
}

const (
	furtherGoal = 1000 // milliseconds
	othersGoal  = 200
	untilFolded = 2 * time.Second // an event is archived by then, and not folded yet
)

// visibleAfter is the median of some times, with the lowest and the highest, beside those of the floor, if there are any.
func visibleAfter(what string, ours, floor []float64, goal float64) figure {
	f := figure{Line: "o", What: what + ", sent until visible", Unit: "ms", Ours: spreadOf(ours)}
	f.Note = fmt.Sprintf("of %d; p95 %.0f ms", len(ours), quantile(slices.Sorted(slices.Values(ours)), 0.95))
	if floor != nil {
		f = f.against("a conversation of few messages", spreadOf(floor))
	}
	if goal == 0 {
		return f
	}
	return f.goal(fmt.Sprintf("≤ %s ms", number(goal)), f.Ours.Median <= goal)
}

func (m *monologue) serve(ctx context.Context) error {
	s, _, err := m.rig.serveBinary(ctx, 0)
	m.served = s
	if err != nil {
		return err
	}
	m.remote, err = s.remote(m.rig.dir)
	return err
}

// say posts further messages of a conversation, a millisecond after each other, or so late.
func (m *monologue) say(ctx context.Context, id string, count int, late time.Duration) error {
	var lines bytes.Buffer
	for range count {
		m.said[id]++
		at := crowdFrom.Add(time.Duration(m.said[id])*time.Millisecond - late).Format("2006-01-02T15:04:05.000Z")
		fmt.Fprintf(&lines, `{"specversion":"1.0","id":"%[3]s-%[1]d","source":"bench","type":"parley.message.sent.v1","time":%[2]q,"subject":%[3]q,"projectid":1,`+
			`"data":{"messageId":"m-%[1]d","author":{"kind":"VISITOR"},"text":"a message of some length, as people write them to each other"}}`+"\n", m.said[id], at, id)
	}
	_, err := m.post(ctx, ingest.Path, "application/x-ndjson", lines.Bytes(), http.StatusAccepted)
	return err
}

// visible waits until every message of a conversation is counted.
func (m *monologue) visible(ctx context.Context, id string) error {
	return m.await(ctx, "SELECT toUInt64(sum(visitor_message_count)) FROM "+longTable+" WHERE conversation_id = '"+id+"'", uint64(m.said[id]))
}

// await looks until a statement returns a number.
func (m *monologue) await(ctx context.Context, statement string, want uint64) error {
	looks := time.NewTicker(lookPace)
	defer looks.Stop()
	for {
		var got uint64
		if err := m.tables.Conn().QueryRow(ctx, statement).Scan(&got); err != nil {
			return err
		}
		if got == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-looks.C:
		}
	}
}

// measure sends further events of a conversation, each when the one before is visible, beside bystanders, and adds their times.
func (m *monologue) measure(ctx context.Context, id string, count int, late time.Duration, to *times) error {
	var others []float64
	var failed error
	beside, stop := context.WithCancel(ctx)
	var looking sync.WaitGroup
	looking.Go(func() { others, failed = m.bystanders(beside, ctx) })
	err := m.further(ctx, id, count, late, to)
	stop()
	looking.Wait()
	to.others = append(to.others, others...)
	return errors.Join(err, failed)
}

func (m *monologue) further(ctx context.Context, id string, count int, late time.Duration, to *times) error {
	for range count {
		began := time.Now()
		if err := m.say(ctx, id, 1, late); err != nil {
			return err
		}
		if err := m.visible(ctx, id); err != nil {
			return err
		}
		to.events = append(to.events, time.Since(began).Seconds()*1000)
	}
	return nil
}

// bystanders opens conversations one after the other until the first context ends, at least one, and returns
// after how many milliseconds each was visible.
func (m *monologue) bystanders(until, ctx context.Context) ([]float64, error) {
	var delays []float64
	pace := time.NewTicker(bystanderPace)
	defer pace.Stop()
	for n := 0; n == 0 || until.Err() == nil; n++ {
		id := fmt.Sprintf("00000000-0000-4000-8001-%012x", time.Now().UnixMilli())
		began := time.Now()
		event := fmt.Sprintf(`{"specversion":"1.0","id":"beside-%s","source":"bench","type":"parley.conversation.opened.v1","time":%q,"subject":%q,"projectid":1,"data":{"channel":"CHAT"}}`,
			id, crowdFrom.Format(time.RFC3339), id)
		if _, err := m.post(ctx, ingest.Path, "application/x-ndjson", []byte(event), http.StatusAccepted); err != nil {
			return nil, err
		}
		if err := m.await(ctx, "SELECT count() FROM "+longTable+" WHERE conversation_id = '"+id+"'", 1); err != nil {
			return nil, err
		}
		delays = append(delays, time.Since(began).Seconds()*1000)
		select {
		case <-until.Done():
		case <-pace.C:
		}
	}
	return delays, nil
}

// memory reports the most that the processes have held.
func (m *monologue) memory(what string, report *report) error {
	for _, process := range []struct {
		name string
		pid  int
	}{{"parley", m.command.Process.Pid}, {"ClickHouse", m.child}} {
		most, err := residentPeak(process.pid)
		if err != nil {
			return err
		}
		report.add(figure{Line: "o", What: what + ", most memory of " + process.name, Unit: "MiB", Ours: &spread{Median: most, Rounds: 1}})
	}
	return nil
}
