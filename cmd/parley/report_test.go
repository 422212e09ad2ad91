package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAReportSaysWhatHasChangedSinceItWasSaved saves one, lets a late answer arrive, and asks everything as of then, too.
func TestAReportSaysWhatHasChangedSinceItWasSaved(t *testing.T) {
	i := running(t)
	const project = 7482
	lines := exampleLines(t, project)
	i.post(t, lines...)
	month := fmt.Sprintf(`interval: {from: "2024-03-01T00:00:00Z", to: "2024-04-01T00:00:00Z"}, filters: {projectIds: %d}`, project)
	// The position is stored after the rows.
	projected := func(answers int, csat string) {
		t.Helper()
		eventually(t, func() error {
			now := i.graphQL(t, i.admin, `{ metrics(`+month+`) { position } }`)
			then := fmt.Sprint(i.graphQL(t, i.admin, fmt.Sprintf(`{ metrics(%s, asOf: %q) { total { surveyAnswers csat } } }`, month, at(now, "metrics", "position"))))
			if want := fmt.Sprintf("surveyAnswers:%d", answers); !strings.Contains(then, want) || !strings.Contains(then, "csat:"+csat) {
				return fmt.Errorf("as of now: %s", then)
			}
			return nil
		})
	}
	projected(1, "100")
	query := `{ metrics(` + month + `) { position total { closedConversations surveyAnswers csat contacts } } closedConversations(` + month + `) { totalCount edges { cursor node { id satisfactionSurvey { customerSatisfaction } } } } }`
	file := filepath.Join(t.TempDir(), "month.graphql")
	if err := os.WriteFile(file, []byte(query), 0o600); err != nil {
		t.Fatal(err)
	}
	report := func(want int, arguments ...string) (stdout, stderr string) {
		t.Helper()
		stdout, stderr, code := i.command(t, "", append([]string{"report"}, arguments...)...)
		if code != want {
			t.Fatalf("report %v: exit %d, want %d: %s%s", arguments, code, want, stdout, stderr)
		}
		return stdout, stderr
	}
	_, saved := report(0, "save", "march", "--query", file)
	position := strings.Fields(saved)[len(strings.Fields(saved))-1]
	if shown, _ := report(0, "show", "march"); strings.TrimSpace(shown) != query {
		t.Errorf("show: %s", shown)
	}
	if listed, _ := report(0, "list"); !strings.Contains(listed, "march") || !strings.Contains(listed, position) {
		t.Errorf("list: %s", listed)
	}
	export := func(more string) string {
		return i.do(t, request{method: http.MethodGet, path: fmt.Sprintf("/v1/export/conversations?projectIds=%d%s", project, more), key: &i.admin}).String()
	}
	before := export("")
	if stdout, _ := report(0, "check", "march"); stdout != "" {
		t.Errorf("nothing has changed: %s", stdout)
	}

	i.post(t, fmt.Sprintf(`{"specversion":"1.0","id":"late","source":"survey","type":"parley.satisfaction.answered.v1","time":"2024-03-04T09:00:00Z","subject":"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01","projectid":%d,"data":{"customerSatisfaction":1}}`, project))
	projected(1, "0")
	stdout, stderr := report(exitFailed, "check", "march")
	if !strings.Contains(stdout, ".customerSatisfaction: ") || !strings.Contains(stdout, "metrics.total.csat: ") || strings.Contains(stdout, "total.closedConversations: ") || !strings.Contains(stderr, position) {
		t.Errorf("check: %s%s", stdout, stderr)
	}
	if again := export("&asOf=" + position); again != before || !strings.HasPrefix(before, "200 {") {
		t.Errorf("the export as of then\n%s\nwas\n%s", again, before)
	}
	restated := fmt.Sprint(i.graphQL(t, i.admin, fmt.Sprintf(`{ restatements(since: %q, %s) { figures { figure conversations causes { kind events } } } }`, position, month)))
	if !strings.Contains(restated, "map[causes:[map[events:1 kind:LATE_ANSWER]] conversations:1 figure:csat]") || strings.Contains(restated, "LATE_EVENT") {
		t.Errorf("restatements: %s", restated)
	}

	key := i.newKey(t, fmt.Sprint(project), "read")
	keyFile := filepath.Join(t.TempDir(), "key.json")
	if err := os.WriteFile(keyFile, fmt.Appendf(nil, `{"id":%q,"secret":%q}`, key.ID, key.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, stderr := report(exitFailed, "check", "march", "--key-file", keyFile); !strings.Contains(stderr, "saved with a key for the projects all") {
		t.Errorf("another key: %s", stderr)
	}
	report(0, "remove", "march")
	if _, stderr := report(exitFailed, "check", "march"); !strings.Contains(stderr, "no report march") {
		t.Errorf("removed: %s", stderr)
	}
	if _, stderr, code := i.command(t, `{ users { totalCount } }`, "report", "save", "users", "--query", "-"); code != exitFailed || !strings.Contains(stderr, "does not answer as of a position") {
		t.Errorf("users: exit %d, %s", code, stderr)
	}
	if _, _, code := i.command(t, query, "report", "save", "../march", "--query", "-"); code == exitOK {
		t.Error("a name with slashes was taken")
	}
}
