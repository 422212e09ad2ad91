package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func serve(t *testing.T, h *Handler) func(path string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
	t.Helper()
	mux := http.NewServeMux()
	h.Routes(mux)
	return func(path string, edit ...func(*http.Request)) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		for _, e := range edit {
			e(r)
		}
		mux.ServeHTTP(w, r)
		return w
	}
}

// build is a small build of the page.
func build(t *testing.T) *Handler {
	t.Helper()
	h, err := read(fstest.MapFS{
		"dist/missing.html":            {Data: []byte("no page")},
		"dist/page/index.html":         {Data: []byte("the page")},
		"dist/page/assets/index-1a.js": {Data: []byte(strings.Repeat("let page; ", 100))},
		"dist/page/assets/index.css":   {Data: []byte("body {}")},
		"dist/page/assets/icon.svg":    {Data: []byte("<svg/>")},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestThePageAndItsFilesAreServed(t *testing.T) {
	get := serve(t, build(t))
	for path, want := range map[string]struct{ mediaType, cache, body string }{
		"/":                   {"text/html; charset=utf-8", "no-cache", "the page"},
		"/?view=volume":       {"text/html; charset=utf-8", "no-cache", "the page"},
		"/assets/index-1a.js": {"text/javascript; charset=utf-8", "immutable", "let page; "},
		"/assets/index.css":   {"text/css; charset=utf-8", "immutable", "body {}"},
		"/assets/icon.svg":    {"image/svg+xml", "immutable", "<svg/>"},
	} {
		w := get(path)
		if w.Code != 200 || w.Header().Get("Content-Type") != want.mediaType || !strings.Contains(w.Header().Get("Cache-Control"), want.cache) || !strings.HasPrefix(w.Body.String(), want.body) {
			t.Errorf("%s: %d %v %.20q", path, w.Code, w.Header(), w.Body)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || w.Header().Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: %v", path, w.Header())
		}
	}
	for _, path := range []string{"/assets/", "/assets/none.js", "/assets/..%2findex.html", "/index.html"} {
		if w := get(path); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestThePolicyAllowsTheServersOwnFilesOnly(t *testing.T) {
	policy := serve(t, build(t))("/").Header().Get("Content-Security-Policy")
	if !strings.HasPrefix(policy, "default-src 'self';") || strings.Contains(policy, "unsafe") || strings.Contains(policy, "http") || strings.Contains(policy, "data:") {
		t.Errorf("the policy is not strict: %q", policy)
	}
}

func TestFilesAreCompressedForThoseWhoCanReadIt(t *testing.T) {
	get := serve(t, build(t))
	w := get("/assets/index-1a.js", func(r *http.Request) { r.Header.Set("Accept-Encoding", "br, gzip") })
	reader, err := gzip.NewReader(w.Body)
	if err != nil || w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatal(err, w.Header())
	}
	if content, err := io.ReadAll(reader); err != nil || len(content) != 1000 {
		t.Errorf("%d bytes, %v", len(content), err)
	}
}

func TestABinaryWithoutThePageSaysSo(t *testing.T) {
	h, err := read(fstest.MapFS{"dist/missing.html": {Data: []byte("no page")}})
	if err != nil {
		t.Fatal(err)
	}
	if w := serve(t, h)("/"); w.Code != 404 || w.Body.String() != "no page" {
		t.Errorf("%d %q", w.Code, w.Body)
	}
}

func TestThisBinaryAnswersAtTheRoot(t *testing.T) {
	h, err := New()
	if err != nil {
		t.Fatal(err)
	}
	if w := serve(t, h)("/"); !strings.Contains(w.Body.String(), "<title>Parley</title>") {
		t.Errorf("%d %.200s", w.Code, w.Body)
	}
}

// mostBytes is the size that all files of the page together may have, compressed.
const mostBytes = 300_000

func TestThePageIsSmall(t *testing.T) {
	h, err := New()
	if err != nil {
		t.Fatal(err)
	}
	size := len(h.page.compressed)
	for _, f := range h.assets {
		size += len(f.compressed)
	}
	if size > mostBytes {
		t.Errorf("the page has %d bytes, more than %d", size, mostBytes)
	}
	t.Logf("the page has %d bytes, compressed", size)
}
