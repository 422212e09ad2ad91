package auth_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

// issuer is an OpenID provider on this machine.
type issuer struct {
	*httptest.Server
	key   *rsa.PrivateKey
	asked atomic.Int32 // for keys
	down  atomic.Bool
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	i := &issuer{key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if i.down.Load() {
			http.Error(w, "down", http.StatusServiceUnavailable)
			return
		}
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": i.URL, "jwks_uri": i.URL + "/keys", "authorization_endpoint": i.URL + "/a", "token_endpoint": i.URL + "/t",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		i.asked.Add(1)
		b64 := base64.RawURLEncoding.EncodeToString
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]any{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "k1", "n": b64(key.N.Bytes()), "e": b64(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	i.Server = httptest.NewServer(mux)
	t.Cleanup(i.Close)
	return i
}

func (i *issuer) sign(t *testing.T, kid string, key crypto.PrivateKey, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodRS256, claims)
	token.Header["kid"] = kid
	signed, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// claims of a good token, with changes; nil removes.
func (i *issuer) claims(r *rig, changes jwt.MapClaims) jwt.MapClaims {
	c := jwt.MapClaims{
		"iss": i.URL, "aud": "parley-api", "sub": "ada@example.org", "scope": "openid read", "parley_projects": []int{1, 2},
		"iat": r.clock.now().Unix(), "exp": r.clock.now().Add(time.Hour).Unix(),
	}
	for name, value := range changes {
		if c[name] = value; value == nil {
			delete(c, name)
		}
	}
	return c
}

func withOIDC(o auth.OIDC) func(*auth.Config) {
	return func(c *auth.Config) { c.OIDC = &o }
}

func TestTokensOfTheConfiguredIssuerAreAccepted(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t, withOIDC(auth.OIDC{Issuer: i.URL, Audience: "parley-api"}))
	for name, c := range map[string]struct {
		changes  jwt.MapClaims
		scopes   []schema.Scope
		projects string
	}{
		"as it comes":       {nil, []schema.Scope{schema.ScopeRead}, "1,2"},
		"list of scopes":    {jwt.MapClaims{"scope": []string{"ingest", "read", "x", "read"}}, []schema.Scope{schema.ScopeIngest, schema.ScopeRead}, "1,2"},
		"no scopes":         {jwt.MapClaims{"scope": nil}, nil, "1,2"},
		"all projects":      {jwt.MapClaims{"parley_projects": "all"}, []schema.Scope{schema.ScopeRead}, "all"},
		"projects in text":  {jwt.MapClaims{"parley_projects": "7,3"}, []schema.Scope{schema.ScopeRead}, "3,7"},
		"texts of projects": {jwt.MapClaims{"parley_projects": []string{"7"}}, []schema.Scope{schema.ScopeRead}, "7"},
		"one project":       {jwt.MapClaims{"parley_projects": 7}, []schema.Scope{schema.ScopeRead}, "7"},
		"no projects":       {jwt.MapClaims{"parley_projects": nil}, []schema.Scope{schema.ScopeRead}, ""},
		"empty projects":    {jwt.MapClaims{"parley_projects": []int{}}, []schema.Scope{schema.ScopeRead}, ""},
		"several audiences": {jwt.MapClaims{"aud": []string{"x", "parley-api"}}, []schema.Scope{schema.ScopeRead}, "1,2"},
	} {
		got, err := r.caller(i.sign(t, "k1", i.key, i.claims(r, c.changes)))
		if err != nil || !slices.Equal(got.Scopes, c.scopes) || auth.FormatProjects(got.Projects) != c.projects {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if strings.Contains(got.ID, "ada") || !strings.HasPrefix(got.ID, "oidc_") {
			t.Errorf("%s: the id is %s", name, got.ID)
		}
	}
	if n := i.asked.Load(); n != 1 {
		t.Errorf("the keys were requested %d times", n)
	}
}

func TestBadForeignTokensAreRefused(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t, withOIDC(auth.OIDC{Issuer: i.URL, Audience: "parley-api"}))
	stranger, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	none := jwt.NewWithClaims(jwt.SigningMethodNone, i.claims(r, nil))
	unsigned, err := none.SignedString(jwt.UnsafeAllowNoneSignatureType)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"another key":      i.sign(t, "k1", stranger, i.claims(r, nil)),
		"another audience": i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"aud": "other"})),
		"no audience":      i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"aud": nil})),
		"expired":          i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"exp": r.clock.now().Add(-time.Second).Unix()})),
		"no expiry":        i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"exp": nil})),
		"no subject":       i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"sub": nil})),
		"bad projects":     i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"parley_projects": []int{0}})),
		"another issuer":   i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"iss": "https://other.example.org"})),
		"our name":         i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"iss": "parley"})),
		"unsigned":         unsigned,
	} {
		_, err := r.caller(token)
		if refusal := auth.Refusal(err); err == nil || refusal.Status != 401 || refusal.Code != "invalid_token" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestForeignTokensNeedConfiguration(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t)
	_, err := r.caller(i.sign(t, "k1", i.key, i.claims(r, nil)))
	wantStatus(t, err, 401, "invalid_token")
	for _, o := range []auth.OIDC{{}, {Issuer: i.URL}, {Audience: "x"}, {Issuer: "parley", Audience: "x"}} {
		config := auth.Config{Directory: r.directory}
		withOIDC(o)(&config)
		if _, err := auth.New(config); err == nil {
			t.Errorf("%+v is taken", o)
		}
	}
}

func TestClaimsAndScopesCanBeMapped(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t, withOIDC(auth.OIDC{
		Issuer: i.URL, Audience: "parley-api", ScopesClaim: "roles", ProjectsClaim: "sites",
		ScopeNames: map[string]schema.Scope{"analyst": schema.ScopeRead, "root": schema.ScopeAdmin},
	}))
	got, err := r.caller(i.sign(t, "k1", i.key, i.claims(r, jwt.MapClaims{"roles": []string{"analyst", "admin"}, "sites": "5"})))
	if err != nil || !slices.Equal(got.Scopes, []schema.Scope{schema.ScopeRead}) || auth.FormatProjects(got.Projects) != "5" {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestAnIssuerThatIsDownIsAskedAgainLater(t *testing.T) {
	i := newIssuer(t)
	i.down.Store(true)
	r := newRig(t, withOIDC(auth.OIDC{Issuer: i.URL, Audience: "parley-api"}))
	token := i.sign(t, "k1", i.key, i.claims(r, nil))
	_, err := r.caller(token)
	wantStatus(t, err, 503, "temporarily_unavailable")
	i.down.Store(false)
	_, err = r.caller(token) // not asked again at once
	wantStatus(t, err, 503, "temporarily_unavailable")
	r.clock.advance(time.Minute)
	if _, err := r.caller(token); err != nil {
		t.Error(err)
	}
	// Our own tokens do not depend on it.
	access, _ := r.token(clientForm(r.key(everything, "all")))
	i.Close()
	if _, err := r.caller(access); err != nil {
		t.Error(err)
	}
}

func TestTokensThatNameUnknownKeysDoNotFloodTheIssuer(t *testing.T) {
	i := newIssuer(t)
	r := newRig(t, withOIDC(auth.OIDC{Issuer: i.URL, Audience: "parley-api"}))
	good := i.sign(t, "k1", i.key, i.claims(r, nil))
	if _, err := r.caller(good); err != nil {
		t.Fatal(err)
	}
	forged := i.sign(t, "k2", i.key, i.claims(r, nil))
	for range 100 {
		if _, err := r.caller(forged); err == nil {
			t.Fatal("a token of an unknown key is accepted")
		}
	}
	if n := i.asked.Load(); n > 10 {
		t.Errorf("the issuer was asked %d times", n)
	}
	if _, err := r.caller(good); err != nil {
		t.Errorf("a good token: %v", err)
	}
}
