package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// edge answers the n-th request as told, the last answer for ever.
func edge(t *testing.T, answers ...func(http.ResponseWriter)) (s *sender, requests *atomic.Int64) {
	t.Helper()
	requests = new(atomic.Int64)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if id, body := r.Header.Get("x-api-id"), r.Header.Get("Content-Type"); id != "key_1" || body != "application/x-ndjson" {
			t.Errorf("sent %q as %q", body, id)
		}
		_, _ = io.Copy(io.Discard, r.Body)
		n := int(requests.Add(1))
		answers[min(n, len(answers))-1](w)
	}))
	t.Cleanup(server.Close)
	return newSender(server.URL, auth.Key{ID: "key_1", Secret: "s"}), requests
}

func says(status int, body string, header ...string) func(http.ResponseWriter) {
	return func(w http.ResponseWriter) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func oneEvent() *batch {
	b := &batch{}
	b.add([]byte(`{}`))
	return b
}

func TestSenderRepeatsWhileTheEdgeIsBusy(t *testing.T) {
	s, requests := edge(t,
		says(http.StatusServiceUnavailable, "", "Retry-After", "0"),
		says(http.StatusTooManyRequests, "", "Retry-After", "0"),
		says(http.StatusAccepted, `{"accepted":1,"duplicates":0,"rejected":[]}`))
	if err := s.post(t.Context(), oneEvent()); err != nil {
		t.Error(err)
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests", n)
	}
}

func TestSenderGivesUpOnWhatRepeatingDoesNotMend(t *testing.T) {
	for _, c := range []struct {
		answer func(http.ResponseWriter)
		says   string
	}{
		{says(http.StatusUnauthorized, "who\nare you"), "who are you"},
		{says(http.StatusAccepted, `{"accepted":0,"rejected":[{"code":"INVALID_FIELD","message":"time: is required"}]}`), "INVALID_FIELD: time: is required"},
		{says(http.StatusAccepted, `nothing`), "not readable"},
	} {
		s, requests := edge(t, c.answer)
		if err := s.post(t.Context(), oneEvent()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
	}
}

func TestProgressOnAPipeSaysHowMuchItWas(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out, "work", "events", 100)
	p.add(30)
	p.add(45)
	p.finish()
	if !strings.HasPrefix(out.String(), "work: 75 events in ") || !strings.HasSuffix(out.String(), "/s\n") {
		t.Errorf("%q", out.String())
	}
}
