package client

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// edge answers the n-th request with the n-th answer, and with the last one
// from then on.
func edge(t *testing.T, answers ...func(http.ResponseWriter)) (c *Client, requests *atomic.Int64) {
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
	return New(server.URL, "key_1", "s", nil), requests
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

func oneEvent() *Batch {
	b := &Batch{}
	b.Add([]byte(`{}`))
	return b
}

func TestClientRepeatsWhileTheEdgeIsBusy(t *testing.T) {
	s, requests := edge(t,
		says(http.StatusServiceUnavailable, "", "Retry-After", "0"),
		says(http.StatusTooManyRequests, "", "Retry-After", "0"),
		says(http.StatusAccepted, `{"accepted":1,"duplicates":0,"rejected":[]}`))
	if err := s.Post(t.Context(), oneEvent()); err != nil {
		t.Error(err)
	}
	if n := requests.Load(); n != 3 {
		t.Errorf("%d requests", n)
	}
}

func TestClientGivesUpOnPermanentErrors(t *testing.T) {
	for _, c := range []struct {
		answer func(http.ResponseWriter)
		says   string
	}{
		{says(http.StatusUnauthorized, "who\nare you"), "who are you"},
		{says(http.StatusAccepted, `{"accepted":0,"rejected":[{"code":"INVALID_FIELD","message":"time: is required"}]}`), "INVALID_FIELD: time: is required"},
		{says(http.StatusAccepted, `nothing`), "cannot parse the response"},
	} {
		s, requests := edge(t, c.answer)
		if err := s.Post(t.Context(), oneEvent()); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
		if n := requests.Load(); n != 1 {
			t.Errorf("%d requests", n)
		}
	}
}

func TestRetryAfterIsHonouredUpToAMaximum(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for value, want := range map[string]time.Duration{
			"0": 0, "7": 7 * time.Second, "60": time.Minute, "86400": LongestWait, "-5": 0, "99999999999999999999999": LongestWait,
			time.Now().Add(30 * time.Second).UTC().Format(http.TimeFormat):     30 * time.Second,
			time.Now().Add(365 * 24 * time.Hour).UTC().Format(http.TimeFormat): LongestWait,
			time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat):           0,
		} {
			err := Later(io.EOF, http.Header{"Retry-After": {value}})
			var later *backoff.RetryAfterError
			if !errors.As(err, &later) || later.Duration != want || !errors.Is(err, io.EOF) {
				t.Errorf("%q: %v, want %v", value, err, want)
			}
		}
		for _, value := range []string{"", "soon", "1.5"} {
			var later *backoff.RetryAfterError
			if err := Later(io.EOF, http.Header{"Retry-After": {value}}); errors.As(err, &later) {
				t.Errorf("%q: %v", value, err)
			}
		}
	})
}

func TestKeyIsNotSentToARedirect(t *testing.T) {
	var reached atomic.Int64
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	t.Cleanup(other.Close)
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect} {
		c, _ := edge(t, says(status, "", "Location", other.URL))
		if _, err := c.Send(t.Context(), oneEvent()); err == nil || !strings.Contains(err.Error(), strconv.Itoa(status)) {
			t.Errorf("%d: %v", status, err)
		}
	}
	if reached.Load() != 0 {
		t.Error("the other address was reached")
	}
}
