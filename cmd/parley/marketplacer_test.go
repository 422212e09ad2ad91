package main

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parley-analytics/parley/cmd/internal/crash"
	"github.com/parley-analytics/parley/query/auth"
	"github.com/parley-analytics/parley/schema"
)

// chatKey adds a key with a role with `parley key add`.
func (i *instance) chatKey(t *testing.T, project int, flags ...string) auth.Key {
	t.Helper()
	stdout, stderr, code := i.command(t, "", append([]string{"key", "add", "--name", t.Name(), "--projects", fmt.Sprint(project)}, flags...)...)
	var key auth.Key
	if err := json.Unmarshal([]byte(stdout), &key); err != nil || code != 0 || key.APIKey == "" {
		t.Fatalf("key add: exit %d, %q, %q", code, stdout, stderr)
	}
	return key
}

// addSellers posts profiles, by id and name.
func (i *instance) addSellers(t *testing.T, project int, names map[string]string) {
	t.Helper()
	var lines []string
	for id, name := range names {
		subject := schema.ProfileSubject(schema.ProjectID(project), schema.ProfileSeller, id)
		lines = append(lines, event(project, string(subject), "seller-"+id, "seller.updated", "2026-01-01T10:00:00Z",
			fmt.Sprintf(`{"seller":{"id":%q,"businessName":%q,"legalBusinessName":"%[2]s Ltd.","emailAddress":"a@example.org"}}`, id, name)))
	}
	i.post(t, lines...)
	waitForEvents(t, i, project, len(lines))
}

func sellerGID(id string) string {
	return base64.StdEncoding.EncodeToString([]byte("Seller-" + id))
}

// chat sends a document; it waits where asked.
func (i *instance) chat(t *testing.T, key auth.Key, document string, variables map[string]any) answer {
	t.Helper()
	body, err := json.Marshal(map[string]any{"query": document, "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	for {
		got := i.do(t, request{method: http.MethodPost, path: marketplacerPath, body: string(body), headers: map[string]string{
			"Content-Type": "application/json", "marketplacer-api-key": key.APIKey,
		}})
		if got.status != http.StatusTooManyRequests {
			return got
		}
		seconds, err := strconv.Atoi(got.header.Get("Retry-After"))
		if err != nil || seconds < 1 || seconds > 10 {
			t.Fatalf("429 with Retry-After %q", got.header.Get("Retry-After"))
		}
		<-time.After(time.Duration(seconds) * time.Second)
	}
}

// chatData wants an answer without errors at the top.
func (i *instance) chatData(t *testing.T, key auth.Key, document string, variables map[string]any) string {
	t.Helper()
	got := i.chat(t, key, document, variables)
	var answered struct{ Data, Errors json.RawMessage }
	if err := json.Unmarshal(got.body, &answered); err != nil || got.status != http.StatusOK || answered.Errors != nil {
		t.Fatalf("%s\nanswered %s", document, got)
	}
	return string(answered.Data)
}

const (
	createDocument = `mutation($m: String!, $s: ID, $c: String) { chatMessageCreate(input: {message: $m, sellerId: $s, clientMutationId: $c}) {
		status clientMutationId errors { field messages } chatMessage { id message sentByType readAt } } }`
	readDocument = `mutation($s: ID, $by: String!) { chatMessageRead(input: {seller: $s, sentBy: $by}) { status errors { field messages } chatMessage { message readAt } } }`
	listDocument = `query($s: ID) { chatMessages(sellerId: $s) { totalCount admin: totalUnreadCount(for: "Admin") user: totalUnreadCount(for: "User")
		lastReadMessage(for: "Admin") { message } nodes { message sentByType readAt seller { businessName } } } }`
)

// The four documents of Marketplacer's page on chats with sellers, verbatim.
var articleDocuments = []string{`query FetchSellersForChat {
sellersForChats(first: 10, after: null, q: "Cell Phone") {
totalCount
pageInfo {
hasNextPage
endCursor
}
nodes {
id
businessName
}
}
}`, `mutation SendMessgaeToSeller {
chatMessageCreate(
input: {
message: "Can you check to see when order 12345 will be dispatched?"
sellerId: "U2VsbGVyLTY2MDExOQ=="
}
) {
chatMessage {
id
}
errors {
field
messages
}
}
}`, `query GetChatMessages {
chatMessages(first: 10, after: null, sellerId: "U2VsbGVyLTY2MDExOQ==") {
totalCount
pageInfo {
hasNextPage
endCursor
}
nodes {
id
createdAt
message
readAt
seller {
businessName
}
sentByType
}
}
}`, `mutation ConfirmReadOfChatMessage {
chatMessageRead(input: { seller: "U2VsbGVyLTY2MDExOQ==", sentBy: "User" }) {
errors {
messages
field
}
}
}`}

func TestTheArticlesDocumentsOnSellerChatsRunVerbatim(t *testing.T) {
	i := running(t)
	const project = 7951
	i.addSellers(t, project, map[string]string{"660119": "Cell Phone Shop", "660120": "Garden Shop"})
	key := i.chatKey(t, project, "--role", "operator")
	var answers []string
	for _, document := range articleDocuments {
		answers = append(answers, i.chatData(t, key, document, nil))
	}
	for n, wanted := range []string{
		`"nodes":[{"id":"U2VsbGVyLTY2MDExOQ==","businessName":"Cell Phone Shop"}]`, `"errors":null`,
		`"message":"Can you check to see when order 12345 will be dispatched?","readAt":null,"seller":{"businessName":"Cell Phone Shop"},"sentByType":"Admin"}]`,
		`{"chatMessageRead":{"errors":null}}`,
	} {
		t.Log(answers[n])
		if !strings.Contains(answers[n], wanted) {
			t.Errorf("document %d answers %s", n+1, answers[n])
		}
	}
	if n := i.number(t, fmt.Sprintf("SELECT count() AS n FROM parley.contacts WHERE project_id = %d", project)); n != 1 {
		t.Errorf("%d contacts of the operator, want 1", n)
	}
}

// chatPage is a page of a chat.
type chatPage struct {
	ChatMessages struct {
		PageInfo struct {
			HasNextPage, HasPreviousPage bool
			StartCursor, EndCursor       string
		}
		Edges []struct {
			Cursor string
			Node   struct{ ID, Message string }
		}
	}
}

func TestFaultsOfADocumentHaveTheCodesOfGraphQLRuby(t *testing.T) {
	i := start(t, t.TempDir())
	key := i.chatKey(t, 7467, "--role", "operator")
	for document, want := range map[string]string{
		`{ nothing }`: `{"code":"undefinedField","fieldName":"nothing","typeName":"Query"}`,
		`{ sellersForChats(first: 1) { nodes { nme } } }`:              `{"code":"undefinedField","fieldName":"nme","typeName":"Seller"}`,
		`{ sellersForChats(first: "1") { totalCount } }`:               `{"code":"argumentLiteralsIncompatible"}`,
		`{ sellersForChats(frist: 1) { totalCount } }`:                 `{"code":"argumentNotAccepted"}`,
		`mutation { chatMessageCreate { status } }`:                    `{"code":"missingRequiredArguments"}`,
		`query($n: String) { sellersForChats(first: $n) {totalCount}}`: `{"code":"variableMismatch"}`,
		`query($n: Int) { sellersForChats(first: 1) { totalCount } }`:  `{"code":"variableNotUsed"}`,
		`{ sellersForChats(first: $n) { totalCount } }`:                `{"code":"variableNotDefined"}`,
		`{ sellersForChats(first: 1) { totalCount { x } } }`:           `{"code":"selectionMismatch"}`,
		`{ ...none }`: `{"code":"useAndDefineFragment"}`,
		`{`:           `{"code":"GRAPHQL_PARSE_FAILED"}`,
	} {
		got := i.chat(t, key, document, nil)
		var answered struct {
			Errors []struct{ Extensions json.RawMessage }
		}
		err := json.Unmarshal(got.body, &answered)
		named := slices.ContainsFunc(answered.Errors, func(e struct{ Extensions json.RawMessage }) bool { return string(e.Extensions) == want })
		if err != nil || got.status != http.StatusOK || !named {
			t.Errorf("%s:\n%s\nwant %s", document, got, want)
		}
	}
}

func TestUnreadMessagesOfASellerChat(t *testing.T) {
	i := running(t)
	const project = 7952
	i.addSellers(t, project, map[string]string{"1": "Alpha", "2": "Beta"})
	operator, seller := i.chatKey(t, project, "--role", "operator"), i.chatKey(t, project, "--role", "seller", "--seller", "1")
	own := map[string]any{"s": sellerGID("1")}
	for _, text := range []string{"one", "two"} {
		if got := i.chatData(t, seller, createDocument, map[string]any{"m": text, "c": text}); !strings.Contains(got, `"status":200,"clientMutationId":"`+text+`","errors":null`) {
			t.Fatal(got)
		}
	}
	i.chatData(t, operator, createDocument, map[string]any{"m": "three", "s": sellerGID("1")})
	if got := i.chatData(t, operator, readDocument, map[string]any{"s": sellerGID("1"), "by": "User"}); got != `{"chatMessageRead":{"status":200,"errors":null,"chatMessage":{"message":"three","readAt":null}}}` {
		t.Error(got)
	}
	got := i.chatData(t, operator, listDocument, own)
	if strings.Count(got, `"readAt":null`) != 1 || !strings.Contains(got, `"totalCount":3,"admin":0,"user":1,"lastReadMessage":{"message":"two"}`) {
		t.Error(got)
	}
	if mine := i.chatData(t, seller, listDocument, nil); mine != got {
		t.Errorf("the seller sees\n%s\nthe operator\n%s", mine, got)
	}
	// Reading again moves nothing.
	i.chatData(t, operator, readDocument, map[string]any{"s": sellerGID("1"), "by": "User"})
	if again := i.chatData(t, operator, listDocument, own); again != got {
		t.Errorf("%s\nwas %s", again, got)
	}
	inbox := i.chatData(t, operator, `{ sellersForChats { totalCount nodes { legacyId businessName users { totalCount nodes { id } }
		chatMessages(last: 1) { totalUnreadCount(for: "User") nodes { message } } } } }`, nil)
	if inbox != `{"sellersForChats":{"totalCount":2,"nodes":[{"legacyId":1,"businessName":"Alpha","users":{"totalCount":0,"nodes":[]},"chatMessages":{"totalUnreadCount":1,"nodes":[{"message":"three"}]}},`+
		`{"legacyId":2,"businessName":"Beta","users":{"totalCount":0,"nodes":[]},"chatMessages":{"totalUnreadCount":0,"nodes":[]}}]}}` {
		t.Error(inbox)
	}
	if mine := i.chatData(t, seller, `{ sellersForChats(q: "a") { totalCount nodes { businessName } } }`, nil); mine != `{"sellersForChats":{"totalCount":1,"nodes":[{"businessName":"Alpha"}]}}` {
		t.Error(mine)
	}
	for name, c := range map[string]struct {
		document  string
		variables map[string]any
		want      string
	}{
		"blank":          {createDocument, map[string]any{"m": " \n", "s": sellerGID("1")}, `"status":422,"clientMutationId":null,"errors":[{"field":"message","messages":["can't be blank"]}],"chatMessage":null`},
		"unknown seller": {createDocument, map[string]any{"m": "x", "s": sellerGID("9")}, `"errors":[{"field":"seller","messages":["must exist"]}],"chatMessage":null`},
		"no seller":      {createDocument, map[string]any{"m": "x"}, `"errors":[{"field":"seller","messages":["must exist"]}],"chatMessage":null`},
		"too long":       {createDocument, map[string]any{"m": strings.Repeat("x", 300<<10), "s": sellerGID("1")}, `"status":422`},
		"own side":       {readDocument, map[string]any{"by": "Admin", "s": sellerGID("1")}, `"status":422,"errors":[{"field":"sentBy"`},
		"no side":        {readDocument, map[string]any{"by": "Nobody", "s": sellerGID("1")}, `is not included in the list`},
	} {
		if got := i.chatData(t, operator, c.document, c.variables); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s", name, got)
		}
	}
	// Pages in both directions meet.
	page := `query($f: Int, $a: String, $l: Int, $b: String) { chatMessages(first: $f, after: $a, last: $l, before: $b) {
		pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id message } } } }`
	var pages []chatPage
	ask := func(variables map[string]any) {
		var p chatPage
		if err := json.Unmarshal([]byte(i.chatData(t, seller, page, variables)), &p); err != nil {
			t.Fatal(err)
		}
		pages = append(pages, p)
	}
	ask(map[string]any{"f": 2})
	ask(map[string]any{"f": 2, "a": pages[0].ChatMessages.PageInfo.EndCursor})
	ask(map[string]any{"l": 2, "b": pages[1].ChatMessages.PageInfo.StartCursor})
	first, second, back := pages[0].ChatMessages, pages[1].ChatMessages, pages[2].ChatMessages
	if len(first.Edges) != 2 || !first.PageInfo.HasNextPage || len(second.Edges) != 1 || second.PageInfo.HasNextPage || second.Edges[0].Node.Message != "three" {
		t.Errorf("%+v, %+v", first, second)
	}
	if fmt.Sprint(back.Edges) != fmt.Sprint(first.Edges) {
		t.Errorf("%+v\nbackwards %+v", first.Edges, back.Edges)
	}
	nodes := i.chatData(t, operator, `query($ids: [ID!]!) { nodes(ids: $ids) { __typename id ... on Seller { businessName } ... on ChatMessage { message } } }`,
		map[string]any{"ids": []string{sellerGID("2"), first.Edges[0].Node.ID, "nonsense", sellerGID("9")}})
	if nodes != fmt.Sprintf(`{"nodes":[{"__typename":"Seller","id":%q,"businessName":"Beta"},{"__typename":"ChatMessage","id":%q,"message":"one"},null,null]}`, sellerGID("2"), first.Edges[0].Node.ID) {
		t.Error(nodes)
	}
}

// budgetNow is the only part of an answer that depends on the time.
var budgetNow = regexp.MustCompile(`"currentlyAvailable":[0-9]+`)

func TestForeignSellerIsLikeAnUnknownOne(t *testing.T) {
	i := running(t)
	const project, elsewhere = 7953, 7954
	i.addSellers(t, project, map[string]string{"10": "Own", "20": "Foreign"})
	i.addSellers(t, elsewhere, map[string]string{"30": "Elsewhere"})
	seller, operator := i.chatKey(t, project, "--role", "seller", "--seller", "10"), i.chatKey(t, project, "--role", "operator")
	i.chatData(t, operator, createDocument, map[string]any{"m": "secret", "s": sellerGID("20"), "c": "x"})
	var sent struct {
		ChatMessages struct{ Nodes []struct{ ID string } }
	}
	if err := json.Unmarshal([]byte(i.chatData(t, operator, `query($s: ID) { chatMessages(sellerId: $s) { nodes { id } } }`, map[string]any{"s": sellerGID("20")})), &sent); err != nil {
		t.Fatal(err)
	}
	message := sent.ChatMessages.Nodes[0].ID
	unknown := base64.StdEncoding.EncodeToString([]byte("ChatMessage-00000000-0000-5000-8000-000000000000-1"))
	documents := map[string]string{
		"list": listDocument, "node": `query($s: ID!) { node(id: $s) { id } }`, "nodes": `query($s: ID!) { nodes(ids: [$s]) { id } }`,
		"create": `mutation($s: ID) { chatMessageCreate(input: {message: "m", sellerId: $s}) { status errors { field messages } chatMessage { id } } }`,
		"read":   `mutation($s: ID) { chatMessageRead(input: {seller: $s, sentBy: "Admin"}) { status errors { field messages } chatMessage { id } } }`,
	}
	for name, document := range documents {
		ask := func(key auth.Key, id string) string {
			return budgetNow.ReplaceAllString(string(i.chat(t, key, document, map[string]any{"s": id}).body), "")
		}
		own, foreign, nobody := ask(seller, sellerGID("10")), ask(seller, sellerGID("20")), ask(seller, sellerGID("99"))
		if foreign != nobody || own == foreign || strings.Contains(foreign, "Foreign") {
			t.Errorf("%s: own %s\nforeign %s\nunknown %s", name, own, foreign, nobody)
		}
		if project, nobody := ask(operator, sellerGID("30")), ask(operator, sellerGID("99")); project != nobody {
			t.Errorf("%s: another project's %s\nunknown %s", name, project, nobody)
		}
	}
	if foreign, nobody := i.chatData(t, seller, documents["node"], map[string]any{"s": message}), i.chatData(t, seller, documents["node"], map[string]any{"s": unknown}); foreign != nobody || foreign != `{"node":null}` {
		t.Errorf("a foreign message: %s, an unknown one: %s", foreign, nobody)
	}
	// The key opens nothing else, and other keys do not open the chats.
	for path, body := range map[string]string{graphQLPath: `{"query":"{__typename}"}`, "/v1/events": `{}`} {
		if got := i.do(t, request{method: http.MethodPost, path: path, body: body, key: &operator, headers: map[string]string{"Content-Type": "application/json"}}); got.status != http.StatusForbidden {
			t.Errorf("%s with a chat key: %s", path, got)
		}
	}
	for name, key := range map[string]string{"none": "", "wrong": "abc", "plain": base64.RawURLEncoding.EncodeToString([]byte(i.admin.ID + ":" + i.admin.Secret))} {
		if got := i.chat(t, auth.Key{APIKey: key}, "{__typename}", nil); got.status != http.StatusUnauthorized && got.status != http.StatusForbidden {
			t.Errorf("%s: %s", name, got)
		}
	}
}

func TestConcurrentChatMessagesAreInOneThread(t *testing.T) {
	i := running(t)
	const project, messages, connections = 7955, 1000, 20
	i.addSellers(t, project, map[string]string{"5": "Busy"})
	keys := []auth.Key{i.chatKey(t, project, "--role", "operator"), i.chatKey(t, project, "--role", "seller", "--seller", "5")}
	work := make(chan int)
	var group sync.WaitGroup
	for range connections {
		group.Go(func() {
			for n := range work {
				got := i.chat(t, keys[n%2], `mutation($m: String!, $s: ID) { chatMessageCreate(input: {message: $m, sellerId: $s}) { status chatMessage { id message } } }`,
					map[string]any{"m": fmt.Sprintf("m%04d", n), "s": sellerGID("5")})
				var answered struct {
					Data struct {
						ChatMessageCreate struct {
							Status      int
							ChatMessage struct{ ID string }
						}
					}
				}
				if err := json.Unmarshal(got.body, &answered); err != nil || answered.Data.ChatMessageCreate.Status != 200 {
					t.Errorf("%d: %s", n, got)
					continue
				}
				id := answered.Data.ChatMessageCreate.ChatMessage.ID
				if seen := i.chat(t, keys[(n+1)%2], `query($s: ID!) { node(id: $s) { id } }`, map[string]any{"s": id}); !strings.Contains(string(seen.body), id) {
					t.Errorf("%d is not seen by the next read: %s", n, seen)
				}
			}
		})
	}
	began := time.Now()
	for n := range messages {
		work <- n
	}
	close(work)
	group.Wait()
	t.Logf("%d messages in %s", messages, time.Since(began).Round(time.Millisecond))
	seen := map[string]int{}
	for after := "null"; ; {
		var got struct {
			ChatMessages struct {
				TotalCount int
				PageInfo   struct {
					HasNextPage bool
					EndCursor   string
				}
				Nodes []struct{ Message string }
			}
		}
		if err := json.Unmarshal([]byte(i.chatData(t, keys[1], `{ chatMessages(first: 100, after: `+after+`) { totalCount pageInfo { hasNextPage endCursor } nodes { message } } }`, nil)), &got); err != nil {
			t.Fatal(err)
		}
		for _, m := range got.ChatMessages.Nodes {
			seen[m.Message]++
		}
		if !got.ChatMessages.PageInfo.HasNextPage {
			if got.ChatMessages.TotalCount != messages {
				t.Errorf("%d messages", got.ChatMessages.TotalCount)
			}
			break
		}
		after = strconv.Quote(got.ChatMessages.PageInfo.EndCursor)
	}
	for n := range messages {
		if text := fmt.Sprintf("m%04d", n); seen[text] != 1 {
			t.Errorf("%s stands in the thread %d times", text, seen[text])
		}
	}
}

func TestRetryAfterAKillBetweenAppendAndAnswerSendsOneMessage(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(crash.Variable, "chat.appended")
	i := start(t, dir)
	const project = 7956
	i.addSellers(t, project, map[string]string{"6": "Lost"})
	key := i.chatKey(t, project, "--role", "operator")
	body, err := json.Marshal(map[string]any{"query": createDocument, "variables": map[string]any{"m": "once", "s": sellerGID("6"), "c": "retry-1"}})
	if err != nil {
		t.Fatal(err)
	}
	sent, err := http.NewRequestWithContext(t.Context(), http.MethodPost, i.where.HTTP+marketplacerPath, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sent.Header.Set("Content-Type", "application/json")
	sent.Header.Set("marketplacer-api-key", key.APIKey)
	if response, err := http.DefaultClient.Do(sent); err == nil {
		t.Fatalf("answered %s", response.Status)
	}
	<-i.ended
	t.Setenv(crash.Variable, "")
	i = start(t, dir)
	variables := map[string]any{"m": "once", "s": sellerGID("6"), "c": "retry-1"}
	for range 2 {
		if got := i.chatData(t, key, createDocument, variables); !strings.Contains(got, `"status":200`) || !strings.Contains(got, `"message":"once"`) {
			t.Fatal(got)
		}
	}
	if got := i.chatData(t, key, listDocument, variables); !strings.Contains(got, `"totalCount":1,`) {
		t.Error(got)
	}
	variables["m"] = "another"
	if got := i.chatData(t, key, createDocument, variables); !strings.Contains(got, `"status":409`) || !strings.Contains(got, "has already been taken") {
		t.Error(got)
	}
}
