package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/auth/authtest"
	"github.com/parley-analytics/parley/schema"
)

// clock is set by hand.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is one role with its credentials.
type rig struct {
	t         *testing.T
	clock     *clock
	store     auth.Store
	directory *auth.Directory
	authority *auth.Authority
	mux       *http.ServeMux
}

var everything = []schema.Scope{schema.ScopeAdmin, schema.ScopeIngest, schema.ScopeRead}

func newRig(t *testing.T, edit ...func(*auth.Config)) *rig {
	t.Helper()
	return newRole(t, new(authtest.Memory), &clock{at: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}, edit...)
}

// newRole makes one more role on a store.
func newRole(t *testing.T, store auth.Store, c *clock, edit ...func(*auth.Config)) *rig {
	t.Helper()
	directory, err := auth.NewCheapDirectory(t.Context(), store, c.now)
	if err != nil {
		t.Fatal(err)
	}
	config := auth.Config{
		Directory: directory, Logger: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(),
	}
	for _, e := range edit {
		e(&config)
	}
	authority, err := auth.New(config)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	authority.Routes(mux)
	return &rig{t, c, store, directory, authority, mux}
}

func (r *rig) key(scopes []schema.Scope, projects string) auth.Key {
	r.t.Helper()
	p, err := auth.ParseProjects(projects)
	if err != nil {
		r.t.Fatal(err)
	}
	key, err := r.directory.AddKey(r.t.Context(), "test", scopes, p)
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

func (r *rig) user(email, password string) string {
	r.t.Helper()
	id, err := r.directory.AddUser(r.t.Context(), email, password, everything, schema.Projects{All: true})
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

// post sends a form and returns the answer with its JSON body.
func (r *rig) post(path string, form url.Values, edit ...func(*http.Request)) (*http.Response, map[string]any) {
	r.t.Helper()
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, path, strings.NewReader(form.Encode()))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, e := range edit {
		e(request)
	}
	return r.do(request)
}

func (r *rig) do(request *http.Request) (*http.Response, map[string]any) {
	r.t.Helper()
	recorder := httptest.NewRecorder()
	r.mux.ServeHTTP(recorder, request)
	response := recorder.Result()
	var body map[string]any
	if recorder.Body.Len() > 0 {
		if err := json.Unmarshal(recorder.Body.Bytes(), &body); err != nil {
			r.t.Fatalf("%s answers %q: %v", request.URL.Path, recorder.Body, err)
		}
	}
	return response, body
}

// token logs in and returns the access and the refresh token.
func (r *rig) token(form url.Values, edit ...func(*http.Request)) (access, refresh string) {
	r.t.Helper()
	response, body := r.post("/oauth2/token", form, edit...)
	if response.StatusCode != http.StatusOK {
		r.t.Fatalf("status %d, %v", response.StatusCode, body)
	}
	access, _ = body["access_token"].(string)
	refresh, _ = body["refresh_token"].(string)
	return access, refresh
}

func clientForm(k auth.Key) url.Values {
	return url.Values{"grant_type": {"client_credentials"}, "client_id": {k.ID}, "client_secret": {k.Secret}}
}

func passwordForm(email, password string) url.Values {
	return url.Values{"grant_type": {"password"}, "username": {email}, "password": {password}}
}

func refreshForm(token string) url.Values {
	return url.Values{"grant_type": {"refresh_token"}, "refresh_token": {token}}
}

func basic(id, secret string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set("Authorization", basicValue(id, secret)) }
}

func basicValue(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(id+":"+secret))
}

func from(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

// request makes a request with header fields, "Name: value" each.
func (r *rig) request(fields ...string) *http.Request {
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, "/graphql", nil)
	for _, field := range fields {
		name, value, _ := strings.Cut(field, ": ")
		request.Header.Add(name, value)
	}
	return request
}

// caller authenticates with a bearer token.
func (r *rig) caller(token string) (schema.Caller, error) {
	return r.authority.Authenticate(r.request("Authorization: Bearer " + token))
}

// wantStatus checks an error of Authenticate.
func wantStatus(t *testing.T, err error, status int, code string) {
	t.Helper()
	refusal := auth.Refusal(err)
	if err == nil || refusal.Status != status || refusal.Code != code {
		t.Errorf("err = %v; want status %d and code %q", err, status, code)
	}
}
