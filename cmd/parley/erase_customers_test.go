package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/schema"
)

// TestErasureReachesEveryAPI asks each API for a person and a seller before and after
// they are erased (the names of a business stay); files, streams and tables are those of
// TestEraseLeavesNoTraceInAnyPlace.
func TestErasureReachesEveryAPI(t *testing.T) {
	i := start(t, filepath.Join(t.TempDir(), "data"), "--store-text")
	const project, visitor, person, shop = 7407, "v 1", "Qzx9-Persona", "Qzx9-Shop"
	c := &chatraAPI{i, i.newKey(t, fmt.Sprint(project), "ingest,read")}
	operator := i.chatKey(t, project, "--role", "operator")
	i.post(t, told(project, erasedConversation, visitor, person)...)
	chat := string(schema.ProfileSubject(project, schema.ProfileSeller, "5"))
	i.post(t, event(project, chat, "seller", "seller.updated", "2026-01-01T10:00:00Z", fmt.Sprintf(
		`{"seller":{"id":"5","businessName":"Corner","legalBusinessName":"Corner Ltd.","emailAddress":%[1]q,"phone":%[1]q}}`, shop)))
	client, body := "/api/clients/"+url.PathEscape(visitor), func(v map[string]string) string { b, _ := json.Marshal(v); return string(b) }
	c.object(t, http.MethodPut, client, body(map[string]string{"name": person + " x", "email": person, "phone": person, "notes": person}))
	sent := c.object(t, http.MethodPost, "/api/messages", body(map[string]string{
		"clientId": visitor, "text": person, "agentEmail": "liz@example.com", "agentName": "Liz", "receivedFrom": person,
	}))["id"].(string)
	pushed := c.object(t, http.MethodPost, "/api/pushedMessages", body(map[string]string{"clientId": visitor, "text": person}))["id"].(string)
	c.object(t, http.MethodPut, "/api/messages/"+sent, body(map[string]string{"text": person + " edited"}))
	i.chatData(t, operator, createDocument, map[string]any{"m": shop, "s": sellerGID("5")})
	c.ask(t, http.MethodGet, client, "") // waits for the tables

	graphQL := func(path, document string) string {
		got := i.do(t, request{method: http.MethodPost, path: path, key: &c.key, body: `{"query":` + quoted(t, document) + `}`, headers: map[string]string{"Content-Type": "application/json"}})
		if got.status != http.StatusOK {
			t.Errorf("%s: %s", document, got)
		}
		return string(got.body)
	}
	const fields = `id externalId firstName lastName email phone notes ipAddress ipLocation customData {key value}`
	const theirs = `id shopifyCustomerId firstName lastName fullName email phone ipAddress ipLocation`
	get := func(path string) func() string {
		return func() string { return string(c.ask(t, http.MethodGet, path, "").body) }
	}
	seller := func(document string) func() string {
		return func() string { return string(i.chat(t, operator, document, map[string]any{"s": sellerGID("5")}).body) }
	}
	places := map[string]struct {
		about string
		read  func() string
	}{
		"GraphQL customer": {person, func() string { return graphQL(graphQLPath, `{customer(id: "`+visitor+`") {`+fields+`}}`) }},
		"GraphQL customers": {person, func() string {
			return graphQL(graphQLPath, `{customers {edges {node {`+fields+` conversations {edges {node {customer {`+fields+`}}}}}}}}`)
		}},
		"GraphQL conversation": {person, func() string {
			return graphQL(graphQLPath, `{conversation(id: "`+erasedConversation+`") {visitor {id firstName email} customData {value} customer {`+fields+`}
				satisfactionSurvey {comment} messages {edges {node {... on ChatMessage {text}}}}}}`)
		}},
		"Chatty customer": {person, func() string { return graphQL(chattyPath, `{customer(id: "`+visitor+`") {`+theirs+`}}`) }},
		"Chatty customers": {person, func() string {
			return graphQL(chattyPath, `{customers {nodes {`+theirs+`} edges {node {`+theirs+`}}}}`)
		}},
		"Chatra client":         {person, get(client)},
		"Chatra message":        {person, get("/api/messages/" + sent)},
		"Chatra pushed message": {person, get("/api/pushedMessages/" + pushed)},
		"export of events":      {person, func() string { return i.must(t, "export", "events", "--projects", fmt.Sprint(project)) }},
		"export of conversations": {person, func() string {
			return i.must(t, "export", "conversations", "--format", "ndjson", "--filter", fmt.Sprintf("projectIds=%d", project), "--filter", "from=2020-01-01T00:00:00Z", "--filter", "to=2030-01-01T00:00:00Z")
		}},
		"Marketplacer sellers": {shop, seller(`{sellersForChats {nodes {businessName legalBusinessName emailAddress phone}}}`)},
		"Marketplacer node":    {shop, seller(`query($s: ID!) {node(id: $s) {... on Seller {emailAddress chatMessages {nodes {message}}}}}`)},
		"Marketplacer chat":    {shop, seller(`query($s: ID) {chatMessages(sellerId: $s) {nodes {message seller {phone}}}}`)},
		"customers_personal":   {person, func() string { return i.asWriter(t, "SELECT * FROM parley.customers_personal FORMAT JSONEachRow") }},
		"sellers_personal":     {shop, func() string { return i.asWriter(t, "SELECT * FROM parley.sellers_personal FORMAT JSONEachRow") }},
	}
	for name, place := range places {
		if got := place.read(); !strings.Contains(got, place.about) {
			t.Errorf("%s does not tell of them before, so the test tests nothing: %s", name, got)
		}
	}
	erase := []string{"erase", "--project", fmt.Sprint(project), "--grace", "100ms", "--yes"}
	t.Log(i.must(t, append(erase, "--visitor", visitor)...), i.must(t, append(erase, "--conversation", chat)...))
	for name, place := range places {
		if got := place.read(); strings.Contains(got, place.about) {
			t.Errorf("%s still tells of them: %s", name, got)
		}
	}
	if rows := i.rowsWith(t, "Qzx9-"); len(rows) > 0 {
		t.Errorf("tables hold %v", rows)
	}
	i.want(t, 0, "verify")
}
