// Package endpoint holds what the HTTP endpoints of all roles share: identifying the sender of a
// request, checking that its body is UTF-8, and writing a JSON response. The content of a response,
// its codes and its other header fields belong to each endpoint.
//
// It imports only the standard library and package schema. All functions
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

// Authenticator identifies the sender of a request. An error that is a [Refusal] is answered with
// its status; any other error means that credentials cannot be checked at the moment, and is
// answered 503.
type Authenticator interface {
	Authenticate(r *http.Request) (schema.Caller, error)
}

// Refusal is an error that the sender of a request may see, with the HTTP status and header fields of the response.
type Refusal interface {
	error
	HTTPStatus() int
	Header(h http.Header)
}

// RetryAfter sets the Retry-After header field, in whole seconds, rounded up; a wait
// of 0 or less sets none.
func RetryAfter(h http.Header, wait time.Duration) {
	if wait > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64((wait+time.Second-1)/time.Second), 10))
	}
}

// ReadRetryAfter reads the Retry-After header field as defined by RFC 9110, section 10.2.3, in
// seconds or as a date. A negative value or a past date is 0; more seconds than a duration can hold
// are the longest duration; given is false if the field is missing or unreadable.
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
// they are. A write error means that the client is gone, and is not reported.
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
