package chatra

import (
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// The resources. Each answers with and without a slash at the end.
const (
	messagesPath = "/api/messages"
	pushedPath   = "/api/pushedMessages"
	clientsPath  = "/api/clients"
)

// Paths are what a server has to route to a Handler; what there is not below the
// last is answered as such.
func Paths() []string {
	return []string{messagesPath, messagesPath + "/", pushedPath, pushedPath + "/", clientsPath, clientsPath + "/", "/api/"}
}

// Requests of one key a minute, to all resources together, in this process.
const (
	perMinute  = 60
	mostCounts = 1 << 16 // keys that are counted
)

// DefaultWait is how long a request waits for the tables to reach the end of the log.
const DefaultWait = 10 * time.Second

// Config configures a Handler. Operator derives the id of an operator from strings, like the source of the webhooks.
type Config struct {
	Authenticator endpoint.Authenticator // from x-api-id and x-api-secret
	Log           Log
	Tables        Tables
	Operator      func(parts ...string) schema.OperatorID
	Wait          time.Duration // 0 is DefaultWait
	Now           func() time.Time
	Logger        *slog.Logger
}

// Handler answers below Paths. It is safe for concurrent use.
type Handler struct {
	config  Config
	limiter *auth.Limiter
}

// New makes a Handler.
func New(c Config) *Handler {
	if c.Wait == 0 {
		c.Wait = DefaultWait
	}
	return &Handler{config: c, limiter: auth.NewLimiter(perMinute, time.Minute, mostCounts, c.Now)}
}

// problem is an error response.
type problem struct {
	Status  int    `json:"status"`
	Message string `json:"message"`
	retry   time.Duration
	allow   string
}

// Error returns the message.
func (p *problem) Error() string { return p.Message }

func refuse(status int, message string) *problem { return &problem{Status: status, Message: message} }

func errFormat() error { return refuse(http.StatusBadRequest, "Invalid data format") }
func errForeign() error {
	return refuse(http.StatusForbidden, "Only agents' messages can be edited")
}
func errMessage() error { return refuse(http.StatusNotFound, "Message not found") }
func errClient() error  { return refuse(http.StatusNotFound, "Client not found") }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	body, err := h.serve(w, r)
	status := http.StatusOK
	if err != nil {
		p := h.problemOf(r.Context(), err)
		if p.Status == http.StatusUnauthorized {
			header.Set("WWW-Authenticate", `Basic realm="parley"`)
		}
		if p.allow != "" {
			header.Set("Allow", p.allow)
		}
		endpoint.RetryAfter(header, p.retry)
		status, body = p.Status, p
	}
	endpoint.JSON(w, status, body)
}

// problemOf returns the response to an error.
func (h *Handler) problemOf(ctx context.Context, err error) *problem {
	var ours *problem
	var invalid *schema.Error
	var known *query.Error
	p := &problem{Status: http.StatusServiceUnavailable, Message: "Service is unavailable; try again", retry: 2 * time.Second}
	switch {
	case errors.As(err, &ours):
		return ours
	case errors.As(err, &invalid):
		return refuse(http.StatusBadRequest, "Invalid data format")
	case errors.Is(err, ErrUnknownOutcome):
		p.Status, p.Message = http.StatusGatewayTimeout, "The outcome is unknown; a POST with an Idempotency-Key can be repeated"
	case errors.As(err, &known) && known.Code == query.CodeTimeout:
		p.Message = "What was sent before cannot be read yet; try again"
	}
	if ctx.Err() == nil {
		h.config.Logger.ErrorContext(ctx, "a request to the Chatra API failed", "error", err)
	}
	return p
}

// caller is the authenticated caller, for one project.
type caller struct {
	id      string
	project schema.ProjectID
}

// serve answers one request.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request) (any, error) {
	who, err := h.admit(r)
	if err != nil {
		return nil, err
	}
	resource, id, err := target(r.URL)
	if err != nil {
		return nil, err
	}
	allowed := "GET, PUT, DELETE"
	switch {
	case id == "":
		allowed = http.MethodPost
	case resource == clientsPath:
		allowed = "GET, PUT"
	}
	if !strings.Contains(", "+allowed+",", ", "+r.Method+",") {
		p := refuse(http.StatusMethodNotAllowed, "Method not allowed")
		p.allow = allowed
		return nil, p
	}
	var body fields
	if r.Method == http.MethodPost || r.Method == http.MethodPut {
		if body, err = readBody(w, r); err != nil {
			return nil, err
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), 2*h.config.Wait)
	defer cancel()
	pushed := resource == pushedPath
	switch {
	case id == "":
		return h.send(ctx, who, r.Header, body, pushed)
	case resource == clientsPath && r.Method == http.MethodGet:
		return h.client(ctx, who, id)
	case resource == clientsPath:
		return h.change(ctx, who, id, body)
	case r.Method == http.MethodGet:
		return h.message(ctx, who, id, pushed)
	case r.Method == http.MethodPut:
		return h.edit(ctx, who, id, body, pushed)
	default:
		return h.remove(ctx, who, id, pushed)
	}
}

// target is the resource of an address and the id in it; "" for the collection.
func target(u *url.URL) (resource, id string, err error) {
	rest, _ := strings.CutPrefix(u.EscapedPath(), "/api/")
	name, escaped, _ := strings.Cut(rest, "/")
	escaped = strings.TrimSuffix(escaped, "/")
	resource = "/api/" + name
	id, bad := url.PathUnescape(escaped)
	switch {
	case bad != nil, len(id) > schema.MaxIDBytes, !utf8.ValidString(id), strings.Contains(escaped, "/"),
		resource != messagesPath && resource != pushedPath && resource != clientsPath, id == "" && resource == clientsPath:
		return "", "", refuse(http.StatusNotFound, "Not found")
	}
	return resource, id, nil
}

// admit identifies the sender of a request and checks its permissions.
func (h *Handler) admit(r *http.Request) (caller, error) {
	id, secret, ok := credentials(r.Header)
	if !ok {
		return caller{}, refuse(http.StatusUnauthorized, "Unauthorized")
	}
	asked := r.Clone(r.Context())
	asked.Header = http.Header{"X-Api-Id": {id}, "X-Api-Secret": {secret}}
	known, err := h.config.Authenticator.Authenticate(asked)
	var refusal endpoint.Refusal
	switch {
	case err == nil:
	case errors.As(err, &refusal) && refusal.HTTPStatus() < http.StatusInternalServerError:
		return caller{}, refuse(http.StatusUnauthorized, "Unauthorized")
	default:
		p := refuse(http.StatusServiceUnavailable, "Credentials cannot be checked now; try again")
		p.retry = time.Second
		return caller{}, p
	}
	if wait, ok := h.limiter.Allow(known.ID); !ok {
		p := refuse(http.StatusTooManyRequests, "Too Many Requests")
		p.retry = max(wait, time.Second)
		return caller{}, p
	}
	if !known.Has(schema.ScopeRead) || r.Method != http.MethodGet && !known.Has(schema.ScopeIngest) {
		return caller{}, refuse(http.StatusForbidden, "The key needs the scopes ingest and read")
	}
	if known.Projects.All || len(known.Projects.IDs) != 1 {
		return caller{}, refuse(http.StatusForbidden, "The key must be for exactly one project")
	}
	return caller{known.ID, known.Projects.IDs[0]}, nil
}

// credentials are those of `Authorization: Chatra.Simple ID:SECRET`, or of Basic.
func credentials(header http.Header) (id, secret string, ok bool) {
	given := header.Values("Authorization")
	if len(given) != 1 {
		return "", "", false
	}
	scheme, pair, _ := strings.Cut(given[0], " ")
	pair = strings.TrimSpace(pair)
	switch {
	case strings.EqualFold(scheme, "Chatra.Simple"):
	case strings.EqualFold(scheme, "Basic"):
		plain, err := base64.StdEncoding.DecodeString(pair)
		if err != nil {
			return "", "", false
		}
		pair = string(plain)
	default:
		return "", "", false
	}
	return strings.Cut(pair, ":")
}

// fresh waits until the tables have reached the present end of the log, and returns the scope to read.
func (h *Handler) fresh(ctx context.Context, who caller) (query.Scope, error) {
	ctx, cancel := context.WithTimeout(ctx, h.config.Wait)
	defer cancel()
	last, err := h.config.Log.Last(ctx)
	if err != nil {
		return query.Scope{}, err
	}
	live, err := h.config.Tables.Await(ctx, last)
	if err != nil {
		return query.Scope{}, err
	}
	return query.Scope{Projection: live.Projection, Projects: schema.Projects{IDs: []schema.ProjectID{who.project}}}, nil
}
