package main

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/auth/authtest"
	"github.com/parley-analytics/parley/schema"
)

func TestTheBrokersBucketKeepsCredentialsAsAuthWants(t *testing.T) {
	server := enginetest.NATS(t)
	broker, err := eventlog.Open(t.Context(), eventlog.Options{URL: server.URL, User: server.User, Password: server.Password})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	buckets := 0
	authtest.Store(t, func(t *testing.T) auth.Store {
		buckets++
		bucket, err := broker.Bucket(t.Context(), fmt.Sprintf("%s_%d", credentialsBucket, buckets), eventlog.BucketConfig{})
		if err != nil {
			t.Fatal(err)
		}
		return bucket
	})
}

// TestConcurrentChangesOfACredentialAreAllApplied changes a key's rights, secret and
// state at the same time, over two connections.
func TestConcurrentChangesOfACredentialAreAllApplied(t *testing.T) {
	server := enginetest.NATS(t)
	var directories []*auth.Directory
	for range 2 {
		broker, err := eventlog.Open(t.Context(), eventlog.Options{URL: server.URL, User: server.User, Password: server.Password})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(broker.Close)
		directory, _, err := loadDirectory(t.Context(), broker)
		if err != nil {
			t.Fatal(err)
		}
		directories = append(directories, directory)
	}
	a, b := directories[0], directories[1]
	for round := range 10 {
		key, err := a.AddKey(t.Context(), "shared", []schema.Scope{schema.ScopeRead}, schema.Projects{IDs: []schema.ProjectID{1}})
		if err != nil {
			t.Fatal(err)
		}
		var all sync.WaitGroup
		for _, change := range []func() error{
			func() error {
				return a.SetRights(t.Context(), key.ID, []schema.Scope{schema.ScopeIngest}, schema.Projects{})
			},
			func() error { return b.SetRights(t.Context(), key.ID, nil, schema.Projects{All: true}) },
			func() error { return b.SetDisabled(t.Context(), key.ID, true) },
			func() error { _, err := a.Rotate(t.Context(), key.ID); return err },
		} {
			all.Go(func() {
				if err := change(); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		got, err := b.Find(t.Context(), key.ID)
		if err != nil || !slices.Equal(got.Scopes, []schema.Scope{schema.ScopeIngest}) || !got.Projects.All || !got.Disabled {
			t.Fatalf("round %d: %+v, %v", round, got, err)
		}
	}
}

func TestAccessThatCannotBeMeantIsRefused(t *testing.T) {
	for _, flags := range [][]string{
		{"--oidc-issuer", "https://id.example"}, {"--oidc-audience", "parley"},
		{"--oidc-issuer", "https://id.example", "--oidc-audience", "parley", "--config", settingsFile(t, "access: {oidc: {scope-names: {analyst: everything}}}")},
	} {
		arguments := append([]string{"serve", "--data-dir", t.TempDir()}, flags...)
		if _, stderr, code := runHere(t, arguments...); code != exitFailed || !strings.Contains(stderr, "oidc") {
			t.Errorf("%v: exit %d, %q", flags, code, stderr)
		}
	}
	for _, wrong := range []string{"proxy.example", "10.0.0.0/99", "fe80::1%eth0"} {
		if _, stderr, code := runHere(t, "serve", "--trusted-proxy", wrong); code != exitUsage || !strings.Contains(stderr, "not an address or network") {
			t.Errorf("%s: exit %d, %q", wrong, code, stderr)
		}
	}
}

// collector takes traces as an OpenTelemetry collector does.
type collector struct {
	*httptest.Server
	mu   sync.Mutex
	sent bytes.Buffer
}

func newCollector(t *testing.T) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.mu.Lock()
		defer c.mu.Unlock()
		fmt.Fprintln(&c.sent, r.Method, r.URL.Path)
		_, _ = io.Copy(&c.sent, r.Body)
	}))
	t.Cleanup(c.Close)
	return c
}

// issuer is an OpenID provider on this machine, and signs tokens.
func issuer(t *testing.T) (url string, sign func(jwt.MapClaims) string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": server.URL, "jwks_uri": server.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		encode := base64.RawURLEncoding.EncodeToString
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	return server.URL, func(claims jwt.MapClaims) string {
		token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
		token.Header["kid"] = "k1"
		signed, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return signed
	}
}

// TestSettingsOfAccessLimitsAndTracesTakeEffect starts one serve with all of them.
func TestSettingsOfAccessLimitsAndTracesTakeEffect(t *testing.T) {
	traces := newCollector(t)
	idp, sign := issuer(t)
	t.Setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
	i := start(t, t.TempDir(),
		"--trusted-proxy", "127.0.0.0/8,::1", "--allow-origin", "https://bi.example",
		"--oidc-issuer", idp, "--oidc-audience", "parley-bi", "--otlp-endpoint", traces.URL,
		"--config", settingsFile(t, `
access: {oidc: {scopes-claim: roles, projects-claim: brands, scope-names: {analyst: read}}}
query: {limits: {depth: 4, aliases: 1, root-fields: 3, document-bytes: 2000, body-bytes: 4000, budget: 1500, tokens: 300, selections: 40}}
`))
	asked := func(document string, headers map[string]string) answer {
		body, err := json.Marshal(map[string]string{"query": document})
		if err != nil {
			t.Fatal(err)
		}
		all := map[string]string{"Content-Type": "application/json"}
		for name, value := range headers {
			all[name] = value
		}
		r := request{method: http.MethodPost, path: "/graphql", body: string(body), headers: all}
		if headers["Authorization"] == "" {
			r.key = &i.admin
		}
		return i.do(t, r)
	}

	t.Run("senders behind a proxy are told apart", func(t *testing.T) {
		from := func(address string) int {
			return i.do(t, request{method: http.MethodPost, path: "/oauth2/token", headers: map[string]string{
				"X-Forwarded-For": address, "Content-Type": "application/x-www-form-urlencoded",
			}}).status
		}
		for range 100 {
			from("203.0.113.1")
		}
		if one, other := from("203.0.113.1"), from("203.0.113.2"); one != http.StatusTooManyRequests || other == one {
			t.Errorf("the one who asks too often: %d, another: %d", one, other)
		}
	})
	t.Run("tokens of the issuer", func(t *testing.T) {
		claims := func(audience, role string) map[string]string {
			return map[string]string{"Authorization": "Bearer " + sign(jwt.MapClaims{
				"iss": idp, "sub": "ada", "aud": audience, "exp": time.Now().Add(time.Minute).Unix(), "roles": role, "brands": []int{1, 2},
			})}
		}
		for status, headers := range map[int]map[string]string{
			http.StatusOK: claims("parley-bi", "analyst"), http.StatusForbidden: claims("parley-bi", "read"), http.StatusUnauthorized: claims("other", "analyst"),
		} {
			if got := asked("{__typename}", headers); got.status != status {
				t.Errorf("%s, want %d", got, status)
			}
		}
	})
	t.Run("origins", func(t *testing.T) {
		for origin, want := range map[string]string{"https://bi.example": "https://bi.example", "https://other.example": ""} {
			got := asked("{__typename}", map[string]string{"Origin": origin})
			if allowed := got.header.Get("Access-Control-Allow-Origin"); allowed != want {
				t.Errorf("%s: %q", origin, allowed)
			}
		}
	})
	t.Run("limits", func(t *testing.T) {
		for message, document := range map[string]string{
			"6 levels deep":            `{searchClosedConversations(interval: {from: "2024-01-01T00:00:00Z", to: "2024-01-02T00:00:00Z"}, first: 1) {edges {node {conversation {project {id}}}}}}`,
			"more than 1 aliases":      `{a: __typename b: __typename}`,
			"more than 3 fields":       `{__typename __schema {queryType {name}} position: __typename conversation(id: "00000000-0000-4000-8000-000000000000") {id}}`,
			"at most 2000":             `{__typename}` + strings.Repeat(" ", 2000),
			"the body is too large":    `{__typename}` + strings.Repeat(" ", 4000),
			"token limit of 300":       `{` + strings.Repeat("id ", 301) + `}`,
			"selects more than 40":     `{__typename` + strings.Repeat(" __typename", 60) + `}`,
			"at most 1500 are allowed": `{m: metrics(interval: {from: "2024-01-01T00:00:00Z", to: "2024-01-02T00:00:00Z"}) {buckets {revenue {amount} wait {count meanMs}}}}`,
		} {
			if got := asked(document, nil); !bytes.Contains(got.body, []byte(message)) {
				t.Errorf("%s: %.300s", message, got)
			}
		}
		if got := asked(`{__typename}`, nil); !bytes.Contains(got.body, []byte(`"maximumAvailable":1500`)) {
			t.Errorf("budget: %s", got)
		}
	})
	t.Run("traces", func(t *testing.T) {
		asked(`query Traced {conversation(id: "00000000-0000-4000-8000-000000000000") {id}}`, nil)
		eventually(t, func() error {
			traces.mu.Lock()
			defer traces.mu.Unlock()
			for _, part := range []string{"POST /v1/traces\n", "POST /graphql", "Query.conversation", "Traced", "service.name"} {
				if !bytes.Contains(traces.sent.Bytes(), []byte(part)) {
					return errors.New(part + " was not sent")
				}
			}
			return nil
		})
	})
}

func TestAKeyInBasicOpensEveryEndpointThatTakesKeys(t *testing.T) {
	i := running(t)
	post := func(body string, path string) request {
		return request{method: http.MethodPost, path: path, body: body}
	}
	get := func(path string) request { return request{method: http.MethodGet, path: path} }
	for name, c := range map[string]struct {
		request
		media  string
		status int
	}{
		"graphql":        {post(`{"query":"{ __typename }"}`, "/graphql"), "application/json", 200},
		"graphql by GET": {get("/graphql?query=%7B__typename%7D"), "", 200},
		"chatty":         {post(`{"query":"{ __typename }"}`, "/chatty/graphql"), "application/json", 200},
		"export":         {get("/v1/export/conversations?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z&format=csv"), "", 200},
		"events":         {post(event(7461, someConversation, "basic-1", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT"}`), "/v1/events"), "application/x-ndjson", 202},
	} {
		t.Run(name, func(t *testing.T) {
			for credentials, want := range map[string]int{i.admin.ID + ":" + i.admin.Secret: c.status, i.admin.ID + ":x": 401} {
				r := c.request
				r.headers = map[string]string{"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))}
				if c.media != "" {
					r.headers["Content-Type"] = c.media
				}
				got := i.do(t, r)
				if got.status != want || want == 401 && strings.Contains(got.header.Get("WWW-Authenticate"), "Basic") {
					t.Errorf("%s, WWW-Authenticate %q, want %d", got, got.header.Get("WWW-Authenticate"), want)
				}
			}
		})
	}
}
