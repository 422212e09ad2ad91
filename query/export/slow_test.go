package export_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/export"
)

// counted counts the statements under way, and how many bytes they gave.
type counted struct {
	export.Tables
	running, most atomic.Int32
	given         atomic.Int64
}

func (c *counted) Extract(ctx context.Context, _ *query.Extract) (io.ReadCloser, error) {
	n := c.running.Add(1)
	for most := c.most.Load(); n > most && !c.most.CompareAndSwap(most, n); most = c.most.Load() {
	}
	return &countedStream{c, ctx}, nil
}

type countedStream struct {
	*counted
	ctx context.Context
}

func (s *countedStream) Read(p []byte) (int, error) {
	s.given.Add(int64(len(p)))
	return len(p), s.ctx.Err()
}

func (s *countedStream) Close() error {
	s.running.Add(-1)
	return nil
}

// slowReader asks and reads nothing.
func slowReader(t *testing.T, server *httptest.Server, projects string) net.Conn {
	t.Helper()
	connection, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if err := connection.(*net.TCPConn).SetReadBuffer(64 << 10); err != nil {
		t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+export.Path+"conversations", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Projects", projects)
	if err := request.Write(connection); err != nil {
		t.Fatal(err)
	}
	return connection
}

func TestSlowReadersAreDisconnectedAndUseLittleMemory(t *testing.T) {
	r := theRig(t)
	tables := &counted{Tables: r.store}
	server := r.serve(t, func(c *export.Config) { c.Tables, c.WriteTime = tables, 200*time.Millisecond })
	for range 8 {
		slowReader(t, server, "1")
	}
	eventually := time.After(2 * time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for tables.given.Load() == 0 || tables.running.Load() > 0 {
		select {
		case <-eventually:
			t.Fatalf("%d statements run for readers that do not read", tables.running.Load())
		case <-tick.C:
		}
	}
	if most := tables.most.Load(); most > 2 {
		t.Errorf("%d statements ran for one credential", most)
	}
	if mib := tables.given.Load() >> 20; mib > 8*8 {
		t.Errorf("%d MiB were made for readers that took nothing", mib)
	}
}

func TestEightSlowReadersOfOneCredentialLeavePlacesToOthers(t *testing.T) {
	r := theRig(t)
	tables := &counted{Tables: r.store}
	server := r.serve(t, func(c *export.Config) { c.Tables = tables })
	for range 8 {
		slowReader(t, server, "1")
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for tables.running.Load() < 2 {
		<-tick.C
	}
	if got := get(t, server, "1", "contacts"); got.status != http.StatusTooManyRequests {
		t.Errorf("a further one: %d", got.status)
	}
	leave := stay(t, server, "2", "contacts")
	defer leave()
	if n := tables.running.Load(); n != 3 || tables.most.Load() != 3 {
		t.Errorf("%d statements run, %d ran", n, tables.most.Load())
	}
}
