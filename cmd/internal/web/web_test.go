package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/cmd/internal/process"
	"github.com/parley-analytics/parley/cmd/internal/readiness"
)

func TestReadinessListsMissingParts(t *testing.T) {
	r := readiness.New(readiness.Part{Name: "nats", For: []readiness.Purpose{readiness.Ingest}}, readiness.Part{Name: "clickhouse"})
	of := func(query string) (int, string) {
		w := httptest.NewRecorder()
		readyz(r).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz"+query, nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	ask := func() (int, string) { return of("") }
	if status, body := ask(); status != http.StatusServiceUnavailable || body != `{"ready":false,"notReady":{"clickhouse":"starting","nats":"starting"}}` {
		t.Error(status, body)
	}
	r.Watch("nats", nil)
	r.Watch("clickhouse", func(context.Context) error { return errors.New("gone") })
	if status, body := ask(); status != http.StatusServiceUnavailable || body != `{"ready":false,"notReady":{"clickhouse":"gone"}}` {
		t.Error(status, body)
	}
	if status, body := of("?for=ingest"); status != http.StatusOK || body != `{"ready":true}` {
		t.Error(status, body)
	}
	if status, body := of("?for=query"); status != http.StatusServiceUnavailable || !strings.Contains(body, "does not run the role query") {
		t.Error(status, body)
	}
	for _, wrong := range []string{"?for=", "?for=Query", "?for=ingest&for=query"} {
		if status, body := of(wrong); status != http.StatusBadRequest || !strings.Contains(body, "for must be ingest or query") {
			t.Error(wrong, status, body)
		}
	}
	r.Watch("clickhouse", nil)
	if status, body := ask(); status != http.StatusOK || body != `{"ready":true}` {
		t.Error(status, body)
	}
	note := "is slow"
	r.Note("nats", func() string { return note })
	if status, body := ask(); status != http.StatusOK || body != `{"ready":true,"notes":{"nats":"is slow"}}` {
		t.Error(status, body)
	}
	note = ""
	if status, body := ask(); status != http.StatusOK || body != `{"ready":true}` {
		t.Error(status, body)
	}
}

func TestHTTPAnswersBeforeTheRolesAreReady(t *testing.T) {
	p := process.New(slog.New(slog.DiscardHandler))
	server, err := Listen(t.Context(), p, "127.0.0.1:0", nil, readiness.New(readiness.Part{Name: "nats"}), prometheus.NewRegistry(), "/role")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Drain(p.Log)
	get := func(path string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response
	}
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 200, "/role": 503, "/": 404, "/x": 404} {
		if got := get(path); got.StatusCode != status || status == 503 && got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, status)
		}
	}
	server.Open("/role", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	if got := get("/role"); got.StatusCode != http.StatusTeapot {
		t.Errorf("/role: %d", got.StatusCode)
	}
	server.Open("/role", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("unexpected") }))
	if got := get("/role"); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("a panic: %d", got.StatusCode)
	}
}
