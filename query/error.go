package query

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	gqlerrors "github.com/graph-gophers/graphql-go/errors"

	"github.com/parley-analytics/parley/query/meter"
)

// Code is the extensions.code of an error. Codes are stable; messages are for
// people.
type Code string

// The codes of a query.
const (
	// CodeBadInput: an argument or variable breaks its rule.
	CodeBadInput Code = "BAD_USER_INPUT"
	// CodeUnauthenticated: the caller is not authenticated.
	CodeUnauthenticated Code = "UNAUTHENTICATED"
	// CodeForbidden: the caller lacks the right.
	CodeForbidden Code = "FORBIDDEN"
	// CodeNotFound: the named object does not exist in the caller's projects.
	CodeNotFound Code = "NOT_FOUND"
	// CodeTimeout: the query exceeded its time limit.
	CodeTimeout Code = "TIMEOUT"
	// CodeTooLarge: the query exceeds its limit on rows or memory.
	CodeTooLarge Code = "QUERY_TOO_LARGE"
	// CodeAnswerTooLarge: the answer, or its rows, exceed the size limit.
	CodeAnswerTooLarge Code = "ANSWER_TOO_LARGE"
	// CodeUnavailable: the tables cannot be reached at the moment.
	CodeUnavailable Code = "SERVICE_UNAVAILABLE"
	// CodeInternal: a fault in Parley. The cause is logged and never shown.
	CodeInternal Code = "INTERNAL_SERVER_ERROR"
)

// Error is an error that the caller sees. The message names the field and
// the rule, never a value.
type Error struct {
	Code    Code
	Message string
}

// Error returns the message.
func (e *Error) Error() string { return e.Message }

// Extensions returns the extensions of a GraphQL error.
func (e *Error) Extensions() map[string]any { return map[string]any{"code": string(e.Code)} }

// badInput returns the error of a field that breaks its rule.
func badInput(field, rule string, args ...any) *Error {
	return &Error{Code: CodeBadInput, Message: field + ": " + fmt.Sprintf(rule, args...)}
}

func (a *API) publicError(ctx context.Context, err error) error { return PublicError(ctx, a.log, err) }

// PublicError converts any error of a resolver into one that may be returned to clients, and logs
// faults for the operator.
func PublicError(ctx context.Context, log *slog.Logger, err error) error {
	var known *Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, meter.ErrTooLarge):
		return stopped(err)
	case errors.As(err, &known):
		if known.Code == CodeUnavailable {
			log.WarnContext(ctx, "query failed", "error", err)
		}
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return &Error{CodeTimeout, "the query exceeded the time limit"}
	case errors.Is(err, context.Canceled) || ctx.Err() != nil:
		return &Error{CodeTimeout, "the request was given up"}
	}
	log.ErrorContext(ctx, "query failed", "error", err)
	return &Error{CodeInternal, "internal error"}
}

// stopped returns the error of a request that its meter ended.
func stopped(cause error) *Error {
	if errors.Is(cause, meter.ErrTooLarge) {
		return &Error{CodeAnswerTooLarge, "the answer is too large: request shorter pages, fewer fields or fewer aliases"}
	}
	return &Error{CodeTimeout, "the query exceeded the time limit"}
}

// panics converts panics into errors. The library panics over literals that no Go
// type holds; everything else is a fault, which LogPanic has logged.
type panics struct{ log *slog.Logger }

// MakePanicError implements the library's PanicHandler.
func (panics) MakePanicError(_ context.Context, value any) *gqlerrors.QueryError {
	public := &Error{CodeInternal, "internal error"}
	switch value := value.(type) {
	case meter.Stopped:
		public = stopped(value.Cause)
	case error:
		if badLiteral(value) {
			public = &Error{CodeBadInput, "a literal is out of range or malformed"}
		}
	}
	return &gqlerrors.QueryError{Message: public.Message, ResolverError: public, Extensions: public.Extensions()}
}

// LogPanic implements the library's Logger.
func (p panics) LogPanic(ctx context.Context, value any) {
	if err, ok := value.(error); ok && badLiteral(err) {
		return
	}
	if _, ok := value.(meter.Stopped); ok {
		return
	}
	p.log.ErrorContext(ctx, "resolver panicked", "panic", fmt.Sprint(value))
}

func badLiteral(err error) bool {
	var number *strconv.NumError
	return errors.As(err, &number) || errors.Is(err, strconv.ErrSyntax)
}
