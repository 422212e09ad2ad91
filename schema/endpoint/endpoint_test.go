package endpoint

import (
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

func TestRetryAfterIsInWholeSecondsRoundedUp(t *testing.T) {
	for wait, want := range map[time.Duration]string{
		-time.Second: "", 0: "", 1: "1", time.Second: "1", time.Second + 1: "2", time.Minute: "60",
	} {
		h := make(http.Header)
		RetryAfter(h, wait)
		if got := h.Get("Retry-After"); got != want {
			t.Errorf("%s: Retry-After %q, want %q", wait, got, want)
		}
	}
}

func TestRetryAfterIsReadInSecondsAndAsADate(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	const longest = time.Duration(9_223_372_036 * 1e9) // whole seconds
	for value, want := range map[string]time.Duration{
		"0": 0, "7": 7 * time.Second, "-7": 0, "-99999999999999999999": 0,
		"999999999": 999999999 * time.Second, "9999999999": longest, "99999999999999999999": longest,
		"Sun, 01 Mar 2026 12:01:30 GMT": 90 * time.Second, "Sun, 01 Mar 2026 11:00:00 GMT": 0,
	} {
		if got, given := ReadRetryAfter(http.Header{"Retry-After": {value}}, now); !given || got != want {
			t.Errorf("%q: %s, %v, want %s", value, got, given, want)
		}
	}
	for _, value := range []string{"", "soon", "1.5", "1 s", "2026-03-01T12:00:00Z"} {
		if got, given := ReadRetryAfter(http.Header{"Retry-After": {value}}, now); given {
			t.Errorf("%q: %s", value, got)
		}
	}
}

func TestJSONIsAnsweredAsItIsAndNotCached(t *testing.T) {
	w := httptest.NewRecorder()
	JSON(w, http.StatusTeapot, map[string]string{"message": "<a> & é"})
	if w.Code != http.StatusTeapot || w.Body.String() != "{\"message\":\"<a> & é\"}\n" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s %q, want %q", name, got, want)
		}
	}
}

func TestOnlyMediaTypesInUTF8AreTaken(t *testing.T) {
	for contentType, want := range map[string]bool{
		"application/json": true, "Application/JSON; charset=UTF-8": true, `application/json; charset="utf-8"; x=y`: true,
		"": false, "json/": false, "application/json; charset=latin1": false, "application/json; charset=": false,
	} {
		media, ok := MediaType(contentType)
		if ok != want || ok && media != "application/json" {
			t.Errorf("%q: %q %t, want %t", contentType, media, ok, want)
		}
	}
}
