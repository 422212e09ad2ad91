package main

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/auth"
)

// exampleConversation is the conversation of testdata/snooze.ndjson.
const exampleConversation = "0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01"

// exampleLines are the events of the example, in another project.
func exampleLines(t *testing.T, project int) []string {
	t.Helper()
	content, err := os.ReadFile("testdata/snooze.ndjson")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(string(content), `"projectid":9999`, fmt.Sprintf(`"projectid":%d`, project))
	return strings.Split(strings.TrimSpace(text), "\n")
}

// waitForEvents waits until so many events of a project are in the tables.
func waitForEvents(t *testing.T, i *instance, project, events int) {
	t.Helper()
	eventually(t, func() error {
		rows, err := i.trySQL(fmt.Sprintf("SELECT count() AS n FROM parley.events WHERE project_id = %d", project))
		if err != nil {
			return err
		}
		if n := fmt.Sprint(rows[0]["n"]); n != fmt.Sprint(events) {
			return fmt.Errorf("%s of %d events are in the tables", n, events)
		}
		return nil
	})
}

func TestExampleStreamYieldsItsRowsInEveryContentType(t *testing.T) {
	i := running(t)
	key := i.newKey(t, "all", "ingest")
	send := func(contentType, body string, headers map[string]string) accepted {
		t.Helper()
		all := map[string]string{"Content-Type": contentType}
		for name, value := range headers {
			all[name] = value
		}
		got := i.do(t, request{method: http.MethodPost, path: "/v1/events", body: body, headers: all, key: &key})
		var a accepted
		if err := json.Unmarshal(got.body, &a); err != nil || got.status != http.StatusAccepted {
			t.Fatalf("%s: %s", contentType, got)
		}
		if a.FirstSequence == nil || a.LastSequence == nil || *a.LastSequence < *a.FirstSequence || !strings.Contains(string(got.body), `"rejected":[]`) {
			t.Fatalf("%s: %s", contentType, got)
		}
		return a
	}
	for _, kind := range []struct {
		name    string
		project int
		send    func(t *testing.T, lines []string)
	}{
		{"ndjson", 7001, func(t *testing.T, lines []string) {
			if a := send("application/x-ndjson", "\n"+strings.Join(lines, "\n\n")+"\n", nil); a.Accepted != len(lines) {
				t.Fatalf("%+v", a)
			}
		}},
		{"batch", 7002, func(t *testing.T, lines []string) {
			if a := send("application/cloudevents-batch+json", "["+strings.Join(lines, ",")+"]", nil); a.Accepted != len(lines) {
				t.Fatalf("%+v", a)
			}
		}},
		{"structured", 7003, func(t *testing.T, lines []string) {
			for _, line := range lines {
				if a := send("application/cloudevents+json; charset=utf-8", line, nil); a.Accepted != 1 {
					t.Fatalf("%+v", a)
				}
			}
		}},
		{"binary", 7004, func(t *testing.T, lines []string) {
			for _, line := range lines {
				var event map[string]json.RawMessage
				if err := json.Unmarshal([]byte(line), &event); err != nil {
					t.Fatal(err)
				}
				headers := make(map[string]string)
				for name, value := range event {
					if name != "data" && name != "datacontenttype" {
						headers["ce-"+name] = strings.Trim(string(value), `"`)
					}
				}
				if a := send("application/json", string(event["data"]), headers); a.Accepted != 1 {
					t.Fatalf("%+v", a)
				}
			}
		}},
	} {
		t.Run(kind.name, func(t *testing.T) {
			lines := exampleLines(t, kind.project)
			kind.send(t, lines)
			waitForEvents(t, i, kind.project, len(lines))
			wantExample(t, i, kind.project)
		})
	}
}

// example is testdata/snooze.expected.json.
type example struct {
	Conversation map[string]any
	Contacts     []map[string]any
}

func expectedExample(t *testing.T, project int) example {
	t.Helper()
	content, err := os.ReadFile("testdata/snooze.expected.json")
	if err != nil {
		t.Fatal(err)
	}
	var want example
	decoder := json.NewDecoder(strings.NewReader(strings.ReplaceAll(string(content), "9999", fmt.Sprint(project))))
	decoder.UseNumber()
	if err := decoder.Decode(&want); err != nil {
		t.Fatal(err)
	}
	return want
}

// wantExample compares the example's rows, in ClickHouse and over GraphQL, with
// what is expected.
func wantExample(t *testing.T, i *instance, project int) {
	t.Helper()
	want := expectedExample(t, project)

	rows := i.sql(t, fmt.Sprintf("SELECT * FROM parley.conversations WHERE project_id = %d", project))
	if len(rows) != 1 {
		t.Fatalf("%d rows of conversations", len(rows))
	}
	for field, value := range want.Conversation {
		column := columnOf(field, "conversation_id", "satisfaction_comment")
		switch field {
		case "transactions":
			wantTransactions(t, i, project, value.([]any))
			continue
		case "duration": // a form of durationMs, of GraphQL only
			continue
		}
		wantSame(t, "conversations."+column, value, rows[0], column)
	}
	contacts := i.sql(t, fmt.Sprintf("SELECT * FROM parley.contacts WHERE project_id = %d ORDER BY ordinal", project))
	if len(contacts) != len(want.Contacts) {
		t.Fatalf("%d rows of contacts", len(contacts))
	}
	for n, contact := range want.Contacts {
		for field, value := range contact {
			column := columnOf(field, "contact_id", "")
			wantSame(t, fmt.Sprintf("contact %d: %s", n+1, column), value, contacts[n], column)
		}
	}

	data := i.graphQL(t, i.admin, fmt.Sprintf(`{conversation(id: %q, projectId: %d) {
		id project {id} channel language createdAt closedAt durationMs duration contactCount snoozeCount transferCount
		reopenCount anomalyCount answered answeredByHuman automationLevel abandoned firstResponseTimeMs resolutionTimeMs
		firstResolutionTimeMs handleTimeMs humanHandleTimeMs snoozeTimeMs visitorMessageCount operatorMessageCount eventCount
		satisfactionSurvey {customerSatisfaction netPromoterScore comment}
		conversions {transactions {amount currency externalConversionId receivedAt}}
		contacts {id ordinal startedAt endedAt durationMs status ending endingInferred waitTimeMs firstResponseTimeMs
			visitorMessageCount operatorMessageCount operator {id} routingRule {id} routingGroup {id}}
	}}`, exampleConversation, project))
	got := data["conversation"].(map[string]any)
	survey := got["satisfactionSurvey"].(map[string]any)
	for field, value := range want.Conversation {
		switch field {
		case "projectId":
			wantSame(t, "project.id", value, got["project"].(map[string]any), "id")
		case "customerSatisfaction", "netPromoterScore", "comment":
			wantSame(t, "satisfactionSurvey."+field, value, survey, field)
		case "transactions":
			sale := got["conversions"].(map[string]any)["transactions"].([]any)[0].(map[string]any)
			for member, value := range value.([]any)[0].(map[string]any) {
				if member != "transactionId" {
					wantSame(t, "transactions[0]."+member, value, sale, member)
				}
			}
		default:
			wantSame(t, field, value, got, field)
		}
	}
	nodes := got["contacts"].([]any)
	if len(nodes) != len(want.Contacts) {
		t.Fatalf("%d contacts over GraphQL", len(nodes))
	}
	for n, contact := range want.Contacts {
		node := nodes[n].(map[string]any)
		for field, value := range contact {
			switch of, inner := strings.CutSuffix(field, "Id"); {
			case inner:
				wantSame(t, fmt.Sprintf("contacts[%d].%s.id", n, of), value, node[of].(map[string]any), "id")
			default:
				wantSame(t, fmt.Sprintf("contacts[%d].%s", n, field), value, node, field)
			}
		}
	}
}

func wantTransactions(t *testing.T, i *instance, project int, want []any) {
	t.Helper()
	rows := i.sql(t, fmt.Sprintf("SELECT * FROM parley.transactions WHERE project_id = %d", project))
	if len(rows) != len(want) {
		t.Fatalf("%d rows of transactions", len(rows))
	}
	for field, value := range want[0].(map[string]any) {
		wantSame(t, "transactions."+columnOf(field, "", ""), value, rows[0], columnOf(field, "", ""))
	}
}

// columnOf is the snake_case of a field name.
func columnOf(field, id, comment string) string {
	switch {
	case field == "id":
		return id
	case field == "comment":
		return comment
	}
	var b strings.Builder
	for _, r := range field {
		if r >= 'A' && r <= 'Z' {
			b.WriteByte('_')
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// wantSame compares values across JSON spellings: amounts as numbers, times with
// or without zeros at the end.
func wantSame(t *testing.T, what string, want any, row map[string]any, name string) {
	t.Helper()
	found, there := row[name]
	if !there {
		t.Errorf("%s is not there", what)
		return
	}
	if plain(want) != plain(found) {
		t.Errorf("%s is %v, want %v", what, found, want)
	}
}

func plain(value any) string {
	text := fmt.Sprint(value)
	if moment, err := time.Parse(time.RFC3339, text); err == nil {
		return moment.UTC().Format(time.RFC3339Nano)
	}
	if strings.Contains(text, ".") && strings.Trim(text, "-0123456789.") == "" {
		text = strings.TrimRight(strings.TrimRight(text, "0"), ".")
	}
	return text
}

// documented are the queries of testdata/queries.graphql.
func documented(t *testing.T) map[string]string {
	t.Helper()
	content, err := os.ReadFile("testdata/queries.graphql")
	if err != nil {
		t.Fatal(err)
	}
	queries := make(map[string]string)
	for _, part := range strings.Split(string(content), "\nquery ")[1:] {
		name, _, _ := strings.Cut(part, " ")
		queries[name] = "query " + part
	}
	if len(queries) != 3 {
		t.Fatalf("%d documented queries", len(queries))
	}
	return queries
}

func TestDocumentedQueriesRunUnchanged(t *testing.T) {
	i := running(t)
	const id = "11111111-1111-4111-8111-111111111111"
	at := func(clock string) string { return "2020-06-01T" + clock + "Z" }
	i.post(t,
		event(9999, id, "d1", "conversation.opened", at("10:00:00"), `{"channel":"CHAT"}`),
		event(9999, id, "d2", "conversation.pushed", at("10:00:01"), `{"toUser":{"id":1,"kind":"PROFESSIONAL"}}`),
		event(9999, id, "d3", "conversation.closed", at("10:05:12.900"), `{}`),
		event(9999, id, "d4", "satisfaction.answered", at("10:06:00"), `{"customerSatisfaction":4,"comment":"bien"}`),
		event(9999, id, "d5", "transaction.recorded", at("11:00:00"), `{"externalConversionId":"o-1","amount":12345678901.23,"currency":"EUR"}`),
	)
	eventually(t, func() error {
		rows, err := i.trySQL(fmt.Sprintf("SELECT event_count FROM parley.conversations WHERE conversation_id = '%s'", id))
		if err == nil && (len(rows) != 1 || fmt.Sprint(rows[0]["event_count"]) != "5") {
			err = fmt.Errorf("conversations: %v", rows)
		}
		return err
	})
	conversation := `"conversation":{"id":"` + id + `","duration":"PT312S","createdAt":"2020-06-01T10:00:00.000Z","closedAt":"2020-06-01T10:05:12.900Z"}`
	survey := `,"satisfactionSurvey":{"comment":"bien","customerSatisfaction":4,"netPromoterScore":null}`
	sales := `,"conversions":{"transactions":[{"amount":12345678901.23,"currency":"EUR","externalConversionId":"o-1","receivedAt":"2020-06-01T11:00:00.000Z"}]}`
	want := map[string]string{"Dates": conversation, "Satisfaction": conversation + survey, "Conversions": conversation + survey + sales}

	token := i.token(t, i.admin)
	for name, query := range documented(t) {
		for spelling, text := range map[string]string{"as in the file": query, "with no-break spaces": strings.ReplaceAll(query, " ", "\u00a0")} {
			body, err := json.Marshal(map[string]string{"query": text})
			if err != nil {
				t.Fatal(err)
			}
			got := i.do(t, request{method: http.MethodPost, path: "/graphql", body: string(body), headers: map[string]string{
				"Content-Type": "application/json", "Authorization": "Bearer " + token,
			}})
			expected := `{"data":{"searchClosedConversations":{"edges":[{"node":{` + want[name] + `}}]}}`
			if got.status != http.StatusOK || !strings.HasPrefix(string(got.body), expected) || strings.Contains(string(got.body), `"errors"`) {
				t.Errorf("%s, %s:\n got %s\nwant %s", name, spelling, got, expected)
			}
		}
	}
}

// token asks for an access token with a key.
func (i *instance) token(t *testing.T, key auth.Key) string {
	t.Helper()
	got := i.do(t, request{method: http.MethodPost, path: "/oauth2/token", body: "grant_type=client_credentials", headers: map[string]string{
		"Content-Type":  "application/x-www-form-urlencoded",
		"Authorization": "Basic " + base64.StdEncoding.EncodeToString([]byte(key.ID+":"+key.Secret)),
	}})
	var granted struct {
		AccessToken  string `json:"access_token"`
		RefreshToken string `json:"refresh_token"`
		TokenType    string `json:"token_type"`
		ExpiresIn    int    `json:"expires_in"`
	}
	if err := json.Unmarshal(got.body, &granted); err != nil || got.status != http.StatusOK ||
		granted.AccessToken == "" || granted.TokenType != "bearer" || granted.ExpiresIn != 86400 || granted.RefreshToken != "" {
		t.Fatalf("POST /oauth2/token: %s", got)
	}
	return granted.AccessToken
}

// event is the structured form of an event.
func event(project int, conversation, id, kind, at, data string) string {
	return fmt.Sprintf(`{"specversion":"1.0","id":%q,"source":"test","type":"parley.%s.v1","time":%q,"subject":%q,"projectid":%d,"datacontenttype":"application/json","data":%s}`,
		id, kind, at, conversation, project, data)
}
