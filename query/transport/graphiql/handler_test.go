package graphiql

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func serve(t *testing.T) *http.ServeMux {
	t.Helper()
	h, err := New()
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	h.Routes(mux)
	return mux
}

func get(t *testing.T, mux *http.ServeMux, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	return w
}

func TestEverythingThePageNeedsIsInTheBinary(t *testing.T) {
	mux := serve(t)
	page := get(t, mux, "/graphiql")
	if page.Code != 200 || page.Header().Get("Content-Type") != "text/html; charset=utf-8" {
		t.Fatalf("%d %v", page.Code, page.Header())
	}
	types := map[string]string{".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8"}
	links := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page.Body.String(), -1)
	if len(links) < 6 {
		t.Fatalf("the page links %d files", len(links))
	}
	for _, link := range links {
		if link[1] == "data:," {
			continue
		}
		if strings.HasPrefix(link[1], "/") || strings.Contains(link[1], "//") {
			t.Errorf("%s is not relative to the page", link[1])
		}
		f := get(t, mux, "/"+link[1])
		suffix := link[1][strings.LastIndexByte(link[1], '.'):]
		if f.Code != 200 || f.Body.Len() == 0 || f.Header().Get("Content-Type") != types[suffix] {
			t.Errorf("%s: %d, %d bytes, %v", link[1], f.Code, f.Body.Len(), f.Header())
		}
		if !strings.Contains(f.Header().Get("Cache-Control"), "immutable") {
			t.Errorf("%s: Cache-Control = %q", link[1], f.Header().Get("Cache-Control"))
		}
	}
}

func TestThePolicyAllowsTheOwnFilesOnly(t *testing.T) {
	mux := serve(t)
	first, second := get(t, mux, "/graphiql"), get(t, mux, "/graphiql")
	policy := first.Header().Get("Content-Security-Policy")
	for _, directive := range []string{"default-src 'none'", "script-src 'self'", "connect-src 'self'", "frame-ancestors 'none'"} {
		if !strings.Contains(policy, directive) {
			t.Errorf("%q lacks %s", policy, directive)
		}
	}
	if strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") {
		t.Errorf("the policy is not strict: %q", policy)
	}
	if policy == second.Header().Get("Content-Security-Policy") {
		t.Error("two pages have the same nonce")
	}
	nonce := regexp.MustCompile(`data-nonce="([^"]+)"`).FindStringSubmatch(first.Body.String())
	if nonce == nil || !strings.Contains(policy, "'nonce-"+nonce[1]+"'") {
		t.Errorf("the page's nonce %q is not the policy's", nonce)
	}
}

func TestOtherFilesAreNotFound(t *testing.T) {
	mux := serve(t)
	version := regexp.MustCompile(`graphiql/([^/"]+)/page.js`).FindStringSubmatch(get(t, mux, "/graphiql").Body.String())[1]
	for _, path := range []string{"/graphiql/x/page.js", "/graphiql/" + version + "/page.html", "/graphiql/" + version + "/..%2fdoc.go", "/graphiql/" + version + "/"} {
		if got := get(t, mux, path); got.Code != 404 {
			t.Errorf("%s: %d", path, got.Code)
		}
	}
}
