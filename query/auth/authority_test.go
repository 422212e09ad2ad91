package auth_test

import (
	"context"
	"errors"
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/query/auth/authtest"
	"github.com/parley-analytics/parley/schema"
)

func TestKeyAuthenticatesWithItsScopesAndProjects(t *testing.T) {
	r := newRig(t)
	key := r.key([]schema.Scope{schema.ScopeRead}, "7,3")
	for range 2 { // hashed, then remembered
		c, err := r.authority.Authenticate(r.request("x-api-id: "+key.ID, "x-api-secret: "+key.Secret))
		if err != nil {
			t.Fatal(err)
		}
		if c.ID != key.ID || !c.Has(schema.ScopeRead) || c.Has(schema.ScopeIngest) ||
			!c.Projects.Contains(3) || !c.Projects.Contains(7) || c.Projects.Contains(5) || c.Projects.All {
			t.Fatalf("caller = %+v", c)
		}
	}
}

func TestClientCredentialsTokenAuthenticates(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "all")
	access, _ := r.token(clientForm(key))
	c, err := r.caller(access)
	if err != nil || c.ID != key.ID || !slices.Equal(c.Scopes, everything) || !c.Projects.All {
		t.Fatalf("caller = %+v, %v", c, err)
	}
}

func TestAKeyMayComeInBasic(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "1,2")
	want, err := r.authority.Authenticate(r.request("x-api-id: "+key.ID, "x-api-secret: "+key.Secret))
	if err != nil {
		t.Fatal(err)
	}
	for _, scheme := range []string{basicValue(key.ID, key.Secret), strings.Replace(basicValue(key.ID, key.Secret), "Basic", "basic", 1)} {
		if got, err := r.authority.Authenticate(r.request("Authorization: " + scheme)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
}

func TestCredentialsAreRefusedByName(t *testing.T) {
	r := newRig(t)
	key, other := r.key(everything, "all"), r.key(everything, "all")
	token, _ := r.token(clientForm(key))
	for name, c := range map[string]struct {
		fields []string
		status int
		code   string
	}{
		"nothing":               {nil, 401, ""},
		"wrong secret":          {[]string{"x-api-id: " + key.ID, "x-api-secret: " + other.Secret}, 401, "invalid_token"},
		"unknown id":            {[]string{"x-api-id: key_nobody", "x-api-secret: " + key.Secret}, 401, "invalid_token"},
		"hostile id":            {[]string{"x-api-id: ../credential.>", "x-api-secret: " + key.Secret}, 401, "invalid_token"},
		"empty secret":          {[]string{"x-api-id: " + key.ID, "x-api-secret: "}, 401, "invalid_token"},
		"id alone":              {[]string{"x-api-id: " + key.ID}, 401, "invalid_token"},
		"secret alone":          {[]string{"x-api-secret: " + key.Secret}, 401, "invalid_token"},
		"key and token":         {[]string{"x-api-id: " + key.ID, "x-api-secret: " + key.Secret, "Authorization: Bearer " + token}, 400, "invalid_request"},
		"two tokens":            {[]string{"Authorization: Bearer " + token, "Authorization: Bearer " + token}, 400, "invalid_request"},
		"two ids":               {[]string{"x-api-id: " + key.ID, "x-api-id: " + key.ID, "x-api-secret: " + key.Secret}, 400, "invalid_request"},
		"another scheme":        {[]string{"Authorization: Digest eDp5"}, 401, ""},
		"basic, no such key":    {[]string{"Authorization: Basic eDp5"}, 401, "invalid_token"},
		"basic, wrong secret":   {[]string{"Authorization: " + basicValue(key.ID, other.Secret)}, 401, "invalid_token"},
		"basic, no secret":      {[]string{"Authorization: " + basicValue(key.ID, "")}, 401, "invalid_token"},
		"basic, no colon":       {[]string{"Authorization: Basic eHl6"}, 401, "invalid_token"},
		"basic, no base64":      {[]string{"Authorization: Basic " + key.ID + ":" + key.Secret}, 401, "invalid_token"},
		"basic and key":         {[]string{"Authorization: " + basicValue(key.ID, key.Secret), "x-api-id: " + key.ID, "x-api-secret: " + key.Secret}, 400, "invalid_request"},
		"basic and token":       {[]string{"Authorization: " + basicValue(key.ID, key.Secret), "Authorization: Bearer " + token}, 400, "invalid_request"},
		"bearer without token":  {[]string{"Authorization: Bearer "}, 401, ""},
		"token with a cut tail": {[]string{"Authorization: Bearer " + token[:len(token)-4]}, 401, "invalid_token"},
		"no token at all":       {[]string{"Authorization: Bearer x"}, 401, "invalid_token"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := r.authority.Authenticate(r.request(c.fields...))
			wantStatus(t, err, c.status, c.code)
		})
	}
}

func TestChangesOfACredentialApplyImmediatelyInEveryRole(t *testing.T) {
	here := newRig(t)
	there := newRole(t, here.store, here.clock)
	key := here.key(everything, "1,2")
	token, _ := here.token(clientForm(key))
	secret := func() (schema.Caller, error) {
		return there.authority.Authenticate(there.request("x-api-id: "+key.ID, "x-api-secret: "+key.Secret))
	}
	if _, err := secret(); err != nil {
		t.Fatal(err)
	}

	// Fewer rights.
	if err := here.directory.SetRights(t.Context(), key.ID, []schema.Scope{schema.ScopeRead}, schema.Projects{IDs: []schema.ProjectID{2}}); err != nil {
		t.Fatal(err)
	}
	for name, authenticate := range map[string]func() (schema.Caller, error){
		"secret": secret, "token": func() (schema.Caller, error) { return there.caller(token) },
	} {
		c, err := authenticate()
		if err != nil || c.Projects.Contains(1) || !c.Projects.Contains(2) || !slices.Equal(c.Scopes, []schema.Scope{schema.ScopeRead}) {
			t.Errorf("%s: caller = %+v, %v", name, c, err)
		}
	}

	// Disabled, then let in again.
	if err := here.directory.SetDisabled(t.Context(), key.ID, true); err != nil {
		t.Fatal(err)
	}
	_, err := secret()
	wantStatus(t, err, 401, "invalid_token")
	_, err = there.caller(token)
	wantStatus(t, err, 401, "invalid_token")
	if err := here.directory.SetDisabled(t.Context(), key.ID, false); err != nil {
		t.Fatal(err)
	}
	if _, err := secret(); err != nil {
		t.Error(err)
	}

	// Removed.
	if err := here.directory.Remove(t.Context(), key.ID); err != nil {
		t.Fatal(err)
	}
	_, err = secret()
	wantStatus(t, err, 401, "invalid_token")
	_, err = there.caller(token)
	wantStatus(t, err, 401, "invalid_token")
}

func TestTokenOfAUserRemovedAndAddedAgainIsRefused(t *testing.T) {
	r := newRig(t)
	id := r.user("a@example.org", "correct horse")
	token, _ := r.token(passwordForm("a@example.org", "correct horse"))
	if err := r.directory.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	if again := r.user("a@example.org", "correct horse"); again != id {
		t.Fatalf("the id changed from %s to %s", id, again)
	}
	_, err := r.caller(token)
	wantStatus(t, err, 401, "invalid_token")
}

func TestANewPasswordEndsEveryLogin(t *testing.T) {
	r := newRig(t)
	id := r.user("a@example.org", "correct horse")
	token, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	if err := r.directory.SetPassword(t.Context(), id, "battery staple"); err != nil {
		t.Fatal(err)
	}
	_, err := r.caller(token)
	wantStatus(t, err, 401, "invalid_token")
	if response, body := r.post("/oauth2/token", refreshForm(refresh)); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("refresh: %d %v", response.StatusCode, body)
	}
	if response, _ := r.post("/oauth2/token", passwordForm("a@example.org", "correct horse")); response.StatusCode != http.StatusBadRequest {
		t.Errorf("the old password: %d", response.StatusCode)
	}
	r.token(passwordForm("a@example.org", "battery staple"))
}

func TestATokenOfAnotherInstallationIsRefused(t *testing.T) {
	a, b := newRig(t), newRig(t)
	token, _ := a.token(clientForm(a.key(everything, "all")))
	_, err := b.caller(token)
	wantStatus(t, err, 401, "invalid_token")
}

func TestNoCallerIsAuthenticatedWhileTheStoreIsDown(t *testing.T) {
	memory := new(authtest.Memory)
	up := newRole(t, memory, new(clock))
	key := up.key(everything, "all")
	broken := newRole(t, &switched{Store: memory}, up.clock)
	broken.store.(*switched).off = true
	_, err := broken.authority.Authenticate(broken.request("x-api-id: "+key.ID, "x-api-secret: "+key.Secret))
	wantStatus(t, err, http.StatusServiceUnavailable, "temporarily_unavailable")
	if response, _ := broken.post("/oauth2/token", clientForm(key)); response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("token: %d %v", response.StatusCode, response.Header)
	}
}

// switched is a store that can go down.
type switched struct {
	auth.Store
	off bool
}

func (s *switched) Get(ctx context.Context, key string) ([]byte, error) {
	if s.off {
		return nil, errors.New("no answer")
	}
	return s.Store.Get(ctx, key)
}
