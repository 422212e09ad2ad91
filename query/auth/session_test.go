package auth_test

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

// session signs in and returns the cookie.
func (r *rig) session(form url.Values, edit ...func(*http.Request)) *http.Cookie {
	r.t.Helper()
	response, body := r.post(auth.SessionPath, form, edit...)
	if response.StatusCode != http.StatusOK || len(response.Cookies()) != 1 {
		r.t.Fatalf("status %d, %v, %v", response.StatusCode, body, response.Cookies())
	}
	return response.Cookies()[0]
}

// asked is a request with a cookie, as a browser sends it from a page of the server.
func (r *rig) asked(method string, cookie *http.Cookie, edit ...func(*http.Request)) *http.Request {
	request := httptest.NewRequestWithContext(r.t.Context(), method, auth.SessionPath, nil)
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	request.AddCookie(cookie)
	for _, e := range edit {
		e(request)
	}
	return request
}

func header(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func TestUsersAndKeysSignInWithACookieThatOnlyReads(t *testing.T) {
	r := newRig(t)
	r.user("ada@example.com", "correct horse")
	key := r.key(everything, "9999,1001")
	for name, c := range map[string]struct {
		form url.Values
		want string
	}{
		"user": {url.Values{"username": {"ada@example.com"}, "password": {"correct horse"}}, "ada@example.com"},
		"key":  {url.Values{"client_id": {key.ID}, "client_secret": {key.Secret}}, "test"},
	} {
		t.Run(name, func(t *testing.T) {
			cookie := r.session(c.form)
			if cookie.Name != auth.SessionCookie || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode || cookie.Path != "/" || cookie.MaxAge != 86400 || cookie.Secure {
				t.Errorf("cookie %v", cookie)
			}
			caller, err := r.authority.Authenticate(r.asked(http.MethodPost, cookie))
			if err != nil || !caller.Has(schema.ScopeRead) || caller.Has(schema.ScopeIngest) || caller.Has(schema.ScopeAdmin) {
				t.Errorf("caller %v, %v", caller, err)
			}
			_, body := r.do(r.asked(http.MethodGet, cookie))
			if body["authenticated"] != true || body["name"] != c.want {
				t.Errorf("session %v", body)
			}
		})
	}
	if _, body := r.do(httptest.NewRequestWithContext(t.Context(), http.MethodGet, auth.SessionPath, nil)); body["authenticated"] != false || len(body) != 1 {
		t.Errorf("without a cookie: %v", body)
	}
}

func TestASessionIsSecureWhereTheConnectionIsEncrypted(t *testing.T) {
	r := newRig(t, func(c *auth.Config) { c.Proxies = auth.Proxies{netip.MustParsePrefix("192.0.2.0/24")} })
	key := r.key(everything, "all")
	form := url.Values{"client_id": {key.ID}, "client_secret": {key.Secret}}
	from := func(address string) func(*http.Request) { return func(r *http.Request) { r.RemoteAddr = address } }
	if !r.session(form, from("192.0.2.1:1"), header("X-Forwarded-Proto", "https")).Secure {
		t.Error("behind a trusted proxy with TLS the cookie is not secure")
	}
	if r.session(form, from("198.51.100.1:1"), header("X-Forwarded-Proto", "https")).Secure {
		t.Error("anybody can say that the connection is encrypted")
	}
}

func TestASessionIsAcceptedFromPagesOfTheServerOnly(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "all")
	form := url.Values{"client_id": {key.ID}, "client_secret": {key.Secret}}
	cookie := r.session(form)
	for name, c := range map[string]struct {
		edit func(*http.Request)
		ok   bool
	}{
		"same origin":             {header("Sec-Fetch-Site", "same-origin"), true},
		"typed address":           {header("Sec-Fetch-Site", "none"), true},
		"another port":            {header("Sec-Fetch-Site", "same-site"), false},
		"another site":            {header("Sec-Fetch-Site", "cross-site"), false},
		"old browser, own origin": {func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://example.com") }, true},
		"old browser, other port": {func(r *http.Request) { r.Header.Del("Sec-Fetch-Site"); r.Header.Set("Origin", "http://example.com:81") }, false},
		"no browser":              {func(r *http.Request) { r.Header.Del("Sec-Fetch-Site") }, true},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			_, err := r.authority.Authenticate(r.asked(method, cookie, c.edit))
			if (err == nil) != c.ok || !c.ok && auth.Refusal(err).Status != http.StatusForbidden {
				t.Errorf("%s, %s: %v", name, method, err)
			}
		}
	}
	if response, _ := r.post(auth.SessionPath, form, header("Sec-Fetch-Site", "same-site")); response.StatusCode != http.StatusForbidden || len(response.Cookies()) != 0 {
		t.Errorf("a page of another origin signs in: %d", response.StatusCode)
	}
	if response, _ := r.do(r.asked(http.MethodDelete, cookie, header("Sec-Fetch-Site", "cross-site"))); response.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin signs out: %d", response.StatusCode)
	}
}

func TestASessionEndsWithItsTokenAndItsCredential(t *testing.T) {
	r := newRig(t)
	id := r.user("ada@example.com", "correct horse")
	form := url.Values{"username": {"ada@example.com"}, "password": {"correct horse"}}
	signedOut, removed, expired := r.session(form), r.session(form), r.session(form)

	response, _ := r.do(r.asked(http.MethodDelete, signedOut))
	if cookies := response.Cookies(); response.StatusCode != http.StatusOK || len(cookies) != 1 || cookies[0].MaxAge >= 0 || cookies[0].Value != "" {
		t.Errorf("signing out: %d, %v", response.StatusCode, response.Cookies())
	}
	if _, err := r.authority.Authenticate(r.asked(http.MethodPost, signedOut)); err == nil {
		t.Error("the session goes on after signing out")
	}
	if _, body := r.do(r.asked(http.MethodGet, signedOut)); body["authenticated"] != false {
		t.Errorf("after signing out: %v", body)
	}
	if _, err := r.authority.Authenticate(r.asked(http.MethodPost, removed)); err != nil {
		t.Error("signing out ends another session:", err)
	}
	r.clock.advance(25 * time.Hour)
	if _, err := r.authority.Authenticate(r.asked(http.MethodPost, expired)); err == nil {
		t.Error("the session goes on for more than a day")
	}
	removed = r.session(form)
	if err := r.directory.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if _, err := r.authority.Authenticate(r.asked(http.MethodPost, removed)); err == nil {
		t.Error("the session outlives its user")
	}
}

func TestSignInsAreRefusedWithTheReason(t *testing.T) {
	r := newRig(t)
	r.user("ada@example.com", "correct horse")
	ingest := r.key([]schema.Scope{schema.ScopeIngest}, "all")
	for name, c := range map[string]struct {
		form   url.Values
		status int
		code   string
	}{
		"wrong password": {url.Values{"username": {"ada@example.com"}, "password": {"wrong"}}, 400, "invalid_grant"},
		"unknown user":   {url.Values{"username": {"bob@example.com"}, "password": {"correct horse"}}, 400, "invalid_grant"},
		"wrong secret":   {url.Values{"client_id": {ingest.ID}, "client_secret": {"wrong"}}, 401, "invalid_token"},
		"cannot read":    {url.Values{"client_id": {ingest.ID}, "client_secret": {ingest.Secret}}, 403, "insufficient_scope"},
		"neither":        {url.Values{"password": {"x"}}, 400, "invalid_request"},
		"both":           {url.Values{"username": {"ada@example.com"}, "client_id": {ingest.ID}}, 400, "invalid_request"},
	} {
		response, body := r.post(auth.SessionPath, c.form)
		if response.StatusCode != c.status || body["error"] != c.code || len(response.Cookies()) != 0 {
			t.Errorf("%s: %d, %v", name, response.StatusCode, body)
		}
	}
	for range 10 {
		r.post(auth.SessionPath, url.Values{"username": {"eve@example.com"}, "password": {"guess"}})
	}
	if response, _ := r.post(auth.SessionPath, url.Values{"username": {"eve@example.com"}, "password": {"guess"}}); response.StatusCode != http.StatusTooManyRequests || response.Header.Get("Retry-After") == "" {
		t.Errorf("the eleventh attempt in a minute: %d", response.StatusCode)
	}
}

func TestOtherCredentialsCountBeforeTheCookie(t *testing.T) {
	r := newRig(t)
	first, second := r.key(everything, "1"), r.key(everything, "2")
	cookie := r.session(url.Values{"client_id": {first.ID}, "client_secret": {first.Secret}})
	request := r.asked(http.MethodPost, cookie)
	request.SetBasicAuth(second.ID, second.Secret)
	if caller, err := r.authority.Authenticate(request); err != nil || caller.ID != second.ID || !caller.Has(schema.ScopeIngest) {
		t.Errorf("%v, %v", caller, err)
	}
}

func TestAnInvitationSignsInOnce(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "9999")
	code := r.authority.Invite(key.ID)
	cookie := r.session(url.Values{"invitation": {code}})
	if caller, err := r.authority.Authenticate(r.asked(http.MethodPost, cookie)); err != nil || caller.ID != key.ID || caller.Has(schema.ScopeAdmin) {
		t.Errorf("%v, %v", caller, err)
	}
	refused := func(name, code string) {
		t.Helper()
		if response, body := r.post(auth.SessionPath, url.Values{"invitation": {code}}); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("%s: %d, %v", name, response.StatusCode, body)
		}
	}
	refused("used", code)
	refused("invented", "abc")
	old := r.authority.Invite(key.ID)
	r.clock.advance(auth.InvitationLife)
	refused("too old", old)

	removed := r.authority.Invite(key.ID)
	if err := r.directory.Remove(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	if response, _ := r.post(auth.SessionPath, url.Values{"invitation": {removed}}); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("of a removed key: %d", response.StatusCode)
	}
	for range 100 {
		r.authority.Invite(key.ID)
	}
	if code := r.authority.Invite(key.ID); code != "" {
		t.Error("invitations are unlimited")
	}
}
