package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"

	"github.com/parley-analytics/parley/query/meter"
)

// The values of extensions.code of this package. Resolvers have their own.
const (
	codeBadRequest        = "BAD_REQUEST"
	codeParse             = "GRAPHQL_PARSE_FAILED"
	codeValidation        = "GRAPHQL_VALIDATION_FAILED"
	codeOperation         = "OPERATION_RESOLUTION_FAILURE"
	codeBadInput          = "BAD_USER_INPUT"
	codeUnauthenticated   = "UNAUTHENTICATED"
	codeForbidden         = "FORBIDDEN"
	codeThrottled         = "THROTTLED"
	codeTooLarge          = "QUERY_TOO_LARGE"
	codeAnswerTooLarge    = "ANSWER_TOO_LARGE"
	codePersistedNotFound = "PERSISTED_QUERY_NOT_FOUND"
	codeTimeout           = "TIMEOUT"
	codeUnavailable       = "SERVICE_UNAVAILABLE"
	codeInternal          = "INTERNAL_SERVER_ERROR"
)

// refusal is an answer without data that is decided here.
type refusal struct {
	code     string
	message  string
	location *gqlerrors.Location
	// status is answered in every media type. 0: the request could be read, so
	// that application/json answers 200.
	status int
	wait   time.Duration // how long the client should wait before it retries
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func (r *refusal) queryError() *gqlerrors.QueryError {
	e := &gqlerrors.QueryError{Message: r.message, Extensions: map[string]any{"code": r.code}}
	if r.location != nil {
		e.Locations = []gqlerrors.Location{*r.location}
	}
	if r.wait > 0 {
		e.Extensions["retryAfterMs"] = r.wait.Milliseconds()
	}
	return e
}

// nameOf is the extensions.name of an error: its code, but for the one error that iAdvize documents.
func nameOf(code string) string {
	if code == codeForbidden {
		return "PERMISSION_DENIED"
	}
	return code
}

func badRequest(message string) *refusal {
	return &refusal{code: codeBadRequest, message: message, status: http.StatusBadRequest}
}

func tooLarge(message string) *refusal { return &refusal{code: codeTooLarge, message: message} }

// complete adds the code to an error of the library or of a resolver. A cause
// without a code is returned as an internal error.
func complete(e *gqlerrors.QueryError) {
	if code, ok := e.Extensions["code"].(string); ok && code != "" {
		return
	}
	code := codeOf(e)
	switch code {
	case codeInternal:
		e.Message = "internal error"
	case codeTimeout:
		e.Message = timeoutMessage
	}
	extensions := map[string]any{"code": code}
	for name, value := range e.Extensions {
		if name != "code" {
			extensions[name] = value
		}
	}
	e.Extensions = extensions
}

func codeOf(e *gqlerrors.QueryError) string {
	switch {
	case isTimeout(e.ResolverError) || isTimeout(e.Err) ||
		e.Message == context.DeadlineExceeded.Error() || e.Message == context.Canceled.Error():
		return codeTimeout
	case e.ResolverError != nil || len(e.Path) > 0:
		return codeInternal
	case errors.Is(e.Err, gqlerrors.ErrSyntax) || strings.HasPrefix(e.Message, "syntax error"):
		return codeParse
	case e.Rule == "VariablesOfCorrectType":
		return codeBadInput
	case e.Rule != "":
		return codeValidation
	case strings.HasPrefix(e.Message, "panic occurred"):
		return codeInternal
	}
	return codeBadInput // a literal or variable that does not fit its Go type
}

const timeoutMessage = "the query exceeded the time limit: request a shorter interval, shorter pages or fewer fields"

// cut returns why a request was ended before its answer was complete.
func (h *Handler) cut(cause error) *refusal {
	if errors.Is(cause, meter.ErrTooLarge) {
		return &refusal{code: codeAnswerTooLarge, message: fmt.Sprintf(
			"the answer would be larger than %d bytes, or the rows it is made of larger than %d: ask for shorter pages, fewer fields or fewer aliases",
			h.config.Limits.AnswerBytes, h.config.Limits.loadedBytes())}
	}
	return &refusal{code: codeTimeout, message: timeoutMessage}
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// statusOf is the status of an answer without data, by its first error.
func statusOf(code string) int {
	switch code {
	case codeUnauthenticated:
		return http.StatusUnauthorized
	case codeForbidden:
		return http.StatusForbidden
	case codeThrottled:
		return http.StatusTooManyRequests
	case codeTimeout:
		return http.StatusGatewayTimeout
	case codeUnavailable:
		return http.StatusServiceUnavailable
	case codeInternal, "INTERNAL":
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}
