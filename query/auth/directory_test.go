package auth_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

func TestKeysHave256BitsAndAreStoredHashed(t *testing.T) {
	r := newRig(t)
	a, b := r.key(everything, "all"), r.key(everything, "all")
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(a.Secret, "pks_"))
	if err != nil || len(raw) < 32 {
		t.Errorf("a secret of %d bytes, %v", len(raw), err)
	}
	if a.ID == b.ID || a.Secret == b.Secret {
		t.Error("two keys are alike")
	}
	r.user("ada@example.org", "correct horse")
	records, err := r.store.List(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	for key, value := range records {
		for _, secret := range []string{a.Secret, b.Secret, "correct horse"} {
			if bytes.Contains(value, []byte(secret)) {
				t.Errorf("%s holds a secret", key)
			}
		}
		if strings.Contains(key, "ada") || strings.Contains(key, "@") {
			t.Errorf("the key %s holds an address", key)
		}
	}
}

func TestFirstKeyIsMadeOnceUnlessTheDataDirIsNew(t *testing.T) {
	r := newRig(t)
	first, made, err := r.directory.AddFirstKey(t.Context(), "first key", false)
	if err != nil || !made || first.Secret == "" {
		t.Fatalf("%v %v", made, err)
	}
	if _, made, err := r.directory.AddFirstKey(t.Context(), "first key", false); made || err != nil {
		t.Errorf("made again: %v %v", made, err)
	}
	if _, made, err := r.directory.AddFirstKey(t.Context(), "first key of another", true); !made || err != nil {
		t.Errorf("not made for a new data dir: %v %v", made, err)
	}
}

func TestACorrectSecretIsHashedOnceAndAWrongOneNever(t *testing.T) {
	r := newRig(t)
	key, other := r.key(everything, "all"), r.key(everything, "all")
	before := r.directory.Hashes()
	for range 5 {
		if _, err := r.authority.Authenticate(r.request("x-api-id: "+key.ID, "x-api-secret: "+key.Secret)); err != nil {
			t.Fatal(err)
		}
	}
	if n := r.directory.Hashes() - before; n != 1 {
		t.Errorf("%d hashes for a right secret", n)
	}
	before = r.directory.Hashes()
	for _, fields := range [][]string{
		{"x-api-id: " + key.ID, "x-api-secret: " + other.Secret},
		{"x-api-id: key_nobody", "x-api-secret: " + key.Secret},
	} {
		_, err := r.authority.Authenticate(r.request(fields...))
		wantStatus(t, err, 401, "invalid_token")
	}
	if n := r.directory.Hashes() - before; n != 0 {
		t.Errorf("%d hashes for wrong secrets", n)
	}
}

func TestAnUnknownUserCostsAsMuchAsAWrongPassword(t *testing.T) {
	r := newRig(t)
	id := r.user("a@example.org", "correct horse")
	cost := func(email string) int64 {
		before := r.directory.Hashes()
		response, body := r.post("/oauth2/token", passwordForm(email, "wrong horse"))
		if response.StatusCode != http.StatusBadRequest || body["error_description"] != "the user name or the password is wrong" {
			t.Errorf("%d %v", response.StatusCode, body)
		}
		return r.directory.Hashes() - before
	}
	known, unknown, hostile := cost("a@example.org"), cost("b@example.org"), cost("*.>")
	if err := r.directory.SetDisabled(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	if disabled := cost("a@example.org"); known != 1 || unknown != 1 || hostile != 1 || disabled != 1 {
		t.Errorf("hashes: known %d, unknown %d, hostile %d, disabled %d", known, unknown, hostile, disabled)
	}
}

func TestAnAddressNamesOneUserInAnyCase(t *testing.T) {
	r := newRig(t)
	id := r.user("Ada@Example.org", "correct horse")
	if _, err := r.directory.AddUser(t.Context(), " ada@example.ORG", "battery staple", everything, schema.Projects{All: true}); !errors.Is(err, auth.ErrExists) {
		t.Errorf("err = %v, want ErrExists", err)
	}
	found, err := r.directory.Find(t.Context(), "ADA@example.org")
	if err != nil || found.ID != id || found.Email != "ada@example.org" || found.Kind != auth.KindUser {
		t.Errorf("found %+v, %v", found, err)
	}
	if strings.Contains(id, "ada") {
		t.Errorf("the id %s gives the address away", id)
	}
	r.token(passwordForm("ADA@example.org", "correct horse"))
}

func TestListShowsCredentialsWithoutSecrets(t *testing.T) {
	r := newRig(t)
	first := r.key([]schema.Scope{schema.ScopeRead}, "2,1")
	r.clock.advance(time.Second)
	second := r.key(everything, "all")
	r.user("a@example.org", "correct horse")
	keys, err := r.directory.List(t.Context(), auth.KindKey)
	if err != nil || len(keys) != 2 || keys[0].ID != first.ID || keys[1].ID != second.ID ||
		auth.FormatProjects(keys[0].Projects) != "1,2" || keys[0].Name != "test" {
		t.Errorf("keys = %+v, %v", keys, err)
	}
	users, err := r.directory.List(t.Context(), auth.KindUser)
	if err != nil || len(users) != 1 || users[0].Email != "a@example.org" {
		t.Errorf("users = %+v, %v", users, err)
	}
}

func TestMissingRecordsCannotBeChanged(t *testing.T) {
	r := newRig(t)
	for name, err := range map[string]error{
		"rights":   r.directory.SetRights(t.Context(), "key_x", everything, schema.Projects{All: true}),
		"disable":  r.directory.SetDisabled(t.Context(), "key_x", true),
		"password": r.directory.SetPassword(t.Context(), "user_x", "battery staple"),
		"remove":   r.directory.Remove(t.Context(), "key_x"),
		"hostile":  r.directory.Remove(t.Context(), "a.*.>"),
	} {
		if !errors.Is(err, auth.ErrNotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBadCredentialsAreNotAdded(t *testing.T) {
	r := newRig(t)
	all := schema.Projects{All: true}
	for name, err := range map[string]error{
		"no name":        second(r.directory.AddKey(t.Context(), "", everything, all)),
		"long name":      second(r.directory.AddKey(t.Context(), strings.Repeat("x", 201), everything, all)),
		"no scope":       second(r.directory.AddKey(t.Context(), "x", nil, all)),
		"unknown scope":  second(r.directory.AddKey(t.Context(), "x", []schema.Scope{"write"}, all)),
		"no project":     second(r.directory.AddKey(t.Context(), "x", everything, schema.Projects{})),
		"no address":     second(r.directory.AddUser(t.Context(), "ada", "correct horse", everything, all)),
		"spaces":         second(r.directory.AddUser(t.Context(), "a b@example.org", "correct horse", everything, all)),
		"short password": second(r.directory.AddUser(t.Context(), "a@example.org", "1234567", everything, all)),
		"long password":  second(r.directory.AddUser(t.Context(), "a@example.org", strings.Repeat("x", 1025), everything, all)),
	} {
		if err == nil {
			t.Errorf("%s: added", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestScopesAndProjectsAreRead(t *testing.T) {
	for text, want := range map[string]string{"all": "all", " all ": "all", "1": "1", "3, 1,2,3": "1,2,3", "2147483647": "2147483647"} {
		if p, err := auth.ParseProjects(text); err != nil || auth.FormatProjects(p) != want {
			t.Errorf("ParseProjects(%q) = %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "0", "-1", "2147483648", "1,,2", "1,all", "x", "1.5"} {
		if p, err := auth.ParseProjects(text); err == nil {
			t.Errorf("ParseProjects(%q) = %v", text, p)
		}
	}
	if s, err := auth.ParseScopes("read, ingest,read"); err != nil || len(s) != 2 || s[0] != schema.ScopeIngest {
		t.Errorf("%v, %v", s, err)
	}
	for _, text := range []string{"", "write", "read,"} {
		if s, err := auth.ParseScopes(text); err == nil {
			t.Errorf("ParseScopes(%q) = %v", text, s)
		}
	}
}

func TestRolesThatStartTogetherShareOneSigningKey(t *testing.T) {
	first := newRig(t)
	var roles sync.WaitGroup
	tokens := make([]string, 4)
	key := first.key(everything, "all")
	for i := range tokens {
		roles.Go(func() {
			role := newRole(t, first.store, first.clock)
			tokens[i], _ = role.token(clientForm(key))
		})
	}
	roles.Wait()
	for _, token := range tokens {
		if _, err := first.caller(token); err != nil {
			t.Error(err)
		}
	}
}

func TestChangesAtTheSameTimeAreAllMade(t *testing.T) {
	r := newRig(t)
	key := r.key(everything, "all")
	var writers sync.WaitGroup
	for range 8 {
		writers.Go(func() {
			if err := r.directory.SetDisabled(t.Context(), key.ID, true); err != nil {
				t.Error(err)
			}
		})
		writers.Go(func() {
			if err := r.directory.SetRights(t.Context(), key.ID, []schema.Scope{schema.ScopeRead}, schema.Projects{IDs: []schema.ProjectID{5}}); err != nil {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	c, err := r.directory.Find(t.Context(), key.ID)
	if err != nil || !c.Disabled || auth.FormatProjects(c.Projects) != "5" {
		t.Errorf("%+v, %v", c, err)
	}
}
