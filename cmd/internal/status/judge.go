package status

import (
	"fmt"
	"math"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
)

// State is how well a part is.
type State string

// The states, the best first.
const (
	Well  State = "well"
	Watch State = "watch" // works, and needs a look
	Wrong State = "wrong" // does not do its work
)

// Check is one statement about a part.
type Check struct {
	Name  string `json:"name"`
	State State  `json:"state"`
	Text  string `json:"text"`
}

// The values from which on something needs a look, or is wrong.
const (
	slowSeconds, staleSeconds = 10, 120 // until an event is visible
	manyParts, tooManyParts   = 300, 1000
)

// facts are the metrics and the readiness of a process.
type facts struct {
	families map[string]*dto.MetricFamily
	missing  map[string]string // parts that are not ready, and why
	notes    map[string]string
}

// sum adds the values of a metric, or of those with a label; a histogram counts its observations. It reports whether there are any.
func (f *facts) sum(name string, label ...string) (total float64, found bool) {
	f.each(name, label, func(m *dto.Metric) {
		total, found = total+m.GetCounter().GetValue()+m.GetGauge().GetValue()+float64(m.GetHistogram().GetSampleCount()), true
	})
	return total, found
}

// most returns the highest gauge of a metric, with the value of a label.
func (f *facts) most(name, of string) (highest float64, at string) {
	f.each(name, nil, func(m *dto.Metric) {
		if value := m.GetGauge().GetValue(); value > highest {
			highest = value
			for _, l := range m.GetLabel() {
				if l.GetName() == of {
					at = l.GetValue()
				}
			}
		}
	})
	return highest, at
}

func (f *facts) each(name string, label []string, do func(*dto.Metric)) {
	for _, m := range f.families[name].GetMetric() {
		fits := len(label) == 0
		for _, l := range m.GetLabel() {
			fits = fits || l.GetName() == label[0] && l.GetValue() == label[1]
		}
		if fits {
			do(m)
		}
	}
}

// count writes a number with its noun.
func count(n float64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if stem, is := strings.CutSuffix(noun, "y"); is {
		noun = stem + "ie"
	}
	return fmt.Sprintf("%.0f %ss", n, noun)
}

// lasts writes a time.
func lasts(seconds float64) string {
	d := time.Duration(seconds * float64(time.Second))
	if d < time.Minute {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(time.Second).String()
}

// judge makes the statements, in the order of the data path.
func (f *facts) judge() []Check {
	checks := []Check{f.taken(), f.log(), f.engines(), f.projection()}
	for _, more := range []func() (Check, bool){f.freshness, f.quarantine, f.parts, f.queries, f.limits, f.webhooks} {
		if check, applies := more(); applies {
			checks = append(checks, check)
		}
	}
	return checks
}

// broken is the statement for parts of which one is not ready.
func (f *facts) broken(name string, parts ...string) (Check, bool) {
	for _, part := range parts {
		if why, is := f.missing[part]; is {
			return Check{name, Wrong, why}, true
		}
	}
	return Check{Name: name, State: Well}, false
}

func (f *facts) taken() Check {
	check, broken := f.broken("Events are accepted", "nats", "ingest")
	if broken {
		return check
	}
	accepted, _ := f.sum("parley_ingest_events_accepted_total")
	rejected, _ := f.sum("parley_ingest_events_rejected_total")
	failed, _ := f.sum("parley_ingest_append_errors_total")
	check.Text = fmt.Sprintf("Since the start: %s accepted, %.0f rejected.", count(accepted, "event"), rejected)
	if failed > 0 {
		check.State = Watch
		check.Text += fmt.Sprintf(" The log refused %s: senders were asked to try again.", count(failed, "request"))
	}
	return check
}

func (f *facts) log() Check {
	check, broken := f.broken("The log is complete", "log")
	if !broken {
		check.Text = "No event is lost."
		if bytes, _ := f.sum("parley_log_stream_bytes"); bytes > 0 {
			check.Text = fmt.Sprintf("No event is lost. The streams take %.1f MiB.", bytes/(1<<20))
		}
	}
	return check
}

func (f *facts) engines() Check {
	check, broken := f.broken("The engines run", "clickhouse")
	restarts, _ := f.sum("parley_engine_restarts_total")
	switch {
	case broken:
	case restarts > 0:
		check.State = Watch
		check.Text = fmt.Sprintf("An engine was restarted: %s since the start. The process log says why.", count(restarts, "restart"))
	default:
		check.Text = "No engine was restarted."
	}
	return check
}

func (f *facts) projection() Check {
	check, broken := f.broken("The tables keep up with the log", "projector")
	if broken {
		return check
	}
	events, _ := f.sum("parley_projector_lag_events", "log", "events")
	seconds, _ := f.sum("parley_projector_lag_seconds", "log", "events")
	pending, _ := f.sum("parley_migration_pending_steps")
	aside, _ := f.sum("parley_projector_set_aside_conversations")
	failures, _ := f.sum("parley_projector_failures_total")
	check.Text = "Every event is in the tables."
	if events > 0 {
		check.Text = fmt.Sprintf("About %s behind; the oldest has waited %s.", count(events, "event"), lasts(seconds))
	}
	if failures > 0 {
		check.Text += fmt.Sprintf(" Projection resumed after %s since the start.", count(failures, "failure"))
	}
	if seconds > slowSeconds {
		check.State = Watch
	}
	if pending > 0 {
		check.State, check.Text = Watch, fmt.Sprintf("The tables are being migrated: %s to go.", count(pending, "statement"))
	}
	if aside > 0 {
		check.State = Watch
		check.Text += fmt.Sprintf(" %s set aside, because ClickHouse does not have enough memory for their rows.", count(aside, "conversation"))
	}
	return check
}

func (f *facts) freshness() (Check, bool) {
	seconds, measured := f.sum("parley_freshness_seconds")
	check := Check{"New events are visible soon", Well, fmt.Sprintf("The latest canary was visible %s after it was accepted.", lasts(seconds))}
	if seconds > slowSeconds {
		check.State = Watch
		check.Text = fmt.Sprintf("A canary took %s from being accepted to being visible, or is not visible yet.", lasts(seconds))
	}
	if seconds > staleSeconds {
		check.State = Wrong
	}
	return check, measured
}

func (f *facts) quarantine() (Check, bool) {
	held, _ := f.sum("parley_projector_quarantined_total")
	check := Check{"Events are not refused", Well, "No event went to quarantine since the start."}
	if held > 0 {
		check.State = Watch
		check.Text = fmt.Sprintf("%s went to quarantine since the start: parley quarantine list says why.", count(held, "entry"))
	}
	return check, true
}

func (f *facts) parts() (Check, bool) {
	parts, table := f.most("parley_table_parts", "table")
	check := Check{"ClickHouse merges in time", Well, fmt.Sprintf("At most %s in a table (%s).", count(parts, "part"), table)}
	if parts >= manyParts {
		check.State = Watch
		check.Text = fmt.Sprintf("The table %s has %s: merges are behind.", table, count(parts, "part"))
	}
	if parts >= tooManyParts {
		check.State = Wrong
	}
	return check, parts > 0
}

func (f *facts) queries() (Check, bool) {
	check, broken := f.broken("Queries are answered", "query")
	all, some := f.sum("parley_graphql_requests_total")
	failed := 0.0
	for _, m := range f.families["parley_graphql_requests_total"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() == "status" && strings.HasPrefix(l.GetValue(), "5") {
				failed += m.GetCounter().GetValue()
			}
		}
	}
	switch {
	case broken:
	case failed > 0:
		check.State = Watch
		check.Text = fmt.Sprintf("%.0f of %s since the start failed.", failed, count(all, "request"))
	case some:
		check.Text = fmt.Sprintf("%s since the start, none failed.", count(all, "request"))
	default:
		check.Text = "Nobody has asked yet."
	}
	_, runs := f.families["parley_graphql_requests_in_flight"]
	return check, broken || runs
}

func (f *facts) limits() (Check, bool) {
	refused, _ := f.sum("parley_http_request_duration_seconds", "code", "429")
	check := Check{"Limits are not reached", Well, "No request was refused by a rate limit."}
	if refused > 0 {
		check.State = Watch
		check.Text = fmt.Sprintf("%s refused by a rate limit since the start (429).", count(refused, "request"))
	}
	return check, true
}

func (f *facts) webhooks() (Check, bool) {
	failed, _ := f.sum("parley_outgoing_webhook_attempts_total", "outcome", "failed")
	missed, some := f.sum("parley_outgoing_webhook_attempts_total", "outcome", "missed")
	delivered, any := f.sum("parley_outgoing_webhook_attempts_total", "outcome", "delivered")
	check := Check{"Outgoing webhooks are delivered", Well, fmt.Sprintf("%s since the start.", count(delivered, "delivery"))}
	if missed+failed > 0 {
		check.State = Watch
		check.Text = fmt.Sprintf("%s and %s that did not succeed; %.0f were given up. parley webhook send list says why.", count(delivered, "delivery"), count(missed+failed, "attempt"), math.Trunc(failed))
	}
	return check, some || any || failed > 0
}
