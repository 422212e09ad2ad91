package sink

import (
	"syscall"
	"testing"
	"time"

	chgo "github.com/ClickHouse/ch-go/proto"
	library "github.com/ClickHouse/clickhouse-go/v2/lib/column"
	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"

	"github.com/parley-analytics/parley/projector"
)

// BenchmarkEncodeEvents makes a block of the events table in the Native format, with
// the columns of this package and with those of the libraries. Each keeps its memory for
// the next block. Nothing is sent.
func BenchmarkEncodeEvents(b *testing.B) {
	rows := played(1000).Events
	for name, encode := range map[string]func(b *testing.B, rows []projector.ArchivedEvent) []byte{
		"ours":          encodeHere(),
		"ch-go":         encodeWithColumns(),
		"clickhouse-go": encodeByReflection(b),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			used, size := cpuTime(b), 0
			for b.Loop() {
				size = len(encode(b, rows))
			}
			written := float64(b.N * len(rows))
			b.ReportMetric(written/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric(float64((cpuTime(b)-used).Microseconds())/written, "cpu-µs/row")
			b.ReportMetric(float64(size)/float64(len(rows)), "bytes/row")
		})
	}
}

// cpuTime is what the process has used so far: on a busy machine it says more than
// the clock.
func cpuTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

func encodeHere() func(*testing.B, []projector.ArchivedEvent) []byte {
	columns, buffer := eventsTable().columns, []byte(nil)
	return func(b *testing.B, rows []projector.ArchivedEvent) []byte {
		var err error
		if _, buffer, err = blockOf(buffer, columns, rows, mostArchivedBytes); err != nil {
			b.Fatal(err)
		}
		return buffer
	}
}

// encodeWithColumns uses the typed columns of ch-go.
func encodeWithColumns() func(*testing.B, []projector.ArchivedEvent) []byte {
	var project chgo.ColUInt32
	var conversation, id chgo.ColStr
	var original chgo.ColBytes
	source, kind := new(chgo.ColStr).LowCardinality(), new(chgo.ColStr).LowCardinality()
	at := new(chgo.ColDateTime64).WithPrecision(chgo.PrecisionMilli).WithLocation(time.UTC)
	received := new(chgo.ColDateTime64).WithPrecision(chgo.PrecisionMilli).WithLocation(time.UTC)
	var sequence chgo.ColUInt64
	input := chgo.Input{
		{Name: "project_id", Data: &project}, {Name: "conversation_id", Data: &conversation}, {Name: "event_id", Data: &id},
		{Name: "source", Data: source}, {Name: "type", Data: kind}, {Name: "time", Data: at}, {Name: "sequence", Data: &sequence},
		{Name: "received_at", Data: received}, {Name: "original", Data: &original},
	}
	var out chgo.Buffer
	return func(b *testing.B, rows []projector.ArchivedEvent) []byte {
		for _, c := range input {
			c.Data.(chgo.Resettable).Reset()
		}
		out.Reset()
		for i := range rows {
			e := &rows[i]
			project.Append(uint32(e.Event.Project))
			conversation.Append(string(e.Event.Conversation))
			id.Append(e.Event.ID)
			source.Append(e.Event.Source)
			kind.Append(string(e.Event.Type))
			at.Append(e.Event.Time.Time())
			sequence.Append(uint64(e.Sequence))
			received.Append(e.ReceivedAt.Time())
			original.Append(e.Original)
		}
		if err := (chgo.Block{Columns: len(input), Rows: len(rows)}).EncodeRawBlock(&out, 0, input); err != nil {
			b.Fatal(err)
		}
		return out.Buf
	}
}

// encodeByReflection appends row by row, as batches of clickhouse-go do.
func encodeByReflection(b *testing.B) func(*testing.B, []projector.ArchivedEvent) []byte {
	block := proto.NewBlock()
	block.ServerContext = &library.ServerContext{Timezone: time.UTC}
	for _, c := range eventsTable().columns {
		if err := block.AddColumn(c.Name, library.Type(c.Kind)); err != nil {
			b.Fatal(err)
		}
	}
	var out chgo.Buffer
	return func(b *testing.B, rows []projector.ArchivedEvent) []byte {
		block.Reset()
		out.Reset()
		for i := range rows {
			e := &rows[i]
			err := block.Append(uint32(e.Event.Project), string(e.Event.Conversation), e.Event.ID, e.Event.Source, string(e.Event.Type),
				e.Event.Time.Time(), uint64(e.Sequence), e.ReceivedAt.Time(), e.Original)
			if err != nil {
				b.Fatal(err)
			}
		}
		if err := block.Encode(&out, 0); err != nil {
			b.Fatal(err)
		}
		return out.Buf
	}
}
