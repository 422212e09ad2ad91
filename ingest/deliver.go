package ingest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// Delivery is a payload translated by a source. Everything in it belongs to one project.
type Delivery struct {
	Project schema.ProjectID
	Events  [][]byte          // in the structured form, in their order
	Refused []schema.Rejected // payloads that cannot be mapped, for quarantine
}

// Deliver stores what a source has translated: it validates the events like those of POST
// /v1/events, and returns when all of them, and the refused ones, are on disk. Errors have the same
// meaning as there; see [Refuse].
func (s *Server) Deliver(d *Delivery) (*Answer, error) {
	if !s.enter() {
		return nil, stopping()
	}
	defer s.leave()
	caller := schema.Caller{Projects: schema.Projects{IDs: []schema.ProjectID{d.Project}}}
	verdict, err := judge(d.Events, &caller, s.now(), false)
	if err != nil {
		return nil, err
	}
	for i := range d.Refused {
		refused := &d.Refused[i]
		if refused.ReceivedAt.IsZero() {
			refused.ReceivedAt = s.now()
		}
		verdict.kept = append(verdict.kept, messagesOf(refused)...)
		s.metrics.reject(refused.Reason, 1)
	}
	return s.store(&verdict)
}

// messagesOf keeps all bytes of a refused payload: one that is larger than a message of the log is
// split into several, numbered parts.
func messagesOf(r *schema.Rejected) []eventlog.Message {
	parts := max(1, (len(r.Original)+schema.MaxRejectedBytes-1)/schema.MaxRejectedBytes)
	messages := make([]eventlog.Message, parts)
	id := eventlog.RefusedID(r)
	for i := range messages {
		part, from := *r, i*schema.MaxRejectedBytes
		part.Original = r.Original[from:min(from+schema.MaxRejectedBytes, len(r.Original))]
		if parts > 1 {
			part.Detail, part.Whole = fmt.Sprintf("%s (part %d of %d)", r.Detail, i+1, parts), id
		}
		messages[i] = eventlog.Message{ID: eventlog.RefusedID(&part), Payload: schema.EncodeRejected(part), JSON: true, Time: r.ReceivedAt}
	}
	return messages
}

// Receive reads the body of a request for a source, under the same limits as for events. fault
// means that it cannot be decompressed; body is then as received. release frees its memory; it is
// never nil.
func (s *Server) Receive(r *http.Request) (body []byte, fault *schema.Error, release func(), err error) {
	var reserved int64
	release = func() { s.release(reserved); reserved = 0 }
	reserve := func(bytes int64) bool {
		if !s.reserve(bytes) {
			return false
		}
		reserved += bytes
		return true
	}
	body, err = readBody(r, "", reserve)
	if err != nil {
		return nil, nil, release, asReadError(err)
	}
	encoding, known := encodingOf(r.Header)
	if !known {
		return body, &schema.Error{Code: schema.CodeInvalidJSON, Rule: "the content encoding must be one of " + acceptedEncodings}, release, nil
	}
	if encoding == "" {
		return body, nil, release, nil
	}
	packed := r.Clone(r.Context())
	packed.Body, packed.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	unpacked, err := readBody(packed, encoding, reserve)
	if errors.Is(err, errUnreadable) {
		return body, &schema.Error{Code: schema.CodeInvalidJSON, Rule: "the body must be what its content encoding says: " + encoding}, release, nil
	}
	if err != nil {
		return nil, nil, release, asReadError(err)
	}
	return unpacked, nil, release, nil
}

// Refusal is an error that Refuse answers with a status, a code for programs
// and a message. retry, when above zero, says when to try again.
func Refusal(status int, code, message string, retry time.Duration) error {
	r := refuse(status, code, message)
	r.retry = retry
	return r
}

// Refuse answers a request according to an error, and returns the status.
func Refuse(w http.ResponseWriter, r *http.Request, err error) int {
	refusal := refusalOf(err)
	if refusal.status != http.StatusNotFound { // an unexpected error
		drain(r, refusal.status)
	}
	refusal.write(w)
	return refusal.status
}

func stopping() error {
	return Refusal(http.StatusServiceUnavailable, "stopping", "the server is stopping", retryUnavailable)
}
