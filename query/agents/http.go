package agents

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Path is where the protocol is served.
const Path = "/mcp"

// maxRequest is the maximum size of a request in bytes.
const maxRequest = 256 << 10

// credentials are the header fields that a call passes on to GraphQL.
var credentials = []string{"Authorization", "X-Api-Id", "X-Api-Secret"}

// Handler serves the protocol over HTTP.
type Handler struct {
	authenticator endpoint.Authenticator
	origins       []string
	protocol      http.Handler
}

// NewHandler serves a server to callers with the scope read. Origins are those of other sites whose pages may call it.
func NewHandler(server *mcp.Server, authenticator endpoint.Authenticator, origins []string) *Handler {
	protocol := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server },
		&mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true, MaxRequestBodyBytes: maxRequest})
	return &Handler{authenticator, origins, protocol}
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	endpoint.NoStore(w.Header())
	if origin := r.Header.Get("Origin"); origin != "" && !slices.Contains(h.origins, origin) && !sameOrigin(origin, r.Host) {
		refuse(w, http.StatusForbidden, "FORBIDDEN", "requests from this origin are not allowed: see --allow-origin")
		return
	}
	r.Header.Del("Cookie")
	caller, err := h.authenticator.Authenticate(r)
	var refusal endpoint.Refusal
	switch {
	case errors.As(err, &refusal):
		refusal.Header(w.Header())
		refuse(w, refusal.HTTPStatus(), "UNAUTHENTICATED", refusal.Error())
	case err != nil:
		refuse(w, http.StatusServiceUnavailable, "SERVICE_UNAVAILABLE", "credentials cannot be checked at the moment")
	case !caller.Has(schema.ScopeRead):
		refuse(w, http.StatusForbidden, "FORBIDDEN", "the credentials need the scope read")
	default:
		h.protocol.ServeHTTP(w, r)
	}
}

// sameOrigin reports whether an origin is the host that was asked.
func sameOrigin(origin, host string) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == host
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	endpoint.JSON(w, status, map[string]any{"error": map[string]string{"code": code, "message": message}})
}

// Within asks a handler of GraphQL in the same process, with the credentials of the call.
type Within struct{ GraphQL http.Handler }

// Ask implements [Asker].
func (a Within) Ask(ctx context.Context, header http.Header, request []byte) ([]byte, error) {
	asked, err := http.NewRequestWithContext(ctx, http.MethodPost, "/graphql", bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	asked.RemoteAddr = "127.0.0.1:0"
	for _, name := range credentials {
		if values := header.Values(name); len(values) > 0 {
			asked.Header[name] = values
		}
	}
	asked.Header.Set("Content-Type", "application/json")
	w := &held{header: http.Header{}, status: http.StatusOK}
	a.GraphQL.ServeHTTP(w, asked)
	return judged(w.status, w.body.Bytes())
}

// held is an answer in memory, as much of it as is used.
type held struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (h *held) Header() http.Header { return h.header }

// WriteHeader implements http.ResponseWriter.
func (h *held) WriteHeader(status int) { h.status = status }

// Write implements http.ResponseWriter.
func (h *held) Write(p []byte) (int, error) {
	if room := MaxAnswer + 1 - h.body.Len(); room > 0 {
		h.body.Write(p[:min(room, len(p))])
	}
	return len(p), nil
}

// Remote asks a running Parley with a key.
type Remote struct {
	URL, ID, Secret string
	HTTP            *http.Client
}

// remoteWait is the maximum duration of a request.
const remoteWait = 2 * time.Minute

// Ask implements [Asker].
func (a Remote) Ask(ctx context.Context, _ http.Header, request []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, remoteWait)
	defer cancel()
	asked, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL+"/graphql", bytes.NewReader(request))
	if err != nil {
		return nil, err
	}
	asked.Header.Set("Content-Type", "application/json")
	asked.Header.Set("X-Api-Id", a.ID)
	asked.Header.Set("X-Api-Secret", a.Secret)
	response, err := a.HTTP.Do(asked)
	if err != nil {
		return nil, fmt.Errorf("parley does not answer: %w", err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, MaxAnswer+1))
	if err != nil {
		return nil, err
	}
	return judged(response.StatusCode, body)
}

// judged returns a body that has an answer or errors of GraphQL.
func judged(status int, body []byte) ([]byte, error) {
	switch {
	case status == http.StatusTooManyRequests:
		return nil, errors.New("too many requests: wait a moment")
	case len(body) == 0 || body[0] != '{':
		return nil, fmt.Errorf("GraphQL answered with status %d", status)
	}
	return body, nil
}

// Serve serves the protocol on two streams, until the first ends.
func Serve(ctx context.Context, server *mcp.Server, in io.Reader, out io.Writer) error {
	return server.Run(ctx, &mcp.IOTransport{Reader: io.NopCloser(in), Writer: unclosed{out}, MaxLineLength: maxRequest})
}

// unclosed is a stream that belongs to the process.
type unclosed struct{ io.Writer }

// Close does nothing.
func (unclosed) Close() error { return nil }
