package chatra

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
)

// failing are the ways in which what a Handler needs can fail; nil ones do not.
type failing struct{ authenticate, last, await, append error }

// Authenticate implements endpoint.Authenticator.
func (f *failing) Authenticate(*http.Request) (schema.Caller, error) {
	return schema.Caller{
		ID: "key", Scopes: []schema.Scope{schema.ScopeRead, schema.ScopeIngest}, Projects: schema.Projects{IDs: []schema.ProjectID{7}},
	}, f.authenticate
}

// Last implements Log.
func (f *failing) Last(context.Context) (schema.Sequence, error) { return 5, f.last }

// Append implements Log.
func (f *failing) Append(context.Context, schema.ProjectID, []Event) error { return f.append }

// oneMessage is tables with a message of an agent and its client; the rest is unused.
type oneMessage struct {
	Tables
	*failing
}

func (o oneMessage) Await(context.Context, schema.Sequence) (query.Live, error) {
	return query.Live{Projection: 1, Position: 5}, o.await
}

func (oneMessage) ChatOfClient(context.Context, query.Scope, string) (*ChatRow, error) {
	return &ChatRow{Conversation: "00000000-0000-4000-8000-000000000001"}, nil
}

func (oneMessage) MessageByID(context.Context, query.Scope, string) (*MessageRow, error) {
	return &MessageRow{Conversation: "00000000-0000-4000-8000-000000000001", AuthorKind: string(schema.KindProfessional)}, nil
}

func (oneMessage) MessageEvents(context.Context, query.Scope, schema.ConversationKey, string, int) ([]query.EventRow, error) {
	return nil, nil
}

func (oneMessage) Client(context.Context, query.Scope, string) (*ClientRow, error) {
	return &ClientRow{}, nil
}

func TestWhatIsUnavailableIsAnsweredAsSuch(t *testing.T) {
	requests := []struct {
		method, path, body string
		writes             bool
	}{
		{http.MethodPost, "/api/messages/", `{"clientId":"c","text":"t","agentId":"a"}`, true},
		{http.MethodPost, "/api/pushedMessages", `{"clientId":"c","text":"t"}`, true},
		{http.MethodGet, "/api/messages/m", "", false},
		{http.MethodPut, "/api/messages/m/", `{"text":"t"}`, true},
		{http.MethodDelete, "/api/messages/m", "", true},
		{http.MethodGet, "/api/clients/c", "", false},
		{http.MethodPut, "/api/clients/c", `{"name":"Ada"}`, true},
	}
	away := errors.New("it is away")
	for name, c := range map[string]struct {
		failing
		writing bool // only requests that write notice
		status  int
		message string
	}{
		"nothing":             {failing{}, false, 200, ""},
		"credentials":         {failing{authenticate: away}, false, 503, "Credentials cannot be checked now; try again"},
		"the end of the log":  {failing{last: away}, false, 503, "Service is unavailable; try again"},
		"tables that are off": {failing{await: away}, false, 503, "Service is unavailable; try again"},
		"tables behind the log": {
			failing{await: &query.Error{Code: query.CodeTimeout, Message: "behind"}}, false, 503, "What was sent before cannot be read yet; try again",
		},
		"appending":          {failing{append: away}, true, 503, "Service is unavailable; try again"},
		"an unknown outcome": {failing{append: fmt.Errorf("%w: %w", ErrUnknownOutcome, away)}, true, 504, "The outcome is unknown; a POST with an Idempotency-Key can be repeated"},
	} {
		h := New(Config{
			Authenticator: &c.failing, Log: &c.failing, Tables: oneMessage{failing: &c.failing}, Wait: time.Second,
			Operator: func(...string) schema.OperatorID { return 1 }, Now: time.Now, Logger: slog.New(slog.DiscardHandler),
		})
		for _, r := range requests {
			sent := httptest.NewRequestWithContext(t.Context(), r.method, r.path, strings.NewReader(r.body))
			sent.Header.Set("Authorization", "Chatra.Simple id:secret")
			sent.Header.Set("Content-Type", "application/json")
			got := httptest.NewRecorder()
			h.ServeHTTP(got, sent)
			if c.status == http.StatusOK || c.writing && !r.writes {
				if got.Code != http.StatusOK {
					t.Errorf("%s, %s %s: %d %s", name, r.method, r.path, got.Code, got.Body)
				}
				continue
			}
			want := fmt.Sprintf("{\"status\":%d,\"message\":%q}\n", c.status, c.message)
			if seconds, err := strconv.Atoi(got.Header().Get("Retry-After")); got.Code != c.status || got.Body.String() != want || err != nil || seconds < 1 {
				t.Errorf("%s, %s %s: %d %q, Retry-After %q, want %q", name, r.method, r.path, got.Code, got.Body, got.Header().Get("Retry-After"), want)
			}
		}
	}
}
