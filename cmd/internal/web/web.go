package web

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/parley-analytics/parley/cmd/internal/process"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Limits of the HTTP server. A request of the maximum size must arrive within readTimeout; answers
// that stream for longer than writeTimeout set deadlines of their own.
const (
	headerTimeout  = 10 * time.Second
	readTimeout    = time.Minute
	writeTimeout   = 3 * time.Minute
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 64 << 10
	drainTimeout   = 20 * time.Second
)

// Server is the HTTP server of a process. It listens from the start; a route answers 503 until its role is ready.
type Server struct {
	URL       string
	ready     *readiness.Checks
	routes    map[string]*route
	durations *prometheus.HistogramVec
	server    *http.Server
	done      chan struct{} // closed when the server has ended
}

// route answers 503 until Open gives it a handler.
type route struct {
	ready *readiness.Checks
	mu    sync.RWMutex
	open  http.Handler
}

func (r *route) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.mu.RLock()
	handler := r.open
	r.mu.RUnlock()
	if handler != nil {
		handler.ServeHTTP(w, request)
		return
	}
	endpoint.RetryAfter(w.Header(), time.Second)
	message := "starting"
	missing := r.ready.Missing(request.Context())
	for _, part := range slices.Sorted(maps.Keys(missing)) {
		message += "; " + part + ": " + missing[part]
	}
	writeProblem(w, http.StatusServiceUnavailable, "not_ready", message)
}

// writeProblem answers with an error that belongs to no role.
func writeProblem(w http.ResponseWriter, status int, code, message string) {
	endpoint.JSON(w, status, map[string]string{"error": code, "message": message})
}

// Listen binds the address and serves health, metrics and the routes named,
// which are still closed; over TLS only if it is configured.
func Listen(ctx context.Context, p *process.Process, address string, encrypted *tls.Config, ready *readiness.Checks, registry *prometheus.Registry, paths ...string) (*Server, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("address %s is already in use: stop the process that uses it, or choose another --listen (port 0 picks a free one)", address)
	case err != nil:
		return nil, fmt.Errorf("cannot listen on %s (--listen): %w", address, err)
	}
	w := &Server{
		URL:    httpURL(listener.Addr(), encrypted),
		ready:  ready,
		routes: make(map[string]*route),
		durations: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "parley_http_request_duration_seconds",
			Help:    "Time to answer HTTP requests.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30},
		}, []string{"path", "method", "code"}),
	}
	registry.MustRegister(w.durations)

	mux := http.NewServeMux()
	for _, path := range paths {
		w.routes[path] = &route{ready: ready}
		mux.Handle(path, w.measured(path, w.routes[path]))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		endpoint.JSON(w, http.StatusOK, map[string]bool{"alive": true})
	})
	mux.Handle("GET /readyz", readyz(ready))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{ErrorLog: nil}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, http.StatusNotFound, "not_found", "no such path")
	})

	handler := recovered(p.Log, mux)
	if encrypted != nil {
		listener, handler = tls.NewListener(listener, encrypted), strict(handler)
	}
	w.server = &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(p.Log.Handler(), slog.LevelDebug),
	}
	w.done = make(chan struct{})
	go func() {
		defer close(w.done)
		if err := w.server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			p.Fail(fmt.Errorf("HTTP: %w", err))
		}
	}()
	return w, nil
}

// Drain accepts no more requests and lets running ones finish.
func (w *Server) Drain(log *slog.Logger) {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := w.server.Shutdown(ctx); err != nil {
		log.Warn("requests were cut off", "after", drainTimeout)
		_ = w.server.Close() // no one is left to report it to
	}
	<-w.done
}

// OnDrain calls a function when Drain begins, for requests that would not end by themselves.
func (w *Server) OnDrain(end func()) { w.server.RegisterOnShutdown(end) }

// Open passes requests for a path to its handler.
func (w *Server) Open(path string, handler http.Handler) {
	r := w.routes[path]
	r.mu.Lock()
	defer r.mu.Unlock()
	r.open = handler
}

func (w *Server) measured(path string, next http.Handler) http.Handler {
	return promhttp.InstrumentHandlerDuration(w.durations.MustCurryWith(prometheus.Labels{"path": path}), next)
}

// recovered turns a panic of a handler into a response and a log line, without the panic's value.
func recovered(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch thrown := recover(); thrown {
			case nil:
			case http.ErrAbortHandler:
				panic(thrown)
			default:
				log.Error("a request failed unexpectedly", "path", r.URL.Path, "kind", fmt.Sprintf("%T", thrown))
				writeProblem(w, http.StatusInternalServerError, "internal", "internal error; see the log")
			}
		}()
		next.ServeHTTP(w, r)
	})
}

// strict tells browsers to use TLS only for this host, for a year.
func strict(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Strict-Transport-Security", "max-age=31536000")
		next.ServeHTTP(w, r)
	})
}

// httpURL returns the URL at which a client on this machine reaches the address.
func httpURL(address net.Addr, encrypted *tls.Config) string {
	tcp := address.(*net.TCPAddr)
	host := tcp.IP.String()
	if tcp.IP.IsUnspecified() {
		host = "127.0.0.1"
	}
	scheme := "http://"
	if encrypted != nil {
		scheme = "https://"
	}
	return scheme + net.JoinHostPort(host, strconv.Itoa(tcp.Port))
}

// readyz answers 200 if nothing is missing, otherwise 503 with the missing parts: of all parts, or
// of those needed for the purpose named by the parameter for. Either way it adds the notes.
func readyz(checks *readiness.Checks) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		var wrong map[string]string
		switch asked, named := request.URL.Query()["for"]; {
		case !named:
			wrong = checks.Missing(request.Context())
		case len(asked) == 1 && slices.Contains(readiness.Purposes(), readiness.Purpose(asked[0])):
			wrong = checks.MissingFor(request.Context(), readiness.Purpose(asked[0]))
		default:
			writeProblem(w, http.StatusBadRequest, "bad_request", "for must be ingest or query")
			return
		}
		answer := struct {
			Ready    bool              `json:"ready"`
			NotReady map[string]string `json:"notReady,omitempty"`
			Notes    map[string]string `json:"notes,omitempty"`
		}{len(wrong) == 0, wrong, checks.Notes()}
		status := http.StatusOK
		if !answer.Ready {
			status = http.StatusServiceUnavailable
			endpoint.RetryAfter(w.Header(), time.Second)
		}
		endpoint.JSON(w, status, answer)
	})
}
