package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

func TestAnswersOfTheTokenEndpointHaveExactlyTheirMembers(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "all")
	r.user("a@example.org", "correct horse")
	_, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	for name, c := range map[string]struct {
		form    url.Values
		members []string
	}{
		"password":           {passwordForm("a@example.org", "correct horse"), []string{"access_token", "expires_in", "refresh_token", "token_type"}},
		"refresh_token":      {refreshForm(refresh), []string{"access_token", "expires_in", "refresh_token", "token_type"}},
		"client_credentials": {clientForm(key), []string{"access_token", "expires_in", "token_type"}},
	} {
		response, body := r.post("/oauth2/token", c.form)
		if response.StatusCode != http.StatusOK || !slices.Equal(slices.Sorted(maps.Keys(body)), c.members) ||
			body["token_type"] != "bearer" || body["expires_in"] != 86400.0 {
			t.Errorf("%s: %d %v", name, response.StatusCode, body)
		}
		if got := response.Header.Get("Cache-Control"); got != "no-store" {
			t.Errorf("%s: Cache-Control = %q", name, got)
		}
	}
}

func TestClientMayAuthenticateWithBasic(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "all")
	access, _ := r.token(url.Values{"grant_type": {"client_credentials"}}, basic(key.ID, key.Secret))
	if c, err := r.caller(access); err != nil || c.ID != key.ID {
		t.Fatal(c, err)
	}
}

func TestRefusalsOfTheTokenEndpoint(t *testing.T) {
	r := newRig(t)
	key := r.key([]schema.Scope{schema.ScopeRead}, "all")
	r.user("a@example.org", "correct horse")
	with := func(form url.Values, pairs ...string) url.Values {
		form = maps.Clone(form)
		for i := 0; i < len(pairs); i += 2 {
			form[pairs[i]] = append([]string(nil), strings.Split(pairs[i+1], "|")...)
		}
		return form
	}
	for name, c := range map[string]struct {
		form   url.Values
		edit   func(*http.Request)
		status int
		code   string
	}{
		"GET":             {clientForm(key), func(r *http.Request) { r.Method = http.MethodGet }, 405, "invalid_request"},
		"JSON":            {clientForm(key), func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 400, "invalid_request"},
		"no content type": {clientForm(key), func(r *http.Request) { r.Header.Del("Content-Type") }, 400, "invalid_request"},
		"another charset": {clientForm(key), func(r *http.Request) {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=latin1")
		}, 400, "invalid_request"},
		"no grant":                   {url.Values{}, nil, 400, "invalid_request"},
		"empty grant":                {url.Values{"grant_type": {""}}, nil, 400, "invalid_request"},
		"unknown grant":              {url.Values{"grant_type": {"authorization_code"}}, nil, 400, "unsupported_grant_type"},
		"repeated grant":             {with(clientForm(key), "grant_type", "client_credentials|client_credentials"), nil, 400, "invalid_request"},
		"repeated unknown parameter": {with(clientForm(key), "x", "1|1"), nil, 400, "invalid_request"},
		"no client":                  {url.Values{"grant_type": {"client_credentials"}}, nil, 401, "invalid_client"},
		"wrong secret":               {with(clientForm(key), "client_secret", "pks_wrong"), nil, 401, "invalid_client"},
		"no secret":                  {with(clientForm(key), "client_secret", ""), nil, 401, "invalid_client"},
		"unknown client":             {with(clientForm(key), "client_id", "key_nobody"), nil, 401, "invalid_client"},
		"hostile client":             {with(clientForm(key), "client_id", "a.>*"), nil, 401, "invalid_client"},
		"wrong Basic":                {url.Values{"grant_type": {"client_credentials"}}, basic(key.ID, "wrong"), 401, "invalid_client"},
		"Bearer as a client":         {url.Values{"grant_type": {"client_credentials"}}, func(r *http.Request) { r.Header.Set("Authorization", "Bearer x") }, 401, "invalid_client"},
		"Basic with a bad escape":    {url.Values{"grant_type": {"client_credentials"}}, basic(key.ID, "%zz"), 401, "invalid_client"},
		"Basic and form":             {clientForm(key), basic(key.ID, key.Secret), 400, "invalid_request"},
		"a user as a client":         {url.Values{"grant_type": {"client_credentials"}, "client_id": {"a@example.org"}, "client_secret": {"correct horse"}}, nil, 401, "invalid_client"},
		"scope beyond":               {with(clientForm(key), "scope", "read admin"), nil, 400, "invalid_scope"},
		"unknown scope":              {with(clientForm(key), "scope", "write"), nil, 400, "invalid_scope"},
		"no password":                {with(passwordForm("b@example.org", "x"), "password", ""), nil, 400, "invalid_request"},
		"no user name":               {with(passwordForm("", "x"), "username", ""), nil, 400, "invalid_request"},
		"wrong password":             {passwordForm("a@example.org", "wrong horse"), nil, 400, "invalid_grant"},
		"unknown user":               {passwordForm("b@example.org", "correct horse"), nil, 400, "invalid_grant"},
		"a key as a user":            {passwordForm(key.ID, key.Secret), nil, 400, "invalid_grant"},
		"user with a wrong client":   {with(passwordForm("a@example.org", "correct horse"), "client_id", key.ID, "client_secret", "wrong"), nil, 401, "invalid_client"},
		"no refresh token":           {url.Values{"grant_type": {"refresh_token"}}, nil, 400, "invalid_request"},
		"unknown refresh token":      {refreshForm("abc.def"), nil, 400, "invalid_grant"},
		"hostile refresh token":      {refreshForm("a*.>"), nil, 400, "invalid_grant"},
		"large body":                 {url.Values{"grant_type": {"password"}, "username": {strings.Repeat("x", 20_000)}}, nil, 413, "invalid_request"},
	} {
		t.Run(name, func(t *testing.T) {
			r.clock.advance(time.Minute) // the limits are another test
			edit := func(*http.Request) {}
			if c.edit != nil {
				edit = c.edit
			}
			response, body := r.post("/oauth2/token", c.form, edit)
			if response.StatusCode != c.status || body["error"] != c.code || body["error_description"] == "" || len(body) != 2 {
				t.Errorf("%d %v; want %d %s", response.StatusCode, body, c.status, c.code)
			}
			challenge := response.Header.Get("WWW-Authenticate")
			if (c.status == 401) != strings.HasPrefix(challenge, "Basic ") {
				t.Errorf("WWW-Authenticate = %q", challenge)
			}
			if (c.status == 405) != (response.Header.Get("Allow") == "POST") {
				t.Errorf("Allow = %q", response.Header.Get("Allow"))
			}
			if response.Header.Get("Cache-Control") != "no-store" {
				t.Error("the refusal may be stored")
			}
		})
	}
}

func TestParametersInTheAddressAreIgnored(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "all")
	if response, body := r.post("/oauth2/token?"+clientForm(key).Encode(), url.Values{}); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_request" {
		t.Errorf("%d %v", response.StatusCode, body)
	}
}

func TestScopeNarrowsATokenAndNeverWidensIt(t *testing.T) {
	r := newRig(t)
	key := r.key([]schema.Scope{schema.ScopeIngest, schema.ScopeRead}, "all")
	form := clientForm(key)
	form.Set("scope", "read read")
	access, _ := r.token(form)
	if c, err := r.caller(access); err != nil || !slices.Equal(c.Scopes, []schema.Scope{schema.ScopeRead}) {
		t.Fatal(c, err)
	}
	if err := r.directory.SetRights(t.Context(), key.ID, everything, schema.Projects{All: true}); err != nil {
		t.Fatal(err)
	}
	if c, err := r.caller(access); err != nil || !slices.Equal(c.Scopes, []schema.Scope{schema.ScopeRead}) {
		t.Errorf("a narrowed token grew: %v %v", c, err)
	}
}

func TestTokensExpireAfterADay(t *testing.T) {
	r := newRig(t)
	access, _ := r.token(clientForm(r.key(everything, "all")))
	r.clock.advance(24*time.Hour - time.Second)
	if _, err := r.caller(access); err != nil {
		t.Error(err)
	}
	r.clock.advance(time.Second)
	_, err := r.caller(access)
	wantStatus(t, err, 401, "invalid_token")
}

// payload reads the claims of a token, and puts others in.
func payload(t *testing.T, token string, edit func(header, claims map[string]any)) string {
	t.Helper()
	parts := strings.Split(token, ".")
	var both [2]map[string]any
	for i := range both {
		raw, err := base64.RawURLEncoding.DecodeString(parts[i])
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(raw, &both[i]); err != nil {
			t.Fatal(err)
		}
	}
	edit(both[0], both[1])
	for i := range both {
		raw, err := json.Marshal(both[i])
		if err != nil {
			t.Fatal(err)
		}
		parts[i] = base64.RawURLEncoding.EncodeToString(raw)
	}
	return strings.Join(parts, ".")
}

func TestForgedTokensAreRefused(t *testing.T) {
	r := newRig(t)
	access, _ := r.token(clientForm(r.key([]schema.Scope{schema.ScopeRead}, "1")))
	for name, forged := range map[string]string{
		"no signature": access[:strings.LastIndexByte(access, '.')+1],
		"alg none":     payload(t, access, func(h, _ map[string]any) { h["alg"] = "none" }),
		"alg HS256":    payload(t, access, func(h, _ map[string]any) { h["alg"] = "HS256" }),
		"more scopes":  payload(t, access, func(_, c map[string]any) { c["scope"] = "read admin" }),
		"other holder": payload(t, access, func(_, c map[string]any) { c["sub"] = "key_other" }),
		"later expiry": payload(t, access, func(_, c map[string]any) { c["exp"] = 4102444800 }),
		"other type":   payload(t, access, func(h, _ map[string]any) { h["typ"] = "JWT" }),
		"too long":     access + strings.Repeat("A", 20_000),
	} {
		_, err := r.caller(forged)
		wantStatus(t, err, 401, "invalid_token")
		if t.Failed() {
			t.Fatal(name)
		}
	}
	payload(t, access, func(_, c map[string]any) {
		if c["jti"] == "" || c["exp"].(float64)-c["iat"].(float64) != 86400 {
			t.Errorf("claims = %v", c)
		}
	})
}

func TestRefreshTokenIsUsedOnce(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	access1, refresh1 := r.token(passwordForm("a@example.org", "correct horse"))
	access2, refresh2 := r.token(refreshForm(refresh1))
	for _, access := range []string{access1, access2} {
		if _, err := r.caller(access); err != nil {
			t.Fatal(err)
		}
	}
	// The first refresh token again: a copy is in use. Everything of this login
	// ends.
	if response, body := r.post("/oauth2/token", refreshForm(refresh1)); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Fatalf("%d %v", response.StatusCode, body)
	}
	if response, body := r.post("/oauth2/token", refreshForm(refresh2)); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("the newer refresh token still works: %d %v", response.StatusCode, body)
	}
	for _, access := range []string{access1, access2} {
		_, err := r.caller(access)
		wantStatus(t, err, 401, "invalid_token")
	}
	// Another login of the same user is unaffected.
	access3, _ := r.token(passwordForm("a@example.org", "correct horse"))
	if _, err := r.caller(access3); err != nil {
		t.Error(err)
	}
}

func TestARefreshTokenUsedTwiceAtOnceEndsItsLogin(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	access, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	var users sync.WaitGroup
	var granted atomic.Int32
	for range 4 {
		users.Go(func() {
			if response, _ := r.post("/oauth2/token", refreshForm(refresh)); response.StatusCode == http.StatusOK {
				granted.Add(1)
			}
		})
	}
	users.Wait()
	if granted.Load() > 1 {
		t.Errorf("%d refreshes were granted", granted.Load())
	}
	_, err := r.caller(access)
	wantStatus(t, err, 401, "invalid_token")
}

func TestRefreshKeepsTheScopeOfTheLogin(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	form := passwordForm("a@example.org", "correct horse")
	form.Set("scope", "read ingest")
	_, refresh := r.token(form)
	narrow := refreshForm(refresh)
	narrow.Set("scope", "read")
	access, refresh := r.token(narrow)
	if c, err := r.caller(access); err != nil || !slices.Equal(c.Scopes, []schema.Scope{schema.ScopeRead}) {
		t.Fatal(c, err)
	}
	beyond := refreshForm(refresh)
	beyond.Set("scope", "admin")
	if response, body := r.post("/oauth2/token", beyond); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_scope" {
		t.Errorf("%d %v", response.StatusCode, body)
	}
	access, _ = r.token(refreshForm(refresh))
	if c, err := r.caller(access); err != nil || !slices.Equal(c.Scopes, []schema.Scope{schema.ScopeRead, schema.ScopeIngest}) {
		t.Error(c, err)
	}
}

func TestRefreshTokenExpiresAndBelongsToItsClient(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	key := r.key(everything, "all")
	_, refresh := r.token(passwordForm("a@example.org", "correct horse"), basic(key.ID, key.Secret))
	if response, body := r.post("/oauth2/token", refreshForm(refresh)); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("without its client: %d %v", response.StatusCode, body)
	}
	_, refresh = r.token(refreshForm(refresh), basic(key.ID, key.Secret))
	r.clock.advance(auth.RefreshLife)
	if response, body := r.post("/oauth2/token", refreshForm(refresh), basic(key.ID, key.Secret)); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("expired: %d %v", response.StatusCode, body)
	}
}

func TestDisabledUserCannotRefresh(t *testing.T) {
	r := newRig(t)
	id := r.user("a@example.org", "correct horse")
	_, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	if err := r.directory.SetDisabled(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	for _, form := range []url.Values{refreshForm(refresh), passwordForm("a@example.org", "correct horse")} {
		if response, body := r.post("/oauth2/token", form); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("%d %v", response.StatusCode, body)
		}
	}
}

func TestAuthenticatedReportsWhetherCredentialsAreValid(t *testing.T) {
	r := newRig(t)
	key := r.key([]schema.Scope{schema.ScopeIngest}, "1")
	access, _ := r.token(clientForm(key))
	get := func(edit func(*http.Request)) (*http.Response, map[string]any) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/_authenticated", nil)
		edit(request)
		return r.do(request)
	}
	for _, good := range []func(*http.Request){
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access) },
		func(r *http.Request) { r.Header.Set("authorization", "bearer "+access) },
		func(r *http.Request) { r.Header.Set("X-Api-Id", key.ID); r.Header.Set("X-Api-Secret", key.Secret) },
	} {
		if response, body := get(good); response.StatusCode != http.StatusOK || len(body) != 1 || body["authenticated"] != true {
			t.Errorf("%d %v", response.StatusCode, body)
		}
	}
	for _, bad := range []func(*http.Request){
		func(*http.Request) {},
		func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+access+"x") },
		func(r *http.Request) { r.Header.Set("X-Api-Id", key.ID) },
	} {
		response, body := get(bad)
		if response.StatusCode != http.StatusUnauthorized || body["error"] != "invalid_token" || body["error_description"] == "" || len(body) != 2 ||
			!strings.HasPrefix(response.Header.Get("WWW-Authenticate"), "Bearer ") {
			t.Errorf("%d %v %v", response.StatusCode, body, response.Header)
		}
	}
	if response, _ := get(func(r *http.Request) { r.Method = http.MethodPost }); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("POST: %d", response.StatusCode)
	}
}
