package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/parley-analytics/parley/ingest/eventlog"
)

// metrics reads /metrics.
func (i *instance) metrics(t *testing.T) []byte {
	t.Helper()
	answered := i.do(t, request{method: http.MethodGet, path: "/metrics"})
	if answered.status != http.StatusOK {
		t.Fatal(answered)
	}
	return answered.body
}

// metric reads a value of /metrics: the sum of those with the name and the labels in the text, and whether there are any.
func metric(t *testing.T, page []byte, name, labels string) (sum float64, found bool) {
	t.Helper()
	for line := range strings.Lines(string(page)) {
		rest, is := strings.CutPrefix(line, name)
		if !is || !strings.HasPrefix(rest, "{") && !strings.HasPrefix(rest, " ") || !strings.Contains(rest, labels) {
			continue
		}
		value, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndex(rest, " "):]), 64)
		if err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		sum, found = sum+value, true
	}
	return sum, found
}

var (
	metricType       = regexp.MustCompile(`(?m)^# TYPE (parley_\w+) `)
	documentedMetric = regexp.MustCompile("`(parley_[a-z_]+)`(\\*?)")
)

// TestMetricsAreDocumentedAndFollowTheConventions compares /metrics of a running serve with the table in deploy/OPERATIONS.md.
func TestMetricsAreDocumentedAndFollowTheConventions(t *testing.T) {
	i := start(t, t.TempDir(), "--canary", "100ms")
	const project = 8117
	i.post(t, fmt.Sprintf(`{"specversion":"1.0","id":"1","source":"metrics","type":"parley.conversation.opened.v1","time":"2026-03-01T10:00:00Z","subject":"5f2d8a10-0000-4000-8000-000000000001","projectid":%d,"data":{"channel":"CHAT"}}`, project))
	i.refuse(t, fmt.Sprintf(`{"specversion":"1.0","id":"2","source":"metrics","type":"parley.conversation.closed.v1","projectid":%d}`, project))
	waitForEvents(t, i, project, 1)
	i.graphQL(t, i.admin, `query Named { closedConversations(interval: {from: "2026-03-01T00:00:00Z", to: "2026-03-02T00:00:00Z"}) { totalCount } }`)
	var page []byte
	eventually(t, func() error {
		page = i.metrics(t)
		for _, awaited := range []struct{ name, labels string }{
			{"parley_freshness_seconds", ""}, {"parley_projector_quarantined_total", `reason="MISSING_FIELD"`}, {"parley_table_parts", `table="events"`},
		} {
			if value, _ := metric(t, page, awaited.name, awaited.labels); value <= 0 {
				return fmt.Errorf("%s %s is %v", awaited.name, awaited.labels, value)
			}
		}
		return nil
	})
	for name, want := range map[string]float64{
		"parley_ingest_events_accepted_total": 1, "parley_ingest_events_rejected_total": 1, "parley_projector_duplicates_total": 0,
		"parley_projector_failures_total": 0, "parley_engine_restarts_total": 0,
	} {
		if got, found := metric(t, page, name, ""); got != want || !found {
			t.Errorf("%s is %v (%v), want %v", name, got, found, want)
		}
	}
	if got, _ := metric(t, page, "parley_graphql_operations_total", `operation="Named"`); got != 1 {
		t.Errorf("the operation is counted %v times", got)
	}
	if got, _ := metric(t, page, "parley_graphql_cost_points_total", `operation="Named"`); got < 1 {
		t.Errorf("the operation costs %v", got)
	}

	problems, err := promlint.New(bytes.NewReader(page)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	text, err := os.ReadFile("../../deploy/OPERATIONS.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")
	documented, shown := map[string]bool{}, map[string]bool{}
	for _, found := range documentedMetric.FindAllStringSubmatch(section, -1) {
		documented[found[1]] = documented[found[1]] || found[2] == "*"
	}
	for _, found := range metricType.FindAllSubmatch(page, -1) {
		name := string(found[1])
		shown[name] = true
		if _, known := documented[name]; !known {
			t.Errorf("%s is not in deploy/OPERATIONS.md", name)
		}
	}
	for name, later := range documented {
		if !later && !shown[name] {
			t.Errorf("%s is in deploy/OPERATIONS.md and not in /metrics", name)
		}
	}
	i.terminate(t)
}

// TestNobodySeesACanary looks for canaries wherever a caller with all rights can look.
func TestNobodySeesACanary(t *testing.T) {
	i := start(t, t.TempDir(), "--canary", "300ms")
	passed := func(more float64) {
		t.Helper()
		begun, _ := metric(t, i.metrics(t), "parley_projector_position", `log="events"`)
		eventually(t, func() error {
			page := i.metrics(t)
			at, _ := metric(t, page, "parley_projector_position", `log="events"`)
			if fresh, found := metric(t, page, "parley_freshness_seconds", ""); at < begun+more*4096 || !found || fresh <= 0 || fresh > 60 {
				return fmt.Errorf("position %v of %v, %v seconds", at, begun, fresh)
			}
			return nil
		})
	}
	passed(5)
	for _, view := range []string{"conversations", "contacts", "messages", "transactions", "events", "quarantine"} {
		if n := i.number(t, "SELECT count() FROM parley."+view); n != 0 {
			t.Errorf("%s has %d rows", view, n)
		}
	}
	answered := fmt.Sprint(i.graphQL(t, i.admin, `{
		metrics(interval: {from: "2020-01-01T00:00:00Z", to: "2199-01-01T00:00:00Z"}) { total { closedConversations contacts abandonedConversations } }
		closedConversations(interval: {from: "2020-01-01T00:00:00Z", to: "2199-01-01T00:00:00Z"}) { totalCount } }`))
	if strings.ContainsAny(strings.NewReplacer("closedConversations:0", "", "contacts:0", "", "abandonedConversations:0", "", "totalCount:0", "").Replace(answered), "123456789") {
		t.Error(answered)
	}
	if out := i.must(t, "export", "events"); out != "" {
		t.Errorf("export events: %s", out)
	}
	if out := i.must(t, "quarantine", "list"); strings.Contains(out, "canary") {
		t.Errorf("quarantine: %s", out)
	}
	if out := i.must(t, "log", "cat"); out != "" {
		t.Errorf("log cat: %s", out)
	}
	broker, err := eventlog.Open(t.Context(), i.log(t))
	if err != nil {
		t.Fatal(err)
	}
	defer broker.Close()
	if state, err := broker.Events().State(t.Context()); err != nil || state.Messages > 1 || state.Last < 5*4096 { // one may be on its way
		t.Errorf("%d canaries are in the log, which ends at %d: %v", state.Messages, state.Last, err)
	}
	if got, _ := metric(t, i.metrics(t), "parley_ingest_events_accepted_total", ""); got != 0 {
		t.Errorf("%v events are counted as accepted", got)
	}
	i.must(t, "verify")
	i.must(t, "replay")
	i.kill()
	i = start(t, i.dir, "--canary", "300ms")
	passed(3)
	i.must(t, "log", "check")
	if n := i.number(t, "SELECT count() FROM parley.events"); n != 0 {
		t.Errorf("%d events after a restart", n)
	}
	i.terminate(t)
}
