package main

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// grant asks for tokens and returns the status and the answer.
func (i *instance) grant(t *testing.T, form url.Values) (int, map[string]any) {
	t.Helper()
	got := i.do(t, request{
		method: http.MethodPost, path: "/oauth2/token", body: form.Encode(),
		headers: map[string]string{"Content-Type": "application/x-www-form-urlencoded"},
	})
	var body map[string]any
	if err := json.Unmarshal(got.body, &body); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	return got.status, body
}

// Each change is made by a command beside serve and holds for the next request
// of every role: here of serve and of a query role beside it.
func TestCommandsChangeCredentialsAtOnceInEveryRole(t *testing.T) {
	i := running(t)
	role := i.role(t, "query")
	const email, first, second = "change@example.org", "correct horse", "battery staple"
	must := func(stdin string, arguments ...string) string {
		t.Helper()
		stdout, stderr, code := i.command(t, stdin, arguments...)
		if code != exitOK {
			t.Fatalf("%v: exit %d, %s", arguments, code, stderr)
		}
		return stdout
	}
	status := func(token string, key *auth.Key) (both [2]int) {
		t.Helper()
		for n, at := range []*instance{i, role} {
			r := request{method: http.MethodGet, path: "/_authenticated", key: key}
			if token != "" {
				r.headers = map[string]string{"Authorization": "Bearer " + token}
			}
			both[n] = at.do(t, r).status
		}
		return both
	}
	passwordForm := func(password string) url.Values {
		return url.Values{"grant_type": {"password"}, "username": {email}, "password": {password}}
	}
	login := func(password string) (access, refresh string) {
		t.Helper()
		code, body := i.grant(t, passwordForm(password))
		if code != http.StatusOK {
			t.Fatalf("login: %d %v", code, body)
		}
		return body["access_token"].(string), body["refresh_token"].(string)
	}
	wantEnded := func(what, access, refresh string) {
		t.Helper()
		if got := status(access, nil); got != [2]int{401, 401} {
			t.Errorf("after %s an access token is answered %v", what, got)
		}
		if code, body := i.grant(t, url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}); code != http.StatusBadRequest || body["error"] != "invalid_grant" {
			t.Errorf("after %s a refresh is answered %d %v", what, code, body)
		}
	}

	t.Run("user", func(t *testing.T) {
		must(first+"\n", "user", "add", "--email", email, "--projects", "1", "--scopes", "read")
		access, refresh := login(first)
		if got := status(access, nil); got != [2]int{200, 200} {
			t.Fatalf("a login is answered %v", got)
		}
		must(second+"\n", "user", "passwd", email)
		wantEnded("passwd", access, refresh)
		if code, _ := i.grant(t, passwordForm(first)); code != http.StatusBadRequest {
			t.Errorf("the old password: %d", code)
		}
		access, refresh = login(second)
		must("", "user", "disable", email)
		wantEnded("disable", access, refresh)
		if code, _ := i.grant(t, passwordForm(second)); code != http.StatusBadRequest {
			t.Errorf("a disabled user logs in: %d", code)
		}
		if list := must("", "user", "list"); !strings.Contains(list, "disabled") {
			t.Errorf("list:\n%s", list)
		}
		must("", "user", "enable", email)
		wantEnded("enable", access, refresh) // still
		access, refresh = login(second)
		must("", "user", "set", email, "--projects", "2,3", "--scopes", "read,ingest")
		if got := status(access, nil); got != [2]int{200, 200} {
			t.Errorf("after set: %v", got)
		}
		if list := must("", "user", "list", "--json"); !strings.Contains(list, `"scopes":["ingest","read"],"projects":"2,3"`) {
			t.Errorf("list: %s", list)
		}
		must("", "user", "remove", email)
		wantEnded("remove", access, refresh)
	})

	t.Run("key", func(t *testing.T) {
		key := i.newKey(t, "7951", "read,ingest")
		token := i.token(t, key)
		var rotated auth.Key
		if err := json.Unmarshal([]byte(must("", "key", "rotate", key.ID)), &rotated); err != nil || rotated.ID != key.ID {
			t.Fatal(err, rotated)
		}
		if old, now, byToken := status("", &key), status("", &rotated), status(token, nil); old != [2]int{401, 401} || now != [2]int{200, 200} || byToken != [2]int{401, 401} {
			t.Errorf("after rotate: old %v, new %v, token %v", old, now, byToken)
		}
		token = i.token(t, rotated)
		must("", "key", "disable", key.ID)
		if secret, byToken := status("", &rotated), status(token, nil); secret != [2]int{401, 401} || byToken != [2]int{401, 401} {
			t.Errorf("after disable: secret %v, token %v", secret, byToken)
		}
		must("", "key", "enable", key.ID)
		if secret, byToken := status("", &rotated), status(token, nil); secret != [2]int{200, 200} || byToken != [2]int{401, 401} {
			t.Errorf("after enable: secret %v, token %v", secret, byToken)
		}
		must("", "key", "set", key.ID, "--scopes", "ingest")
		post := func(path string) int {
			return i.do(t, request{method: http.MethodPost, path: path, body: "{}", key: &rotated, headers: map[string]string{"Content-Type": "application/json"}}).status
		}
		if got := post(graphQLPath); got != http.StatusForbidden {
			t.Errorf("without scope read: %d", got)
		}
		must("", "key", "remove", key.ID)
		if secret := status("", &rotated); secret != [2]int{401, 401} {
			t.Errorf("after remove: %v", secret)
		}
	})

	t.Run("refusals", func(t *testing.T) {
		key := i.newKey(t, "7951", "read")
		const another = "second@example.org"
		must(first+"\n", "user", "add", "--email", another, "--projects", "1", "--scopes", "read")
		for name, arguments := range map[string][]string{
			"there is no such user":  {"user", "disable", key.ID},
			"there is no such key":   {"key", "rotate", "nobody@example.org"},
			"nothing to change":      {"key", "set", key.ID},
			"projects: must be":      {"key", "set", key.ID, "--projects", "0"},
			"scopes: must be":        {"key", "set", key.ID, "--scopes", "everything"},
			"password: must have at": {"user", "passwd", another},
		} {
			if _, stderr, code := i.command(t, "short\n", arguments...); code != exitFailed || !strings.Contains(stderr, name) || strings.Count(stderr, "\n") != 1 {
				t.Errorf("%v: exit %d, %q", arguments, code, stderr)
			}
		}
	})
}
