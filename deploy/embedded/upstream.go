package embedded

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// headBytes is more than the request line and headers of any request to the child. They are sent in one write.
	headBytes = 256 << 10
	// closeDelay bounds how long an abandoned connection may take to finish a write.
	closeDelay = 5 * time.Second
)

// Transport adapts a transport to the private port and returns it. A client that disconnects in the
// middle of its request line or headers would crash the child, so they are sent completely or not
// at all. It has the signature of TransportFunc in clickhouse-go's Options:
//
//	clickhouse.Open(&clickhouse.Options{Protocol: clickhouse.HTTP, Addr: []string{c.PrivateAddr()}, TransportFunc: embedded.Transport})
//
// This applies to requests whose line and headers, including the parameters of the query, are smaller than 256 KiB.
func Transport(t *http.Transport) (http.RoundTripper, error) {
	dial := t.DialContext
	if dial == nil {
		dial = (&net.Dialer{Timeout: 5 * time.Second}).DialContext
	}
	t.WriteBufferSize = headBytes
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &wholeWrites{Conn: conn}, nil
	}
	return t, nil
}

// wholeWrites is a connection that finishes the current write before it closes.
type wholeWrites struct {
	net.Conn
	writing sync.Mutex
	closed  atomic.Bool
}

func (c *wholeWrites) Write(b []byte) (int, error) {
	c.writing.Lock()
	defer c.writing.Unlock()
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	return c.Conn.Write(b)
}

// Close returns at once; the connection closes when the current write is done, at the latest after closeDelay.
func (c *wholeWrites) Close() error {
	if c.closed.Swap(true) {
		return net.ErrClosed
	}
	if c.writing.TryLock() {
		defer c.writing.Unlock()
		return c.Conn.Close()
	}
	go func() {
		late := time.AfterFunc(closeDelay, func() { c.Conn.Close() })
		defer late.Stop()
		c.writing.Lock()
		defer c.writing.Unlock()
		c.Conn.Close()
	}()
	return nil
}
