package soak

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/projector/foldtest"
	"github.com/parley-analytics/parley/schema"
)

// mostMemory is what serve itself may come to hold whatever happens, in MiB.
const mostMemory = 700

// usual is the pause of a sender between two requests.
const usual = 50 * time.Millisecond

// traffic is an instance under load.
type traffic struct {
	*instance
	gate    sync.RWMutex
	senders []*sender
	key     map[string]string
}

// underLoad starts an instance with two senders that send until the end of the
// test, as fast as requests are answered but for a pause.
func underLoad(t *testing.T, in *instance, pause time.Duration) *traffic {
	t.Helper()
	if !in.start() {
		t.Fatal("serve has not started")
	}
	l := &traffic{instance: in}
	in.read("admin-key.json", &l.key)
	for n := range 2 {
		s := l.sender(uint64(n)+7, pause)
		l.send(s.run)
	}
	return l
}

// sender adds one that does not send yet.
func (l *traffic) sender(seed uint64, pause time.Duration) *sender {
	s := &sender{instance: l.instance, number: len(l.senders), seed: seed, pace: pause, gate: &l.gate, key: l.key,
		base: func() string { return "http://" + l.ports[0] }, keys: map[schema.EventKey]bool{}}
	l.senders = append(l.senders, s)
	return s
}

// send runs a sender until the end of the test.
func (l *traffic) send(run func(stop <-chan struct{})) {
	stop := make(chan struct{})
	var sending sync.WaitGroup
	sending.Go(func() { run(stop) })
	l.t.Cleanup(func() { close(stop); sending.Wait() })
}

func (l *traffic) acknowledged() (n int64) {
	for _, s := range l.senders {
		n += s.acked.Load()
	}
	return n
}

// awaitAcknowledged waits until senders have got that many more events in.
func (l *traffic) awaitAcknowledged(more int64) {
	l.t.Helper()
	from, deadline := l.acknowledged(), time.Now().Add(time.Minute)
	for l.acknowledged() < from+more {
		if time.Now().After(deadline) {
			l.t.Fatal("no events are taken")
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// compareAll holds everything against the log.
func (l *traffic) compareAll() {
	l.t.Helper()
	l.gate.Lock()
	defer l.gate.Unlock()
	v, err := l.check(l.t.Context(), l.senders)
	if err != nil {
		l.t.Fatal(err)
	}
	if v.events == 0 || v.lost+v.doubled+v.differing > 0 {
		l.t.Fatalf("%d events: %d lost (%s), %d doubled, %d rows differ\n%s", v.events, v.lost, v.firstLost, v.doubled, v.differing, v.firstDifference)
	}
	l.t.Logf("%d events, %d rows: all right", v.events, v.rows)
}

// withinMemory looks at how much serve itself has held at most.
func (l *traffic) withinMemory() {
	l.t.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", l.pid()))
	if err != nil {
		l.t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil || kib>>10 > mostMemory {
		l.t.Errorf("serve has held %d MiB (%v)", kib>>10, err)
	}
	l.t.Logf("serve has held %d MiB at most", kib>>10)
}

// execute runs a statement as the owner of the tables.
func (in *instance) execute(sql string) {
	in.t.Helper()
	e := in.endpoints()
	deadline := time.Now().Add(patience)
	for {
		request, err := http.NewRequest(http.MethodPost, e.ClickHouse.HTTP, strings.NewReader(sql))
		if err != nil {
			in.t.Fatal(err)
		}
		request.SetBasicAuth(e.ClickHouse.Writer.User, e.ClickHouse.Writer.Password)
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			text, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
			err = errors.New(string(text))
		}
		if time.Now().After(deadline) {
			in.t.Fatalf("%s: %v", sql, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// fault is something that an engine does, and what /readyz says of it.
type fault struct {
	name       string
	strike     func()
	part, says string
	heal       func()
}

// suffer goes through faults, with events coming in all the time.
func (l *traffic) suffer(faults []fault) {
	for _, f := range faults {
		l.awaitAcknowledged(1)
		f.strike()
		said := l.awaitMissing(f.part, f.says)
		l.t.Logf("%s: /readyz says of %s: %s", f.name, f.part, said)
		l.awaitAcknowledged(500) // the log takes them all the same
		f.heal()
		l.awaitMissing("", "")
		if l.pid() == 0 {
			l.t.Fatalf("%s: serve has ended", f.name)
		}
	}
	l.withinMemory()
	l.compareAll()
}

func TestClickHouseMisbehaves(t *testing.T) {
	t.Parallel()
	in := newInstance(t, build(t))
	in.flags = []string{"--stall-after", "3s"}
	l := underLoad(t, in, usual)
	var stopKilling func()
	l.suffer([]fault{
		{"killed again and again", func() {
			ctx, cancel := context.WithCancel(t.Context())
			done := make(chan struct{})
			stopKilling = func() { cancel(); <-done }
			go func() {
				defer close(done)
				for ctx.Err() == nil {
					in.kill(in.child())
					select {
					case <-ctx.Done():
					case <-time.After(200 * time.Millisecond):
					}
				}
			}()
		}, "clickhouse", "the ClickHouse process exited", func() { stopKilling() }},
		{"frozen", func() { _ = syscall.Kill(in.child(), syscall.SIGSTOP) },
			"projector", "although the log ends at", func() { _ = syscall.Kill(in.child(), syscall.SIGCONT) }},
		{"out of disk", func() {
			in.execute("ALTER TABLE parley_1.events MODIFY SETTING min_free_disk_bytes_to_perform_insert = 1000000000000000")
		},
			"projector", "NOT_ENOUGH_SPACE", func() { in.execute("ALTER TABLE parley_1.events RESET SETTING min_free_disk_bytes_to_perform_insert") }},
		{"too many parts", func() {
			in.execute("ALTER TABLE parley_1.conversations MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1, inactive_parts_to_throw_insert = 1")
		}, "projector", "TOO_MANY_PARTS", func() {
			in.execute("ALTER TABLE parley_1.conversations RESET SETTING parts_to_throw_insert, parts_to_delay_insert, inactive_parts_to_throw_insert")
		}},
		{"read-only", func() { in.execute("ALTER TABLE parley_1.contacts MODIFY SETTING table_readonly = 1") },
			"projector", "READ_ONLY", func() { in.execute("ALTER TABLE parley_1.contacts MODIFY SETTING table_readonly = 0") }},
		{"a table gone", func() { in.execute("RENAME TABLE parley_1.messages TO parley_1.messages_elsewhere") },
			"projector", "UNKNOWN_TABLE", func() { in.execute("RENAME TABLE parley_1.messages_elsewhere TO parley_1.messages") }},
	})
	in.stop()
}

func TestClickHouseRefusesInEveryWay(t *testing.T) {
	t.Parallel()
	server := enginetest.ClickHouse(t)
	before := newFront(t, server.FrontURL)
	in := newInstance(t, build(t))
	in.clickHouse = &account{server.FrontURL, server.Writer.Name, server.Writer.Password}
	in.flags = []string{"--stall-after", "3s"}
	in.servers = before.flags(t, server.Writer.Name, server.Writer.Password)
	l := underLoad(t, in, usual)
	var faults []fault
	codes := []int32{241, 999, 159, 164, 202, 242, 243, 252, 319}
	if !long() {
		codes = codes[:2]
	}
	for _, code := range codes {
		faults = append(faults, fault{fmt.Sprintf("error %d", code), func() { before.code.Store(code) },
			"projector", fmt.Sprintf("code: %d", code), func() { before.code.Store(0) }})
	}
	faults = append(faults,
		fault{"slow", func() { before.delay.Store(int64(20 * time.Second)) }, "projector", "although the log ends at", func() { before.delay.Store(0) }})
	l.suffer(faults)
	in.stop()
}

// natsOf connects to the log as a client of its own.
func (in *instance) natsOf() (*nats.Conn, jetstream.JetStream) {
	in.t.Helper()
	l := in.logAccess()
	conn, err := nats.Connect(l.URL, nats.UserInfo(l.User, l.Password))
	if err != nil {
		in.t.Fatal(err)
	}
	in.t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		in.t.Fatal(err)
	}
	return conn, js
}

// awaitRefused waits until events are answered with 503, or 504 where the outcome
// is unknown, and a time to come back.
func (l *traffic) awaitRefused() {
	l.t.Helper()
	event := foldtest.Realistic(foldtest.Seeded(99), foldtest.Conversation(77_777, 1), 1_700_000_000_000)[0]
	deadline := time.Now().Add(patience)
	for n := 0; ; n++ {
		event.ID = "refused-" + strconv.Itoa(n)
		request, err := http.NewRequest(http.MethodPost, l.url+"/v1/events", bytes.NewReader(schema.Encode(&event)))
		if err != nil {
			l.t.Fatal(err)
		}
		request.Header.Set("content-type", "application/cloudevents+json")
		request.Header.Set("x-api-id", l.key["id"])
		request.Header.Set("x-api-secret", l.key["secret"])
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			l.t.Fatal(err)
		}
		text, _ := io.ReadAll(response.Body)
		response.Body.Close()
		switch response.StatusCode {
		case http.StatusServiceUnavailable, http.StatusGatewayTimeout: // 504 where the outcome is unknown
			if response.Header.Get("Retry-After") == "" {
				l.t.Errorf("%s without Retry-After: %s", response.Status, text)
			}
			if unknown := bytes.Contains(text, []byte("UNKNOWN_OUTCOME")); unknown != (response.StatusCode == http.StatusGatewayTimeout) {
				l.t.Errorf("%s: %s", response.Status, text)
			}
			l.t.Logf("senders get: %s, Retry-After %s, %s", response.Status, response.Header.Get("Retry-After"), bytes.TrimSpace(text))
			return
		case http.StatusAccepted:
		default:
			l.t.Fatalf("%s: %s", response.Status, text)
		}
		if time.Now().After(deadline) {
			l.t.Fatal("events are still taken")
		}
	}
}

// limitFiles has writes of serve fail beyond a size of files, as they do on a full disk.
func (in *instance) limitFiles(size uint64) {
	in.t.Helper()
	limit := syscall.Rlimit{Cur: size, Max: math.MaxUint64}
	_, _, failed := syscall.Syscall6(syscall.SYS_PRLIMIT64, uintptr(in.pid()), syscall.RLIMIT_FSIZE, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if failed != 0 {
		in.t.Fatal(failed)
	}
}

func TestTheLogMisbehaves(t *testing.T) {
	t.Parallel()
	in := newInstance(t, build(t))
	in.flags = []string{"--stall-after", "8s"}
	l := underLoad(t, in, usual)
	_, js := in.natsOf()
	l.awaitAcknowledged(1000)

	t.Log("the stream is full")
	limit := func(bytes int64) {
		stream, err := js.Stream(t.Context(), eventlog.EventsStream)
		if err != nil {
			t.Fatal(err)
		}
		config := stream.CachedInfo().Config
		if config.MaxBytes = bytes; bytes > 0 {
			config.MaxBytes = int64(stream.CachedInfo().State.Bytes) + bytes
		}
		if _, err := js.UpdateStream(t.Context(), config); err != nil {
			t.Fatal(err)
		}
	}
	limit(100_000)
	l.awaitRefused()
	t.Logf("/readyz says of nats: %s", l.awaitMissing("nats", "the log is full"))
	limit(-1)
	l.awaitAcknowledged(500)
	l.awaitMissing("", "")

	t.Log("writes fail")
	in.limitFiles(300_000)
	said := l.awaitMissing("nats", "write")
	t.Logf("/readyz says of nats: %s", said)
	l.awaitRefused()
	in.limitFiles(math.MaxUint64)
	l.awaitMissing("", "")
	l.awaitAcknowledged(500)
	_, js = in.natsOf() // the connection from before is gone with the server

	t.Log("the readers lose their consumers")
	stream, err := js.Stream(t.Context(), eventlog.EventsStream)
	if err != nil {
		t.Fatal(err)
	}
	names := stream.ConsumerNames(t.Context())
	gone := 0
	for name := range names.Name() {
		if err := js.DeleteConsumer(t.Context(), eventlog.EventsStream, name); err == nil {
			gone++
		}
	}
	if gone == 0 || names.Err() != nil {
		t.Fatalf("%d consumers are gone (%v)", gone, names.Err())
	}
	l.awaitAcknowledged(500)
	l.withinMemory()
	l.compareAll()
	in.stop()
}

// pipe is a proxy before a server that can hold everything up.
type pipe struct {
	target string
	held   sync.RWMutex
}

func (p *pipe) serve(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.target)
		if err != nil {
			client.Close()
			continue
		}
		go p.carry(client, server)
		go p.carry(server, client)
	}
}

func (p *pipe) carry(to, from net.Conn) {
	defer to.Close()
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			p.held.RLock()
			_, err = to.Write(buffer[:n])
			p.held.RUnlock()
		}
		if err != nil {
			return
		}
	}
}

func TestTheLogStalls(t *testing.T) {
	t.Parallel()
	server := enginetest.NATS(t, enginetest.SyncAlways())
	before := &pipe{target: strings.TrimPrefix(server.URL, "nats://")}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go before.serve(listener)

	in := newInstance(t, build(t))
	in.servers = []string{"--nats-url", "nats://" + listener.Addr().String(), "--nats-user", server.User, "--nats-password-file", secretFile(t, server.Password)}
	l := underLoad(t, in, usual)
	for range 2 {
		l.awaitAcknowledged(1000)
		before.held.Lock()
		t.Logf("/readyz says of nats: %s", l.awaitMissing("nats", "log is unavailable"))
		l.awaitRefused()
		before.held.Unlock()
		l.awaitMissing("", "")
		l.awaitAcknowledged(500)
	}
	l.withinMemory()
	l.compareAll()
	in.stop()
}
