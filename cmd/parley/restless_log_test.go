package main

import (
	"io"
	"net"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
)

// restless passes connections to a server and cuts each of the first ones after
// some bytes, more with every connection.
func restless(t *testing.T, server string, cuts int64) (address string, made *atomic.Int64) {
	t.Helper()
	upstream, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	made = new(atomic.Int64)
	go func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			n := made.Add(1)
			go func() {
				defer client.Close()
				conn, err := net.Dial("tcp", upstream.Host)
				if err != nil {
					return
				}
				defer conn.Close()
				go func() { _, _ = io.Copy(client, conn); client.Close() }()
				if n > cuts {
					_, _ = io.Copy(conn, client)
				} else {
					_, _ = io.CopyN(conn, client, n*400)
				}
			}()
		}
	}()
	return "nats://" + listener.Addr().String(), made
}

// TestStartSurvivesALogWhoseConnectionBreaks starts a role through a connection
// that is cut a little later each time.
func TestStartSurvivesALogWhoseConnectionBreaks(t *testing.T) {
	const cuts = 12
	server := enginetest.NATS(t)
	address, made := restless(t, server.URL, cuts)
	address = strings.Replace(address, "nats://", "nats://"+server.User+":"+server.Password+"@", 1)
	i, err := launch(t.TempDir(), "ingest", "--nats-url", address)
	if err != nil {
		t.Fatal(err)
	}
	watch(t, i)
	if n := made.Load(); n < 4 {
		t.Fatalf("%d connections: the test tests nothing", n)
	}
	t.Logf("ready after %d connections, %v", made.Load(), i.toReady)
	if code := i.terminate(t); code != 0 {
		t.Errorf("exit %d", code)
	}
}
