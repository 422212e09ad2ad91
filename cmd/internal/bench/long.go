package main

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/parley-analytics/parley/ingest"
)

// Line o: a conversation of many messages. Further events are measured one by one, while new
// conversations are opened at a steady pace and looked for.
const (
	longID        = "00000000-0000-4000-8000-00000000000a"
	longAtOnce    = 4_000
	furtherEvents = 20
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
	said int
}

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
	m := &monologue{rig: r}
	defer func() { m.served.close() }()
	if err := m.serve(ctx); err != nil {
		return err
	}
	for m.said < size {
		if err := m.say(ctx, min(longAtOnce, size-m.said), 0); err != nil {
			return err
		}
	}
	if err := m.visible(ctx); err != nil {
		return err
	}
	what := fmt.Sprintf("a conversation of %s messages: ", number(float64(size)))
	if err := m.memory(what+"while they come in", b.report); err != nil {
		return err
	}
	for _, phase := range []struct {
		name  string
		times int
		late  time.Duration
	}{
		{"a further event", furtherEvents, 0},
		{"an event 1 s late", 3, time.Second},
		{"an event late by half of it", 2, time.Duration(size/2) * time.Millisecond},
	} {
		if err := m.measure(ctx, what+phase.name, phase.times, phase.late, b.report); err != nil {
			return err
		}
	}
	if err := m.memory(what+"after late ones", b.report); err != nil {
		return err
	}
	m.served.close()
	if err := m.serve(ctx); err != nil {
		return err
	}
	if err := m.measure(ctx, what+"the first event after a start", 1, 0, b.report); err != nil {
		return err
	}
	return m.memory(what+"after a start", b.report)
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

// say posts further messages, a millisecond after each other, or so late.
func (m *monologue) say(ctx context.Context, count int, late time.Duration) error {
	var lines bytes.Buffer
	for range count {
		m.said++
		at := crowdFrom.Add(time.Duration(m.said)*time.Millisecond - late).Format("2006-01-02T15:04:05.000Z")
		fmt.Fprintf(&lines, `{"specversion":"1.0","id":"long-%[1]d","source":"bench","type":"parley.message.sent.v1","time":%[2]q,"subject":%[3]q,"projectid":1,`+
			`"data":{"messageId":"m-%[1]d","author":{"kind":"VISITOR"},"text":"a message of some length, as people write them to each other"}}`+"\n", m.said, at, longID)
	}
	_, err := m.post(ctx, ingest.Path, "application/x-ndjson", lines.Bytes(), http.StatusAccepted)
	return err
}

// visible waits until every message is counted.
func (m *monologue) visible(ctx context.Context) error {
	return m.await(ctx, "SELECT toUInt64(sum(visitor_message_count)) FROM "+longTable+" WHERE conversation_id = '"+longID+"'", uint64(m.said))
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

// measure sends further events, each when the one before is visible, beside bystanders.
func (m *monologue) measure(ctx context.Context, what string, times int, late time.Duration, report *report) error {
	idle, err := m.spent()
	if err != nil {
		return err
	}
	var delays, others []float64
	var failed error
	beside, stop := context.WithCancel(ctx)
	var looking sync.WaitGroup
	looking.Go(func() { others, failed = m.bystanders(beside, ctx) })
	for range times {
		began := time.Now()
		if err := m.say(ctx, 1, late); err != nil {
			stop()
			return err
		}
		if err := m.visible(ctx); err != nil {
			stop()
			return err
		}
		delays = append(delays, time.Since(began).Seconds()*1000)
	}
	stop()
	looking.Wait()
	if failed != nil {
		return failed
	}
	after, err := m.spent()
	if err != nil {
		return err
	}
	used := after.minus(idle)
	f := latencies("o", what+", sent until visible", delays, "", nil, 1)
	f.Note = fmt.Sprintf("%d of them, median %.0f ms; processor time of each with all beside it: parley %.2f s, ClickHouse %.2f s",
		times, quantile(slices.Sorted(slices.Values(delays)), 0.5), used.self/float64(times), used.child/float64(times))
	report.add(f.goal("≤ 1,000 ms", f.Ours.Median <= 1000))
	f = latencies("o", what+": other conversations beside it", others, "", nil, 1)
	f.Note = fmt.Sprintf("%d of them, median %.0f ms", len(others), quantile(slices.Sorted(slices.Values(others)), 0.5))
	report.add(f.goal("≤ 200 ms", f.Ours.Median <= 200))
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
