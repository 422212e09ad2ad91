package ingest

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Path is where events are posted.
const Path = "/v1/events"

// Recommended limits of the http.Server, for senders that are slow or never finish.
const (
	ReadHeaderTimeout = 10 * time.Second
	ReadTimeout       = 60 * time.Second
	WriteTimeout      = 120 * time.Second
	IdleTimeout       = 120 * time.Second
)

// Config is what a Server needs. Auth, Events and Rejected are required.
type Config struct {
	Auth     endpoint.Authenticator
	Events   Log // of accepted events
	Rejected Log // of those refused, with the reason

	Now        func() time.Time      // nil: time.Now
	Logger     *slog.Logger          // nil: none
	Registerer prometheus.Registerer // nil: none

	// MaxHeldBytes limits the size of bodies being read or appended; beyond it the answer is 429. 0
	// is DefaultHeldBytes.
	MaxHeldBytes int64
	// GroupEvents is the number of events of several requests in one append. A larger request is
	// appended alone. 0 is DefaultGroupEvents.
	GroupEvents int
	// AppendTimeout bounds one append; 0 is DefaultAppendTimeout.
	AppendTimeout time.Duration
}

// Defaults of a Config.
const (
	DefaultHeldBytes     = 128 << 20
	DefaultGroupEvents   = 4000
	DefaultAppendTimeout = 20 * time.Second
)

// Server answers POST /v1/events.
type Server struct {
	auth    endpoint.Authenticator
	now     func() time.Time
	log     *slog.Logger
	metrics *metrics

	events, rejected *group

	maxHeld int64
	held    atomic.Int64

	mu      sync.Mutex
	closed  bool
	pending sync.WaitGroup // authenticated requests
	working atomic.Int64   // their number
	left    atomic.Int64   // when the last one was answered, in nanoseconds
}

// New makes a server. It accepts events until Close.
func New(c Config) *Server {
	s := &Server{auth: c.Auth, now: c.Now, log: c.Logger, maxHeld: c.MaxHeldBytes, metrics: newMetrics(c.Registerer)}
	if s.now == nil {
		s.now = time.Now
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.maxHeld == 0 {
		s.maxHeld = DefaultHeldBytes
	}
	limit, timeout := c.GroupEvents, c.AppendTimeout
	if limit == 0 {
		limit = DefaultGroupEvents
	}
	if timeout == 0 {
		timeout = DefaultAppendTimeout
	}
	s.events = newGroup(c.Events, limit, timeout, s.metrics.events)
	s.rejected = newGroup(c.Rejected, limit, timeout, s.metrics.refusals)
	return s
}

// Close refuses new requests with 503, waits for those being answered, and ends
// appending. Call it after the http.Server has shut down, or at the same time.
func (s *Server) Close() {
	s.mu.Lock()
	closed := s.closed
	s.closed = true
	s.mu.Unlock()
	if closed {
		return
	}
	s.pending.Wait()
	s.events.close()
	s.rejected.close()
}

// enter registers a request; false after Close.
func (s *Server) enter() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.pending.Add(1)
	s.working.Add(1)
	return true
}

// leave ends what enter registered.
func (s *Server) leave() {
	s.left.Store(s.now().UnixNano())
	s.working.Add(-1)
	s.pending.Done()
}

// pace is how long after a request another one is expected: a sender of single events has none
// under way for much of the time.
const pace = time.Second

// Working reports whether events are being taken in, or were within the last second.
func (s *Server) Working() bool {
	return s.working.Load() > 0 || s.now().Sub(time.Unix(0, s.left.Load())) < pace
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	begin := time.Now()
	status := http.StatusAccepted
	answer, err := s.serve(r)
	if err == nil {
		if answer.Accepted+answer.Duplicates == 0 {
			status = http.StatusUnprocessableEntity
		}
		endpoint.JSON(w, status, answer)
	} else {
		refusal := refusalOf(err)
		status = refusal.status
		if status >= http.StatusInternalServerError {
			s.log.Warn("events rejected", "status", status, "error", err)
		}
		drain(r, status)
		refusal.write(w)
	}
	s.metrics.request(status, time.Since(begin))
}

// drain discards the rest of a body. Many clients read the answer only after they have sent
// everything, and take a connection that is closed before for a failure. The bodies of
// unauthenticated senders are not read to the end, nor those of clients that wait for 100 Continue.
func drain(r *http.Request, status int) {
	if status == http.StatusUnauthorized || r.Header.Get("Expect") != "" {
		return
	}
	_, _ = io.CopyN(io.Discard, r.Body, 2*schema.MaxRequestBytes)
}

func (s *Server) serve(r *http.Request) (*Answer, error) {
	if r.URL.Path != Path {
		return nil, refuse(http.StatusNotFound, "not_found", "no such path")
	}
	if r.Method != http.MethodPost {
		refusal := refuse(http.StatusMethodNotAllowed, "method_not_allowed", "method not allowed: send events with POST")
		refusal.header = func(h http.Header) { h.Set("Allow", http.MethodPost) }
		return nil, refusal
	}
	caller, err := s.authenticate(r)
	if err != nil {
		return nil, err
	}
	if !s.enter() {
		refusal := refuse(http.StatusServiceUnavailable, "stopping", "the server is stopping")
		refusal.retry = retryUnavailable
		return nil, refusal
	}
	defer s.leave()

	form := formOf(r.Header)
	if form == formNone {
		return nil, refuse(http.StatusUnsupportedMediaType, "unsupported_media_type",
			"the content type must be "+acceptedTypes+"; the charset utf-8")
	}
	encoding, known := encodingOf(r.Header)
	if !known {
		refusal := refuse(http.StatusUnsupportedMediaType, "unsupported_encoding", "the content encoding must be one of "+acceptedEncodings)
		refusal.header = func(h http.Header) { h.Set("Accept-Encoding", acceptedEncodings) }
		return nil, refusal
	}

	var reserved int64
	defer func() { s.release(reserved) }()
	body, err := readBody(r, encoding, func(bytes int64) bool {
		if !s.reserve(bytes) {
			return false
		}
		reserved += bytes
		return true
	})
	if err != nil {
		return nil, asReadError(err)
	}
	events, err := split(form, r.Header, body)
	if err != nil {
		return nil, err
	}
	verdict, err := judge(events, &caller, s.now(), form == formStructured || form == formBatch)
	if err != nil {
		return nil, err
	}
	return s.store(&verdict)
}

// authenticate admits callers that may send events.
func (s *Server) authenticate(r *http.Request) (schema.Caller, error) {
	caller, err := s.auth.Authenticate(r)
	if err != nil {
		var known endpoint.Refusal
		if errors.As(err, &known) {
			code := "unauthorized"
			if known.HTTPStatus() != http.StatusUnauthorized {
				code = "refused"
			}
			refusal := refuse(known.HTTPStatus(), code, err.Error())
			refusal.header = known.Header
			return caller, refusal
		}
		s.log.Error("cannot check credentials", "error", err)
		refusal := refuse(http.StatusServiceUnavailable, "unavailable", "cannot check credentials now")
		refusal.retry = retryUnavailable
		return caller, refusal
	}
	if !caller.Has(schema.ScopeIngest) {
		return caller, refuse(http.StatusForbidden, "insufficient_scope", "the credential does not have the scope ingest")
	}
	return caller, nil
}

// asReadError returns the error for a body that could not be read completely.
func asReadError(err error) error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return errBodyTooLarge
	case errors.Is(err, errBodyTooLarge), errors.Is(err, errUnreadable), errors.Is(err, errBusy):
		return err
	case errors.Is(err, os.ErrDeadlineExceeded):
		return refuse(http.StatusRequestTimeout, "timeout", "the body did not arrive in time")
	default:
		return refuse(http.StatusBadRequest, "unreadable_body", "the body ended early")
	}
}

// split cuts the body into events.
func split(f form, h http.Header, body []byte) ([][]byte, error) {
	switch f {
	case formLines:
		return splitLines(body)
	case formBatch:
		if len(trimSpace(body)) == 0 {
			return nil, errNoEvent
		}
		return splitArray(body)
	case formBinary:
		message := schema.BinaryOf(h, body)
		event, err := message.Structured(schema.BinaryStrict)
		if err != nil {
			return nil, refuse(http.StatusBadRequest, "unreadable_body", err.Error())
		}
		return [][]byte{event}, nil
	default:
		event := trimSpace(body)
		if len(event) == 0 {
			return nil, errNoEvent
		}
		return [][]byte{event}, nil
	}
}

// store appends valid and rejected events: when the answer is 202 everything is on disk. If the log
// of events refuses, nothing is stored; if it has stored events and then the rejected ones cannot
// be stored, the outcome is unknown, unless sending again cannot help.
func (s *Server) store(v *verdict) (*Answer, error) {
	receipts, err := s.events.append(v.valid)
	if err != nil {
		return nil, err
	}
	if _, err := s.rejected.append(v.kept); err != nil {
		if !errors.Is(err, eventlog.ErrTooLarge) && slices.ContainsFunc(receipts, func(r eventlog.Receipt) bool { return !r.Duplicate }) {
			err = fmt.Errorf("%w: the valid events are stored: %w", eventlog.ErrUnknownOutcome, err)
		}
		return nil, err
	}
	answer := &Answer{Rejected: v.rejected}
	for i := range receipts {
		if receipts[i].Duplicate {
			answer.Duplicates++
			continue
		}
		answer.Accepted++
		if answer.FirstSequence == nil {
			answer.FirstSequence = &receipts[i].Sequence
		}
		answer.LastSequence = &receipts[i].Sequence
	}
	s.metrics.accepted.Add(float64(answer.Accepted))
	s.metrics.duplicates.Add(float64(answer.Duplicates))
	for _, r := range v.rejected {
		s.metrics.reject(r.Code, 1)
	}
	return answer, nil
}

// reserve takes room for the bytes of a body.
func (s *Server) reserve(bytes int64) bool {
	if s.held.Add(bytes) > s.maxHeld {
		s.held.Add(-bytes)
		return false
	}
	s.metrics.held.Add(float64(bytes))
	return true
}

func (s *Server) release(bytes int64) {
	s.held.Add(-bytes)
	s.metrics.held.Sub(float64(bytes))
}
