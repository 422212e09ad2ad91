package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// TestIntrospectionOfEachEndpointGivesItsSDL has graphql-js build the schema of a
// client from what the real binary answers.
func TestIntrospectionOfEachEndpointGivesItsSDL(t *testing.T) {
	i := running(t)
	reference := func(input, output any) {
		asked, err := json.Marshal(input)
		if err != nil {
			t.Fatal(err)
		}
		command := exec.CommandContext(t.Context(), "node", "reference.mjs")
		command.Dir, command.Stdin, command.Stderr = "../../query/transport/testdata/audit", bytes.NewReader(asked), os.Stderr
		out, err := command.Output()
		if err != nil {
			t.Fatalf("graphql-js (run `make audit`): %v", err)
		}
		if err := json.Unmarshal(out, output); err != nil {
			t.Fatal(err)
		}
	}
	var asked struct{ Query string }
	reference(map[string]any{}, &asked)
	chat, read := i.chatKey(t, 7957, "--role", "operator"), i.newKey(t, "7957", "read")
	for path, endpoint := range map[string]struct {
		sdl     string
		lines   int
		headers map[string]string
	}{
		graphQLPath:      {sdl.SDL(), 900, map[string]string{"x-api-id": read.ID, "x-api-secret": read.Secret}},
		chattyPath:       {sdl.Chatty(), 100, map[string]string{"x-api-id": read.ID, "x-api-secret": read.Secret}},
		marketplacerPath: {sdl.Marketplacer(), 200, map[string]string{marketplacerHeader: chat.APIKey}},
	} {
		endpoint.headers["Content-Type"] = "application/json"
		got := i.do(t, request{method: http.MethodPost, path: path, body: `{"query":` + quoted(t, asked.Query) + `}`, headers: endpoint.headers})
		var answered struct{ Data, Errors json.RawMessage }
		if err := json.Unmarshal(got.body, &answered); err != nil || answered.Errors != nil || got.status != http.StatusOK {
			t.Fatalf("%s: %.1000s", path, got)
		}
		var theirs struct{ Schemas []string }
		reference(map[string]any{"sdl": endpoint.sdl, "cases": []any{}, "introspection": answered.Data}, &theirs)
		if len(theirs.Schemas) != 2 || theirs.Schemas[0] != theirs.Schemas[1] || strings.Count(theirs.Schemas[0], "\n") < endpoint.lines {
			t.Errorf("%s: the SDL is\n%s\nthe introspection gives\n%s", path, theirs.Schemas[0], theirs.Schemas[1])
		}
	}
}

// the cost is in every answer, whatever is wrong with the request.
func TestEveryAnswerOfChattyReportsItsCost(t *testing.T) {
	i := running(t)
	key := i.newKey(t, "7406", "read")
	ask := func(method, body string, headers ...string) answer {
		sent := map[string]string{"Content-Type": "application/json", "x-api-id": key.ID, "x-api-secret": key.Secret}
		for n := 0; n < len(headers); n += 2 {
			sent[headers[n]] = headers[n+1]
		}
		return i.do(t, request{method: method, path: chattyPath, body: body, headers: sent})
	}
	for name, got := range map[string]answer{
		"data":           ask(http.MethodPost, `{"query":"{customers(first: 1) {totalCount}}"}`),
		"no JSON":        ask(http.MethodPost, `{`),
		"no query":       ask(http.MethodPost, `{}`),
		"a list":         ask(http.MethodPost, `[{"query":"{__typename}"}]`),
		"syntax":         ask(http.MethodPost, `{"query":"{"}`),
		"field":          ask(http.MethodPost, `{"query":"{nope}"}`),
		"variable":       ask(http.MethodPost, `{"query":"query($id: ID!) {customer(id: $id) {id}}"}`),
		"page":           ask(http.MethodPost, `{"query":"{customers(first: 101) {totalCount}}"}`),
		"mutation":       ask(http.MethodPost, `{"query":"mutation {x}"}`),
		"too deep":       ask(http.MethodPost, `{"query":"`+strings.Repeat("{a", 100)+strings.Repeat("}", 100)+`"}`),
		"too long":       ask(http.MethodPost, `{"query":"`+strings.Repeat(" ", 2<<20)+`"}`),
		"GET":            ask(http.MethodGet, ""),
		"method":         ask(http.MethodDelete, ""),
		"type":           ask(http.MethodPost, `{"query":"{__typename}"}`, "Content-Type", "text/plain"),
		"encoding":       ask(http.MethodPost, `{"query":"{__typename}"}`, "Content-Encoding", "gzip"),
		"Accept":         ask(http.MethodPost, `{"query":"{__typename}"}`, "Accept", "image/png"),
		"no credentials": ask(http.MethodPost, `{"query":"{__typename}"}`, "x-api-id", "", "x-api-secret", ""),
		"wrong secret":   ask(http.MethodPost, `{"query":"{__typename}"}`, "x-api-secret", "x"),
	} {
		var answered chattyAnswer
		if err := json.Unmarshal(got.body, &answered); err != nil || answered.Extensions.Cost["throttleStatus"] == nil {
			t.Errorf("%s: without a cost: %s", name, got)
		}
		if wrong := name != "data"; wrong != (len(answered.Errors) > 0) {
			t.Errorf("%s: %s", name, got)
		}
		for _, e := range answered.Errors {
			if e.Message == "" || e.Extensions.Code == "" {
				t.Errorf("%s: an error without message or code: %s", name, got)
			}
		}
	}
}

// A throttled request is answered in Chatty's form, with status 200.
func TestThrottledRequestOfChatty(t *testing.T) {
	config := filepath.Join(t.TempDir(), "parley.yaml")
	if err := os.WriteFile(config, []byte("query:\n  limits:\n    budget: 1000\n    restore: 1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	i := start(t, t.TempDir(), "--config", config)
	for range 1000 {
		a, got := i.chatty(t, &i.admin, `{a: customers(first: 100) {nodes {id}} b: customers(first: 100) {nodes {id}}}`, `{}`)
		if len(a.Errors) == 0 {
			continue
		}
		if got.status != http.StatusOK || strings.Contains(string(got.body), `"data"`) || a.Errors[0].Message != "Throttled" || a.Errors[0].Extensions.Code != "THROTTLED" {
			t.Errorf("throttled: %s", got)
		}
		if actual, given := a.Extensions.Cost["actualQueryCost"]; !given || actual != nil || a.Extensions.Cost["requestedQueryCost"] == 0.0 {
			t.Errorf("the cost of a throttled request: %s", got)
		}
		return
	}
	t.Error("nothing is throttled")
}

// B-2: a seller runs the article's documents without naming itself.
func TestSellerRunsTheArticlesDocumentsWithoutItsID(t *testing.T) {
	i := running(t)
	const project = 7958
	i.addSellers(t, project, map[string]string{"660119": "Cell Phone Shop", "660120": "Cell Phone Garden"})
	key := i.chatKey(t, project, "--role", "seller", "--seller", "660119")
	own := regexp.MustCompile(`(,\s*)?seller(Id)?: "U2VsbGVyLTY2MDExOQ==",?`)
	for n, wanted := range []string{
		`{"sellersForChats":{"totalCount":1,"pageInfo":{"hasNextPage":false,"endCursor":"`, `"errors":null`,
		`"totalCount":1,`, `{"chatMessageRead":{"errors":null}}`,
	} {
		document := strings.Replace(own.ReplaceAllString(articleDocuments[n], ""), `sentBy: "User"`, `sentBy: "Admin"`, 1)
		if n > 0 && document == articleDocuments[n] || strings.Contains(document, "U2Vs") {
			t.Fatal(document)
		}
		if got := i.chatData(t, key, document, nil); !strings.Contains(got, wanted) {
			t.Errorf("%s\nanswered %s", document, got)
		}
	}
}

// B-4, and the two other limits: each counts by itself, whatever the requests are.
func TestRequestsOfSellerChatsAreLimited(t *testing.T) {
	i := start(t, t.TempDir(), "--trusted-proxy", "127.0.0.1/32")
	const project = 7959
	operators := []string{i.chatKey(t, project, "--role", "operator").APIKey, i.chatKey(t, project, "--role", "operator").APIKey}
	elsewhere := i.chatKey(t, project+1, "--role", "operator").APIKey
	// flood sends as fast as it can until one is refused, and returns how many were let in.
	flood := func(t *testing.T, most int, ask func(n int) (key, address string)) (let int64) {
		var next, taken atomic.Int64
		var refused atomic.Bool
		var group sync.WaitGroup
		for range 16 {
			group.Go(func() {
				for !refused.Load() {
					n := int(next.Add(1))
					if n > most {
						return
					}
					key, address := ask(n)
					got := i.do(t, request{method: http.MethodPost, path: marketplacerPath, body: `{"query":"{__typename}"}`, headers: map[string]string{
						"Content-Type": "application/json", marketplacerHeader: key, "X-Forwarded-For": address,
					}})
					if got.status != http.StatusTooManyRequests {
						taken.Add(1)
						continue
					}
					refused.Store(true)
					if seconds, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || seconds < 1 || seconds > 10 {
						t.Errorf("Retry-After %q", got.header.Get("Retry-After"))
					}
				}
			})
		}
		group.Wait()
		if !refused.Load() {
			t.Errorf("%d requests are let in", taken.Load())
		}
		return taken.Load()
	}
	many := func(n int) string { return fmt.Sprintf("192.0.2.%d", n%200) }
	for _, c := range []struct {
		name string
		most int64
		ask  func(n int) (key, address string)
	}{
		{"address without a key", 600, func(int) (string, string) { return "", "198.51.100.1" }},
		{"address", 600, func(n int) (string, string) { return operators[n%2], "198.51.100.2" }},
		{"key", 750, func(n int) (string, string) { return elsewhere, many(n) }},
		{"operator", 1200, func(n int) (string, string) { return operators[n%2], many(n) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			// On a slow machine more are let in: those of 10 s earlier count no more.
			if let := flood(t, 20000, c.ask); let < c.most/2 || let > 5*c.most {
				t.Errorf("%d requests were let in, want about %d", let, c.most)
			}
		})
	}
}

// C-6: Brevo's bodies, posted to a webhook of Chatra, make the same rows.
func TestBrevoWebhooksMakeTheRowsOfChatras(t *testing.T) {
	i := running(t)
	renames := strings.NewReplacer(
		`"chatStarted"`, `"conversationStarted"`, `"chatFragment"`, `"conversationFragment"`, `"chatTranscript"`, `"conversationTranscript"`,
		`"client"`, `"visitor"`, `"clientId"`, `"visitorId"`, `"chatId"`, `"conversationId"`, `"chatStartedPage"`, `"conversationStartPage"`,
		`"chatLink"`, `"conversationLink"`, `"chatLanguage"`, `"conversationLanguage"`,
	)
	bodies := captured(t, "chatra", "1-chatStarted", "2-chatFragment", "3-chatFragment", "4-chatTranscript")
	id := regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}`)
	var rows [2]string
	for n, project := range []int{8113, 8114} {
		hook := i.addHook(t, "chatra", project, "")
		for _, body := range bodies {
			if n == 1 {
				body = renames.Replace(body)
			}
			i.delivered(t, hook, body)
		}
		eventually(t, func() error {
			if closed := i.number(t, fmt.Sprintf("SELECT count() AS n FROM parley.conversations WHERE project_id = %d AND closed_at IS NOT NULL", project)); closed != 1 {
				return fmt.Errorf("%d closed conversations", closed)
			}
			return nil
		})
		rows[n] = id.ReplaceAllString(rowsOf(t, i, project), "ID") // the id is made of the project too
	}
	if rows[0] != rows[1] || strings.Count(rows[0], "\n") < 8 {
		t.Errorf("Chatra's\n%s\nBrevo's\n%s", rows[0], rows[1])
	}
}
