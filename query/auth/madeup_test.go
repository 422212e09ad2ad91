package auth_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// familyIn reads the name of the login out of an access token, as anyone can who
// has seen one.
func familyIn(t *testing.T, access string) string {
	t.Helper()
	raw, err := base64.RawURLEncoding.DecodeString(strings.Split(access, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct {
		Family string `json:"fam"`
	}
	if err := json.Unmarshal(raw, &claims); err != nil || claims.Family == "" {
		t.Fatalf("%s: %v", raw, err)
	}
	return claims.Family
}

func TestAMadeUpRefreshTokenEndsNoLogin(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	access, used := r.token(passwordForm("a@example.org", "correct horse"))
	_, refresh := r.token(refreshForm(used))
	_, other := r.token(passwordForm("a@example.org", "correct horse"))
	family := familyIn(t, access)
	_, secret, _ := strings.Cut(used, ".")
	_, otherSecret, _ := strings.Cut(other, ".")
	flipped := []byte(used)
	flipped[len(family)+3] ^= 1
	made := map[string]string{
		"short":                 family + ".x",
		"a token's length":      family + "." + strings.Repeat("A", len(secret)),
		"another login's":       family + "." + otherSecret,
		"a used one cut off":    used[:len(used)-1],
		"a used one made long":  used + "A",
		"a used one changed":    string(flipped),
		"without its own proof": used[:len(used)-22],
	}
	for name, token := range made {
		// More attempts than a user has per minute: they count against no user.
		for range 3 {
			response, body := r.post("/oauth2/token", refreshForm(token))
			if response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
				t.Errorf("%s: %d %v", name, response.StatusCode, body)
			}
			if response := r.revoke(token); response.StatusCode != http.StatusOK {
				t.Errorf("%s: revoking answers %d", name, response.StatusCode)
			}
		}
	}
	if _, err := r.caller(access); err != nil {
		t.Errorf("the login has ended: %v", err)
	}
	r.token(refreshForm(refresh))
	r.token(refreshForm(other))
}

func TestRevokingAnAccessTokenDuringARefreshLeavesTheLogin(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	access, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	for range 5 { // refreshes of one user a minute are limited
		var both sync.WaitGroup
		before := access
		both.Go(func() {
			for range 20 {
				r.revoke(before)
			}
		})
		access, refresh = r.token(refreshForm(refresh))
		both.Wait()
	}
	if _, err := r.caller(access); err != nil {
		t.Error(err)
	}
}

// A login holds the access tokens that were revoked in it: their number is
// bounded, so its record stays small.
func TestALoginWithManyRevokedTokensIsRevoked(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	access, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	for n := range 200 {
		r.clock.advance(10e9) // refreshes of one user a minute are limited
		r.revoke(access)
		if n%50 == 49 {
			records, err := r.store.List(t.Context(), "family.")
			if err != nil || len(records) != 1 || len(fmt.Sprint(records)) > 1<<20 {
				t.Fatalf("%d records, %v", len(records), err)
			}
		}
		access, refresh = r.token(refreshForm(refresh))
	}
	r.revoke(access)
	if response, _ := r.post("/oauth2/token", refreshForm(refresh)); response.StatusCode != http.StatusBadRequest {
		t.Errorf("the login is still valid: %d", response.StatusCode)
	}
}

func TestDisablingACredentialRevokesItsTokensPermanently(t *testing.T) {
	r := newRig(t)
	id := r.user("a@example.org", "correct horse")
	key := r.key(everything, "all")
	access, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	byKey, _ := r.token(clientForm(key))
	for _, credential := range []string{id, key.ID} {
		for _, disabled := range []bool{true, false} {
			if err := r.directory.SetDisabled(t.Context(), credential, disabled); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, token := range []string{access, byKey} {
		_, err := r.caller(token)
		wantStatus(t, err, 401, "invalid_token")
	}
	if response, body := r.post("/oauth2/token", refreshForm(refresh)); response.StatusCode != http.StatusBadRequest || body["error"] != "invalid_grant" {
		t.Errorf("refresh: %d %v", response.StatusCode, body)
	}
	r.token(passwordForm("a@example.org", "correct horse"))
	r.token(clientForm(key))
}

func TestARotatedKeyHasOneSecret(t *testing.T) {
	r := newRig(t)
	old := r.key(everything, "7")
	token, _ := r.token(clientForm(old))
	key, err := r.directory.Rotate(t.Context(), old.ID)
	if err != nil || key.ID != old.ID || key.Secret == old.Secret {
		t.Fatalf("%+v, %v", key, err)
	}
	_, err = r.caller(token)
	wantStatus(t, err, 401, "invalid_token")
	_, err = r.authority.Authenticate(r.request("x-api-id: "+old.ID, "x-api-secret: "+old.Secret))
	wantStatus(t, err, 401, "invalid_token")
	c, err := r.authority.Authenticate(r.request("x-api-id: "+key.ID, "x-api-secret: "+key.Secret))
	if err != nil || !c.Projects.Contains(7) || c.Projects.Contains(8) {
		t.Errorf("%+v, %v", c, err)
	}
	if response, _ := r.post("/oauth2/token", url.Values{"grant_type": {"client_credentials"}, "client_id": {old.ID}, "client_secret": {old.Secret}}); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("the old secret: %d", response.StatusCode)
	}
}
