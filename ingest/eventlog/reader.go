package eventlog

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

const (
	// readBuffer is how many bytes of payload a reader holds before it asks the
	// server to wait. The server then has up to 32 MiB more in flight.
	readBuffer = 16 << 20
	// heartbeat is how often an idle consumer sends a heartbeat.
	heartbeat = 2 * time.Second
	// silence is how long a reader waits without a record or a heartbeat before it
	// restarts its consumer.
	silence = 3 * heartbeat
	// stillness is how long it tolerates heartbeats without records although the stream is known to be ahead.
	stillness = 5 * time.Second
)

// Reader reads the events of a stream in order. It keeps no position: the caller of Read passes it.
// One goroutine at a time.
//
// It uses an ordered consumer without acknowledgements that reads ahead of the caller by a bounded
// number of bytes; a record is decoded when its events are taken. The consumer is restarted, at the
// right position, when the caller reads elsewhere, when the connection was lost, when a record is
// missing in the delivery, when it stops sending, and when it sends only heartbeats although the
// stream has more.
//
// The ordered consumers of nats.go are no dearer. CPU seconds for a million messages of 375 bytes, the
// server included (BenchmarkRead, a loaded machine): 10.7 to 11.1 here, 8.4 to 11.2 with the push
// consumer, 8.4 to 10.6 with the pull consumer, which also holds less memory. But neither comes past a
// stored message that has a header Status and no payload: see TestOnlyTheReaderGetsPastAStoredStatus.
// One such message, in a log of years, would end the projection.
type Reader struct {
	stream *Stream
	feed   *feed
	taken  []delivered    // from the feed, not yet decoded
	opened []schema.Entry // of the last decoded record, not yet returned

	at    [2]schema.Sequence // Sequence and Through of the last entry returned, or where Read began
	next  record.Number      // what has to be decoded next
	clear record.Number      // missing records below are known to be gone on purpose
	ended bool               // the end of the stream was checked for records that were rewritten

	headersOnly bool
	tolerant    bool                     // lost records are passed over
	records     map[string]record.Number // if not nil, the ids of decoded records are noted here
	restarts    uint64
}

// NewReader makes a reader. It uses no resources at the server until the first Read.
func (s *Stream) NewReader() *Reader { return &Reader{stream: s} }

// Read returns up to most entries with sequences greater than after, ascending,
// each once. It waits up to wait for the first of them, and returns what has arrived; if nothing
// arrives, it returns no entries and no error. Sequences have gaps at the ends of records and where
// events were erased; if records are lost, the error is a [DamageError], until they are given up.
// Payloads are valid until the next call. Continuing from the last returned entry, or from what it
// is through, is cheap, any other position starts a new consumer.
func (r *Reader) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	if r.feed != nil && (r.at[0] != after && r.at[1] != after || r.over()) {
		r.stop()
	}
	deadline := time.NewTimer(wait)
	defer deadline.Stop()
	for {
		if r.feed == nil {
			if err := r.start(ctx, after); err != nil {
				return nil, fmt.Errorf("read %s: %w", r.stream.name, err)
			}
		}
		if entries, err := r.take(ctx, after, most); len(entries) > 0 || err != nil {
			if !r.headersOnly {
				r.stream.read.Add(uint64(len(entries)))
			}
			return entries, err
		}
		check := time.NewTimer(heartbeat)
		select {
		case <-ctx.Done():
			check.Stop()
			return nil, ctx.Err()
		case <-deadline.C:
			check.Stop()
			return nil, r.watch(ctx, after)
		case <-r.feed.ready:
		case <-r.feed.link.Done():
		case <-check.C:
			if err := r.watch(ctx, after); err != nil {
				return nil, err
			}
		}
		check.Stop()
		if r.feed != nil && r.over() {
			r.stop()
			if err := r.stream.broker.awaitConnection(ctx); err != nil {
				return nil, fmt.Errorf("read %s: %w", r.stream.name, err)
			}
		}
	}
}

// Last returns the highest sequence that an event of the stream may have: see [Stream.Last].
func (r *Reader) Last(ctx context.Context) (schema.Sequence, error) { return r.stream.Last(ctx) }

// Identity returns that of the stream.
func (r *Reader) Identity() string { return r.stream.Identity() }

// Get reads the event at a position: with this sequence, or the last one of the record that ends
// there. [ErrNotFound] means that there is none, or it was erased, or is damaged, or that the record
// was rewritten since and may have ended with another one.
func (r *Reader) Get(ctx context.Context, position schema.Sequence) (schema.Entry, error) {
	s := r.stream
	entry, err := s.Get(ctx, position)
	number, index := s.numbering().Record(position)
	if !errors.Is(err, ErrNotFound) || index != record.MaxEvents-1 {
		return entry, err
	}
	m, err := s.stored(ctx, number, false)
	if err != nil {
		return schema.Entry{}, err
	}
	entries := s.entries(m)
	return entries[len(entries)-1], nil
}

// First returns the lowest sequence that the stream may still hold: everything below was dropped.
// It is above Last in an empty stream. Records lost at the beginning were not dropped: reading
// them is an error.
func (r *Reader) First(ctx context.Context) (schema.Sequence, error) {
	s := r.stream
	info, err := s.info(ctx, false)
	if err != nil {
		return 0, err
	}
	first, err := s.first(ctx, info)
	if err != nil {
		return 0, err
	}
	if first > 1 && info.Config.MaxAge == 0 {
		first, err = s.ledger.kept(ctx, run{1, first - 1})
	}
	return s.numbering().Sequence(first, 0), err
}

// Next returns the sequence of the first event after another, 0 if there is none. Like Read it
// never skips lost records: they are a [DamageError].
func (r *Reader) Next(ctx context.Context, after schema.Sequence) (schema.Sequence, error) {
	entry, lost, err := r.stream.next(ctx, after)
	switch {
	case err != nil:
		return 0, err
	case len(lost) > 0:
		return 0, r.stream.damageOf(lost)
	default:
		return entry.Sequence, nil
	}
}

// Restarts returns how often the consumer had to be restarted because it went silent or stalled.
func (r *Reader) Restarts() uint64 { return r.restarts }

// Close releases the consumer at the server. The reader may be used again.
func (r *Reader) Close() { r.stop() }

func (r *Reader) stop() {
	if r.feed != nil {
		r.feed.close()
		r.feed, r.taken, r.opened = nil, nil, nil
	}
}

// over reports whether the feed has ended and everything from it was returned.
func (r *Reader) over() bool { return len(r.taken) == 0 && len(r.opened) == 0 && r.feed.over() }

// take returns entries that have arrived, up to the first that is missing and was not erased.
func (r *Reader) take(ctx context.Context, after schema.Sequence, most int) ([]schema.Entry, error) {
	var entries []schema.Entry
	for len(entries) < most {
		if len(r.opened) == 0 {
			more, err := r.open(ctx, after)
			if err != nil && len(entries) == 0 {
				r.stop()
				return nil, fmt.Errorf("read %s: %w", r.stream.name, err)
			}
			if !more || err != nil {
				break // an error comes again with the next call
			}
		}
		n := min(most-len(entries), len(r.opened))
		if entries == nil {
			entries = r.opened[:n:n]
		} else {
			entries = append(entries, r.opened[:n]...)
		}
		r.opened = r.opened[n:]
	}
	if n := len(entries); n > 0 {
		r.at = [2]schema.Sequence{entries[n-1].Sequence, entries[n-1].Through}
	}
	return entries, nil
}

// open decodes the next record that holds an event after a sequence; false if none has arrived.
func (r *Reader) open(ctx context.Context, after schema.Sequence) (bool, error) {
	for len(r.opened) == 0 {
		var entries []schema.Entry
		switch {
		case r.next < r.clear:
			left, err := r.stream.rewritten(ctx, run{r.next, r.clear - 1})
			if err != nil {
				return false, err
			}
			if r.next = r.clear; left != nil {
				entries, r.next = left.entries, left.number+1
			}
		case len(r.taken) == 0:
			if r.taken = r.feed.drain(); len(r.taken) == 0 {
				if r.ended || !r.feed.idle() {
					return false, nil
				}
				r.ended = true
				if err := r.checkEnd(ctx); err != nil {
					return false, err
				}
			}
			continue
		case r.taken[0].number > r.next:
			if err := r.pass(ctx, run{r.next, r.taken[0].number - 1}); err != nil {
				return false, err
			}
			continue
		default:
			m := r.taken[0]
			r.taken = r.taken[1:]
			if m.number < r.next { // it came while the end of the stream was checked
				continue
			}
			if r.records != nil {
				r.records[m.header.Get(headerMessageID)] = m.number
			}
			if r.headersOnly {
				entries = r.stream.headEntry(m)
			} else {
				entries = r.stream.entries(m)
			}
			r.next = m.number + 1
		}
		begin, _ := slices.BinarySearchFunc(entries, after+1, func(e schema.Entry, at schema.Sequence) int { return cmp.Compare(e.Sequence, at) })
		r.opened = entries[begin:]
	}
	return true, nil
}

// pass explains a gap, as far as no record is lost in it.
func (r *Reader) pass(ctx context.Context, gap run) error {
	lost, err := r.stream.explain(ctx, gap)
	switch {
	case err != nil:
		return err
	case len(lost) == 0 || r.tolerant:
		r.clear = gap.to + 1
	case lost[0].from > gap.from:
		r.clear = lost[0].from
	default:
		return r.stream.damageOf(lost)
	}
	return nil
}

// checkEnd passes records at the end of the stream that are gone: they are not delivered, and
// something may be left of them.
func (r *Reader) checkEnd(ctx context.Context) error {
	last, err := r.stream.last(ctx) // first, so that records appended meanwhile are found
	if err != nil || last < r.next {
		return err
	}
	if _, err := r.stream.stored(ctx, r.next, true); !errors.Is(err, ErrNotFound) {
		return err
	}
	return r.pass(ctx, run{r.next, last})
}

// watch is called when nothing has arrived for a while: it ends a feed that has
// gone silent, or that has stalled although the stream has more.
func (r *Reader) watch(ctx context.Context, after schema.Sequence) error {
	if r.feed == nil {
		return nil
	}
	entry, sign := r.feed.quiet()
	if sign > silence {
		r.stream.broker.log.Warn("no heartbeat from the log consumer; restarting it", "stream", r.stream.name, "after", after)
	} else {
		if entry < stillness {
			return nil
		}
		last, err := r.stream.last(ctx)
		if err != nil {
			return err
		}
		if last < r.next || r.feed.reached() >= last {
			r.feed.still()
			return nil
		}
		// Deleted records at the end of the stream never arrive.
		if _, err := r.stream.stored(ctx, r.next, true); errors.Is(err, ErrNotFound) {
			r.feed.still()
			if err := r.pass(ctx, run{r.next, last}); err != nil {
				r.stop()
				return fmt.Errorf("read %s: %w", r.stream.name, err)
			}
			return nil
		}
		r.stream.broker.log.Warn("log consumer stalled; restarting it",
			"stream", r.stream.name, "after", after, "last", last)
	}
	r.restarts++
	r.stop()
	return nil
}

// start makes a consumer that begins with the first record that holds an event after a sequence.
func (r *Reader) start(ctx context.Context, after schema.Sequence) error {
	s := r.stream
	if err := s.renumber(ctx); err != nil {
		return err
	}
	from := s.numbering().After(after)
	f := &feed{
		conn: s.broker.conn, link: s.broker.link(), ready: make(chan struct{}, 1),
		arrived: time.Now(), sign: time.Now(), last: from - 1, headersOnly: r.headersOnly,
		inbox: s.broker.conn.NewInbox(),
	}
	var err error
	if f.sub, err = s.broker.conn.Subscribe(f.inbox, f.receive); err != nil {
		return classed(err)
	}
	if err = f.sub.SetPendingLimits(-1, -1); err != nil { // bounded by flow control
		f.close()
		return classed(err)
	}
	pending, err := s.deliver(ctx, f.inbox, from, r.headersOnly)
	if err != nil {
		f.close()
		return err
	}
	if pending == 0 {
		f.mu.Lock()
		f.empty = true
		f.mu.Unlock()
	}
	r.feed, r.taken, r.opened, r.ended = f, nil, nil, false
	r.at, r.next, r.clear = [2]schema.Sequence{after, after}, from, from
	return nil
}
