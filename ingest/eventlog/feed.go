package eventlog

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/parley-analytics/parley/ingest/eventlog/record"
)

// deliver creates an ordered consumer that sends the records from one on to an inbox, with
// flow control and heartbeats, and returns how many there are now. The server removes it soon after
// the inbox is gone. With headersOnly, payloads are left out.
func (s *Stream) deliver(ctx context.Context, inbox string, from record.Number, headersOnly bool) (pending uint64, err error) {
	name := rand.Text() // by it, a request that is repeated finds the consumer that it has made
	request, err := json.Marshal(map[string]any{
		"stream_name": s.name,
		"config": map[string]any{
			"name":               name,
			"description":        "Parley reader",
			"deliver_subject":    inbox,
			"deliver_policy":     "by_start_sequence",
			"opt_start_seq":      from,
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
		return 0, err
	}
	answer, err := s.broker.ask(ctx, "$JS.API.CONSUMER.CREATE."+s.name+"."+name, request)
	if err != nil {
		return 0, err
	}
	var made struct {
		Error   *apiError `json:"error"`
		Pending uint64    `json:"num_pending"`
	}
	if err := json.Unmarshal(answer.Data, &made); err != nil {
		return 0, fmt.Errorf("consumer: %w", err)
	}
	if made.Error != nil {
		return 0, classedReader(made.Error)
	}
	return made.Pending, nil
}

// delivered is a message as it is stored.
type delivered struct {
	number record.Number
	at     time.Time // when the log took it
	header nats.Header
	data   []byte
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
	records   []delivered
	bytes     int
	empty     bool   // nothing more was waiting at the server
	permit    string // flow control request not yet answered: the server waits
	delivered uint64 // consumer sequence of the last message
	last      record.Number
	broken    bool
	arrived   time.Time // of the last record
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
	d, ok := parseDelivery(m.Reply)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.broken {
		return
	}
	f.sign = now
	if !ok || d.delivered != f.delivered+1 {
		f.breakOff()
		return
	}
	f.delivered, f.last, f.arrived, f.empty = d.delivered, d.number, now, d.pending == 0
	if isFiller(m) || !f.headersOnly && altered(m.Header, m.Data) {
		f.signal()
		return // a gap, then
	}
	f.records = append(f.records, delivered{d.number, d.at, m.Header, m.Data})
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

// drain returns the records that have arrived, and lets the server send more.
func (f *feed) drain() []delivered {
	f.mu.Lock()
	defer f.mu.Unlock()
	records := f.records
	f.records, f.bytes = nil, 0
	if f.permit != "" {
		_ = f.conn.Publish(f.permit, nil)
		f.permit = ""
	}
	return records
}

// idle reports whether everything that the server had was taken.
func (f *feed) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.empty && len(f.records) == 0
}

// over reports whether this feed has ended.
func (f *feed) over() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.records) == 0 && (f.broken || f.link.Err() != nil)
}

// quiet returns the time without a record, and without a heartbeat.
func (f *feed) quiet() (entry, sign time.Duration) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return time.Since(f.arrived), time.Since(f.sign)
}

func (f *feed) reached() record.Number {
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

// position is what the reply subject of a delivered message says.
type position struct {
	number    record.Number
	delivered uint64 // by the consumer, this one included
	at        time.Time
	pending   uint64
}

// parseDelivery reads the position of a message from its reply subject:
// $JS.ACK.[domain.account.]stream.consumer.deliveries.sequence.delivered.time.pending[.random]
func parseDelivery(reply string) (p position, ok bool) {
	rest, found := strings.CutPrefix(reply, "$JS.ACK.")
	if !found {
		return position{}, false
	}
	skip := 3
	if strings.Count(rest, ".") >= 8 {
		skip = 5
	}
	for range skip {
		if _, rest, found = strings.Cut(rest, "."); !found {
			return position{}, false
		}
	}
	var numbers [4]uint64
	for i := range numbers {
		var token string
		token, rest, _ = strings.Cut(rest, ".")
		n, err := strconv.ParseUint(token, 10, 64)
		if err != nil {
			return position{}, false
		}
		numbers[i] = n
	}
	return position{record.Number(numbers[0]), numbers[1], time.Unix(0, int64(numbers[2])).UTC(), numbers[3]}, true
}
