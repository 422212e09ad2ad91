package auth

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema/endpoint"
)

// Error is a refusal that the caller may see. Its members are those of
// RFC 6749 and RFC 6750. It never names a credential.
type Error struct {
	Status      int    // the HTTP status to answer
	Code        string // invalid_token, invalid_request, …; empty when no credential was given
	Description string
	Challenge   string        // the authentication scheme to name in WWW-Authenticate, or empty
	RetryAfter  time.Duration // set with 429 and 503
}

// Error reads "code: description".
func (e *Error) Error() string {
	if e.Code == "" {
		return e.Description
	}
	return e.Code + ": " + e.Description
}

// HTTPStatus returns the status to answer.
func (e *Error) HTTPStatus() int { return e.Status }

// Header adds the fields that go with the refusal: WWW-Authenticate and
// Retry-After.
func (e *Error) Header(h http.Header) {
	switch {
	case e.Challenge == "":
	case e.Challenge == schemeBearer && e.Code != "":
		h.Set("WWW-Authenticate", fmt.Sprintf("Bearer realm=\"parley\", error=%q, error_description=%q", e.Code, e.Description))
	default:
		h.Set("WWW-Authenticate", e.Challenge+` realm="parley"`)
	}
	endpoint.RetryAfter(h, e.RetryAfter)
}

// Refusal finds the Error in err. Any other error is 503: the store of credentials does not answer,
// and no one is authenticated.
func Refusal(err error) *Error {
	var refusal *Error
	if errors.As(err, &refusal) {
		return refusal
	}
	return &Error{
		Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
		Description: "cannot check credentials now", RetryAfter: time.Second,
	}
}

const (
	schemeBearer = "Bearer"
	schemeBasic  = "Basic"
)

func errNoCredentials() *Error {
	return &Error{
		Status: http.StatusUnauthorized, Challenge: schemeBearer,
		Description: "credentials are missing: send x-api-id and x-api-secret, or Authorization: Basic or Bearer",
	}
}

func errToken(description string) *Error {
	return &Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: description, Challenge: schemeBearer}
}

func errRequest(description string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: "invalid_request", Description: description}
}

func errBusy() *Error {
	return &Error{
		Status: http.StatusServiceUnavailable, Code: "temporarily_unavailable",
		Description: "too many secrets are being checked", RetryAfter: time.Second,
	}
}

// errKey is the same answer to a wrong secret, an unknown id and a disabled key.
func errKey() *Error {
	return errToken("the id or the secret is wrong")
}

func quoted(names []string) string { return strings.Join(names, ", ") }
