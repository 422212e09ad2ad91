package ingest

import (
	"crypto/sha256"
	"net/http"
	"time"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
)

// Delivery is what a source has made of a payload. Everything in it belongs to
// one project.
type Delivery struct {
	Project schema.ProjectID
	Events  [][]byte          // in the structured form, in their order
	Refused []schema.Rejected // payloads that have no meaning here, for quarantine
}

// Deliver is the door for the sources: it judges the events as those of POST
// /v1/events are judged, and returns when all are on disk, together with what
// was refused. An error means what it means there; see [Refuse].
func (s *Server) Deliver(d *Delivery) (*Answer, error) {
	if !s.enter() {
		return nil, stopping()
	}
	defer s.pending.Done()
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
		verdict.kept = append(verdict.kept, eventlog.Message{ID: refusedID(refused), Payload: schema.EncodeRejected(*refused)})
		s.metrics.reject(refused.Reason, 1)
	}
	return s.store(&verdict)
}

// refusedID names a payload that was refused by its bytes: platforms repeat
// what they send, and the repeat is kept once.
func refusedID(r *schema.Rejected) string {
	sum := sha256.Sum256(r.Original)
	return eventlog.MessageID(schema.EventKey{Project: r.Project, Source: "refused " + r.Source, ID: string(sum[:])})
}

// Receive reads the body of a request for a source, under the limits that hold
// for events. release gives back its room; it is never nil.
func (s *Server) Receive(r *http.Request) (body []byte, release func(), err error) {
	var reserved int64
	release = func() { s.release(reserved); reserved = 0 }
	encoding, known := encodingOf(r.Header)
	if !known {
		return nil, release, refuse(http.StatusUnsupportedMediaType, "unsupported_encoding", "the content encoding must be one of "+acceptedEncodings)
	}
	body, err = readBody(r, encoding, func(bytes int64) bool {
		if !s.reserve(bytes) {
			return false
		}
		reserved += bytes
		return true
	})
	if err != nil {
		return nil, release, asReadError(err)
	}
	return body, release, nil
}

// Refusal is an error that Refuse answers with a status, a code for programs
// and a message. retry, when above zero, says when to try again.
func Refusal(status int, code, message string, retry time.Duration) error {
	r := refuse(status, code, message)
	r.retry = retry
	return r
}

// Refuse answers a request with what an error comes to, and gives the status.
func Refuse(w http.ResponseWriter, r *http.Request, err error) int {
	refusal := refusalOf(err)
	if refusal.status != http.StatusNotFound { // a stranger's
		drain(r, refusal.status)
	}
	refusal.write(w)
	return refusal.status
}

func stopping() error {
	return Refusal(http.StatusServiceUnavailable, "stopping", "the server is stopping", retryUnavailable)
}
