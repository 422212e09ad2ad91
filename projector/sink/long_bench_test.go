package sink

import (
	"context"
	"fmt"
	"runtime"
	"testing"
	"time"

	"github.com/parley-analytics/parley/projector"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/projector/porttest"
	"github.com/parley-analytics/parley/schema"
)

// BenchmarkLongConversation measures one more message in a conversation of many,
// from the log into the tables: continued, after a restart, and a late one.
func BenchmarkLongConversation(b *testing.B) {
	for _, n := range []int{1_000, 10_000, 100_000, 500_000, 1_000_000} {
		b.Run(fmt.Sprintf("messages=%d", n), func(b *testing.B) { benchmarkLong(b, n) })
	}
}

func benchmarkLong(b *testing.B, n int) {
	log := porttest.NewLog()
	key := foldtest.Conversation(1, 1)
	text := "a message of some length, as people write them to each other in a chat"
	message := func(i, at int) schema.Sequence {
		e := schema.Event{Project: key.Project, Conversation: key.Conversation, Source: "bench", ID: fmt.Sprint("event-", i), Type: schema.TypeMessage,
			Time: schema.Timestamp(1_700_000_000_000 + at), Data: &schema.Message{MessageID: fmt.Sprint("message-", i), AuthorKind: schema.KindVisitor, Text: &text}}
		return log.Append(time.UnixMilli(int64(e.Time)), schema.Encode(&e))
	}
	var last schema.Sequence
	for i := range n {
		last = message(i, i)
	}
	s := empty(b, Options{})
	var p *projector.Projector
	stop := func() {}
	start := func() {
		stop()
		var err error
		if p, err = projector.New(projector.Config{Log: log, Sink: s, Archive: s}); err != nil {
			b.Fatal(err)
		}
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan struct{})
		go func() { defer close(done); _ = p.Run(ctx) }()
		stop = func() { cancel(); <-done }
	}
	await := func() {
		looks := time.NewTicker(time.Millisecond)
		defer looks.Stop()
		for p.Progress().Position < last || len(p.Behind()) > 0 {
			<-looks.C
		}
	}
	start()
	defer func() { stop() }()
	await()
	measure := func(name string, at int) {
		n++
		begun := time.Now()
		last = message(n, at)
		await()
		b.ReportMetric(float64(time.Since(begun).Milliseconds()), name)
	}
	var heap runtime.MemStats
	for b.Loop() {
		measure("ms/continued", n)
		runtime.GC()
		runtime.ReadMemStats(&heap)
		b.ReportMetric(float64(heap.HeapAlloc>>20), "MB")
		start()
		await()
		measure("ms/restarted", n)
		measure("ms/late", n/2)
	}
}
