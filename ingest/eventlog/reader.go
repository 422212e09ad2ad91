package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/schema"
)

const (
	// readBuffer is how many bytes of payload a reader holds before it asks the
	// server to wait. The server then has up to 32 MiB more in flight.
	readBuffer = 16 << 20
	// heartbeat is how often an idle consumer sends a heartbeat.
	heartbeat = 2 * time.Second
	// silence is how long a reader waits without an entry or a heartbeat before it
	// restarts its consumer.
	silence = 3 * heartbeat
	// stillness is how long it tolerates heartbeats without entries although the stream is known to be ahead.
	stillness = 5 * time.Second
)

// Reader reads a stream in order. It keeps no position: the caller of Read passes it. One goroutine at a time.
//
// It uses an ordered consumer without acknowledgements that reads ahead of the caller by a bounded
// number of bytes. The consumer is restarted, at the right position, when the caller reads
// elsewhere, when the connection was lost, when a message is missing in the delivery, when it stops
// sending, and when it sends only heartbeats although the stream has more.
//
// The ordered consumers of nats.go are no dearer. CPU seconds for a million messages of 375 bytes, the
// server included (BenchmarkRead, a loaded machine): 10.7 to 11.1 here, 8.4 to 11.2 with the push
// consumer, 8.4 to 10.6 with the pull consumer, which also holds less memory. By their source they
// restart on silence, but not on heartbeats without messages while the stream is ahead, and they
// continue after a missing message without asking whether it was deleted on purpose, which this one
// does. That is why they are not used; no test here shows what they do in these cases.
type Reader struct {
	stream *Stream
	feed   *feed
	taken  []schema.Entry // from the feed, not yet returned
	next   schema.Sequence

	headersOnly bool
	restarts    uint64
}

// NewReader makes a reader. It uses no resources at the server until the first Read.
func (s *Stream) NewReader() *Reader { return &Reader{stream: s} }

// Read returns up to most entries with sequences greater than after, ascending,
// each once. It waits up to wait for the first of them, and returns what has arrived; if nothing
// arrives, it returns no entries and no error. Sequences have gaps where messages were deleted on
// purpose; if messages are lost, the error is a [DamageError], until they are given up. Payloads
// are valid until the next call. Continuing from the last returned entry is cheap, any other
// position starts a new consumer.
func (r *Reader) Read(ctx context.Context, after schema.Sequence, most int, wait time.Duration) ([]schema.Entry, error) {
	if r.feed != nil && (r.next != after+1 || r.feed.over()) {
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
		if entries := r.take(most); len(entries) > 0 {
			if !r.headersOnly {
				r.stream.read.Add(uint64(len(entries)))
			}
			return r.gapless(ctx, after, entries)
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
		if r.feed != nil && r.feed.over() {
			r.stop()
			if err := r.stream.broker.awaitConnection(ctx); err != nil {
				return nil, fmt.Errorf("read %s: %w", r.stream.name, err)
			}
		}
	}
}

// Last returns the highest sequence of the stream.
func (r *Reader) Last(ctx context.Context) (schema.Sequence, error) { return r.stream.Last(ctx) }

// Identity returns that of the stream.
func (r *Reader) Identity() string { return r.stream.Identity() }

// Get reads one message: see [Stream.Get].
func (r *Reader) Get(ctx context.Context, sequence schema.Sequence) (schema.Entry, error) {
	return r.stream.Get(ctx, sequence)
}

// First returns the lowest sequence that the stream may still hold: everything below was dropped.
// It is one above Last in an empty stream. Messages lost at the beginning were not dropped: reading
// them is an error.
func (r *Reader) First(ctx context.Context) (schema.Sequence, error) {
	info, err := r.stream.info(ctx, false)
	if err != nil {
		return 0, err
	}
	first := info.State.FirstSeq
	if first <= 1 || info.Config.MaxAge > 0 {
		return first, nil
	}
	missing, err := r.stream.ledger.missing(ctx, Range{1, first - 1})
	if err != nil || len(missing) == 0 {
		return first, err
	}
	return missing[0].From, nil
}

// Next returns the sequence of the first message after another, 0 if there is none. Like Read it
// never skips lost messages: they are a [DamageError].
func (r *Reader) Next(ctx context.Context, after schema.Sequence) (schema.Sequence, error) {
	last, err := r.stream.Last(ctx) // first, so that messages appended meanwhile are found
	if err != nil {
		return 0, err
	}
	entry, err := r.stream.Next(ctx, after)
	if err != nil && !errors.Is(err, ErrNotFound) {
		return 0, err
	}
	gap := Range{after + 1, last}
	if err == nil {
		gap.To = entry.Sequence - 1
	}
	if gap.From <= gap.To {
		if err := r.stream.explain(ctx, gap); err != nil {
			return 0, err
		}
	}
	return entry.Sequence, nil
}

// Restarts returns how often the consumer had to be restarted because it went silent or stalled.
func (r *Reader) Restarts() uint64 { return r.restarts }

// Close releases the consumer at the server. The reader may be used again.
func (r *Reader) Close() { r.stop() }

func (r *Reader) stop() {
	if r.feed != nil {
		r.feed.close()
		r.feed, r.taken = nil, nil
	}
}

// take returns entries that have arrived.
func (r *Reader) take(most int) []schema.Entry {
	if len(r.taken) == 0 {
		r.taken = r.feed.drain()
	}
	n := min(most, len(r.taken))
	if n == 0 {
		return nil
	}
	entries := r.taken[:n:n]
	r.taken = r.taken[n:]
	r.next = entries[n-1].Sequence + 1
	return entries
}

// gapless returns entries up to the first one that is missing and was not deleted on purpose.
// Entries before it are returned first.
func (r *Reader) gapless(ctx context.Context, after schema.Sequence, entries []schema.Entry) ([]schema.Entry, error) {
	for i := range entries {
		if entries[i].Sequence == after+1 {
			after++
			continue
		}
		if err := r.stream.explain(ctx, Range{after + 1, entries[i].Sequence - 1}); err != nil {
			if i == 0 {
				r.stop()
				return nil, fmt.Errorf("read %s: %w", r.stream.name, err)
			}
			r.taken = append(slices.Clone(entries[i:]), r.taken...)
			r.next = after + 1
			return entries[:i], nil
		}
		after = entries[i].Sequence
	}
	return entries, nil
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
		last, err := r.stream.Last(ctx)
		if err != nil {
			return err
		}
		if last <= after || r.feed.reached() >= last {
			r.feed.still()
			return nil
		}
		// Deleted messages at the end of the stream never arrive.
		if _, err := r.stream.Next(ctx, after); errors.Is(err, ErrNotFound) {
			if err := r.stream.explain(ctx, Range{after + 1, last}); err != nil {
				r.stop()
				return fmt.Errorf("read %s: %w", r.stream.name, err)
			}
			r.feed.still()
			return nil
		}
		r.stream.broker.log.Warn("log consumer stalled; restarting it",
			"stream", r.stream.name, "after", after, "last", last)
	}
	r.restarts++
	r.stop()
	return nil
}

// start makes a consumer that begins at the first message after a sequence.
func (r *Reader) start(ctx context.Context, after schema.Sequence) error {
	s := r.stream
	f := &feed{
		conn: s.broker.conn, link: s.broker.link(), ready: make(chan struct{}, 1),
		arrived: time.Now(), sign: time.Now(), last: after, headersOnly: r.headersOnly,
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
	if err := s.deliver(ctx, f.inbox, after, r.headersOnly); err != nil {
		f.close()
		return err
	}
	r.feed, r.taken, r.next = f, nil, after+1
	return nil
}

// deliver creates an ordered consumer that sends the messages after a sequence to an inbox, with
// flow control and heartbeats. The server removes it soon after the inbox is gone. With
// headersOnly, payloads are left out.
func (s *Stream) deliver(ctx context.Context, inbox string, after schema.Sequence, headersOnly bool) error {
	request, err := json.Marshal(map[string]any{
		"stream_name": s.name,
		"config": map[string]any{
			"description":        "Parley reader",
			"deliver_subject":    inbox,
			"deliver_policy":     "by_start_sequence",
			"opt_start_seq":      after + 1,
			"ack_policy":         "none",
			"max_deliver":        1,
			"mem_storage":        true,
			"num_replicas":       1,
			"flow_control":       true,
			"idle_heartbeat":     heartbeat,
			"inactive_threshold": 30 * time.Second,
			"headers_only":       headersOnly,
		},
	})
	if err != nil {
		return err
	}
	answer, err := s.ask(ctx, "$JS.API.CONSUMER.CREATE."+s.name, request)
	if err != nil {
		return err
	}
	var made struct {
		Error *apiError `json:"error"`
	}
	if err := json.Unmarshal(answer.Data, &made); err != nil {
		return fmt.Errorf("consumer: %w", err)
	}
	if made.Error != nil {
		return made.Error
	}
	return nil
}

// feed is one consumer and what it has delivered. The client library calls
// receive from a goroutine of its own, in order.
type feed struct {
	conn  *nats.Conn
	sub   *nats.Subscription
	link  context.Context // of the connection it was started on
	ready chan struct{}

	headersOnly bool
	inbox       string

	mu        sync.Mutex
	entries   []schema.Entry
	bytes     int
	permit    string // flow control request not yet answered: the server waits
	delivered uint64 // consumer sequence of the last message
	last      schema.Sequence
	broken    bool
	arrived   time.Time // of the last entry
	sign      time.Time // of the last heartbeat
}

func (f *feed) receive(m *nats.Msg) {
	now := time.Now()
	// The server's own messages arrive on the inbox subject; others keep the subject that they were
	// published to, and their headers are ignored here.
	if m.Subject == f.inbox && len(m.Data) == 0 && m.Header.Get("Status") == "100" {
		f.control(m, now)
		return
	}
	sequence, delivered, taken, ok := parseDelivery(m.Reply)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return
	}
	f.sign = now
	if !ok || delivered != f.delivered+1 {
		f.breakOff()
		return
	}
	f.delivered, f.last, f.arrived = delivered, sequence, now
	if isFiller(m) || !f.headersOnly && altered(m.Header, m.Data) {
		return // a gap, then
	}
	f.entries = append(f.entries, schema.Entry{Sequence: sequence, ReceivedAt: taken, Payload: structuredOf(m.Header, m.Data)})
	f.bytes += len(m.Data) + entryOverhead
	f.signal()
}

// entryOverhead is the memory of an entry in addition to its payload.
const entryOverhead = 256

// control handles flow control and heartbeats.
func (f *feed) control(m *nats.Msg, now time.Time) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.sign = now
	ask := m.Reply
	if ask == "" {
		// A heartbeat contains the last delivered sequence, and a flow control request that is still open.
		if last, err := strconv.ParseUint(m.Header.Get("Nats-Last-Consumer"), 10, 64); err == nil && last != f.delivered {
			f.breakOff()
			return
		}
		ask = m.Header.Get("Nats-Consumer-Stalled")
	}
	if ask == "" {
		return
	}
	if f.bytes >= readBuffer {
		f.permit = ask
		return
	}
	_ = f.conn.Publish(ask, nil) // a lost answer is requested again with the next heartbeat
}

// breakOff ends the feed because of a gap in the delivery. The entries before it are valid.
func (f *feed) breakOff() {
	f.broken = true
	f.signal()
}

func (f *feed) signal() {
	select {
	case f.ready <- struct{}{}:
	default:
	}
}

// drain returns the entries that have arrived, and lets the server send more.
func (f *feed) drain() []schema.Entry {
	f.mu.Lock()
	defer f.mu.Unlock()
	entries := f.entries
	f.entries, f.bytes = nil, 0
	if f.permit != "" {
		_ = f.conn.Publish(f.permit, nil)
		f.permit = ""
	}
	return entries
}

// over reports whether this feed has ended.
func (f *feed) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.entries) == 0 && (f.broken || f.link.Err() != nil)
}

// quiet returns the time without an entry, and without a heartbeat.
func (f *feed) quiet() (entry, sign time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.arrived), time.Since(f.sign)
}

func (f *feed) reached() schema.Sequence {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.last
}

// still records that nothing was to be delivered.
func (f *feed) still() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.arrived = time.Now()
}

func (f *feed) close() { _ = f.sub.Unsubscribe() }

// parseDelivery reads the position of a message from its reply subject:
// $JS.ACK.[domain.account.]stream.consumer.deliveries.sequence.delivered.time.pending[.random]
func parseDelivery(reply string) (sequence schema.Sequence, delivered uint64, taken time.Time, ok bool) {
	rest, found := strings.CutPrefix(reply, "$JS.ACK.")
	if !found {
		return 0, 0, time.Time{}, false
	}
	skip := 3
	if strings.Count(rest, ".") >= 8 {
		skip = 5
	}
	for range skip {
		if _, rest, found = strings.Cut(rest, "."); !found {
			return 0, 0, time.Time{}, false
		}
	}
	var numbers [3]uint64
	for i := range numbers {
		var token string
		if token, rest, found = strings.Cut(rest, "."); !found {
			return 0, 0, time.Time{}, false
		}
		n, err := strconv.ParseUint(token, 10, 64)
		if err != nil {
			return 0, 0, time.Time{}, false
		}
		numbers[i] = n
	}
	return schema.Sequence(numbers[0]), numbers[1], time.Unix(0, int64(numbers[2])).UTC(), true
}
