package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

const ndjson = "application/x-ndjson"

func opened(project int, id string) string {
	return event(project, someConversation, id, "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT"}`)
}

func TestEdgeRefusesWhatItCannotTake(t *testing.T) {
	i := running(t)
	reader, writer := i.newKey(t, "all", "read"), i.newKey(t, "7301", "ingest")
	large := strings.Repeat("x", 300<<10)
	for name, c := range map[string]struct {
		key               *auth.Key
		contentType, body string
		status            int
	}{
		"no credentials":         {nil, ndjson, opened(7301, "1"), http.StatusUnauthorized},
		"wrong secret":           {&auth.Key{ID: writer.ID, Secret: "pks_wrong"}, ndjson, opened(7301, "1"), http.StatusUnauthorized},
		"wrong scope":            {&reader, ndjson, opened(7301, "1"), http.StatusForbidden},
		"wrong type":             {&writer, "text/csv", opened(7301, "1"), http.StatusUnsupportedMediaType},
		"no type":                {&writer, "", opened(7301, "1"), http.StatusUnsupportedMediaType},
		"broken JSON":            {&writer, "application/cloudevents+json", `{"id":`, http.StatusBadRequest},
		"broken batch":           {&writer, "application/cloudevents-batch+json", `[{}`, http.StatusBadRequest},
		"no event":               {&writer, ndjson, "\n\n", http.StatusBadRequest},
		"empty batch":            {&writer, "application/cloudevents-batch+json", `[]`, http.StatusBadRequest},
		"too large":              {&writer, ndjson, strings.Repeat(opened(7301, "1")+"\n", 17<<20/300), http.StatusRequestEntityTooLarge},
		"too many":               {&writer, "application/cloudevents-batch+json", "[" + strings.Repeat("1,", 10_000) + "1]", http.StatusRequestEntityTooLarge},
		"none valid":             {&writer, ndjson, `{"specversion":"1.0"}`, http.StatusUnprocessableEntity},
		"another project":        {&writer, ndjson, opened(7302, "1"), http.StatusUnprocessableEntity},
		"the only one too large": {&writer, ndjson, event(7301, someConversation, "1", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT","x":"`+large+`"}`), http.StatusUnprocessableEntity},
	} {
		t.Run(name, func(t *testing.T) {
			got := i.do(t, request{method: http.MethodPost, path: "/v1/events", body: c.body, key: c.key, headers: map[string]string{"Content-Type": c.contentType}})
			if got.status != c.status || !json.Valid(got.body) {
				t.Errorf("%d, want %d: %.300s", got.status, c.status, got.body)
			}
		})
	}
	got := i.do(t, request{method: http.MethodGet, path: "/v1/events", key: &writer})
	if got.status != http.StatusMethodNotAllowed {
		t.Errorf("GET: %s", got)
	}
}

func TestValidEventsOfABatchAreTakenAndTheOthersNamed(t *testing.T) {
	i := running(t)
	const project = 7303
	key := i.newKey(t, fmt.Sprint(project), "ingest,read")
	lines := []string{
		opened(project, "a"),
		"",
		`no JSON`,
		opened(9998, "foreign"),
		event(project, someConversation, "b", "conversation.pushed", "2025-01-01T10:00:01Z", `{"toUser":{"id":0,"kind":"BOT"}}`),
		opened(project, "a"),
		event(project, someConversation, "c", "conversation.closed", "2025-01-01T10:00:09Z", `{}`),
	}
	got := i.do(t, request{method: http.MethodPost, path: "/v1/events", body: strings.Join(lines, "\n"), key: &key, headers: map[string]string{"Content-Type": ndjson}})
	var a accepted
	if err := json.Unmarshal(got.body, &a); err != nil || got.status != http.StatusAccepted {
		t.Fatal(got)
	}
	if a.Accepted+a.Duplicates != 3 || a.Duplicates != 1 || len(a.Rejected) != 3 {
		t.Fatalf("%s", got)
	}
	for n, want := range []struct {
		index int
		code  string
	}{{1, "INVALID_JSON"}, {2, "FORBIDDEN_PROJECT"}, {3, "INVALID_FIELD"}} {
		if a.Rejected[n].Index != want.index || a.Rejected[n].Code != want.code || a.Rejected[n].Message == "" {
			t.Errorf("rejected %d: %+v, want %+v", n, a.Rejected[n], want)
		}
	}
	waitForEvents(t, i, project, 2)
	// What is rejected is kept in quarantine, but for projects of others.
	eventually(t, func() error {
		rows, err := i.trySQL("SELECT reason, event_id FROM parley.quarantine WHERE log = 'rejected' AND (event_id IN ('b', 'foreign') OR reason = 'INVALID_JSON') ORDER BY reason, event_id")
		if err != nil {
			return err
		}
		for _, row := range rows {
			if row["event_id"] == "foreign" {
				t.Fatal("an event of another project is kept")
			}
			if row["event_id"] == "b" && row["reason"] == "INVALID_FIELD" {
				return nil
			}
		}
		return fmt.Errorf("quarantine: %v", rows)
	})
	// The id of a rejected event may be used by the corrected one.
	i.post(t, event(project, someConversation, "b", "conversation.pushed", "2025-01-01T10:00:01Z", `{"toUser":{"id":3,"kind":"BOT"}}`))
	waitForEvents(t, i, project, 3)
}

func TestProjectsOfOthersDoNotExist(t *testing.T) {
	i := running(t)
	i.post(t, exampleLines(t, 7304)...)
	i.post(t, exampleLines(t, 7305)...)
	waitForEvents(t, i, 7304, 11)
	waitForEvents(t, i, 7305, 11)
	key := i.newKey(t, "7304", "read")
	closed := func(projects string) string {
		return fmt.Sprint(i.graphQL(t, key, `{searchClosedConversations(filters: {projectIds: `+projects+`}, interval: {from: "2024-03-01T00:00:00Z", to: "2024-03-02T00:00:00Z"}) {
			totalCount edges {node {conversation {id project {id}}}}}}`))
	}
	if own := closed("7304"); !strings.Contains(own, "totalCount:1") {
		t.Errorf("own project: %s", own)
	}
	foreign, missing := closed("7305"), closed("1234567")
	if foreign != missing || !strings.Contains(foreign, "totalCount:0") {
		t.Errorf("a foreign project: %s, one that is not there: %s", foreign, missing)
	}
	if both := closed("[7304, 7305]"); both != closed("7304") {
		t.Errorf("both: %s", both)
	}
	// The id exists in both projects; the caller sees one and needs to name none.
	if got := fmt.Sprint(i.graphQL(t, key, `{conversation(id: "`+exampleConversation+`") {project {id}}}`)); !strings.Contains(got, "id:7304") {
		t.Errorf("conversation: %s", got)
	}
	if got := fmt.Sprint(i.graphQL(t, key, `{conversation(id: "`+exampleConversation+`", projectId: 7305) {id}}`)); !strings.Contains(got, "conversation:<nil>") {
		t.Errorf("conversation of a foreign project: %s", got)
	}
}

func TestQueriesNeedCredentialsAndScope(t *testing.T) {
	i := running(t)
	writer := i.newKey(t, "all", "ingest")
	body := `{"query":"{__typename}"}`
	headers := map[string]string{"Content-Type": "application/json"}
	if got := i.do(t, request{method: http.MethodPost, path: "/graphql", body: body, headers: headers}); got.status != http.StatusUnauthorized {
		t.Errorf("without credentials: %s", got)
	}
	if got := i.do(t, request{method: http.MethodPost, path: "/graphql", body: body, headers: headers, key: &writer}); got.status != http.StatusForbidden {
		t.Errorf("without the scope: %s", got)
	}
	if got := i.do(t, request{method: http.MethodGet, path: "/_authenticated", key: &writer}); got.status != http.StatusOK || strings.TrimSpace(string(got.body)) != `{"authenticated":true}` {
		t.Errorf("authenticated: %s", got)
	}
	if got := i.do(t, request{method: http.MethodGet, path: "/_authenticated"}); got.status != http.StatusUnauthorized || !strings.Contains(string(got.body), `"error":"invalid_token"`) {
		t.Errorf("not authenticated: %s", got)
	}
}

func TestUsersAndKeysAreLookedAfterBesideServe(t *testing.T) {
	i := running(t)
	const email, password = "ada@example.com", "correct horse battery"
	if _, stderr, code := i.command(t, password+"\n", "user", "add", "--email", email, "--projects", "1,2", "--scopes", "read"); code != 0 {
		t.Fatalf("user add: exit %d, %s", code, stderr)
	}
	if _, stderr, code := i.command(t, password+"\n", "user", "add", "--email", email, "--projects", "all", "--scopes", "read"); code == 0 || strings.Count(stderr, "\n") != 1 {
		t.Errorf("user add twice: exit %d, %q", code, stderr)
	}
	login := func() int {
		return i.do(t, request{method: http.MethodPost, path: "/oauth2/token", body: "grant_type=password&username=" + email + "&password=correct+horse+battery", headers: map[string]string{
			"Content-Type": "application/x-www-form-urlencoded",
		}}).status
	}
	if status := login(); status != http.StatusOK {
		t.Errorf("login: %d", status)
	}
	if list, _, code := i.command(t, "", "user", "list"); code != 0 || !strings.Contains(list, email) || strings.Contains(list, password) {
		t.Errorf("user list: exit %d, %s", code, list)
	}
	if _, stderr, code := i.command(t, "", "user", "remove", email); code != 0 {
		t.Errorf("user remove: exit %d, %s", code, stderr)
	}
	if status := login(); status == http.StatusOK {
		t.Errorf("login after removal: %d", status)
	}

	key := i.newKey(t, "all", "read")
	if got := i.do(t, request{method: http.MethodGet, path: "/_authenticated", key: &key}); got.status != http.StatusOK {
		t.Errorf("new key: %s", got)
	}
	if list, _, code := i.command(t, "", "key", "list", "--json"); code != 0 || !strings.Contains(list, key.ID) || strings.Contains(list, key.Secret) {
		t.Errorf("key list: exit %d, %s", code, list)
	}
	if _, stderr, code := i.command(t, "", "key", "remove", key.ID); code != 0 {
		t.Errorf("key remove: exit %d, %s", code, stderr)
	}
	if got := i.do(t, request{method: http.MethodGet, path: "/_authenticated", key: &key}); got.status != http.StatusUnauthorized {
		t.Errorf("removed key: %s", got)
	}
	if _, stderr, code := i.command(t, "", "key", "add", "--name", "n", "--projects", "one", "--scopes", "read"); code == 0 || !strings.Contains(stderr, "projects") {
		t.Errorf("wrong projects: exit %d, %q", code, stderr)
	}
}

func TestDoctorReportsARunningServeAsHealthy(t *testing.T) {
	i := running(t)
	stdout, stderr, code := i.command(t, "", "doctor")
	if code != 0 || strings.Contains(stdout, "FAIL") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	for _, check := range []string{"library", "data dir", "disk space", "serve", "nats", "log", "clickhouse", "tables", "position"} {
		if !strings.Contains(stdout, "ok    "+check+":") {
			t.Errorf("no line about %s:\n%s", check, stdout)
		}
	}
}

func TestDashboardUserReadsTheStableNamesOnly(t *testing.T) {
	i := running(t)
	if _, err := i.trySQL("SELECT 1 SETTINGS max_memory_usage = 100000000000"); err != nil {
		t.Errorf("more memory than the user's is clamped: %v", err)
	}
	for _, name := range []string{"conversations", "contacts", "transactions", "messages", "events", "quarantine", "customers", "sellers"} {
		if _, err := i.trySQL("SELECT count() FROM parley." + name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, statement := range []string{
		"SELECT count() FROM parley.visitors", "SELECT count() FROM parley.message_texts",
		"SELECT count() FROM parley.events_original", "SELECT count() FROM parley.quarantine_original",
		"SELECT count() FROM parley_1.conversations", "INSERT INTO parley.conversations (project_id) VALUES (1)",
		"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "SELECT * FROM file('/etc/passwd', 'LineAsString')",
		"SELECT 1 SETTINGS additional_table_filters = {'parley.conversations': '1'}", "DROP TABLE parley.conversations",
	} {
		if rows, err := i.trySQL(statement); err == nil {
			t.Errorf("%s is allowed: %v", statement, rows)
		}
	}
}
