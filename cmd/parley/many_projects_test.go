package main

import (
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// manyProjects lists n projects with ids of ten digits, the first of them one.
func manyProjects(one, n int) string {
	ids := make([]string, n)
	ids[0] = fmt.Sprint(one)
	for i := 1; i < n; i++ {
		ids[i] = fmt.Sprint(math.MaxInt32 - n + i)
	}
	return strings.Join(ids, ",")
}

// A credential may name 10,000 projects, and then everything works with it: one
// more is refused with the limit in the message.
func TestACredentialOfTenThousandProjectsWorks(t *testing.T) {
	i := running(t)
	const project, conversation = 7950, "79500000-0000-4000-8000-000000000001"
	projects := manyProjects(project, auth.MaxProjects)
	key := i.newKey(t, projects, "read,ingest,admin")
	lines := []string{
		event(project, conversation, "o", "conversation.opened", "2025-03-01T10:00:00Z", `{"channel":"SMS"}`),
		event(project, conversation, "p", "conversation.pushed", "2025-03-01T10:00:01Z", `{"toUser":{"id":5,"kind":"BOT"}}`),
		event(project, conversation, "c", "conversation.closed", "2025-03-01T10:00:05Z", `{}`),
	}
	got := i.do(t, request{
		method: http.MethodPost, path: "/v1/events", body: strings.Join(lines, "\n"), key: &key,
		headers: map[string]string{"Content-Type": "application/x-ndjson"},
	})
	if got.status != http.StatusAccepted {
		t.Fatal(got)
	}
	waitForEvents(t, i, project, 3)

	const interval = `interval: {from: "2025-03-01T00:00:00Z", to: "2025-03-02T00:00:00Z"}`
	for name, query := range map[string]string{
		"closedConversations": `{closedConversations(` + interval + `) {totalCount edges {node {id contacts {id} transactions: conversions {transactions {amount}} messages {totalCount}}}}}`,
		"search":              `{searchClosedConversations(filters: {projectIds: 7950}, ` + interval + `) {totalCount edges {node {conversation {id}}}}}`,
		"contacts":            `{contacts(` + interval + `, filters: {userIds: [5], channels: [SMS]}) {totalCount edges {node {id conversation {id}}}}}`,
		"conversation":        `{conversation(id: "` + conversation + `") {id contactCount}}`,
		"explain":             `{explain(conversationId: "` + conversation + `") {events {sequence}}}`,
		"metrics":             `{metrics(` + interval + `, groupBy: [OPERATOR], step: DAY, timeZone: "Europe/Paris") {total {closedConversations contacts csat wait {count}} buckets {contacts}}}`,
	} {
		if data := i.graphQL(t, key, query); name != "metrics" && name != "explain" && !strings.Contains(fmt.Sprint(data), conversation) {
			t.Errorf("%s: %v", name, data)
		}
	}
	for _, table := range []string{"conversations", "contacts", "transactions"} {
		if got := i.do(t, request{method: http.MethodGet, path: "/v1/export/" + table + "?format=ndjson", key: &key}); got.status != http.StatusOK {
			t.Errorf("export of %s: %.300s", table, got)
		}
	}
	token := i.token(t, key)
	if len(token) > 1000 {
		t.Errorf("a token has %d bytes: it carries the projects", len(token))
	}

	for _, arguments := range [][]string{
		{"key", "add", "--name", "n", "--scopes", "read", "--projects", manyProjects(1, auth.MaxProjects+1)},
		{"user", "add", "--email", "many@example.org", "--scopes", "read", "--projects", manyProjects(1, auth.MaxProjects+1)},
		{"key", "set", key.ID, "--projects", manyProjects(1, auth.MaxProjects+1)},
	} {
		if _, stderr, code := i.command(t, "correct horse\n", arguments...); code != exitFailed || !strings.Contains(stderr, "at most 10000 ids") {
			t.Errorf("%v: exit %d, %s", arguments[:2], code, stderr)
		}
	}
	list, _, _ := i.command(t, "", "key", "list", "--json")
	if !strings.Contains(list, projects) {
		t.Error("the list does not show the projects")
	}
	if stdout, stderr, code := i.command(t, "correct horse\n", "user", "add", "--email", "many@example.org", "--scopes", "read", "--projects", projects); code != 0 {
		t.Errorf("a user: exit %d, %s%s", code, stdout, stderr)
	}
}
