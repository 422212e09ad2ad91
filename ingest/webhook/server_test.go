package webhook_test

import (
	"bytes"
	"compress/gzip"
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
	"github.com/parley-analytics/parley/schema"
)

func TestMain(m *testing.M) { enginetest.Main(m) }

const (
	patience = 2 * time.Minute
	closed   = `{"eventType":"v2.conversation.closed","createdAt":"2026-01-02T03:04:05Z","conversationId":"3b1d6c9a-58e2-4f47-9a0c-7d1e5b2f8c10"}`
)

// rig is the server over a real log.
type rig struct {
	nats     *enginetest.NATSServer
	broker   *eventlog.Broker
	registry *webhook.Registry
	http     *httptest.Server
}

// newRig lets an append take a time, or as long as it does in service.
func newRig(t *testing.T, appendTimeout ...time.Duration) *rig {
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
	config := ingest.Config{Events: r.broker.Events(), Rejected: r.broker.Rejected()}
	for _, timeout := range appendTimeout {
		config.AppendTimeout = timeout
	}
	edge := ingest.New(config)
	server := webhook.New(webhook.Config{Registry: r.registry, Ingester: edge, Sources: map[string]webhook.Source{"iadvize": &iadvize.Webhook{Now: time.Now}}})
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

// postEncoded posts a body with a content encoding.
func (r *rig) postEncoded(t *testing.T, hook webhook.Hook, encoding, contentType string, body []byte) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.http.URL+hook.Path(), bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if encoding != "" {
		request.Header.Set("Content-Encoding", encoding)
	}
	request.Header.Set("Content-Type", contentType)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// quarantined are the messages of the rejected log after so many.
func (r *rig) quarantined(t *testing.T, after schema.Sequence) ([]schema.Rejected, schema.Sequence) {
	t.Helper()
	last, err := r.broker.Rejected().Last(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	reader := r.broker.Rejected().NewReader()
	defer reader.Close()
	var all []schema.Rejected
	for at := after; at < last; {
		entries, err := reader.Read(t.Context(), at, 1000, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for _, entry := range entries {
			rejected, err := schema.DecodeRejected(entry.Payload)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, rejected)
			at = entry.End()
		}
	}
	return all, last
}

// TestWhateverIsPostedIsKept posts unreadable payloads; every byte is kept.
func TestWhateverIsPostedIsKept(t *testing.T) {
	r := newRig(t)
	hook := r.add(t)
	var packed bytes.Buffer
	pack := gzip.NewWriter(&packed)
	_, _ = pack.Write([]byte(`{"eventType":"v3.unknown"}`))
	_ = pack.Close()
	noise := make([]byte, 3<<20)
	for i := range noise {
		noise[i] = byte(i * i >> 7)
	}
	var at schema.Sequence
	for name, c := range map[string]struct {
		encoding, contentType string
		body, kept            []byte
	}{
		"empty":             {"", "application/json", nil, nil},
		"no JSON":           {"", "application/json", []byte(`{"eventType":`), nil},
		"text":              {"", "text/plain", []byte("hello"), nil},
		"no UTF-8":          {"", "application/json; charset=latin1", []byte("{\"eventType\":\"\xe9\"}"), nil},
		"NUL":               {"", "application/json", []byte("{\"eventType\":\"\x00\"}"), nil},
		"a name twice":      {"", "application/json", []byte(`{"eventType":"v2.conversation.closed","eventType":"user.created"}`), nil},
		"too deep":          {"", "application/json", []byte(strings.Repeat(`{"a":`, 5000) + "1" + strings.Repeat("}", 5000)), nil},
		"far in the future": {"", "application/json", []byte(strings.Replace(closed, "2026", "2150", 1)), nil},
		"packed":            {"gzip", "application/json", packed.Bytes(), []byte(`{"eventType":"v3.unknown"}`)},
		"broken packing":    {"gzip", "application/json", []byte("\x1f\x8bnot gzip"), nil},
		"unknown packing":   {"br", "application/json", []byte("\x0b\x02\x80{}\x03"), nil},
		"half packed":       {"gzip", "application/json", packed.Bytes()[:len(packed.Bytes())-9], nil},
		"large":             {"", "application/json", noise, nil},
		"large JSON":        {"", "application/json", []byte(`{"x":"` + strings.Repeat("é", 2<<20) + `"}`), nil},
		"many values":       {"", "application/json", []byte(`{"x":[` + strings.Repeat("0,", 600_000) + `0]}`), nil},
	} {
		if c.kept == nil {
			c.kept = c.body
		}
		for n := range 2 { // the second is a repeat, and kept once
			if status, body := r.postEncoded(t, hook, c.encoding, c.contentType, c.body); status != http.StatusAccepted {
				t.Errorf("%s, time %d: %d %s", name, n+1, status, body)
			}
		}
		var kept []byte
		var all []schema.Rejected
		all, at = r.quarantined(t, at)
		for _, part := range all {
			kept = append(kept, part.Original...)
			if part.Truncated() || part.Project != 5 || part.Source != "iadvize" || part.Detail == "" {
				t.Errorf("%s: %d of %d bytes, %s", name, len(part.Original), part.Size, part.Detail)
			}
		}
		if !bytes.Equal(kept, c.kept) {
			t.Errorf("%s: %d bytes are kept, want %d", name, len(kept), len(c.kept))
		}
	}
	if status, body := r.postEncoded(t, hook, "", "application/json", make([]byte, schema.MaxRequestBytes+1)); status != http.StatusRequestEntityTooLarge {
		t.Errorf("%d %s", status, body)
	}
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
	r := newRig(t, 200*time.Millisecond)
	hook := r.add(t)
	eventually(t, func() bool { // an unreadable payload shows that the hook is known
		status, _, _ := r.post(t, hook, "{}")
		return status == http.StatusAccepted
	})
	r.nats.Stop()
	eventually(t, func() bool { return r.broker.Ready() != nil }) // before that the outcome is unknown
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
	if err != nil || last != 2*schema.RecordEvents-1 {
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
