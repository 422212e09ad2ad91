package webhook_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/deploy/embedded/enginetest"
	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/ingest/iadvize"
	"github.com/parley-analytics/parley/ingest/webhook"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const (
	patience = 30 * time.Second
	closed   = `{"eventType":"v2.conversation.closed","createdAt":"2026-01-02T03:04:05Z","conversationId":"3b1d6c9a-58e2-4f47-9a0c-7d1e5b2f8c10"}`
)

// rig is the server over a real log.
type rig struct {
	nats     *enginetest.NATSServer
	broker   *eventlog.Broker
	registry *webhook.Registry
	http     *httptest.Server
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{nats: enginetest.NATS(t)}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var err error
	// With a socket: a connection in process does not survive the server.
	if r.broker, err = eventlog.Open(ctx, eventlog.Options{URL: r.nats.URL, User: r.nats.User, Password: r.nats.Password}); err != nil {
		t.Fatal(err)
	}
	if r.registry, err = webhook.OpenRegistry(ctx, r.broker); err != nil {
		t.Fatal(err)
	}
	edge := ingest.New(ingest.Config{Events: r.broker.Events(), Rejected: r.broker.Rejected(), AppendTimeout: 200 * time.Millisecond})
	server := webhook.New(webhook.Config{Registry: r.registry, Door: edge, Sources: map[string]webhook.Source{"iadvize": &iadvize.Webhook{Now: time.Now}}})
	running, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.Run(running) }()
	r.http = httptest.NewServer(server)
	t.Cleanup(func() {
		r.http.Close()
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		edge.Close()
		r.broker.Close()
	})
	return r
}

func (r *rig) add(t *testing.T) webhook.Hook {
	t.Helper()
	hook, err := r.registry.Add(t.Context(), webhook.Hook{Source: "iadvize", Project: 5, AddedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	return hook
}

func (r *rig) post(t *testing.T, hook webhook.Hook, body string) (int, http.Header, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.http.URL+hook.Path(), strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

func eventually(t *testing.T, check func() bool) {
	t.Helper()
	deadline := time.Now().Add(patience)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !check() {
		if time.Now().After(deadline) {
			t.Fatal("it does not come")
		}
		<-tick.C
	}
}

func TestLogThatIsAwayIs503AndTheRetryIsTaken(t *testing.T) {
	r := newRig(t)
	hook := r.add(t)
	eventually(t, func() bool { // an unreadable payload shows that the hook is known
		status, _, _ := r.post(t, hook, "{}")
		return status == http.StatusAccepted
	})
	r.nats.Stop()
	status, header, body := r.post(t, hook, closed)
	if status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Fatal(status, body)
	}
	r.nats.Restart(t)
	eventually(t, func() bool {
		status, _, _ := r.post(t, hook, closed)
		return status == http.StatusOK
	})
	last, err := r.broker.Events().Last(t.Context())
	if err != nil || last != 1 {
		t.Fatal(last, err)
	}
}

func TestRetryIsADuplicate(t *testing.T) {
	r := newRig(t)
	hook := r.add(t)
	for n, want := range []string{`{"accepted":1,"duplicates":0}`, `{"accepted":0,"duplicates":1}`} {
		if status, _, body := r.post(t, hook, closed); status != http.StatusOK || strings.TrimSpace(body) != want {
			t.Errorf("delivery %d: %d %s", n+1, status, body)
		}
	}
	eventually(t, func() bool {
		all, err := r.registry.List(t.Context())
		return err == nil && len(all) == 1 && all[0].Deliveries == 2 && all[0].Accepted == 1 && all[0].Duplicates == 1
	})
}

func TestHooksAreFoundListedAndRemoved(t *testing.T) {
	r := newRig(t)
	first, second := r.add(t), r.add(t)
	if first.ID == second.ID || len(first.ID) != 32 {
		t.Fatal(first, second)
	}
	all, err := r.registry.List(t.Context())
	if err != nil || len(all) != 2 || all[0].ID != first.ID {
		t.Fatal(all, err)
	}
	if err := r.registry.Remove(t.Context(), first.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.registry.Find(t.Context(), first.ID); !errors.Is(err, webhook.ErrNotFound) {
		t.Error(err)
	}
	for _, id := range []string{"", "*", ">", strings.Repeat("a", 31) + ".", strings.Repeat("G", 32)} {
		if _, err := r.registry.Find(t.Context(), id); !errors.Is(err, webhook.ErrNotFound) {
			t.Errorf("%q: %v", id, err)
		}
	}
}
