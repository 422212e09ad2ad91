package eventlog

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"runtime"
	"runtime/metrics"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

// payload is as long as the event that the project's figures are about.
var payload = append(append([]byte{'"'}, bytes.Repeat([]byte("0123456789abcde"), 25)...), '"')

func benchMessages(next *int, n int) []Message {
	batch := make([]Message, n)
	for i := range batch {
		*next++
		batch[i] = Message{ID: MessageID(schema.EventKey{Project: 1, Source: "/bench", ID: fmt.Sprint(*next)}), Payload: payload, JSON: true}
	}
	return batch
}

func BenchmarkAppend(b *testing.B) {
	for _, size := range []int{1, 10, 100, 1000, 4000, 10_000} {
		b.Run(fmt.Sprint(size), func(b *testing.B) {
			s := open(b, enginetest.NATS(b, enginetest.SyncAlways())).Events()
			next := 0
			used := cpuTime(b)
			for b.Loop() {
				if _, err := s.Append(context.Background(), benchMessages(&next, size)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N*size)/b.Elapsed().Seconds(), "msg/s")
			b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/float64(b.N*size), "cpu-µs/msg")
		})
	}
}

// BenchmarkCompression compares what events take on disk, and what that costs.
func BenchmarkCompression(b *testing.B) {
	for _, compression := range []bool{false, true} {
		b.Run(fmt.Sprint(compression), func(b *testing.B) {
			server := enginetest.NATS(b, enginetest.SyncAlways())
			s := open(b, server, func(o *Options) { o.Compression = compression }).Events()
			next, used := 0, cpuTime(b)
			for b.Loop() {
				batch := benchMessages(&next, 4000)
				for i := range batch {
					batch[i].Payload = fmt.Appendf(nil, `{"specversion":"1.0","id":"evt-%x","source":"/routing/eu-1","type":"parley.conversation.pushed.v1",`+
						`"time":"2026-01-02T03:04:%02d.%03dZ","subject":"%08x-7c1e-4a53-9d52-%012x","projectid":%d,`+
						`"data":{"toUser":{"id":%d,"kind":"PROFESSIONAL","name":"Agent %x","email":"agent.%x@example.com"}}}`,
						uint64(next+i)*0x9e3779b97f4a7c15, i%60, i%1000, uint32(next/20+i/20)*0x9e3779b9, uint64(i/20)*0x9e3779b97f4a7&0xffffffffffff, i%7+1, i%300, i%300, i%300)
				}
				if _, err := s.Append(context.Background(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/float64(next), "cpu-µs/msg")
			var bytes int64
			err := filepath.WalkDir(server.Dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil || d.IsDir() || filepath.Ext(path) != ".blk" {
					return err
				}
				info, err := d.Info()
				bytes += info.Size()
				return err
			})
			if err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(bytes)/float64(next), "disk-bytes/msg")
		})
	}
}

// BenchmarkRead reads the events of a stream from its beginning, over and over: with the reader, and
// with the ordered consumers of the client library, which hand out one message at a time. Memory is
// the most that a sweep of the heap has found in use while reading.
func BenchmarkRead(b *testing.B) {
	for _, size := range []int{1, 100, 4000} {
		broker := open(b, enginetest.NATS(b))
		s := broker.Events()
		next := 0
		for total := min(100_000*size, 1_000_000); next < total; {
			if _, err := s.Append(context.Background(), benchMessages(&next, size)); err != nil {
				b.Fatal(err)
			}
		}
		for _, way := range []struct {
			name string
			read func(*testing.B, *Stream, int)
		}{{"reader", readWith}, {"library-push", pushAll}, {"library-pull", pullAll}} {
			b.Run(fmt.Sprintf("%d/%s", size, way.name), func(b *testing.B) {
				runtime.GC()
				heap := highWater(b)
				used := cpuTime(b)
				for b.Loop() {
					way.read(b, s, next)
				}
				b.ReportMetric(float64(b.N*next)/b.Elapsed().Seconds(), "events/s")
				b.ReportMetric(float64((cpuTime(b)-used).Nanoseconds())/float64(b.N*next), "cpu-ns/event")
				b.ReportMetric(float64(heap())/(1<<20), "MiB")
			})
		}
	}
}

func readWith(b *testing.B, s *Stream, total int) {
	r := s.NewReader()
	defer r.Close()
	for at := schema.Sequence(0); total > 0; {
		entries, err := r.Read(context.Background(), at, 10_000, time.Second)
		if err != nil {
			b.Fatal(err)
		}
		if len(entries) > 0 {
			at = entries[len(entries)-1].Sequence
		}
		total -= len(entries)
	}
}

// pushAll uses the consumer of package nats, whose server pushes with flow control, as the reader's does.
func pushAll(b *testing.B, s *Stream, total int) {
	js, err := s.broker.conn.JetStream()
	if err != nil {
		b.Fatal(err)
	}
	feed, err := js.SubscribeSync(">", nats.OrderedConsumer(), nats.BindStream(s.name), nats.DeliverAll())
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = feed.Unsubscribe() }()
	if err := feed.SetPendingLimits(-1, -1); err != nil {
		b.Fatal(err)
	}
	for total > 0 {
		m, err := feed.NextMsg(30 * time.Second)
		if err != nil {
			b.Fatal(err)
		}
		at, err := m.Metadata()
		if err != nil {
			b.Fatal(err)
		}
		total -= len(s.entries(delivered{record.Number(at.Sequence.Stream), at.Timestamp, m.Header, m.Data}))
	}
}

// pullAll uses the consumer of package jetstream, which asks for each batch.
func pullAll(b *testing.B, s *Stream, total int) {
	consumer, err := s.broker.js.OrderedConsumer(context.Background(), s.name, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy})
	if err != nil {
		b.Fatal(err)
	}
	feed, err := consumer.Messages(jetstream.PullMaxBytes(readBuffer))
	if err != nil {
		b.Fatal(err)
	}
	defer feed.Stop()
	for total > 0 {
		m, err := feed.Next()
		if err != nil {
			b.Fatal(err)
		}
		at, err := m.Metadata()
		if err != nil {
			b.Fatal(err)
		}
		total -= len(s.entries(delivered{record.Number(at.Sequence.Stream), at.Timestamp, m.Headers(), m.Data()}))
	}
}

// highWater watches the heap until the function that it returns is called, which
// returns the most that was in use.
func highWater(b *testing.B) func() uint64 {
	b.Helper()
	end, most := make(chan struct{}), make(chan uint64)
	go func() {
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		high := uint64(0)
		for {
			sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
			metrics.Read(sample)
			high = max(high, sample[0].Value.Uint64())
			select {
			case <-tick.C:
			case <-end:
				most <- high
				return
			}
		}
	}()
	return func() uint64 {
		close(end)
		return <-most
	}
}
