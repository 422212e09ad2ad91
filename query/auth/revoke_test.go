package auth_test

import (
	"context"
	"net/http"
	"net/url"
	"testing"
	"testing/synctest"
	"time"

	"github.com/parley-analytics/parley/query/auth"
)

func (r *rig) revoke(token string, edit ...func(*http.Request)) *http.Response {
	r.t.Helper()
	response, _ := r.post("/oauth2/revoke", url.Values{"token": {token}}, edit...)
	return response
}

func TestRevokedTokenEndsAtOnceInEveryRole(t *testing.T) {
	here := newRig(t)
	there := newRole(t, here.store, here.clock)
	here.user("a@example.org", "correct horse")
	client, _ := here.token(clientForm(here.key(everything, "all")))
	user, refresh := here.token(passwordForm("a@example.org", "correct horse"))
	for _, token := range []string{client, user} {
		if _, err := there.caller(token); err != nil {
			t.Fatal(err)
		}
		for range 2 {
			if response := here.revoke(token); response.StatusCode != http.StatusOK {
				t.Fatal(response.StatusCode)
			}
		}
		_, err := there.caller(token)
		wantStatus(t, err, 401, "invalid_token")
	}
	// The login stays valid: only its access token was revoked.
	again, _ := there.token(refreshForm(refresh))
	if _, err := here.caller(again); err != nil {
		t.Error(err)
	}
	_, err := here.caller(user)
	wantStatus(t, err, 401, "invalid_token")
}

func TestRevokedRefreshTokenEndsItsLogin(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	access, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	other, _ := r.token(passwordForm("a@example.org", "correct horse"))
	if response := r.revoke(refresh); response.StatusCode != http.StatusOK {
		t.Fatal(response.StatusCode)
	}
	_, err := r.caller(access)
	wantStatus(t, err, 401, "invalid_token")
	if response, _ := r.post("/oauth2/token", refreshForm(refresh)); response.StatusCode != http.StatusBadRequest {
		t.Errorf("refresh: %d", response.StatusCode)
	}
	if _, err := r.caller(other); err != nil {
		t.Errorf("another login ended too: %v", err)
	}
}

func TestRevokingAnInvalidTokenSucceeds(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "all")
	r.user("a@example.org", "correct horse")
	_, refresh := r.token(passwordForm("a@example.org", "correct horse"))
	for _, token := range []string{"x", "a.b", "a.b.c", "*.>", refresh + "x"} {
		if response := r.revoke(token); response.StatusCode != http.StatusOK {
			t.Errorf("%q: %d", token, response.StatusCode)
		}
	}
	r.token(refreshForm(refresh)) // still good
	if response := r.revoke("x", basic(key.ID, key.Secret)); response.StatusCode != http.StatusOK {
		t.Errorf("with a client: %d", response.StatusCode)
	}
	if response := r.revoke("x", basic(key.ID, "wrong")); response.StatusCode != http.StatusUnauthorized {
		t.Errorf("with a wrong client: %d", response.StatusCode)
	}
	if response := r.revoke(""); response.StatusCode != http.StatusBadRequest {
		t.Errorf("without a token: %d", response.StatusCode)
	}
	if response := r.revoke("x", func(r *http.Request) { r.Method = http.MethodGet }); response.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET: %d", response.StatusCode)
	}
}

func TestRunSweepsEveryHourUntilItsContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t)
		r.user("a@example.org", "correct horse")
		r.token(passwordForm("a@example.org", "correct horse"))
		logins := func() int {
			found, err := r.store.List(t.Context(), "family.")
			if err != nil {
				t.Fatal(err)
			}
			return len(found)
		}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- r.authority.Run(ctx) }()
		r.clock.advance(auth.RefreshLife)
		synctest.Wait()
		if logins() != 1 {
			t.Error("it swept at once")
		}
		<-time.After(time.Hour)
		synctest.Wait()
		if logins() != 0 {
			t.Error("it did not sweep")
		}
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
}

func TestSweepDeletesWhatHasExpired(t *testing.T) {
	r := newRig(t)
	r.user("a@example.org", "correct horse")
	client, _ := r.token(clientForm(r.key(everything, "all")))
	r.revoke(client)
	r.token(passwordForm("a@example.org", "correct horse"))
	sweep := func(want int) {
		t.Helper()
		if n, err := r.authority.Sweep(t.Context()); err != nil || n != want {
			t.Errorf("swept %d, %v; want %d", n, err, want)
		}
	}
	sweep(0)
	_, err := r.caller(client)
	wantStatus(t, err, 401, "invalid_token")
	r.clock.advance(auth.TokenLife + time.Second)
	sweep(1) // the revoked token has expired
	r.clock.advance(auth.RefreshLife)
	sweep(1) // the login too
}
