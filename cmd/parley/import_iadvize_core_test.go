package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	graphql "github.com/graph-gophers/graphql-go"
)

// coreSDL is an API that has what iAdvize documents and nothing of Parley's own:
// a document with any other field is refused.
const coreSDL = `
schema { query: Query }
type Query {
	closedConversations(filters: Filters, interval: Interval!, first: Int, after: String): ConversationConnection
	conversation(id: UUID!): Conversation
}
scalar UUID
scalar DateTime
scalar LegacyId
scalar Decimal
input Filters { projectIds: [Int!] }
input Interval { from: DateTime! to: DateTime! }
type PageInfo { hasNextPage: Boolean! endCursor: String }
type ConversationConnection { pageInfo: PageInfo! edges: [ConversationEdge!]! }
type ConversationEdge { node: Conversation! }
type Conversation {
	id: UUID!
	createdAt: DateTime!
	closedAt: DateTime
	channel: String!
	language: String
	project: Project!
	visitor: Visitor
	tags: [Tag!]!
	users: [User!]!
	routingEvents: [RoutingEvent!]!
	messages(first: Int, after: String): MessageConnection!
	satisfactionSurvey: SatisfactionSurvey
	conversions: Conversions!
}
type Project { id: Int! }
type Visitor { id: ID! }
type Tag { id: ID! name: String }
type User { id: LegacyId! }
type RoutingRule { id: ID! name: String }
type RoutingGroup { id: ID! name: String }
type RoutingEvent { createdAt: DateTime! routingRule: RoutingRule! routingGroup: RoutingGroup }
type SatisfactionSurvey { customerSatisfaction: Int netPromoterScore: Int comment: String }
type Conversions { transactions: [Transaction!]! }
type Transaction { externalConversionId: ID! amount: Decimal! currency: String! receivedAt: DateTime! }
type MessageConnection { pageInfo: PageInfo! edges: [MessageEdge!]! }
type MessageEdge { node: Message! }
interface Message { createdAt: DateTime! }
type ChatMessage implements Message { AUTHOR createdAt: DateTime! }
type SystemMessage implements Message { createdAt: DateTime! toUser: User fromUser: User attachment: SystemAttachment! }
union SystemAttachment = ConversationPushedSystemAttachment | ConversationSnoozedSystemAttachment | ConversationTransferredSystemAttachment | ConversationClosedSystemAttachment
type ConversationPushedSystemAttachment { createdAt: DateTime! }
type ConversationSnoozedSystemAttachment { createdAt: DateTime! }
type ConversationTransferredSystemAttachment { createdAt: DateTime! }
type ConversationClosedSystemAttachment { createdAt: DateTime! }
`

// withAuthor adds to coreSDL who wrote what.
const withAuthor = `type MessageAuthor { kind: String! id: ID }`

// coreThread is the thread of the conversation that a core API has: more than
// one page, which the second asks for with the cursor.
var coreThread = []string{
	mark("10:00:00", "Pushed", `"toUser": {"id": 5}`),
	said("10:00:30", "m1", "VISITOR", "v-1"),
	said("10:01:00", "m2", "PROFESSIONAL", "5"),
	mark("10:02:00", "Snoozed", `"fromUser": {"id": 5}`),
	mark("10:05:00", "Pushed", `"toUser": {"id": 6}`),
	mark("10:06:00", "Transferred", `"toUser": {"id": 7}`),
	mark("10:07:00", "Pushed", `"toUser": {"id": 7}`),
	said("10:08:00", "m3", "PROFESSIONAL", "7"),
	mark("10:10:00", "Closed", `"toUser": null`),
}

func mark(at, kind, user string) string {
	return fmt.Sprintf(`{"node": {"__typename": "SystemMessage", "createdAt": "2026-03-02T%sZ", %s, "attachment": {"__typename": "Conversation%sSystemAttachment"}}}`, at, user, kind)
}

func said(at, id, kind, author string) string {
	return fmt.Sprintf(`{"node": {"__typename": "ChatMessage", "createdAt": "2026-03-02T%sZ", "id": "%s", "author": {"kind": "%s", "id": "%s"}}}`, at, id, kind, author)
}

func threadOf(marks []string, more bool) string {
	return fmt.Sprintf(`{"pageInfo": {"hasNextPage": %t, "endCursor": "half"}, "edges": [%s]}`, more, strings.Join(marks, ","))
}

// coreAPI refuses what its schema does not have, and answers with one
// conversation. It is a server of GraphQL for the three documents of the import.
type coreAPI struct {
	schema  *graphql.Schema
	author  bool // it has introspection, and messages have authors
	project int

	mu      sync.Mutex
	refused []string
}

func (a *coreAPI) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/oauth2/token" {
		fmt.Fprint(w, `{"access_token": "t", "token_type": "bearer", "expires_in": 86400}`)
		return
	}
	var asked struct {
		Query     string
		Variables map[string]any
	}
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if strings.Contains(asked.Query, "__type(") {
		_ = json.NewEncoder(w).Encode(a.types())
		return
	}
	if errs := a.schema.ValidateWithVariables(asked.Query, asked.Variables); len(errs) > 0 {
		a.mu.Lock()
		a.refused = append(a.refused, fmt.Sprint(errs))
		a.mu.Unlock()
		_ = json.NewEncoder(w).Encode(map[string]any{"errors": errs})
		return
	}
	thread := coreThread
	if !a.author {
		thread = slices.DeleteFunc(slices.Clone(thread), func(m string) bool { return strings.Contains(m, "ChatMessage") })
		thread = append([]string{`{"node": {"__typename": "ChatMessage", "createdAt": "2026-03-02T10:00:10Z"}}`}, thread...)
	}
	if _, on := asked.Variables["id"]; on {
		fmt.Fprintf(w, `{"data": {"conversation": {"messages": %s}}}`, threadOf(thread[3:], false))
		return
	}
	fmt.Fprintf(w, `{"data": {"closedConversations": {"pageInfo": {"hasNextPage": false, "endCursor": null}, "edges": [{"node": {
		"id": "44444444-4444-4444-8444-444444444444", "project": {"id": %d}, "createdAt": "2026-03-02T09:59:00Z", "closedAt": "2026-03-02T10:10:00Z",
		"channel": "CHAT", "language": "fr", "visitor": {"id": "v-1"}, "tags": [{"id": "t-1", "name": "late"}],
		"routingEvents": [{"createdAt": "2026-03-02T09:59:30Z", "routingRule": {"id": "r-1", "name": "all"}, "routingGroup": null}],
		"satisfactionSurvey": {"customerSatisfaction": 4, "netPromoterScore": null, "comment": null},
		"conversions": {"transactions": [{"externalConversionId": "order-1", "amount": 12.50, "currency": "EUR", "receivedAt": "2026-03-02T11:00:00Z"}]},
		"messages": %s}}]}}}`, a.project, threadOf(thread[:3], true))
}

// types answers the question which fields the types have.
func (a *coreAPI) types() map[string]any {
	if !a.author {
		return map[string]any{"errors": []any{map[string]any{"message": "introspection is not allowed"}}}
	}
	types := make(map[string]any)
	for _, object := range a.schema.AST().Objects {
		fields := []any{}
		for _, field := range object.Fields {
			arguments := []any{}
			for _, argument := range field.Arguments {
				arguments = append(arguments, map[string]any{"name": argument.Name.Name})
			}
			fields = append(fields, map[string]any{"name": field.Name, "args": arguments})
		}
		types[object.Name] = map[string]any{"fields": fields}
	}
	return map[string]any{"data": types}
}

// TestImportFromAnAPIOfTheCoreAlone imports from APIs that lack fields of
// Parley's own and refuse documents that ask for them.
func TestImportFromAnAPIOfTheCoreAlone(t *testing.T) {
	written := strings.Replace(coreSDL, "AUTHOR", "id: ID! author: MessageAuthor!", 1) + withAuthor
	for name, c := range map[string]struct {
		sdl      string
		author   bool
		project  int
		contacts string // operator, status, ending, start and duration of each
		missing  string
	}{
		"that tells its types": {
			sdl: written, author: true, project: 8301, missing: "Conversation.initiator",
			contacts: "5 ANSWERED SNOOZED r-1 10:00:00 120000, 6 UNANSWERED TRANSFERRED r-1 10:05:00 60000, 7 ANSWERED CLOSED r-1 10:07:00 180000",
		},
		"that refuses introspection": {
			sdl: strings.Replace(coreSDL, "AUTHOR", "", 1), project: 8302, missing: "ChatMessage.author",
			contacts: "5 UNANSWERED SNOOZED r-1 10:00:00 120000, 6 UNANSWERED TRANSFERRED r-1 10:05:00 60000, 7 UNANSWERED CLOSED r-1 10:07:00 180000",
		},
	} {
		t.Run(name, func(t *testing.T) {
			schema, err := graphql.ParseSchema(c.sdl, nil)
			if err != nil {
				t.Fatal(err)
			}
			api := &coreAPI{schema: schema, author: c.author, project: c.project}
			i := running(t)
			stdout, stderr, code := i.command(t, "a password of someone", "import", "iadvize", "--url", newTestServer(t, api), "--user", "someone@example.com",
				"--from", "2026-03-02", "--to", "2026-03-03", "--projects", fmt.Sprint(c.project))
			if code != 0 || !strings.HasPrefix(stdout, "1 conversations: ") || !strings.Contains(stdout, " 0 bad") || !strings.Contains(stderr, c.missing) {
				t.Errorf("exit %d, %q, %q", code, stdout, stderr)
			}
			if len(api.refused) > 0 {
				t.Errorf("refused: %v", api.refused)
			}
			eventually(t, func() error {
				rows := i.sql(t, fmt.Sprintf(`SELECT arrayStringConcat(groupArray(row), ', ') AS contacts FROM (
					SELECT concat(toString(operator_id), ' ', toString(status), ' ', toString(ending), ' ', routing_rule_id, ' ',
						formatDateTime(started_at, '%%H:%%i:%%S'), ' ', toString(duration_ms)) AS row
					FROM parley.contacts WHERE project_id = %d ORDER BY ordinal)`, c.project))
				if got := fmt.Sprint(rows[0]["contacts"]); got != c.contacts {
					return fmt.Errorf("contacts\n got %s\nwant %s", got, c.contacts)
				}
				return nil
			})
			// A dashboard sees the tables one after the other.
			eventually(t, func() error {
				rows := i.sql(t, fmt.Sprintf(`SELECT toString(channel) AS channel, language, visitor_id, customer_satisfaction, arrayStringConcat(tag_ids, ',') AS tags,
				(SELECT concat(transaction_id, ' ', toString(amount), ' ', currency) FROM parley.transactions WHERE project_id = %[1]d) AS sale
				FROM parley.conversations WHERE project_id = %[1]d`, c.project))
				if got, want := fmt.Sprint(rows), "[map[channel:CHAT customer_satisfaction:4 language:fr sale:order-1 12.5 EUR tags:t-1 visitor_id:v-1]]"; got != want {
					return fmt.Errorf("got %s\nwant %s", got, want)
				}
				return nil
			})
		})
	}
}
