package status

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/parley-analytics/parley/cmd/internal/readiness"
	"github.com/parley-analytics/parley/schema/endpoint"
)

// Path is the address of the statements.
const Path = "/v1/status"

// Administrators authenticates requests of administrators: an *auth.Authority.
type Administrators interface {
	Administrator(r *http.Request) error
}

// Handler answers with the statements.
type Handler struct {
	Administrators Administrators
	Metrics        prometheus.Gatherer
	Ready          *readiness.Checks
	Logger         *slog.Logger
	Now            func() time.Time
}

// answer is what the handler answers. State is the worst one.
type answer struct {
	At     time.Time `json:"at"`
	State  State     `json:"state"`
	Checks []Check   `json:"checks"`
	// Notes are what needs attention in a part that is ready.
	Notes map[string]string `json:"notes,omitempty"`
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet {
		w.Header().Set("Allow", http.MethodGet)
		endpoint.JSON(w, http.StatusMethodNotAllowed, map[string]string{"error": "bad_request", "message": "the method must be GET"})
		return
	}
	if err := h.Administrators.Administrator(r); err != nil {
		h.refuse(w, r, err)
		return
	}
	families, err := h.Metrics.Gather()
	if err != nil {
		h.Logger.Warn("some metrics cannot be read", "error", err) // the others are there
	}
	f := facts{families: make(map[string]*dto.MetricFamily, len(families)), missing: h.Ready.Missing(r.Context()), notes: h.Ready.Notes()}
	for _, family := range families {
		f.families[family.GetName()] = family
	}
	said := answer{At: h.Now().UTC().Truncate(time.Second), State: Well, Checks: f.judge(), Notes: f.notes}
	for _, check := range said.Checks {
		if check.State == Wrong || check.State == Watch && said.State == Well {
			said.State = check.State
		}
	}
	endpoint.JSON(w, http.StatusOK, said)
}

func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var refusal endpoint.Refusal
	if !errors.As(err, &refusal) {
		if r.Context().Err() == nil {
			h.Logger.Error("cannot check credentials", "error", err)
		}
		endpoint.RetryAfter(w.Header(), time.Second)
		endpoint.JSON(w, http.StatusServiceUnavailable, map[string]string{"error": "unavailable", "message": "cannot check credentials now"})
		return
	}
	refusal.Header(w.Header())
	endpoint.JSON(w, refusal.HTTPStatus(), map[string]string{"error": "refused", "message": refusal.Error()})
}
