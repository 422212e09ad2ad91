package transport_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/parley-analytics/parley/query/transport"
)

func (r *rig) preflight(origin string) *http.Response {
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodOptions, "/graphql", nil)
	request.Header.Set("Origin", origin)
	request.Header.Set("Access-Control-Request-Method", "POST")
	request.Header.Set("Access-Control-Request-Headers", "content-type,x-api-id")
	w := httptest.NewRecorder()
	r.handler.ServeHTTP(w, request)
	return w.Result()
}

func TestBrowsersOfOtherSitesAreKeptAwayByDefault(t *testing.T) {
	r := newRig(t)
	if got := r.preflight("https://bi.example.org"); got.StatusCode != http.StatusMethodNotAllowed || got.Header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("preflight: %d %v", got.StatusCode, got.Header)
	}
	if a := r.post(`{ echo }`, nil, fields("Origin: https://bi.example.org")); a.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("%v", a.header)
	}
}

func TestConfiguredOriginsMayAsk(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Origins = []string{"https://bi.example.org"} })
	got := r.preflight("https://bi.example.org")
	if got.StatusCode != http.StatusNoContent || got.Header.Get("Access-Control-Allow-Origin") != "https://bi.example.org" ||
		got.Header.Get("Access-Control-Allow-Headers") == "" || got.Header.Get("Access-Control-Allow-Credentials") != "" {
		t.Errorf("preflight: %d %v", got.StatusCode, got.Header)
	}
	a := r.post(`{ echo }`, nil, fields("Origin: https://bi.example.org"))
	if a.header.Get("Access-Control-Allow-Origin") != "https://bi.example.org" || a.status != 200 {
		t.Errorf("%d %v", a.status, a.header)
	}
	if refused := r.post(`{ echo }`, nil, fields("Origin: https://bi.example.org", "X-Api-Id: ")); refused.header.Get("Access-Control-Allow-Origin") == "" {
		t.Error("a page cannot read why it was refused")
	}
	for _, other := range []string{"https://evil.example.org", "http://bi.example.org", "https://bi.example.org.evil.example", "null"} {
		if got := r.preflight(other); got.Header.Get("Access-Control-Allow-Origin") != "" || got.Header.Get("Vary") == "" {
			t.Errorf("%s: %v", other, got.Header)
		}
	}
}

func TestEveryOriginMayAskWithAStar(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Origins = []string{"*"} })
	if got := r.preflight("https://anywhere.example.org"); got.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("%v", got.Header)
	}
}

func TestAMalformedOriginIsRefusedAtStart(t *testing.T) {
	for _, origin := range []string{"bi.example.org", "https://bi.example.org/", "https://", ""} {
		_, err := transport.New(transport.Config{SDL: toySDL, Origins: []string{origin}})
		if err == nil {
			t.Errorf("%q is taken", origin)
		}
	}
}

func TestAnswersCarrySecurityHeaders(t *testing.T) {
	r := newRig(t)
	for _, a := range []*answer{r.post(`{ echo }`, nil), r.post(`{ echo }`, nil, fields("X-Api-Id: ")), r.body("")} {
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "private, no-store", "X-Frame-Options": "DENY", "Vary": "Accept",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
	}
}
