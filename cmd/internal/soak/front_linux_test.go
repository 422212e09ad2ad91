package soak

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// front is a proxy before ClickHouse that answers what is written as configured.
type front struct {
	address string
	code    atomic.Int32 // an error of ClickHouse, 0 for none
	delay   atomic.Int64
	proxy   http.Handler

	mu   sync.Mutex
	next *held // what is held back next; nil for nothing

	late      sync.WaitGroup // of what completes after it was given up
	completed atomic.Int64   // so much of it that ClickHouse has written
}

// held is a statement that is held back: its connection breaks, and it is written all the same, later.
type held struct {
	after int           // so many others
	gives time.Duration // until the connection breaks
	late  time.Duration // until it is written
	came  chan struct{} // closed when it has come
}

func newFront(t *testing.T, target string) *front {
	t.Helper()
	address, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(address)
	quiet := log.New(io.Discard, "", 0)
	proxy.ErrorLog = quiet
	f := &front{address: "http://" + listener.Addr().String(), proxy: proxy}
	web := &http.Server{Handler: f, ErrorLog: quiet}
	go func() { _ = web.Serve(listener) }()
	t.Cleanup(func() { _ = web.Close(); f.late.Wait() })
	return f
}

// flags name the front as the ClickHouse of a process.
func (f *front) flags(t *testing.T, user, password string) []string {
	t.Helper()
	return []string{"--clickhouse-url", f.address, "--clickhouse-user", user, "--clickhouse-password-file", secretFile(t, password)}
}

func secretFile(t *testing.T, secret string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

var (
	inserts = regexp.MustCompile(`INSERT INTO parley_1\.`)
	writes  = regexp.MustCompile(`(INSERT INTO|DELETE FROM) parley_\d+\.`)
)

func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head, _ := io.ReadAll(io.LimitReader(r.Body, 64))
	r.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(head), r.Body), r.Body}
	statement := string(head) + r.URL.Query().Get("query")
	if writes.MatchString(statement) {
		if h := f.holds(); h != nil {
			f.complete(h, r)
			select {
			case <-r.Context().Done():
			case <-time.After(h.gives):
			}
			panic(http.ErrAbortHandler)
		}
	}
	if inserts.MatchString(statement) {
		select {
		case <-r.Context().Done():
		case <-time.After(time.Duration(f.delay.Load())):
		}
		if code := f.code.Load(); code != 0 {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(int(code)))
			w.WriteHeader(http.StatusInternalServerError)
			fmt.Fprintf(w, "Code: %d. DB::Exception: as the test wants it. (SOME_NAME) (version 26.7.3.1)\n", code)
			return
		}
	}
	f.proxy.ServeHTTP(w, r)
}

// holdBack has a statement held back.
func (f *front) holdBack(h held) (came <-chan struct{}) {
	h.came = make(chan struct{})
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = &h
	return h.came
}

// holdNothing takes a holdBack back for which nothing has come yet.
func (f *front) holdNothing() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.next = nil
}

// holds decides about a statement.
func (f *front) holds() *held {
	f.mu.Lock()
	defer f.mu.Unlock()
	h := f.next
	if h == nil {
		return nil
	}
	if h.after--; h.after >= 0 {
		return nil
	}
	f.next = nil
	return h
}

// complete takes all of a request from its sender, and has it written later.
func (f *front) complete(h *held, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	close(h.came)
	if err != nil {
		return // its sender has ended in the middle of it
	}
	again := r.Clone(context.Background())
	again.Body = io.NopCloser(bytes.NewReader(body))
	again.ContentLength, again.TransferEncoding = int64(len(body)), nil
	f.late.Go(func() {
		time.Sleep(h.late)
		answer := httptest.NewRecorder()
		f.proxy.ServeHTTP(answer, again)
		if answer.Code == http.StatusOK {
			f.completed.Add(1)
		}
	})
}
