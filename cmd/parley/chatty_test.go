package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/auth"
)

// The two documents of Chatty's page, as they are printed there.
const (
	chattyCustomer = `query Customer($id: ID!) {
customer(id: $id) {
id
shopId
shopifyCustomerId
firstName
lastName
email
phone
ipLocation
ipAddress
type
channels
ordersCount
totalSpent
createdAt
updatedAt
lastChatAt
fullName
}
}`
	chattyCustomers = `query Customers(
$first: Int,
$after: String,
$last: Int,
$before: String
) {
customers(
first: $first,
after: $after,
last: $last,
before: $before
) {
edges {
cursor
node {
...CustomerFragment
}
}
nodes {
id
shopId
shopifyCustomerId
firstName
lastName
email
phone
ipLocation
ipAddress
type
channels
ordersCount
totalSpent
createdAt
updatedAt
lastChatAt
fullName
}
pageInfo {
hasNextPage
hasPreviousPage
startCursor
endCursor
}
totalCount
}
}`
	// The page uses the fragment without printing it; its Customer type is this.
	chattyFragment = `
fragment CustomerFragment on Customer {
id shopId shopifyCustomerId firstName lastName email phone ipLocation ipAddress type channels ordersCount totalSpent createdAt updatedAt lastChatAt fullName
}`
)

type chattyPage struct {
	Edges []struct {
		Cursor string
		Node   map[string]any
	}
	Nodes    []map[string]any
	PageInfo struct {
		HasNextPage, HasPreviousPage bool
		StartCursor, EndCursor       *string
	}
	TotalCount int
}

type chattyAnswer struct {
	Data struct {
		Customer  map[string]any
		Customers *chattyPage
	}
	Errors []struct {
		Message    string
		Extensions struct{ Code string }
	}
	Extensions struct{ Cost map[string]any }
}

func (i *instance) chatty(t *testing.T, key *auth.Key, document string, variables string) (chattyAnswer, answer) {
	t.Helper()
	got := i.do(t, request{
		method: http.MethodPost, path: chattyPath, key: key, headers: map[string]string{"Content-Type": "application/json"},
		body: fmt.Sprintf(`{"query": %s, "variables": %s}`, quoted(t, document), variables),
	})
	var a chattyAnswer
	if err := json.Unmarshal(got.body, &a); err != nil {
		t.Fatalf("%s: %v", got, err)
	}
	if a.Extensions.Cost["throttleStatus"] == nil {
		t.Errorf("without a cost: %s", got)
	}
	return a, got
}

func quoted(t *testing.T, text string) string {
	t.Helper()
	b, err := json.Marshal(text)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func conversationNo(n int) string { return fmt.Sprintf("33333333-3333-4333-8333-%012d", n) }

func TestChattysDocumentedQueriesRunVerbatim(t *testing.T) {
	i := running(t)
	const project, other = 7401, 7402
	i.post(t,
		event(project, conversationNo(1), "c1", "conversation.opened", "2025-01-01T10:00:00Z",
			`{"channel":"WHATSAPP","visitor":{"id":"4","externalId":"gid-4","firstName":"Ada","lastName":"Lovelace","email":"ada@example.org"},"customData":{"ipAddress":"192.0.2.1"}}`),
		event(project, conversationNo(1), "c2", "message.sent", "2025-01-01T10:01:00Z", `{"messageId":"m","author":{"kind":"VISITOR"},"text":"hi"}`),
		event(project, conversationNo(1), "c3", "transaction.recorded", "2025-01-01T10:02:00Z", `{"transactionId":"t1","externalConversionId":"o1","amount":12.5,"currency":"EUR"}`),
		event(project, conversationNo(1), "c4", "transaction.recorded", "2025-01-01T10:02:00Z", `{"transactionId":"t2","externalConversionId":"o2","amount":1000,"currency":"USD"}`),
		event(project, conversationNo(1), "c5", "transaction.recorded", "2025-01-01T10:02:00Z", `{"transactionId":"t3","externalConversionId":"o3","amount":0.25,"currency":"EUR"}`),
		event(project, conversationNo(2), "c6", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT","visitor":{"id":"b"}}`),
		event(project, conversationNo(3), "c7", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"SMS","visitor":{"id":"a"}}`),
		event(other, conversationNo(4), "c8", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT","visitor":{"id":"foreign"}}`),
		event(other, conversationNo(5), "c9", "conversation.opened", "2025-01-01T10:00:00Z", `{"channel":"CHAT","visitor":{"id":"4"}}`))
	waitForEvents(t, i, project, 7)
	waitForEvents(t, i, other, 2)
	key := i.newKey(t, fmt.Sprint(project), "read")

	want := `{"channels":["WHATSAPP"],"createdAt":"2025-01-01T10:00:00.000Z","email":"ada@example.org","firstName":"Ada","fullName":"Ada Lovelace","id":"4","ipAddress":"192.0.2.1","ipLocation":null,"lastChatAt":"2025-01-01T10:01:00.000Z","lastName":"Lovelace","ordersCount":3,"phone":null,"shopId":"7401","shopifyCustomerId":"gid-4","totalSpent":12.75,"type":"CUSTOMER","updatedAt":"2025-01-01T10:02:00.000Z"}`
	for _, variables := range []string{`{"id": 4}`, `{"id": "4"}`} {
		a, raw := i.chatty(t, &key, chattyCustomer, variables)
		if got, _ := json.Marshal(a.Data.Customer); string(got) != want {
			t.Errorf("%s answers %s", variables, raw)
		}
	}
	if a, raw := i.chatty(t, &key, chattyCustomer, `{"id": "foreign"}`); a.Data.Customer != nil || len(a.Errors) > 0 {
		t.Errorf("another project's: %s", raw)
	}
	both := i.newKey(t, fmt.Sprintf("%d,%d", project, other), "read")
	if a, raw := i.chatty(t, &both, chattyCustomer, `{"id": 4}`); len(a.Errors) != 1 || a.Errors[0].Extensions.Code != "BAD_USER_INPUT" {
		t.Errorf("in two projects: %s", raw)
	}

	page := func(variables string) *chattyPage {
		t.Helper()
		a, raw := i.chatty(t, &key, chattyCustomers+chattyFragment, variables)
		if a.Data.Customers == nil || len(a.Errors) > 0 || a.Data.Customers.TotalCount != 3 {
			t.Fatalf("%s: %s", variables, raw)
		}
		for n, edge := range a.Data.Customers.Edges {
			if !reflect.DeepEqual(edge.Node, a.Data.Customers.Nodes[n]) {
				t.Errorf("edge %d is not its node: %s", n, raw)
			}
		}
		return a.Data.Customers
	}
	ids := func(p *chattyPage) string {
		var all []string
		for _, node := range p.Nodes {
			all = append(all, fmt.Sprint(node["id"]))
		}
		return strings.Join(all, " ")
	}
	first := page(`{"first": 2}`)
	if ids(first) != "4 a" || !first.PageInfo.HasNextPage || first.PageInfo.HasPreviousPage {
		t.Errorf("%s %+v", ids(first), first.PageInfo)
	}
	if next := page(fmt.Sprintf(`{"first": 2, "after": %q}`, *first.PageInfo.EndCursor)); ids(next) != "b" || next.PageInfo.HasNextPage || !next.PageInfo.HasPreviousPage {
		t.Errorf("%s %+v", ids(next), next.PageInfo)
	}
	last := page(`{"last": 2}`)
	if ids(last) != "a b" || !last.PageInfo.HasPreviousPage || last.PageInfo.HasNextPage {
		t.Errorf("%s %+v", ids(last), last.PageInfo)
	}
	if before := page(fmt.Sprintf(`{"last": 2, "before": %q}`, *last.PageInfo.StartCursor)); ids(before) != "4" || before.PageInfo.HasPreviousPage {
		t.Errorf("%s %+v", ids(before), before.PageInfo)
	}
	if all := page(`{}`); ids(all) != "4 a b" || all.Nodes[1]["firstName"] != "" || fmt.Sprint(all.Nodes[1]["channels"], all.Nodes[2]["channels"]) != "[ONLINE_STORE] [ONLINE_STORE]" || all.Nodes[1]["type"] != "VISITOR" {
		t.Errorf("%s %v", ids(all), all.Nodes)
	}
	for _, variables := range []string{
		`{"first": 987, "after": "xyz789", "last": 123, "before": "abc123"}`, `{"first": 101}`, `{"last": -1}`, `{"after": "xyz789"}`,
		fmt.Sprintf(`{"first": 1, "after": %q}`, *page(`{"first": 1}`).PageInfo.EndCursor+"A"),
	} {
		if a, raw := i.chatty(t, &key, chattyCustomers+chattyFragment, variables); len(a.Errors) == 0 || a.Errors[0].Extensions.Code != "BAD_USER_INPUT" {
			t.Errorf("%s: %s", variables, raw)
		}
	}
	if a, raw := i.chatty(t, &both, chattyCustomers+chattyFragment, fmt.Sprintf(`{"after": %q}`, *first.PageInfo.EndCursor)); len(a.Errors) == 0 {
		t.Errorf("a cursor of other rights: %s", raw)
	}
	for _, stranger := range []*auth.Key{nil, {ID: key.ID, Secret: "wrong"}} {
		a, raw := i.chatty(t, stranger, chattyCustomer, `{"id": 4}`)
		if !strings.HasPrefix(string(raw.body), `{"errors":[{"message":"Unauthorized","extensions":{"code":"UNAUTHENTICATED"}}]`) || raw.status != http.StatusUnauthorized || len(a.Errors) != 1 {
			t.Errorf("%s", raw)
		}
	}
}
