package auth_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

// chatKey makes a key with a role.
func (r *rig) chatKey(role schema.Role, seller string) auth.Key {
	r.t.Helper()
	key, err := r.directory.AddChatKey(r.t.Context(), "test", role, seller, schema.Projects{IDs: []schema.ProjectID{7}})
	if err != nil {
		r.t.Fatal(err)
	}
	return key
}

// single sends a key in one header, from an address.
func single(t *testing.T, key, address string) *http.Request {
	request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", nil)
	request.RemoteAddr = address + ":1"
	if key != "" {
		request.Header.Set("marketplacer-api-key", key)
	}
	return request
}

func TestKeyWithARoleIsOneStringAndGoodForChatsOnly(t *testing.T) {
	r := newRig(t)
	gate := r.authority.APIKeys("marketplacer-api-key", auth.Rates{Address: 100, Key: 100, Projects: 100, Window: time.Second})
	seller := r.chatKey(schema.RoleSeller, "66")
	caller, err := gate.Authenticate(single(t, seller.APIKey, "192.0.2.1"))
	if err != nil || caller.Role != schema.RoleSeller || caller.Seller != "66" || len(caller.Scopes) != 1 || !caller.Has(schema.ScopeChat) || caller.Projects.Contains(8) {
		t.Errorf("%+v, %v", caller, err)
	}
	rotated, err := r.directory.Rotate(t.Context(), seller.ID)
	if err != nil || rotated.APIKey == "" || rotated.APIKey == seller.APIKey {
		t.Fatalf("%+v, %v", rotated, err)
	}
	if err := r.directory.SetRights(t.Context(), seller.ID, everything, schema.Projects{}); err == nil {
		t.Error("a key with a role gets other scopes")
	}
	plain := r.key(everything, "all")
	if plain.APIKey != "" {
		t.Error("a key without a role has an apiKey")
	}
	for name, text := range map[string]string{
		"none": "", "old": seller.APIKey, "garbage": "%%%", "padded": rotated.APIKey + "=",
		"no colon": base64.RawURLEncoding.EncodeToString([]byte("abc")),
	} {
		_, err := gate.Authenticate(single(t, text, "192.0.2.1"))
		if refusal := auth.Refusal(err); refusal.Status != http.StatusUnauthorized {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, wrong := range []struct {
		role   schema.Role
		seller string
	}{{"owner", ""}, {schema.RoleSeller, ""}, {schema.RoleOperator, "66"}} {
		if _, err := r.directory.AddChatKey(t.Context(), "test", wrong.role, wrong.seller, schema.Projects{All: true}); err == nil {
			t.Errorf("%+v is taken", wrong)
		}
	}
}

func TestRequestsAreCountedByAddressKeyAndProjects(t *testing.T) {
	for name, c := range map[string]struct {
		rates auth.Rates
		let   int
	}{
		"address":  {auth.Rates{Address: 2, Key: 9, Projects: 9}, 2},
		"key":      {auth.Rates{Address: 9, Key: 3, Projects: 9}, 3},
		"projects": {auth.Rates{Address: 9, Key: 9, Projects: 4}, 4},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			c.rates.Window = 10 * time.Second
			gate := r.authority.APIKeys("marketplacer-api-key", c.rates)
			key := r.chatKey(schema.RoleOperator, "")
			for n := range c.let + 1 {
				_, err := gate.Authenticate(single(t, key.APIKey, "192.0.2.1"))
				refused := err != nil && auth.Refusal(err).Status == http.StatusTooManyRequests
				if refused != (n == c.let) {
					t.Fatalf("request %d: %v", n+1, err)
				}
				if refused {
					header := http.Header{}
					if auth.Refusal(err).Header(header); header.Get("Retry-After") != "10" {
						t.Errorf("Retry-After %q", header.Get("Retry-After"))
					}
				}
			}
			// Another address or key, or the next window, counts by itself.
			other := map[string]*http.Request{
				"address": single(t, key.APIKey, "192.0.2.2"), "key": single(t, r.chatKey(schema.RoleOperator, "").APIKey, "192.0.2.1"),
			}[name]
			if other != nil {
				if _, err := gate.Authenticate(other); err != nil {
					t.Error(err)
				}
			}
			r.clock.advance(10 * time.Second)
			if _, err := gate.Authenticate(single(t, key.APIKey, "192.0.2.1")); err != nil {
				t.Error(err)
			}
		})
	}
}
