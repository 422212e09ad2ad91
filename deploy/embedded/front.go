package embedded

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

const (
	// frontHeaderBytes bounds the request line and headers. The child takes a field of 128 KiB and a URI of 1 MiB.
	frontHeaderBytes = 120 << 10
	// frontDrain is how long requests may go on after Shutdown.
	frontDrain = 2 * time.Second
)

// front is the HTTP interface the world sees. Go's server lets only well-formed requests through.
type front struct {
	address string
	server  *http.Server
	done    chan struct{}
}

func startFront(listener net.Listener, backend string, ready func() error, log *slog.Logger) *front {
	f := &front{address: listener.Addr().String(), done: make(chan struct{})}
	f.server = &http.Server{
		Handler:           newFrontHandler(backend, ready),
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

// close lets running requests end for a moment and then cuts them off. It may be called again.
func (f *front) close() {
	ctx, cancel := context.WithTimeout(context.Background(), frontDrain)
	defer cancel()
	if f.server.Shutdown(ctx) != nil {
		f.server.Close()
	}
	<-f.done
}

// newFrontHandler passes what is allowed to the child, with the credentials in one form: the headers X-ClickHouse-User and
// X-ClickHouse-Key, wherever they came from.
func newFrontHandler(backend string, ready func() error) http.Handler {
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", backend, backend
		},
		Transport: &http.Transport{
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			DisableCompression:    true, // encodings pass as they are
			MaxIdleConnsPerHost:   32,
			IdleConnTimeout:       time.Minute,
			ResponseHeaderTimeout: 0, // a query may take long to its first row
		},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, r *http.Request, err error) {
			if r.Context().Err() == nil {
				unavailable(w, errors.New("ClickHouse does not answer"))
			}
		},
		ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug),
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refused := admit(r); refused != nil {
			refused.write(w)
			return
		}
		if err := ready(); err != nil {
			unavailable(w, err)
			return
		}
		proxy.ServeHTTP(w, r)
	})
}

// refusal is an answer instead of the child's.
type refusal struct {
	status  int
	message string
}

func (r *refusal) write(w http.ResponseWriter) {
	if r.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="ClickHouse"`)
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(r.status)
	fmt.Fprintln(w, r.message)
}

func unavailable(w http.ResponseWriter, err error) {
	w.Header().Set("Retry-After", "1")
	(&refusal{http.StatusServiceUnavailable, "ClickHouse is not ready: " + err.Error()}).write(w)
}

// admit checks a request and puts it into the form the child gets, or says why it is refused.
func admit(r *http.Request) *refusal {
	switch r.URL.Path {
	case "/ping", "/replicas_status":
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return &refusal{http.StatusMethodNotAllowed, "method not allowed"}
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/ping", "", ""
		r.Header = http.Header{}
		return nil
	case "/":
	default:
		return &refusal{http.StatusNotFound, "not found: queries go to /"}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		return &refusal{http.StatusMethodNotAllowed, "method not allowed: use GET, HEAD or POST"}
	}
	if r.Header.Get("Upgrade") != "" {
		return &refusal{http.StatusBadRequest, "no other protocol than HTTP is spoken here"}
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &refusal{http.StatusBadRequest, "the query string is malformed"}
	}
	user, refused := takeCredentials(r.Header, query)
	if refused != nil {
		return refused
	}
	r.Header.Set("X-ClickHouse-User", user.Name)
	r.Header.Set("X-ClickHouse-Key", user.Password)
	r.Header.Del("Cookie")
	r.Header.Del("Expect")
	r.URL.RawPath, r.URL.RawQuery = "", query.Encode()
	return nil
}

// takeCredentials removes the credentials from where they are and returns them. They must be in exactly one place, once.
func takeCredentials(header http.Header, query url.Values) (User, *refusal) {
	var found []User
	if values := header.Values("Authorization"); len(values) > 0 {
		r := http.Request{Header: header}
		name, password, ok := r.BasicAuth()
		if !ok || len(values) > 1 {
			return User{}, &refusal{http.StatusUnauthorized, "only Basic authorization is understood, once"}
		}
		found = append(found, User{name, password})
	}
	if names, keys := header.Values("X-Clickhouse-User"), header.Values("X-Clickhouse-Key"); len(names)+len(keys) > 0 {
		if len(names) != 1 || len(keys) > 1 {
			return User{}, &refusal{http.StatusUnauthorized, "send one X-ClickHouse-User and one X-ClickHouse-Key"}
		}
		found = append(found, User{names[0], header.Get("X-Clickhouse-Key")})
	}
	// The child compares names of parameters without regard to case.
	parameters := map[string][]string{}
	for name, values := range query {
		if folded := strings.ToLower(name); folded == "user" || folded == "password" || folded == "quota_key" {
			parameters[folded] = append(parameters[folded], values...)
			delete(query, name)
		}
	}
	if names, passwords := parameters["user"], parameters["password"]; len(names)+len(passwords) > 0 {
		if len(names) != 1 || len(passwords) > 1 {
			return User{}, &refusal{http.StatusUnauthorized, "send the parameters user and password once"}
		}
		found = append(found, User{names[0], strings.Join(passwords, "")})
	}
	for name := range header {
		if name == "Authorization" || strings.HasPrefix(name, "X-Clickhouse-") && name != "X-Clickhouse-Database" && name != "X-Clickhouse-Format" {
			header.Del(name)
		}
	}

	switch {
	case len(found) == 0:
		return User{}, &refusal{http.StatusUnauthorized, "credentials are required: Basic authorization, or the headers X-ClickHouse-User and X-ClickHouse-Key"}
	case len(found) > 1:
		return User{}, &refusal{http.StatusUnauthorized, "send credentials in one way only"}
	case found[0].Name != WriterUser && found[0].Name != ReaderUser && found[0].Name != BIUser:
		return User{}, &refusal{http.StatusUnauthorized, "this user may not use this port"}
	case strings.ContainsFunc(found[0].Password, func(r rune) bool { return r < ' ' || r > '~' }):
		return User{}, &refusal{http.StatusUnauthorized, "the password is wrong"}
	}
	return found[0], nil
}
