package eventlog

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// wire passes bytes between clients and a server. While it is deaf, what the
// server says is dropped.
type wire struct {
	listener net.Listener
	server   string

	mu    sync.Mutex
	deaf  bool
	heard chan struct{} // closed when something was dropped
	ends  []net.Conn
}

func newWire(t *testing.T, server string) *wire {
	t.Helper()
	address, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, server: address.Host}
	t.Cleanup(func() { listener.Close(); w.cut() })
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			upstream, err := net.Dial("tcp", w.server)
			if err != nil {
				client.Close()
				continue
			}
			w.mu.Lock()
			w.ends = append(w.ends, client, upstream)
			w.mu.Unlock()
			go func() { _, _ = io.Copy(upstream, client); upstream.Close() }()
			go func() { w.pass(client, upstream); client.Close() }()
		}
	}()
	return w
}

func (w *wire) pass(client, upstream net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := upstream.Read(buffer)
		if err != nil {
			return
		}
		w.mu.Lock()
		deaf := w.deaf
		if deaf && w.heard != nil {
			close(w.heard)
			w.heard = nil
		}
		w.mu.Unlock()
		if !deaf {
			if _, err := client.Write(buffer[:n]); err != nil {
				return
			}
		}
	}
}

// drop drops what the server says from now on; the channel is closed when there was something.
func (w *wire) drop() <-chan struct{} {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf, w.heard = true, make(chan struct{})
	return w.heard
}

// cut ends all connections and hears again.
func (w *wire) cut() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.deaf = false
	for _, end := range w.ends {
		end.Close()
	}
	w.ends = nil
}

func (w *wire) through(o *Options) {
	o.InProcess, o.URL = nil, "nats://"+w.listener.Addr().String()
}

// count is how often the log holds each of the messages.
func count(t *testing.T, s *Stream, of []Message) []int {
	t.Helper()
	last, err := s.Last(testContext(t))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]int{}
	for _, e := range readAll(t, s.NewReader(), 0, last) {
		found[string(e.Payload)]++
	}
	counts := make([]int, len(of))
	for i := range of {
		counts[i] = found[string(of[i].Payload)]
	}
	return counts
}

// TestLostAnswerIsFoundOutOrUnknown cuts the connection between the publish and
// its answer: the append finds out, or says that it does not know.
func TestLostAnswerIsFoundOutOrUnknown(t *testing.T) {
	for _, size := range []int{1, 20} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			server := enginetest.NATS(t)
			w := newWire(t, server.URL)
			s := open(t, server, w.through).Events()
			mustAppend(t, s, message(0))
			heard := w.drop()
			go func() { <-heard; w.cut() }()
			sent := messages(1, size)
			receipts, err := s.Append(testContext(t), sent)
			if err != nil && !errors.Is(err, ErrUnknownOutcome) {
				t.Fatal(err)
			}
			if err == nil && (receipts[0] != Receipt{Sequence: at(2, 0)}) {
				t.Fatalf("receipts %v", receipts)
			}
			mustAppend(t, s, sent...)
			for i, n := range count(t, s, sent) {
				if n != 1 {
					t.Fatalf("message %d is stored %d times", i, n)
				}
			}
		})
	}
}

// TestUnknownOutcomeIsRecognisedLater appends again after the server's own
// window of ids has passed.
func TestUnknownOutcomeIsRecognisedLater(t *testing.T) {
	server := enginetest.NATS(t)
	s := open(t, server).Events()
	mustAppend(t, s, messages(1, 5)...)
	// What an append that was never answered leaves behind.
	s.recent.forget()
	s.doubt(0)
	got := mustAppend(t, s, messages(1, 6)...)
	for i, r := range got[:5] {
		if r != (Receipt{at(1, i), true}) {
			t.Fatalf("receipts %v", got)
		}
	}
	if _, known := s.recent.find(message(2).ID); !known || s.doubtful {
		t.Fatal("the ids were not read")
	}
	// Messages at the end that were deleted do not hold it up.
	mustAppend(t, s, message(7))
	if err := s.Erase(testContext(t), at(3, 0)); err != nil {
		t.Fatal(err)
	}
	s.doubt(0)
	mustAppend(t, s, message(8))
}

func TestErrorBetweenTheBatchesOfACallIsAnUnknownOutcome(t *testing.T) {
	server := enginetest.NATS(t)
	s := open(t, server, func(o *Options) { o.MaxBytes = 400 << 10 }).Events()
	var sent []Message
	for n := range batchRecords + 300 { // records of one
		sent = append(sent, Message{ID: message(n).ID, Payload: event(n, strings.Repeat("0", 400))})
	}
	_, err := s.Append(testContext(t), sent)
	if !errors.Is(err, ErrUnknownOutcome) || !errors.Is(err, ErrFull) {
		t.Fatal(err)
	}
	if !slices.Contains(count(t, s, sent), 1) {
		t.Fatal("nothing is stored: the test tests nothing")
	}
	// Alone, a batch that does not fit is known not to be stored.
	if _, err := s.Append(testContext(t), sent[batchRecords:]); !errors.Is(err, ErrFull) || errors.Is(err, ErrUnknownOutcome) {
		t.Fatal(err)
	}
}

// TestFailedWritesLeaveNoRejectedRows lets writes fail as on a full
// disk, then makes room: what was refused without doubt is not in the log.
func TestFailedWritesLeaveNoRejectedRows(t *testing.T) {
	server := enginetest.NATS(t, enginetest.SyncAlways())
	broker := open(t, server)
	s := broker.Events()
	batch := func(n int) []Message {
		all := make([]Message, 20)
		for i := range all {
			all[i] = Message{ID: message(n*100 + i).ID, Payload: event(n*100+i, strings.Repeat("0", 1900))}
		}
		return all
	}
	mustAppend(t, s, batch(0)...)
	var before syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_FSIZE, &before); err != nil {
		t.Fatal(err)
	}
	room := func(size uint64) {
		if err := syscall.Setrlimit(syscall.RLIMIT_FSIZE, &syscall.Rlimit{Cur: size, Max: before.Max}); err != nil {
			t.Error(err)
		}
	}
	t.Cleanup(func() { room(before.Cur) })
	room(330_000)
	var refused, unknown [][]Message
	for n := 1; len(unknown) == 0; n++ {
		if n == 100 {
			t.Fatal("the limit limits nothing")
		}
		sent := batch(n)
		ctx := testContext(t)
		switch _, err := s.Append(ctx, sent); {
		case err == nil:
		case errors.Is(err, ErrUnknownOutcome):
			t.Log(err)
			unknown = append(unknown, sent)
			if err := broker.Ready(); err == nil {
				t.Error("a log that does not answer is ready")
			}
		default:
			t.Log(err)
			refused = append(refused, sent)
		}
	}
	room(before.Cur)
	for deadline := time.Now().Add(patience); ; {
		if _, err := s.Append(testContext(t), []Message{message(1_000_000)}); err == nil {
			break
		} else if time.Now().After(deadline) {
			t.Fatal(err)
		}
	}
	for _, sent := range refused {
		if found := count(t, s, sent); slices.Max(found) > 0 {
			t.Fatalf("refused, and stored: %v", found)
		}
	}
	for _, sent := range unknown {
		mustAppend(t, s, sent...)
		found := count(t, s, sent)
		t.Log(found)
		if slices.Min(found) != 1 || slices.Max(found) != 1 {
			t.Fatalf("sent again after an unknown outcome: %v", found)
		}
	}
}
