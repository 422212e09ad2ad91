package projector

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/parley-analytics/parley/schema"
)

const (
	// readMost is the maximum number of entries in one read: 128 MiB if all have the maximum size.
	readMost = 512
	// quiet is how long a read waits for the first entry of a batch.
	quiet = time.Second
	// linger is how long a read waits for another one: when entries stop arriving, the batch is complete.
	linger = 5 * time.Millisecond
)

// intake is the gathered entries of a log, each validated.
type intake struct {
	position schema.Sequence // everything up to there is in it
	checksum uint32          // of the last entry
	entries  int
	canaries int // of the entries
	bytes    int
	begun    time.Time // when the first entry was read

	oldest, newest time.Time // when the first and the last entry arrived in the log

	events    []ArchivedEvent
	rejected  []Rejection
	withdrawn []schema.Record // of the rejected and the replaced, those of which the tables may hold something
	repeats   int             // duplicates of events of this batch, which were dropped
}

// judge decides whether an entry is an event or a rejection. It does not retain the payload: the
// caller sets Original, unless it differs.
type judge func(entry schema.Entry) (schema.Record, *Rejection)

// judgeEvent reads an entry of the log of events. Anyone with the broker's
// credentials may have published it.
func judgeEvent(entry schema.Entry) (schema.Record, *Rejection) {
	event, err := schema.Decode(entry.Payload, entry.ReceivedAt)
	record := schema.Record{Sequence: entry.Sequence, ReceivedAt: schema.TimestampOf(entry.ReceivedAt), Event: event}
	if err != nil {
		return record, rejection(LogEvents, record, err)
	}
	return record, nil
}

// rejection is the quarantine row for an entry of a log that cannot be projected.
func rejection(log string, r schema.Record, err *schema.Error) *Rejection {
	return &Rejection{
		Log: log, Sequence: r.Sequence, ReceivedAt: r.ReceivedAt,
		Reason: err.Code, Detail: err.Message(),
		Source: r.Event.Source, EventID: r.Event.ID,
	}
}

// gatherer reads batches from a log.
type gatherer struct {
	log    Log
	judge  judge
	events batchSize     // a batch is big enough with so many entries
	size   int           // or so many bytes
	age    time.Duration // or when it is so old
	clock  func() time.Time
}

// batchSize is the maximum number of entries in a batch. It is halved with every failure, because a
// smaller batch may succeed where a large one fails (for memory, or time), and doubled again with
// every batch written.
type batchSize struct {
	most int
	now  atomic.Int64
}

func (b *batchSize) get() int { return int(b.now.Load()) }
func (b *batchSize) halve()   { b.now.Store(max(1, b.now.Load()/2)) }
func (b *batchSize) double()  { b.now.Store(min(int64(b.most), b.now.Load()*2)) }

// gather reads after a position until the batch is large or old enough, or no more entries arrive.
// It waits indefinitely for the first entry.
func (g *gatherer) gather(ctx context.Context, after schema.Sequence) (*intake, error) {
	in := &intake{position: after}
	for wait := quiet; ; {
		n, err := g.more(ctx, in, wait)
		if err != nil {
			return nil, err
		}
		left := g.age - g.clock().Sub(in.begun)
		switch {
		case n == 0 && in.entries == 0:
		case n == 0, !g.room(in), left <= 0:
			return in, nil
		default:
			wait = min(linger, left)
		}
	}
}

// more adds the entries of one read to a batch, and returns how many they are.
func (g *gatherer) more(ctx context.Context, in *intake, wait time.Duration) (int, error) {
	entries, err := g.log.Read(ctx, in.position, min(readMost, max(1, g.events.get()-in.entries)), wait)
	if err != nil {
		return 0, fmt.Errorf("read after %d: %w", in.position, err)
	}
	if err := ctx.Err(); err != nil || len(entries) == 0 {
		return 0, err
	}
	if in.entries == 0 {
		in.begun = g.clock()
	}
	return len(entries), in.take(entries, g.judge)
}

// room reports whether the batch may grow.
func (g *gatherer) room(in *intake) bool { return in.entries < g.events.get() && in.bytes < g.size }

// take validates entries and copies their bytes, which belong to the log.
func (in *intake) take(entries []schema.Entry, judge judge) error {
	size := 0
	for i := range entries {
		size += len(entries[i].Payload)
	}
	copies := make([]byte, 0, size)
	if cap(in.events)-len(in.events) < len(entries) {
		in.events = slices.Grow(in.events, max(len(in.events), len(entries))) // append would copy a large batch more often
	}
	for _, entry := range entries {
		if entry.Sequence <= in.position {
			return fmt.Errorf("the log returned entry %d after entry %d", entry.Sequence, in.position)
		}
		in.position = entry.End()
		if schema.IsCanary(entry.Payload) {
			in.canaries++
			continue
		}
		start := len(copies)
		copies = append(copies, entry.Payload...)
		original := copies[start:len(copies):len(copies)]
		if record, rejected := judge(entry); rejected != nil {
			if rejected.Original == nil {
				rejected.Original = original
			}
			in.rejected = append(in.rejected, *rejected)
		} else {
			in.events = append(in.events, ArchivedEvent{Record: record, Original: original})
		}
	}
	if in.entries == 0 {
		in.oldest = entries[0].ReceivedAt
	}
	in.newest = entries[len(entries)-1].ReceivedAt
	in.checksum = checksum(entries[len(entries)-1].Payload)
	in.entries += len(entries)
	in.bytes += size
	return nil
}
