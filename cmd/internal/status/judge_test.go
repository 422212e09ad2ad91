package status

import (
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

// judged are the checks for some gauges and counters, by name.
func judged(t *testing.T, missing map[string]string, fill func(set func(name string, value float64, labels ...string))) map[string]Check {
	t.Helper()
	registry := prometheus.NewRegistry()
	fill(func(name string, value float64, labels ...string) {
		constant := prometheus.Labels{}
		for n := 0; n < len(labels); n += 2 {
			constant[labels[n]] = labels[n+1]
		}
		if strings.HasSuffix(name, "_total") {
			counter := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: "h", ConstLabels: constant})
			counter.Add(value)
			registry.MustRegister(counter)
			return
		}
		gauge := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: "h", ConstLabels: constant})
		gauge.Set(value)
		registry.MustRegister(gauge)
	})
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	f := facts{families: map[string]*dto.MetricFamily{}, missing: missing}
	for _, family := range families {
		f.families[family.GetName()] = family
	}
	checks := map[string]Check{}
	for _, c := range f.judge() {
		checks[c.Name] = c
	}
	return checks
}

func TestStatementsFollowTheMetrics(t *testing.T) {
	for _, tt := range []struct {
		check   string
		state   State
		text    string
		missing map[string]string
		fill    func(set func(string, float64, ...string))
	}{
		{"Events are accepted", Well, "1 event accepted, 2 rejected", nil, func(set func(string, float64, ...string)) {
			set("parley_ingest_events_accepted_total", 1)
			set("parley_ingest_events_rejected_total", 2, "code", "INVALID_FIELD")
		}},
		{"Events are accepted", Watch, "refused 3 requests", nil, func(set func(string, float64, ...string)) {
			set("parley_ingest_append_errors_total", 3, "log", "events")
		}},
		{"Events are accepted", Wrong, "the log is full", map[string]string{"nats": "the log is full"}, nil},
		{"The log is complete", Wrong, "sequences 1-2 are lost", map[string]string{"log": "sequences 1-2 are lost"}, nil},
		{"The tables keep up with the log", Well, "Every event", nil, nil},
		{"The tables keep up with the log", Watch, "About 12 events behind; the oldest has waited 1m5s", nil, func(set func(string, float64, ...string)) {
			set("parley_projector_lag_events", 12, "log", "events")
			set("parley_projector_lag_seconds", 65, "log", "events")
		}},
		{"The tables keep up with the log", Watch, "2 conversations set aside", nil, func(set func(string, float64, ...string)) {
			set("parley_projector_set_aside_conversations", 2)
		}},
		{"New events are visible soon", Well, "250ms", nil, func(set func(string, float64, ...string)) { set("parley_freshness_seconds", 0.25) }},
		{"New events are visible soon", Watch, "15s", nil, func(set func(string, float64, ...string)) { set("parley_freshness_seconds", 15) }},
		{"New events are visible soon", Wrong, "5m0s", nil, func(set func(string, float64, ...string)) { set("parley_freshness_seconds", 300) }},
		{"Events are not refused", Watch, "2 entries", nil, func(set func(string, float64, ...string)) {
			set("parley_projector_quarantined_total", 2, "log", "rejected", "reason", "INVALID_FIELD")
		}},
		{"ClickHouse merges in time", Wrong, "events has 1200 parts", nil, func(set func(string, float64, ...string)) {
			set("parley_table_parts", 1200, "table", "events")
			set("parley_table_parts", 3, "table", "contacts")
		}},
		{"Queries are answered", Watch, "1 of 5 requests", nil, func(set func(string, float64, ...string)) {
			set("parley_graphql_requests_in_flight", 0, "path", "/graphql")
			set("parley_graphql_requests_total", 4, "path", "/graphql", "status", "200", "code", "")
			set("parley_graphql_requests_total", 1, "path", "/graphql", "status", "503", "code", "UNAVAILABLE")
		}},
		{"Outgoing webhooks are delivered", Watch, "1 delivery and 3 attempts", nil, func(set func(string, float64, ...string)) {
			set("parley_outgoing_webhook_attempts_total", 1, "event", "chatStarted", "outcome", "delivered")
			set("parley_outgoing_webhook_attempts_total", 3, "event", "chatStarted", "outcome", "missed")
		}},
	} {
		if tt.fill == nil {
			tt.fill = func(func(string, float64, ...string)) {}
		}
		got := judged(t, tt.missing, tt.fill)[tt.check]
		if got.State != tt.state || !strings.Contains(got.Text, tt.text) {
			t.Errorf("%s: %s %q, want %s %q", tt.check, got.State, got.Text, tt.state, tt.text)
		}
	}
	if checks := judged(t, nil, func(func(string, float64, ...string)) {}); len(checks) != 6 {
		t.Errorf("of a process without queries and figures: %v", checks)
	}
}
