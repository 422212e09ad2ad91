package query_test

import (
	"cmp"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/store/storetest"
)

// transactions returns those that match, in the order of conversions.
func transactions(r *rig, match func(*storetest.Transaction) bool) []storetest.Transaction {
	var all []storetest.Transaction
	for i := range r.world.Transactions {
		if match(&r.world.Transactions[i]) {
			all = append(all, r.world.Transactions[i])
		}
	}
	slices.SortFunc(all, func(a, b storetest.Transaction) int {
		return cmp.Or(cmp.Compare(a.ReceivedAt, b.ReceivedAt), cmp.Compare(a.Project, b.Project),
			cmp.Compare(a.Conversation, b.Conversation), cmp.Compare(a.ID, b.ID))
	})
	return all
}

func TestConversionsAreListedByReceipt(t *testing.T) {
	r := theRig(t)
	type conversions struct {
		Conversions struct {
			TotalCount int
			Edges      []struct {
				Node struct {
					ID, TransactionID, ConversationID  string
					ReceivedAt, VisitorDate, EventDate string
					Project                            struct{ ID int }
					AttributedTo                       *struct{ LegacyID int64 }
				}
			}
		}
	}
	from, to := millis("2020-03-25T00:00:00Z"), millis("2020-04-05T00:00:00Z")
	for filter, match := range map[string]func(*storetest.Conversation) bool{
		"":                                    func(*storetest.Conversation) bool { return true },
		"projectIds: 2":                       func(c *storetest.Conversation) bool { return c.Project == 2 },
		`conversationVisitorIds: "visitor 3"`: func(c *storetest.Conversation) bool { return is(c.Visitor, "visitor 3") },
		"answered: true":                      func(c *storetest.Conversation) bool { return c.Answered },
	} {
		matching := map[string]bool{}
		for i := range r.world.Conversations {
			c := &r.world.Conversations[i]
			matching[fmt.Sprint(c.Project, c.ID)] = c.Project <= 2 && match(c)
		}
		want := transactions(r, func(s *storetest.Transaction) bool {
			return s.ReceivedAt >= from && s.ReceivedAt < to && matching[fmt.Sprint(s.Project, s.Conversation)]
		})
		got := ask[conversions](t, r, reader(1, 2), `{ conversions(interval: {from: "2020-03-25T00:00:00Z", to: "2020-04-05T00:00:00Z"}, filters: {`+filter+`}) {
			totalCount edges { node { id transactionId conversationId receivedAt visitorDate eventDate project { id } attributedTo { legacyId } } } } }`, nil).Conversions
		if got.TotalCount != len(want) || len(got.Edges) != min(100, len(want)) || len(want) == 0 {
			t.Fatalf("%s: %d of %d rows, want %d", filter, len(got.Edges), got.TotalCount, len(want))
		}
		for i, edge := range got.Edges {
			n, w := edge.Node, want[i]
			if n.ID != w.ID || n.TransactionID != w.ID || n.ConversationID != w.Conversation || n.Project.ID != int(w.Project) ||
				millis(n.ReceivedAt) != w.ReceivedAt || n.VisitorDate != n.ReceivedAt || n.EventDate != n.ReceivedAt {
				t.Fatalf("%s: row %d is %+v, want %+v", filter, i, n, w)
			}
			if (n.AttributedTo == nil) != (w.AttributedTo == nil) || n.AttributedTo != nil && n.AttributedTo.LegacyID != *w.AttributedTo {
				t.Fatalf("%s: row %d is attributed to %v, want %v", filter, i, n.AttributedTo, w.AttributedTo)
			}
		}
	}
}

func TestUsersAreEveryOperatorOnceInEachProject(t *testing.T) {
	r := theRig(t)
	type user struct {
		project uint32
		id      int64
	}
	seen := map[user]bool{}
	for _, c := range r.world.Conversations {
		for _, u := range c.Users {
			if c.Project <= 2 {
				seen[user{c.Project, u.ID}] = true
			}
		}
	}
	want := slices.SortedFunc(maps.Keys(seen), func(a, b user) int { return cmp.Or(cmp.Compare(a.id, b.id), cmp.Compare(a.project, b.project)) })
	type page struct {
		Users struct {
			TotalCount int
			PageInfo   struct {
				EndCursor, StartCursor       *string
				HasNextPage, HasPreviousPage bool
			}
			Edges []struct {
				Node struct {
					NodeID, Name, FirstName, LastName, Email, Kind string
					ID, LegacyID                                   int64
				}
			}
		}
	}
	const fields = `{ totalCount pageInfo { startCursor endCursor hasNextPage hasPreviousPage } edges { node { nodeId id legacyId kind name firstName lastName email } } }`
	for _, forward := range []bool{true, false} {
		var got []user
		arguments := `after: "", first: 3`
		if !forward {
			arguments = `before: "", last: 3`
		}
		for {
			p := ask[page](t, r, reader(1, 2), `{ users(projectIds: [1, 2, 3], `+arguments+`) `+fields+` }`, nil).Users
			if p.TotalCount != len(want) {
				t.Fatalf("%d users, want %d", p.TotalCount, len(want))
			}
			var part []user
			for _, e := range p.Edges {
				raw, err := base64.RawURLEncoding.DecodeString(e.Node.NodeID)
				if err != nil {
					t.Fatal(err)
				}
				var u user
				if _, err := fmt.Sscanf(string(raw), "User:%d:%d", &u.project, &u.id); err != nil || u.id != e.Node.ID || u.id != e.Node.LegacyID {
					t.Fatalf("%s: %+v: %v", raw, e.Node, err)
				}
				if name := fmt.Sprintf("Operator %d", u.id); e.Node.Name != name || e.Node.FirstName+" "+e.Node.LastName != name || e.Node.Email == "" || e.Node.Kind == "" {
					t.Fatalf("%+v", e.Node)
				}
				part = append(part, u)
			}
			more := p.PageInfo.HasNextPage
			if forward {
				got = append(got, part...)
				arguments = fmt.Sprintf("first: 3, after: %q", *p.PageInfo.EndCursor)
			} else {
				more, got = p.PageInfo.HasPreviousPage, append(part, got...)
				arguments = fmt.Sprintf("last: 3, before: %q", *p.PageInfo.StartCursor)
			}
			if !more {
				break
			}
		}
		if !slices.Equal(got, want) {
			t.Errorf("forward %v: %v, want %v", forward, got, want)
		}
	}
	none := ask[page](t, r, reader(1, 2), `{ users(projectIds: [3, 77]) `+fields+` }`, nil).Users
	if none.TotalCount+len(none.Edges) > 0 {
		t.Errorf("%+v", none)
	}
}

// TestNodeIdsAreUniqueInAnAnswer has objects of the same id in two projects, and collects what an answer says of
// each nodeId.
func TestNodeIdsAreUniqueInAnAnswer(t *testing.T) {
	r := theRig(t)
	document := `{ closedConversations(` + always + `, filters: {projectIds: [1, 2]}) { edges { node { nodeId __typename id project { nodeId __typename id }
		visitor { nodeId __typename id email } customer { nodeId __typename id project { id } } campaign { nodeId __typename id name }
		tags { nodeId __typename id name } users { nodeId __typename id name email kind }
		routingEvents { routingRule { nodeId __typename id name } routingGroup { nodeId __typename id name } }
		conversions { transactions { nodeId __typename id conversationId amount attributedTo { nodeId __typename id name email kind } } }
		messages { edges { node { nodeId __typename id createdAt ... on SystemMessage { toUser { nodeId __typename id name email kind } fromUser { nodeId __typename id name email kind } } ... on ChatMessage { author { user { nodeId __typename id name email kind } } } } } }
		contacts { nodeId __typename id startedAt operator { nodeId __typename id name email kind } routingRule { nodeId __typename id name } routingGroup { nodeId __typename id name } }
	} } } }`
	says, types := map[string]string{}, map[string]int{}
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, element := range v {
				walk(element)
			}
		case map[string]any:
			if id, ok := v["nodeId"].(string); ok {
				plain := map[string]any{}
				for name, value := range v {
					if _, nested := value.(map[string]any); !nested {
						plain[name] = value
					}
				}
				for _, list := range []string{"tags", "users", "routingEvents", "contacts"} {
					delete(plain, list)
				}
				description := fmt.Sprint(plain)
				if before, known := says[id]; known && before != description {
					t.Errorf("%s is %s and %s", id, before, description)
				} else if !known {
					says[id] = description
					types[v["__typename"].(string)]++
				}
			}
			for _, value := range v {
				walk(value)
			}
		}
	}
	walk(ask[any](t, r, reader(1, 2), document, nil))
	for _, name := range []string{
		"Conversation", "Project", "Visitor", "Customer", "Campaign", "Tag", "User", "RoutingRule", "RoutingGroup", "Transaction", "ChatMessage", "SystemMessage", "Contact",
	} {
		if types[name] < 2 {
			t.Errorf("%d objects of type %s", types[name], name)
		}
	}
	if len(slices.Collect(maps.Keys(says))) < 500 {
		t.Errorf("only %d objects", len(says))
	}
}

// TestAUserHasOneNameInAnAnswer renames an operator between two conversations.
func TestAUserHasOneNameInAnAnswer(t *testing.T) {
	r := theRig(t)
	world := new(storetest.World)
	for i, name := range []string{"Ada Byron", "Ada Lovelace"} {
		c := *r.world.Closed(func(c *storetest.Conversation) bool { return c.Project == 1 && c.ContactCount > 0 })[i]
		first := slices.IndexFunc(r.world.Contacts, func(k storetest.Contact) bool { return k.Project == 1 && k.Conversation == c.ID })
		k := r.world.Contacts[first]
		c.Project, k.Project, k.Operator, k.OperatorName, k.StartedAt = 601, 601, 7, &name, k.StartedAt+storetest.Millis(i)*100*86_400_000
		kind := "PROFESSIONAL"
		c.Users = []storetest.User{{ID: 7, Kind: kind, Name: &name}}
		c.Marks = []storetest.Mark{{Event: "push", At: k.StartedAt, Position: 1, Type: "parley.conversation.pushed.v1", ToID: &k.Operator, ToKind: &kind, ToName: &name}}
		closed := k.StartedAt + 1000
		c.ClosedAt, c.FirstContactAt, c.LastContactAt = &closed, &k.StartedAt, &k.StartedAt
		world.Conversations, world.Contacts = append(world.Conversations, c), append(world.Contacts, k)
	}
	world.Insert(t, r.server, projection)
	user := ` { name firstName lastName } `
	all := strings.ReplaceAll(`users USER messages { edges { node { ... on SystemMessage { toUser USER } } } } contacts { operator USER }`, "USER", user)
	for _, document := range []string{
		`{ closedConversations(` + always + `) { edges { node { ` + all + ` } } } }`,
		`{ contacts(` + always + `) { edges { node { operator ` + user + ` conversation { ` + all + ` } } } } }`,
		`{ contacts(` + always + `) { edges { node { operator ` + user + ` } } } }`,
		`{ users ` + ` { edges { node ` + user + ` } } }`,
	} {
		response, _ := r.exec(t, reader(601), document, nil)
		if text := string(response.Data); len(response.Errors) > 0 || strings.Contains(text, "Byron") || !strings.Contains(text, `"name":"Ada Lovelace","firstName":"Ada","lastName":"Lovelace"`) {
			t.Errorf("%s: %s %v", document, text, response.Errors)
		}
	}
}

// TestDocumentsWrittenForIAdvizeRun has their names of arguments and fields, as their pages write them.
func TestDocumentsWrittenForIAdvizeRun(t *testing.T) {
	r := theRig(t)
	for _, document := range []string{
		`query MyQuery { users(after: "", projectIds: 9999, first: 100) { pageInfo { endCursor hasNextPage } edges { node { id email firstName } } } }`,
		`query($after: String) { closedConversations(first: 100, after: $after, before: "", interval: {from: "2020-06-01T00:00:00Z", to: "2020-06-02T00:00:00Z"}, filters: {projectIds: 9999, groupIds: [], conversationVisitorIds: []}) {
			totalCount pageInfo { endCursor hasNextPage } edges { node { id legacyId createdAt closedAt channel duration language project { id name } visitor { visitorId externalId firstName lastName email }
			users { id firstName lastName email } tags { id name } routingEvents { createdAt routingRule { id name } routingGroup { id name } }
			messages(first: 100) { edges { node { id createdAt ... on SystemMessage { toUser { id firstName lastName } attachment { __typename } } } } }
			conversions { transactions { id externalConversionId amount currency visitorDate eventDate source conversationId } } } } } }`,
		`{ conversions(interval: {from: "2020-06-01T00:00:00Z", to: "2020-06-03T00:00:00Z"}, filters: {projectIds: 9999}, first: 100) { edges { node { id externalConversionId amount currency visitorDate receivedAt eventDate } } } }`,
	} {
		response, _ := r.exec(t, reader(9999), document, map[string]any{"after": ""})
		if len(response.Errors) > 0 || strings.Contains(string(response.Data), `"edges":[]`) && !strings.Contains(document, "messages") {
			t.Errorf("%s: %.300s %v", document, response.Data, response.Errors)
		}
	}
}
