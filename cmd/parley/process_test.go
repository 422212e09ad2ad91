package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func quietProcess() *process { return newProcess(slog.New(slog.DiscardHandler)) }

func TestPartsStopInReverseEachToItsEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := quietProcess()
		var stopped []string
		p.onStop("engine", func(context.Context) error { stopped = append(stopped, "engine"); return nil })
		p.background("role", func(ctx context.Context) error {
			<-ctx.Done()
			time.Sleep(time.Second)
			stopped = append(stopped, "role")
			return ctx.Err()
		})
		if err := p.shutdown(); err != nil {
			t.Error(err)
		}
		if !slices.Equal(stopped, []string{"role", "engine"}) {
			t.Error(stopped)
		}
	})
}

func TestFailureOfAPartStopsTheProcess(t *testing.T) {
	p := quietProcess()
	broken := errors.New("broken")
	p.background("role", func(context.Context) error { return broken })
	err := p.wait(t.Context())
	if !errors.Is(err, broken) || !strings.HasPrefix(err.Error(), "role: ") {
		t.Error(err)
	}
}

func TestAskedToStopIsNoFailure(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := quietProcess().wait(ctx); err != nil {
		t.Error(err)
	}
}

func TestPartThatDoesNotStopIsLeftBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := quietProcess()
		ever := make(chan struct{})
		p.background("stuck", func(context.Context) error { <-ever; return nil })
		if err := p.shutdown(); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "stuck") {
			t.Error(err)
		}
		close(ever)
	})
}

func TestReadinessNamesWhatIsMissing(t *testing.T) {
	r := newReadiness("nats", "clickhouse")
	ask := func() (int, string) {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/readyz", nil))
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	if status, body := ask(); status != http.StatusServiceUnavailable || body != `{"ready":false,"notReady":{"clickhouse":"starting","nats":"starting"}}` {
		t.Error(status, body)
	}
	r.watch("nats", nil)
	r.watch("clickhouse", func(context.Context) error { return errors.New("gone") })
	if status, body := ask(); status != http.StatusServiceUnavailable || body != `{"ready":false,"notReady":{"clickhouse":"gone"}}` {
		t.Error(status, body)
	}
	r.watch("clickhouse", nil)
	if status, body := ask(); status != http.StatusOK || body != `{"ready":true}` {
		t.Error(status, body)
	}
}

func TestHTTPAnswersBeforeTheRolesAreReady(t *testing.T) {
	p := quietProcess()
	web, err := listenHTTP(t.Context(), p, "127.0.0.1:0", newReadiness("nats"), prometheus.NewRegistry(), "/role")
	if err != nil {
		t.Fatal(err)
	}
	defer web.drain(p.log)
	get := func(path string) *http.Response {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, web.url+path, nil)
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
	for path, status := range map[string]int{"/healthz": 200, "/readyz": 503, "/metrics": 200, "/role": 503, "/": 200, "/x": 404} {
		if got := get(path); got.StatusCode != status || status == 503 && got.Header.Get("Retry-After") == "" {
			t.Errorf("%s: %d, want %d", path, got.StatusCode, status)
		}
	}
	web.open("/role", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) }))
	if got := get("/role"); got.StatusCode != http.StatusTeapot {
		t.Errorf("/role: %d", got.StatusCode)
	}
	web.open("/role", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("unexpected") }))
	if got := get("/role"); got.StatusCode != http.StatusInternalServerError {
		t.Errorf("a panic: %d", got.StatusCode)
	}
}
