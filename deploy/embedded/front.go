package embedded

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"time"
)

const (
	// frontHeaderBytes bounds the request line and headers. The child takes a field of 128 KiB and a URI of 1 MiB.
	frontHeaderBytes = 120 << 10
	// frontDrain is how long running requests may continue after Shutdown.
	frontDrain = 2 * time.Second
)

// front is the public HTTP interface. Go's server accepts only well-formed requests.
type front struct {
	address   string
	server    *http.Server
	transport *http.Transport
	done      chan struct{}
}

func startFront(listener net.Listener, backend func() string, accounts func() []account, dashboards *bi, ready func() error, log *slog.Logger) *front {
	f := &front{address: listener.Addr().String(), done: make(chan struct{}), transport: &http.Transport{
		DisableCompression:  true, // encodings pass as they are
		MaxIdleConnsPerHost: 32,
		IdleConnTimeout:     time.Minute,
	}}
	_, _ = Transport(f.transport) // modifies it in place and does not fail
	f.server = &http.Server{
		Handler:           newFrontHandler(backend, f.transport, accounts, dashboards, ready),
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    frontHeaderBytes,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	go func() {
		defer close(f.done)
		if err := f.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			log.Error("the ClickHouse front ended", "error", err)
		}
	}()
	return f
}

// close waits briefly for running requests and then aborts them. It may be called again.
func (f *front) close() {
	ctx, cancel := context.WithTimeout(context.Background(), frontDrain)
	defer cancel()
	if f.server.Shutdown(ctx) != nil {
		_ = f.server.Close() // what is still open is cut off
	}
	<-f.done
	// The child waits up to 5 seconds for connections that are open when it ends.
	f.transport.CloseIdleConnections()
}

// newFrontHandler passes allowed requests to the child, with the credentials in one form: the
// headers X-ClickHouse-User and X-ClickHouse-Key, wherever they came from.
func newFrontHandler(backend func() string, transport http.RoundTripper, accounts func() []account, dashboards *bi, ready func() error) http.Handler {
	proxy := newProxy(backend, transport)
	silent := newProxy(backend, transport)
	silent.ModifyResponse = withoutCounts
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who, refused := admit(r, accounts())
		switch {
		case refused != nil:
			refused.write(w)
		case ready() != nil:
			unavailable(w)
		case who.guest:
			if refused := dashboards.serveGuest(w, r, who.turn, silent); refused != nil {
				refused.write(w)
			}
		case who.name == BIUser:
			if refused := dashboards.serve(w, r, proxy); refused != nil {
				refused.write(w)
			}
		default:
			proxy.ServeHTTP(w, r)
		}
	})
}

// withoutCounts removes how much a statement has read: that includes rows of projects which the user does not see.
func withoutCounts(response *http.Response) error {
	response.Header.Del("X-Clickhouse-Summary")
	response.Header.Del("X-Clickhouse-Progress")
	return nil
}

func newProxy(backend func() string, transport http.RoundTripper) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", backend(), ""
			// The child would take trailers for the start of another request.
			r.Out.Trailer = nil
			r.Out.Header.Del("Te")
			if r.Out.Body != nil {
				r.Out.Body = &endedBody{ReadCloser: r.Out.Body}
			}
		},
		Transport:     transport,
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				unavailable(w)
			}
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
}

// endedBody is a request's body that is not read again after its end. The server closes a body when
// the answer begins, while the transport may still try to read more: it would take the closed body
// for a failure and drop the connection and the answer.
type endedBody struct {
	io.ReadCloser
	ended bool
}

// Read reads until the end and then always returns io.EOF. One goroutine at a time.
func (b *endedBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, io.EOF
	}
	n, err := b.ReadCloser.Read(p)
	b.ended = err == io.EOF
	return n, err
}

// refusal is the front's answer when a request is not forwarded.
type refusal struct {
	status  int
	code    int // ClickHouse's code, 0 if there is none for this
	message string
}

func (r *refusal) write(w http.ResponseWriter) {
	switch r.status {
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", `Basic realm="ClickHouse"`)
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	message := r.message
	if r.code != 0 {
		w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(r.code))
		message = fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", r.code, r.message, codeNames[r.code])
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(r.status)
	fmt.Fprintln(w, message)
}

// codeNames are ClickHouse's names of the codes.
var codeNames = map[int]string{
	codeSyntax: "SYNTAX_ERROR", codeLocked: "READONLY", codeTooMany: "TOO_MANY_SIMULTANEOUS_QUERIES", codeUnknownUser: "AUTHENTICATION_FAILED",
	codeDenied: "ACCESS_DENIED",
}

// unavailable does not name the cause: /ping requires no password.
func unavailable(w http.ResponseWriter) {
	(&refusal{status: http.StatusServiceUnavailable, message: "ClickHouse is not ready; try again in a moment"}).write(w)
}
