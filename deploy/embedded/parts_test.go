package embedded

import (
	"bytes"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

func TestNATSSyncsEachMessageByDefault(t *testing.T) {
	for interval, want := range map[time.Duration]bool{0: true, time.Minute: false} {
		n, err := StartNATS(t.Context(), NATSConfig{Dir: t.TempDir(), Users: NewCredentials().NATS, SyncInterval: interval})
		if err != nil {
			t.Fatal(err)
		}
		got := n.current().JetStreamConfig()
		if got.SyncAlways != want || !want && got.SyncInterval != interval {
			t.Errorf("with an interval of %s: always %t, interval %s", interval, got.SyncAlways, got.SyncInterval)
		}
		n.Shutdown()
	}
}

func TestFrontReportsThatClickHouseIsDown(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	backend := func() string { return closed.Addr().String() }
	accounts := func() []account { return []account{accountOf(User{BIUser, "b"})} }
	for name, ready := range map[string]error{"known to be down": errors.New("secret cause"), "not known yet": nil} {
		transport := &http.Transport{}
		handler := newFrontHandler(backend, transport, accounts, newBI(1<<30), func() error { return ready })
		for path, password := range map[string]string{"/ping": "", "/?query=SELECT+1": "b"} {
			w := httptest.NewRecorder()
			r := httptest.NewRequest(http.MethodGet, path, nil)
			if password != "" {
				r.SetBasicAuth(BIUser, password)
			}
			handler.ServeHTTP(w, r)
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" || strings.Contains(w.Body.String(), "secret") {
				t.Errorf("%s, %s: %d %v %s", name, path, w.Code, w.Header(), w.Body)
			}
		}
	}
}

// lateReader is a transport that looks for the end of a request again when part of the answer has been passed on, as the real
// one may.
type lateReader struct{ found error }

func (l *lateReader) RoundTrip(r *http.Request) (*http.Response, error) {
	body := make([]byte, r.ContentLength)
	if _, err := io.ReadFull(r.Body, body); err != nil {
		return nil, err
	}
	again := readerFunc(func([]byte) (int, error) {
		_, l.found = r.Body.Read(make([]byte, 1))
		return 0, l.found
	})
	return &http.Response{
		StatusCode: http.StatusOK, ContentLength: -1, Header: http.Header{}, Request: r,
		Body: io.NopCloser(io.MultiReader(bytes.NewReader(body), again)),
	}, nil
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestFrontLetsTheTransportFindTheEndOfARequestLate(t *testing.T) {
	transport := new(lateReader)
	backend := func() string { return "127.0.0.1:1" }
	front := httptest.NewServer(newFrontHandler(backend, transport, func() []account { return []account{accountOf(User{WriterUser, "w"})} }, nil, func() error { return nil }))
	defer front.Close()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front.URL, strings.NewReader("SELECT 1"))
	if err != nil {
		t.Fatal(err)
	}
	request.SetBasicAuth(WriterUser, "w")
	response, err := front.Client().Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if answer, err := io.ReadAll(response.Body); err != nil || string(answer) != "SELECT 1" {
		t.Errorf("%q, %v; the transport found %v", answer, err, transport.found)
	}
}

func TestConnectionFinishesItsWriteBeforeItCloses(t *testing.T) {
	client, server := net.Pipe() // a write waits for its reader
	transport := &http.Transport{DialContext: nil}
	if _, err := Transport(transport); err != nil || transport.WriteBufferSize < frontHeaderBytes {
		t.Fatalf("write buffer is %d bytes, %v", transport.WriteBufferSize, err)
	}
	conn := &wholeWrites{Conn: client}
	head := bytes.Repeat([]byte("x"), 100<<10)
	wrote := make(chan error, 1)
	go func() {
		_, err := conn.Write(head)
		wrote <- err
	}()
	if _, err := io.ReadFull(server, make([]byte, 1)); err != nil { // the write is under way
		t.Fatal(err)
	}
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	rest, err := io.ReadAll(server)
	if err != nil || len(rest) != len(head)-1 {
		t.Errorf("%d of %d bytes arrive, %v", len(rest)+1, len(head), err)
	}
	if err := <-wrote; err != nil {
		t.Error(err)
	}
	if _, err := conn.Write(head); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a write after Close: %v", err)
	}
	if err := conn.Close(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("a second Close: %v", err)
	}
}

func TestTailKeepsTheLastLinesWithoutQueries(t *testing.T) {
	var log bytes.Buffer
	out := &tail{log: slog.New(slog.NewTextHandler(&log, nil))}
	for _, part := range []string{"first li", "ne\n\nsignal 11 (query: SELECT 'visitor@example.org')\n", strings.Repeat("x", lineSize+1), "\nlast", " part"} {
		if n, err := out.Write([]byte(part)); err != nil || n != len(part) {
			t.Fatalf("%d, %v", n, err)
		}
	}
	said := out.String()
	if len(said) > 2*tailSize || !strings.HasSuffix(said, "last part") || strings.Contains(said, "\n") {
		t.Errorf("kept %d bytes: %.100s", len(said), said)
	}
	for _, text := range []string{log.String(), said} {
		if strings.Contains(text, "visitor@") {
			t.Errorf("personal data in %.200s", text)
		}
	}
	if !strings.Contains(log.String(), "first line") {
		t.Errorf("log is %.200s", log.String())
	}
}

func TestMemoryIsBounded(t *testing.T) {
	got := defaultMaxMemory()
	if got < minClickHouseMemory || got > maxClickHouseMemory {
		t.Errorf("memory is %d bytes", got)
	}
	if machine := machineMemory(); machine > 2*minClickHouseMemory && got > machine {
		t.Errorf("memory is %d bytes of %d", got, machine)
	}
	path := t.TempDir() + "/memory.max"
	for content, want := range map[string]int64{"max\n": 0, "1073741824\n": 1 << 30, "": 0} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := readLimit(path); got != want {
			t.Errorf("%q: %d, want %d", content, got, want)
		}
	}
}

func TestListenAddresses(t *testing.T) {
	for listen, want := range map[string]string{"": "127.0.0.1 0", "127.0.0.1:8123": "127.0.0.1 8123", "[::1]:1": "::1 1", ":9": "0.0.0.0 9"} {
		host, port, err := splitListen("X", listen)
		if got := host + " " + strconv.Itoa(port); err != nil || got != want {
			t.Errorf("%q: %s, %v", listen, got, err)
		}
	}
	for _, listen := range []string{"8123", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:65536", "127.0.0.1:-1"} {
		if _, _, err := splitListen("X", listen); err == nil || !strings.Contains(err.Error(), listen) {
			t.Errorf("%q: %v", listen, err)
		}
	}
}
