package webhook

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/ingest/eventlog"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Path is the prefix to which all webhooks are posted: source and id follow it.
const Path = "/webhooks/"

// Ingester accepts what sources make of payloads. *ingest.Server is one.
type Ingester interface {
	// Receive reads a body within limits; fault means that it does not match its encoding; release frees its memory.
	Receive(r *http.Request) (body []byte, fault *schema.Error, release func(), err error)
	// Deliver returns when everything is on disk.
	Deliver(d *ingest.Delivery) (*ingest.Answer, error)
}

// Source translates the webhooks of one platform.
type Source interface {
	// Verify reports whether the payload is from the platform, as far as the
	// platform signs payloads.
	Verify(hook *Hook, header http.Header, body []byte) bool
	// Translate creates the events of a payload. The same payload always has the same events, or
	// the rest of them. An error means that the sender should try again; a faulty payload is not an
	// error.
	Translate(ctx context.Context, hook *Hook, body []byte) (Translation, error)
}

// Translation is a payload translated by a source.
type Translation struct {
	Kind   string // the platform's name of the kind, if the source knows it
	Events [][]byte
	// Refused is why the payload, or something in it, could not be mapped: then its bytes are kept
	// in quarantine, in addition to its events.
	Refused *schema.Error
	// Notice is recorded as the hook's last error although the payload was processed.
	Notice string
	// After, unless nil, is called when the events are on disk.
	After func(ctx context.Context) error
}

// Config is what a Server needs. All but Logger and Registerer are required.
type Config struct {
	Registry   *Registry
	Ingester   Ingester
	Sources    map[string]Source // by the name in the path
	Now        func() time.Time
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}

// Server answers POST /webhooks/<source>/<id>.
type Server struct {
	registry *Registry
	ingester Ingester
	sources  map[string]Source
	now      func() time.Time
	log      *slog.Logger
	payloads *prometheus.CounterVec

	mu      sync.Mutex
	hooks   map[[32]byte]Hook   // by the hash of the id
	counted map[string]*Figures // since the last write, by id
}

// New makes a server; Run keeps it up to date.
func New(c Config) *Server {
	s := &Server{
		registry: c.Registry, ingester: c.Ingester, sources: c.Sources, now: c.Now, log: c.Logger,
		hooks: make(map[[32]byte]Hook), counted: make(map[string]*Figures),
		payloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "parley_webhook_payloads_total", Help: "Payloads of webhooks, by source, kind and outcome."},
			[]string{"source", "kind", "outcome"}),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if c.Registerer != nil {
		c.Registerer.MustRegister(s.payloads)
	}
	return s
}

// flushEvery is how often figures are written.
const flushEvery = time.Second

// Run follows added and removed hooks, and writes figures, until ctx ends.
func (s *Server) Run(ctx context.Context) error {
	var watching sync.WaitGroup
	var watched error
	watching.Go(func() { watched = s.registry.bucket.Watch(ctx, hookPrefix, s.learn) })
	tick := time.NewTicker(flushEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			watching.Wait()
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
			defer cancel()
			s.flush(last)
			return watched
		case <-tick.C:
			s.flush(ctx)
		}
	}
}

// learn takes over a hook that was added, changed or removed.
func (s *Server) learn(key string, value []byte) {
	id := strings.TrimPrefix(key, hookPrefix)
	s.mu.Lock()
	defer s.mu.Unlock()
	var hook Hook
	if value == nil || json.Unmarshal(value, &hook) != nil || hook.ID != id {
		delete(s.hooks, sha256.Sum256([]byte(id)))
		return
	}
	s.hooks[sha256.Sum256([]byte(id))] = hook
}

// Hook returns the hook of an id; ErrNotFound if there is none.
func (s *Server) Hook(ctx context.Context, id string) (Hook, error) { return s.find(ctx, id) }

// find returns the hook of an id. Ids are looked up by their hash and compared in
// constant time, so that the time of an answer says nothing about them.
func (s *Server) find(ctx context.Context, id string) (Hook, error) {
	s.mu.Lock()
	hook, known := s.hooks[sha256.Sum256([]byte(id))]
	s.mu.Unlock()
	if !known {
		var err error
		if hook, err = s.registry.Find(ctx, id); err != nil { // added a moment ago, perhaps
			return Hook{}, err
		}
	}
	if subtle.ConstantTimeCompare([]byte(hook.ID), []byte(id)) != 1 {
		return Hook{}, ErrNotFound
	}
	return hook, nil
}

// answered is the body of 200 and 202.
type answered struct {
	Accepted   int    `json:"accepted"`
	Duplicates int    `json:"duplicates"`
	Code       string `json:"code,omitempty"`
	Message    string `json:"message,omitempty"`
}

// ServeHTTP answers one payload, after what it means is on disk.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name, id, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, Path), "/")
	source, known := s.sources[name]
	if !known {
		ingest.Refuse(w, r, errNoHook)
		return
	}
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		ingest.Refuse(w, r, ingest.Refusal(http.StatusMethodNotAllowed, "method_not_allowed", "payloads are sent with POST", 0))
		return
	}
	hook, err := s.find(r.Context(), id)
	if errors.Is(err, ErrNotFound) || err == nil && hook.Source != name {
		err = errNoHook
	}
	if err != nil {
		status := ingest.Refuse(w, r, err)
		s.payloads.WithLabelValues(name, "", outcomeOf(status)).Inc()
		return
	}

	figures := Figures{Deliveries: 1, LastAt: s.now().UTC()}
	status, body, kind, err := s.take(r, &hook, source, &figures)
	if err != nil {
		figures.Failed = 1
		status = ingest.Refuse(w, r, err)
		figures.LastError, figures.LastErrorAt = fmt.Sprintf("%d %s", status, err), figures.LastAt
		if status >= http.StatusInternalServerError {
			s.log.Warn("webhook rejected", "source", name, "status", status, "error", err)
			figures.LastError = fmt.Sprintf("%d the log is unavailable", status)
		}
	} else {
		endpoint.JSON(w, status, body)
	}
	s.count(hook.ID, &figures)
	s.payloads.WithLabelValues(name, kind, outcomeOf(status)).Inc()
}

var (
	errNoHook    = ingest.Refusal(http.StatusNotFound, "not_found", ErrNotFound.Error(), 0)
	errSignature = ingest.Refusal(http.StatusUnauthorized, "invalid_signature", "the signature is missing or wrong", 0)
)

// take reads, translates and delivers one payload.
func (s *Server) take(r *http.Request, hook *Hook, source Source, figures *Figures) (status int, body answered, kind string, err error) {
	payload, fault, release, err := s.ingester.Receive(r)
	defer release()
	if err != nil {
		return 0, body, "", err
	}
	if !source.Verify(hook, r.Header, payload) {
		return 0, body, "", errSignature
	}
	translated := Translation{Refused: fault}
	if fault == nil {
		if translated, err = source.Translate(r.Context(), hook, payload); err != nil {
			return 0, body, translated.Kind, err
		}
	}
	status, body, err = s.deliver(r.Context(), hook, &translated, payload, figures)
	return status, body, translated.Kind, err
}

// Deliver takes in what a source makes of a payload that it has kept for later.
func (s *Server) Deliver(ctx context.Context, id string, translated *Translation, payload []byte) error {
	hook, err := s.find(ctx, id)
	if err != nil {
		return err
	}
	figures := Figures{LastAt: s.now().UTC()}
	_, _, err = s.deliver(ctx, &hook, translated, payload, &figures)
	s.count(id, &figures)
	return err
}

func (s *Server) deliver(ctx context.Context, hook *Hook, translated *Translation, payload []byte, figures *Figures) (int, answered, error) {
	now := s.now()
	delivery := &ingest.Delivery{Project: hook.Project}
	for _, event := range translated.Events {
		if _, refusal := schema.Decode(event, now); refusal != nil {
			if translated.Refused == nil {
				translated.Refused = refusal
			}
			continue // the payload is kept instead
		}
		delivery.Events = append(delivery.Events, event)
	}
	status, body := http.StatusOK, answered{}
	if why := translated.Refused; why != nil {
		status, figures.Unsupported = http.StatusAccepted, 1
		body.Code, body.Message = string(why.Code), why.Message()
		figures.LastError, figures.LastErrorAt = why.Error(), now.UTC()
		delivery.Refused = []schema.Rejected{{
			Reason: why.Code, Detail: why.Message(),
			Project: hook.Project, Source: hook.Source, ReceivedAt: now, Original: payload,
		}}
	}
	if translated.Notice != "" {
		figures.LastError, figures.LastErrorAt = translated.Notice, now.UTC()
	}
	result, err := s.ingester.Deliver(delivery)
	if err != nil {
		return 0, body, err
	}
	if translated.After != nil {
		if err := translated.After(ctx); err != nil {
			return 0, body, fmt.Errorf("%w: the events are stored: %w", eventlog.ErrUnknownOutcome, err)
		}
	}
	body.Accepted, body.Duplicates = result.Accepted, result.Duplicates
	figures.Accepted, figures.Duplicates = uint64(result.Accepted), uint64(result.Duplicates)
	return status, body, nil
}

// count adds to what the next flush writes.
func (s *Server) count(id string, more *Figures) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known := s.counted[id]; known != nil {
		known.add(more)
		return
	}
	s.counted[id] = more
}

// flush writes the figures; those that cannot be written now are kept.
func (s *Server) flush(ctx context.Context) {
	s.mu.Lock()
	counted := s.counted
	s.counted = make(map[string]*Figures)
	s.mu.Unlock()
	for id, figures := range counted {
		if err := s.registry.count(ctx, id, figures); err != nil {
			s.log.Debug("cannot write the counters of a webhook", "error", err)
			s.count(id, figures)
		}
	}
}

func outcomeOf(status int) string {
	switch {
	case status == http.StatusAccepted:
		return "unsupported"
	case status < 300:
		return "taken"
	case status == http.StatusUnauthorized:
		return "unauthorized"
	case status == http.StatusNotFound:
		return "unknown_hook"
	case status < 500:
		return "refused"
	default:
		return "unavailable"
	}
}
