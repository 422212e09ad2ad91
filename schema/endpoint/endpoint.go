// Package endpoint has what the HTTP endpoints of every role share: who sends a
// request, whether its body is in UTF-8, and how an answer in JSON is written. What
// an answer says, its codes and its other header fields, is each endpoint's own.
//
// It uses the standard library and the words of package schema only. All functions
// may be called concurrently.
package endpoint

import (
	"encoding/json"
	"errors"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// Authenticator identifies the sender of a request. An error that is a [Refusal] is
// answered as it says; any other one means that credentials cannot be checked at the
// moment, and is answered 503.
type Authenticator interface {
	Authenticate(r *http.Request) (schema.Caller, error)
}

// Refusal is an error that the sender of a request may see, with the HTTP status and
// the header fields to answer.
type Refusal interface {
	error
	HTTPStatus() int
	Header(h http.Header)
}

// RetryAfter sets the header field of that name, in whole seconds, rounded up; a wait
// of 0 or less sets none.
func RetryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
}

// ReadRetryAfter reads the header field of that name as RFC 9110, section 10.2.3 has
// it, in seconds or as a date. What is in the past or negative is 0; more seconds than
// a duration holds is the longest one; given is false where nothing readable stands.
func ReadRetryAfter(h http.Header, now time.Time) (wait time.Duration, given bool) {
	value := h.Get("Retry-After")
	seconds, err := strconv.ParseInt(value, 10, 64)
	switch {
	case err == nil, errors.Is(err, strconv.ErrRange):
		return time.Duration(min(max(0, seconds), math.MaxInt64/int64(time.Second))) * time.Second, true
	default:
		at, err := http.ParseTime(value)
		return max(0, at.Sub(now)), err == nil
	}
}

// NoStore keeps an answer out of caches, and browsers from guessing its type.
func NoStore(h http.Header) {
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

// JSON answers with a status and a body written by encoding/json, with <, > and & as
// they are. An error of writing means that the client is gone, and is not reported.
func JSON(w http.ResponseWriter, status int, body any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	NoStore(h)
	w.WriteHeader(status)
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	_ = encoder.Encode(body)
}

// MediaType reads a Content-Type, and reports whether it names a type whose charset,
// if any, is UTF-8.
func MediaType(contentType string) (media string, ok bool) {
	media, parameters, err := mime.ParseMediaType(contentType)
	charset, given := parameters["charset"]
	return media, err == nil && (!given || strings.EqualFold(charset, "utf-8"))
}
