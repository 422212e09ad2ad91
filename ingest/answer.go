package ingest

import (
	"errors"
	"net/http"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Answer is the body of a 202, or of a 422 if no event was valid.
type Answer struct {
	Accepted   int        `json:"accepted"`   // newly appended
	Duplicates int        `json:"duplicates"` // valid, and already in the log
	Rejected   []Rejected `json:"rejected"`   // never null
	// Of the newly appended events; null without any.
	FirstSequence *schema.Sequence `json:"firstSequence"`
	LastSequence  *schema.Sequence `json:"lastSequence"`
}

// Problem is the body of every other answer.
type Problem struct {
	Error   string `json:"error"` // for programs
	Message string `json:"message"`
}

// CodeUnknownOutcome means that it is unknown whether the request was stored, completely or in part.
const CodeUnknownOutcome = "UNKNOWN_OUTCOME"

// refusal is the answer to a request that was not stored, as far as known.
type refusal struct {
	status  int
	problem Problem
	retry   time.Duration // Retry-After
	header  func(http.Header)
}

// Retry-After values.
const (
	retryBusy        = time.Second
	retryUnavailable = 2 * time.Second
	retryFull        = 30 * time.Second
)

func refuse(status int, code, message string) *refusal {
	return &refusal{status: status, problem: Problem{code, message}}
}

// refusalOf maps an error to a response.
func refusalOf(err error) *refusal {
	var declined *refusal
	switch {
	case errors.As(err, &declined):
		return declined
	case errors.Is(err, errBodyTooLarge), errors.Is(err, errTooMany):
		return refuse(http.StatusRequestEntityTooLarge, "too_large", err.Error())
	case errors.Is(err, errNoEvent):
		return refuse(http.StatusBadRequest, "no_event", err.Error())
	case errors.Is(err, errUnreadable):
		return refuse(http.StatusBadRequest, "unreadable_body", err.Error())
	case errors.Is(err, errBusy):
		r := refuse(http.StatusTooManyRequests, "busy", err.Error())
		r.retry = retryBusy
		return r
	case errors.Is(err, eventlog.ErrUnknownOutcome): // first: it may wrap one of the others
		r := refuse(http.StatusGatewayTimeout, CodeUnknownOutcome, "the outcome is unknown: send the request again, duplicates are recognised")
		r.retry = retryUnavailable
		return r
	case errors.Is(err, eventlog.ErrTooLarge):
		return refuse(http.StatusRequestEntityTooLarge, "too_large", "an event is larger than the NATS server accepts: raise its max_payload")
	case errors.Is(err, eventlog.ErrFull):
		r := refuse(http.StatusServiceUnavailable, "log_full", "the log is full; no event was stored")
		r.retry = retryFull
		return r
	case errors.Is(err, eventlog.ErrForeign):
		r := refuse(http.StatusServiceUnavailable, "log_foreign", "the log was replaced by another one or by an older copy, and accepts no events until its operator has decided which one counts; no event was stored")
		r.retry = retryFull
		return r
	default:
		r := refuse(http.StatusServiceUnavailable, "log_unavailable", "the log is unavailable; no event was stored")
		r.retry = retryUnavailable
		return r
	}
}

// Error returns the message.
func (r *refusal) Error() string { return r.problem.Message }

func (r *refusal) write(w http.ResponseWriter) {
	h := w.Header()
	if r.header != nil {
		r.header(h)
	}
	endpoint.RetryAfter(h, r.retry)
	endpoint.JSON(w, r.status, r.problem)
}
