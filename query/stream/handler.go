package stream

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Path is the part of the address before the table.
const Path = "/v1/stream/"

// Table is a table whose changes can be read.
type Table string

// The tables.
const (
	Conversations Table = "conversations"
	Contacts      Table = "contacts"
	Events        Table = "events"
)

// Tables are the tables, read.
type Tables interface {
	// Live returns which projection answers and how far it is.
	Live(ctx context.Context) (query.Live, error)
	// Await waits until everything up to a sequence is in the tables.
	Await(ctx context.Context, sequence schema.Sequence) (query.Live, error)
	// Changes returns the rows whose last change is behind after and not behind upTo, in the order of their positions: at
	// most limit, and then the others of the last sequence.
	Changes(ctx context.Context, table Table, scope query.Scope, after, upTo schema.Sequence, limit int) ([]Change, error)
}

const (
	mostReaders   = 2000
	mostPerCaller = 1000
	heartbeat     = 15 * time.Second
	writeTime     = 10 * time.Second
)

// Config is what a Handler needs.
type Config struct {
	Authenticator endpoint.Authenticator
	Tables        Tables
	Logger        *slog.Logger
	Metrics       prometheus.Registerer
}

// Handler answers below Path. Run must be running.
type Handler struct {
	config  Config
	hubs    map[Table]*hub
	dropped prometheus.Counter

	mu      sync.Mutex
	callers map[string]int // open streams
	open    int
	closing chan struct{}
	close   sync.Once
}

// New makes a Handler.
func New(c Config) (*Handler, error) {
	h := &Handler{config: c, hubs: map[Table]*hub{}, callers: map[string]int{}, closing: make(chan struct{})}
	for _, table := range []Table{Conversations, Contacts, Events} {
		h.hubs[table] = newHub(table, c.Tables, c.Logger)
	}
	h.dropped = prometheus.NewCounter(prometheus.CounterOpts{Name: "parley_stream_dropped_total", Help: "Streams that ended because their reader was too slow."})
	readers := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "parley_stream_readers", Help: "Streams that are open."}, func() float64 {
		h.mu.Lock()
		defer h.mu.Unlock()
		return float64(h.open)
	})
	return h, errors.Join(c.Metrics.Register(h.dropped), c.Metrics.Register(readers))
}

// Run reads changes for the streams until ctx ends.
func (h *Handler) Run(ctx context.Context) error {
	var hubs sync.WaitGroup
	for _, one := range h.hubs {
		hubs.Go(func() { one.run(ctx) })
	}
	hubs.Wait()
	return nil
}

// Close ends all streams: a server that stops waits for its requests.
func (h *Handler) Close() { h.close.Do(func() { close(h.closing) }) }

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	s := &stream{handler: h, w: w, r: r, control: http.NewResponseController(w)}
	if err := s.serve(r.Context()); err != nil && !s.begun {
		h.refuse(w, r, err)
	}
}

// stream is one request.
type stream struct {
	handler *Handler
	w       http.ResponseWriter
	r       *http.Request
	control *http.ResponseController
	scope   schema.Projects
	at      Position // the last one sent
	begun   bool
}

// serve sends changes until either side ends it. Errors after the first byte end the connection, and the client goes on
// with a new one.
func (s *stream) serve(ctx context.Context) error {
	h := s.handler
	if s.r.Method != http.MethodGet {
		s.w.Header().Set("Allow", http.MethodGet)
		return &refusal{http.StatusMethodNotAllowed, query.CodeBadInput, "the method must be GET"}
	}
	one := h.hubs[Table(s.r.URL.Path[len(Path):])]
	if one == nil {
		return &refusal{http.StatusNotFound, query.CodeNotFound, "no such stream: the streams are conversations, contacts and events"}
	}
	caller, err := s.authenticate()
	if err != nil {
		return err
	}
	given, err := s.read(caller.Projects)
	if err != nil {
		return err
	}
	leave, ok := h.enter(caller.ID)
	if !ok {
		endpoint.RetryAfter(s.w.Header(), 10*time.Second)
		return &refusal{http.StatusTooManyRequests, "THROTTLED", "too many streams are open: try again later"}
	}
	defer leave()
	live, err := h.config.Tables.Live(ctx)
	if err != nil {
		return err
	}
	s.at = whole(live.Position)
	if given != nil {
		s.at = *given
	}
	reader, from := one.join(live.Position)
	defer one.leave(reader)
	header := s.w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("X-Accel-Buffering", "no") // by proxies
	s.begun = true
	if err := s.send(batch{}); err != nil {
		return err
	}
	if err := s.catchUp(ctx, one.table, live.Projection, from); err != nil {
		return err
	}
	return s.follow(ctx, reader)
}

// catchUp sends what has changed up to a sequence.
func (s *stream) catchUp(ctx context.Context, table Table, projection uint32, upTo schema.Sequence) error {
	if len(s.scope.IDs) == 0 && !s.scope.All {
		return nil
	}
	after := s.at.Sequence
	if s.at.Compare(whole(after)) < 0 && after > 0 {
		after-- // some rows of this sequence are still to come
	}
	for after < upTo {
		b, err := page(ctx, s.handler.config.Tables, table, query.Scope{Projection: projection, Projects: s.scope}, after, upTo)
		if err == nil {
			err = s.send(b)
		}
		if err != nil {
			return err
		}
		after = b.upTo
	}
	return nil
}

// follow sends what the hub reads.
func (s *stream) follow(ctx context.Context, from *reader) error {
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-s.handler.closing:
			return nil
		case <-beat.C:
			if _, err := s.authenticate(); err != nil {
				return err
			}
			if err := s.send(batch{}); err != nil {
				return err
			}
		case b, more := <-from.batches:
			if !more {
				s.handler.dropped.Inc()
				return nil
			}
			if err := s.send(b); err != nil {
				return err
			}
		}
	}
}

// send writes the changes of a batch that are the reader's and behind its position, and that position when there are
// none: a comment, and an id without data, which a client keeps without telling anybody.
func (s *stream) send(b batch) error {
	var text bytes.Buffer
	for _, change := range b.changes {
		if change.At.Compare(s.at) <= 0 || !s.scope.Contains(change.Project) {
			continue
		}
		s.at = change.At
		text.WriteString("id: " + change.At.String() + "\ndata: ")
		text.Write(change.Row)
		text.WriteString("\n\n")
	}
	if end := whole(b.upTo); end.Compare(s.at) > 0 {
		s.at = end
	}
	if text.Len() == 0 {
		if b.upTo > 0 {
			return nil // said with the next change or heartbeat
		}
		at := s.at
		if at.Compare(whole(at.Sequence)) == 0 {
			at.Part = 0
		}
		text.WriteString(": \nid: " + at.String() + "\n\n")
	}
	_ = s.control.SetWriteDeadline(time.Now().Add(writeTime)) // writers without deadlines (in tests) wait as long as it takes
	if _, err := s.w.Write(text.Bytes()); err != nil {
		return err
	}
	return s.control.Flush()
}

func (s *stream) authenticate() (schema.Caller, error) {
	caller, err := s.handler.config.Authenticator.Authenticate(s.r)
	if err == nil && !caller.Has(schema.ScopeRead) {
		err = &refusal{http.StatusForbidden, query.CodeForbidden, "the scope read is required"}
	}
	return caller, err
}

// read reads the parameters: the projects, and where to go on.
func (s *stream) read(theirs schema.Projects) (*Position, error) {
	values, err := url.ParseQuery(s.r.URL.RawQuery)
	if err != nil {
		return nil, badInput("the query string is malformed")
	}
	id := s.r.Header.Get("Last-Event-ID")
	s.scope = theirs
	for name, given := range values {
		switch {
		case name == "lastEventId" && len(given) == 1:
			if id == "" { // a client that goes on says where in the header
				id = given[0]
			}
		case name == "projectIds":
			if s.scope, err = among(theirs, given); err != nil {
				return nil, err
			}
		default:
			return nil, badInput("the parameters are projectIds and, once, lastEventId")
		}
	}
	if id == "" {
		return nil, nil
	}
	position, ok := parsePosition(id)
	if !ok {
		return nil, badInput("Last-Event-ID: must be the id of an event of this stream")
	}
	return &position, nil
}

// among keeps the projects asked for that are the caller's. An empty list is no filter.
func among(theirs schema.Projects, asked []string) (schema.Projects, error) {
	var kept []schema.ProjectID
	any := false
	for _, text := range strings.Split(strings.Join(asked, ","), ",") {
		if text == "" {
			continue
		}
		any = true
		id, err := schema.ParseProjectID(text)
		if err != nil {
			return schema.Projects{}, badInput("projectIds: must be integers from 1 to 2147483647")
		}
		if theirs.Contains(id) {
			kept = append(kept, id)
		}
	}
	if !any {
		return theirs, nil
	}
	slices.Sort(kept)
	return schema.Projects{IDs: slices.Compact(kept)}, nil
}

func (h *Handler) enter(caller string) (leave func(), ok bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.open >= mostReaders || h.callers[caller] >= mostPerCaller {
		return nil, false
	}
	h.open++
	h.callers[caller]++
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.open--
		if h.callers[caller]--; h.callers[caller] == 0 {
			delete(h.callers, caller)
		}
	}, true
}

// refusal is an error of this package with its status.
type refusal struct {
	status  int
	code    query.Code
	message string
}

// Error returns the message.
func (r *refusal) Error() string { return r.message }

func badInput(message string) error {
	return &refusal{http.StatusBadRequest, query.CodeBadInput, message}
}

// refuse answers a stream that has not begun.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var ours *refusal
	var theirs endpoint.Refusal
	answer := refusal{http.StatusServiceUnavailable, query.CodeUnavailable, "the tables or the credentials cannot be read now"}
	switch {
	case errors.As(err, &ours):
		answer = *ours
	case errors.As(err, &theirs):
		theirs.Header(w.Header())
		answer = refusal{theirs.HTTPStatus(), query.CodeUnauthenticated, theirs.Error()}
	default:
		endpoint.RetryAfter(w.Header(), time.Second)
		if r.Context().Err() == nil {
			h.config.Logger.ErrorContext(r.Context(), "stream failed", "error", err)
		}
	}
	endpoint.JSON(w, answer.status, map[string]string{"error": string(answer.code), "message": answer.message})
}
