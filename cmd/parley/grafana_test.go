package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// board is what the tests read of a board of Grafana.
type board struct {
	Panels []struct {
		Title, Description string
		Targets            []target
	}
	Templating struct {
		List []struct {
			Name, Type string
			Query      string
		}
	}
}

type target struct {
	Datasource struct{ Type, UID string }
	RawSQL     string `json:"rawSql"`
	Expr       string
}

const grafanaClickHouse, grafanaPrometheus = "grafana-clickhouse-datasource", "prometheus"

func boards(t *testing.T) map[string]board {
	t.Helper()
	all := map[string]board{}
	for _, name := range []string{"service", "operations"} {
		var b board
		if err := json.Unmarshal([]byte(deployed(t, "grafana/dashboards/"+name+".json")), &b); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		all[name] = b
	}
	return all
}

var timeFilter = regexp.MustCompile(`\$__timeFilter_ms\((\w+)\)`)

// expanded expands macros as the data source for ClickHouse does, and variables as Grafana does.
func expanded(statement string, from, to time.Time, variables map[string]string) string {
	for name, value := range variables {
		statement = strings.ReplaceAll(statement, "${"+name+"}", value)
	}
	return timeFilter.ReplaceAllString(statement, fmt.Sprintf("$1 >= fromUnixTimestamp64Milli(%d) AND $1 <= fromUnixTimestamp64Milli(%d)", from.UnixMilli(), to.UnixMilli()))
}

// rowsRead runs a statement as the dashboards' user, and returns how many rows it answers with and has read.
func (i *instance) rowsRead(t *testing.T, statement string) (answered, read int) {
	t.Helper()
	sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.where.ClickHouse.HTTP+"/?database=parley&default_format=JSONCompact&wait_end_of_query=1", strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	sent.Header.Set("X-ClickHouse-User", i.where.ClickHouse.BI.Name)
	sent.Header.Set("X-ClickHouse-Key", i.where.ClickHouse.BI.Password)
	response, err := http.DefaultClient.Do(sent)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	var answer struct {
		Rows       int
		Statistics struct {
			RowsRead int `json:"rows_read"`
		}
	}
	if err := json.Unmarshal(body, &answer); err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s\n%s", statement, body)
	}
	return answer.Rows, answer.Statistics.RowsRead
}

func TestEveryStatementOfGrafanaAnswersOverDemoData(t *testing.T) {
	i := start(t, t.TempDir(), "--canary", "1s")
	if _, complaint, code := i.command(t, "", "demo", "--conversations", "800", "--history", "20d"); code != 0 {
		t.Fatal(complaint)
	}
	i.refuse(t, `{"specversion":"1.0","id":"x","source":"grafana","type":"parley.conversation.closed.v1","projectid":9999}`)
	eventually(t, func() error {
		conversations, refused := i.number(t, "SELECT count() FROM parley.conversations"), i.number(t, "SELECT count() FROM parley.quarantine")
		if conversations < 800 || refused < 1 {
			return fmt.Errorf("%d conversations, %d refused", conversations, refused)
		}
		return nil
	})
	rows := i.number(t, "SELECT max(n) FROM (SELECT count() AS n FROM parley.conversations UNION ALL SELECT count() FROM parley.contacts UNION ALL SELECT count() FROM parley.transactions)")
	to := time.Now().Add(time.Minute)
	from := to.AddDate(0, 0, -25)
	for name, b := range boards(t) {
		statements := 0
		projects := "9999,1001"
		try := func(title, statement string) {
			statements++
			for _, zone := range []string{"utc", "Europe/Paris"} {
				for _, step := range []string{"hour", "day", "week", "month"} {
					text := expanded(statement, from, to, map[string]string{"project:csv": projects, "step": step, "__timezone": zone})
					if left := strings.Index(text, "$"); left >= 0 {
						t.Fatalf("%s: %s: not expanded: %s", name, title, text[left:])
					}
					answered, read := i.rowsRead(t, text)
					if answered == 0 || read > 2*rows {
						t.Errorf("%s: %s: %d rows of %d read, the largest table has %d", name, title, answered, read, rows)
					}
					if text == expanded(statement, from, to, nil) {
						return // the same in any zone and step
					}
				}
			}
		}
		for _, v := range b.Templating.List {
			if v.Type == "query" {
				try("variable "+v.Name, v.Query)
			}
		}
		for _, p := range b.Panels {
			if p.Title == "" || p.Description == "" {
				t.Errorf("%s: a panel has no title or description: %+v", name, p)
			}
			for _, target := range p.Targets {
				if target.Datasource.Type == grafanaClickHouse {
					try(p.Title, target.RawSQL)
				}
			}
		}
		if statements > 16 {
			t.Errorf("%s: %d statements at once, more than the user of dashboards may run", name, statements)
		}
	}
	i.knowsMetrics(t)
}

var metricName = regexp.MustCompile(`parley_[a-z_]+|process_[a-z_]+`)

// knowsMetrics looks for the metrics of every expression of Grafana in /metrics.
func (i *instance) knowsMetrics(t *testing.T) {
	t.Helper()
	i.graphQL(t, i.admin, "{__typename}")
	text := string(i.do(t, request{method: http.MethodGet, path: "/metrics"}).body)
	expressions := map[string]string{}
	for name, b := range boards(t) {
		for _, p := range b.Panels {
			for n, target := range p.Targets {
				if target.Datasource.Type == grafanaPrometheus {
					expressions[name+": "+p.Title+strconv.Itoa(n)] = target.Expr
				}
			}
		}
	}
	var alerting struct {
		Groups []struct {
			Rules []struct {
				Title       string
				Annotations map[string]string
				Data        []struct{ Model struct{ Expr string } }
			}
		}
	}
	if err := yaml.Unmarshal([]byte(deployed(t, "grafana/provisioning/alerting/parley.yaml")), &alerting); err != nil {
		t.Fatal(err)
	}
	for _, rule := range alerting.Groups[0].Rules {
		if rule.Annotations["runbook"] == "" || rule.Annotations["summary"] == "" {
			t.Errorf("%s: no summary or runbook", rule.Title)
		}
		expressions[rule.Title] = rule.Data[0].Model.Expr
	}
	for title, expression := range expressions {
		names := metricName.FindAllString(expression, -1)
		if len(names) == 0 && !strings.HasPrefix(expression, "up{") {
			t.Errorf("%s: %q names no metric", title, expression)
		}
		for _, name := range names {
			if !strings.Contains(text, "\n"+name+"{") && !strings.Contains(text, "\n"+name+" ") {
				t.Errorf("%s: /metrics has no %s", title, name)
			}
		}
	}
}
