package eventlog

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded"
	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog/record"
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

// patience bounds every wait of these tests.
const patience = 2 * time.Minute

func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	return ctx
}

// open connects to a server with empty streams.
func open(t testing.TB, server *enginetest.NATSServer, change ...func(*Options)) *Broker {
	t.Helper()
	options := Options{URL: server.URL, User: server.User, Password: server.Password, InProcess: server.InProcess, Name: t.Name()}
	for _, c := range change {
		c(&options)
	}
	b, err := Open(testContext(t), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b
}

// overTCP connects with a socket: a connection in process does not survive the server.
func overTCP(o *Options) { o.InProcess = nil }

// message makes a message with an id of its own.
func message(n int) Message {
	return Message{
		ID:      MessageID(schema.EventKey{Project: 1, Source: "/test", ID: fmt.Sprint(n)}),
		Payload: event(n, ""), JSON: true,
	}
}

func event(n int, padding string) []byte {
	return fmt.Appendf(nil, `{"specversion":"1.0","id":"%d","source":"/test","type":"parley.conversation.closed.v1",`+
		`"time":"2026-01-02T03:04:05Z","subject":"0b6f4b2e-7c1e-4a53-9d52-0d7a4c9b1e10","projectid":1,"data":{"padding":%q}}`, n, padding)
}

func messages(from, to int) []Message {
	all := make([]Message, 0, to-from+1)
	for n := from; n <= to; n++ {
		all = append(all, message(n))
	}
	return all
}

func mustAppend(t testing.TB, s *Stream, m ...Message) []Receipt {
	t.Helper()
	receipts, err := s.Append(testContext(t), m)
	if err != nil {
		t.Fatal(err)
	}
	if len(receipts) != len(m) {
		t.Fatalf("%d receipts for %d messages", len(receipts), len(m))
	}
	return receipts
}

// at is the sequence of an event.
func at(number record.Number, index int) schema.Sequence {
	return record.Numbering{}.Sequence(number, index)
}

// receipts are those for records of so many events, beginning with a record.
func receipts(first record.Number, counts ...int) []Receipt {
	var all []Receipt
	for i, count := range counts {
		for index := range count {
			all = append(all, Receipt{Sequence: at(first+record.Number(i), index)})
		}
	}
	return all
}

// singles makes messages of which each has a record of its own.
func singles(from, to int) []Message {
	all := messages(from, to)
	for i := range all {
		all[i].JSON = false
	}
	return all
}

// readAll reads entries until the sequence given.
func readAll(t testing.TB, r *Reader, after, last schema.Sequence) []schema.Entry {
	t.Helper()
	ctx := testContext(t)
	var all []schema.Entry
	for after < last {
		entries, err := r.Read(ctx, after, 1000, time.Second)
		if errors.Is(err, ErrUnavailable) && ctx.Err() == nil {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Sequence <= after {
				t.Fatalf("sequence %d after %d", e.Sequence, after)
			}
			if e.Sequence > e.Through {
				t.Fatalf("sequence %d is through %d", e.Sequence, e.Through)
			}
			after = e.Through
			e.Payload = append([]byte(nil), e.Payload...)
			all = append(all, e)
		}
	}
	return all
}

func TestServerWithTooSmallMaxPayloadIsRefused(t *testing.T) {
	server := enginetest.NATS(t, func(c *embedded.NATSConfig) { c.MaxPayload = 256 << 10 })
	_, err := Open(testContext(t), Options{URL: server.URL, User: server.User, Password: server.Password})
	if err == nil || !strings.Contains(err.Error(), "max_payload") {
		t.Fatal(err)
	}
}
