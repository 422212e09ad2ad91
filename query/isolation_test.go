package query_test

import (
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
	"github.com/parley-analytics/parley/schema"
)

// TestAnotherProjectIsLikeOneThatDoesNotExist asks every field, with every way to
// name a project or a row, as a caller of project 1 for project 2 and for one
// that does not exist: the answers are the same, byte for byte.
func TestAnotherProjectIsLikeOneThatDoesNotExist(t *testing.T) {
	r := theRig(t)
	foreign := r.world.Closed(func(c *storetest.Conversation) bool {
		return c.Project == 2 && c.ContactCount > 1 && c.Visitor != nil && c.TransactionCount > 0
	})[0]
	const nobody = "00000000-0000-4000-8000-000000000000"
	for _, document := range []string{
		`{ conversation(id: "<id>") { ` + everything + ` } }`,
		`{ conversation(id: "<id>", projectId: <project>) { ` + everything + ` } }`,
		`{ explain(conversationId: "<id>") { conversation { id } events { id } values { name } } }`,
		`{ explain(conversationId: "<id>", projectId: <project>) { conversation { id } events { id } } }`,
		`{ closedConversations(ALWAYS, filters: {conversationIds: "<id>"}) { totalCount position pageInfo { hasNextPage endCursor } edges { node { ` + everything + ` } } } }`,
		`{ closedConversations(ALWAYS, filters: {projectIds: <project>}) { totalCount edges { node { ` + everything + ` } } } }`,
		`{ closedConversations(ALWAYS, filters: {projectIds: [<project>], tagIds: "vip"}, last: 3, orderBy: CLOSED_AT_DESC) { totalCount edges { node { id } } } }`,
		`{ searchClosedConversations(ALWAYS, filters: {projectIds: <project>}) { totalCount edges { node { conversation { ` + everything + ` } satisfactionSurvey { comment } conversions { transactions { amount } } } } } }`,
		`{ contacts(ALWAYS, filters: {projectIds: <project>}) { totalCount edges { node { id conversation { id } } } } }`,
		`{ contacts(ALWAYS, filters: {conversationIds: "<id>"}) { totalCount edges { node { id conversation { id } } } } }`,
		`{ conversations(ALWAYS, filters: {projectIds: <project>}, contactFilters: {ongoing: false}, state: CLOSED) { totalCount edges { node { ` + everything + ` } } } }`,
		`{ conversations(ALWAYS, filters: {conversationIds: "<id>"}) { totalCount position edges { node { id } } } }`,
		`{ metrics(ALWAYS, filters: {projectIds: <project>}, groupBy: [PROJECT, OPERATOR]) { total { closedConversations contacts revenue { amount } wait { meanMs } } buckets { dimensions { value label } contacts } } }`,
		`{ metrics(ALWAYS, filters: {conversationIds: "<id>"}, groupBy: TAG) { total { closedConversations } buckets { contacts } } }`,
		`{ metrics(interval: {from: "2020-03-26T00:00:00Z", to: "2020-03-29T00:00:00Z"}, filters: {projectIds: <project>}, step: DAY) { total { createdConversations openAtEnd } buckets { closings reopenings openAtEnd snoozedAtEnd unattendedAtEnd } } }`,
		`{ concurrency(interval: {from: "2020-03-01T00:00:00Z", to: "2020-05-01T00:00:00Z"}, filters: {projectIds: <project>}, by: OPERATOR) { total { contacts peak handleTimeMs } buckets { value label peak } } }`,
		`{ transfers(ALWAYS, filters: {conversationIds: "<id>"}, by: GROUP) { from { value label } to { value } count rows } }`,
		`{ conversions(ALWAYS, filters: {projectIds: <project>}) { totalCount edges { node { id conversationId attributedTo { name } } } } }`,
		`{ conversions(ALWAYS, filters: {conversationId: "<id>"}) { totalCount edges { node { id } } } }`,
		`{ users(projectIds: <project>) { totalCount edges { node { id name } } } }`,
		`{ customer(id: "<id>", projectId: <project>) { ` + everyCustomer + ` } }`,
		`{ customers(projectIds: [<project>]) { totalCount pageInfo { hasNextPage endCursor } edges { node { ` + everyCustomer + ` } } } }`,
	} {
		document = strings.ReplaceAll(document, "ALWAYS", always)
		answer := func(project, id string) string {
			response, _ := r.exec(t, reader(1), strings.NewReplacer("<project>", project, "<id>", id).Replace(document), nil)
			text, err := json.Marshal(response)
			if err != nil || len(response.Errors) > 0 {
				t.Fatalf("%s: %v %v", document, response.Errors, err)
			}
			return string(text)
		}
		if theirs, none := answer("2", foreign.ID), answer("77", nobody); theirs != none {
			t.Errorf("%s\nanswers %s\nfor another's project, %s for none", document, theirs, none)
		}
	}
}

// TestEveryRowIsOfTheCallersProjects asks for everything and looks at the
// projects in the answer.
func TestEveryRowIsOfTheCallersProjects(t *testing.T) {
	r := theRig(t)
	project := regexp.MustCompile(`"project":\{"id":(\d+)\}`)
	for _, caller := range []schema.Caller{reader(1), reader(2, 3)} {
		allowed := map[string]bool{}
		for _, id := range caller.Projects.IDs {
			allowed[fmt.Sprint(id)] = true
		}
		for _, document := range []string{
			`{ closedConversations(%s) { edges { node { ` + everything + ` } } } }`,
			`{ conversations(%s, contactFilters: {ongoing: false}) { edges { node { ` + everything + ` } } } }`,
			`{ contacts(%s, orderBy: STARTED_AT_DESC) { edges { node { project { id } conversation { project { id } contacts { project { id } conversation { project { id } } } } } } } }`,
			`{ contacts(%s, filters: {projectIds: [1, 2, 3, 9999], answered: true}) { edges { node { project { id } } } } }`,
			`{ customers(projectIds: [1, 2, 3, 9999]) { edges { node { project { id } conversations { edges { node { project { id } customer { project { id } } } } } } } } }`,
			`{ closedConversations(%s) { edges { node { project { id } customer { project { id } conversations { edges { node { project { id } } } } } } } } }`,
		} {
			response, _ := r.exec(t, caller, strings.Replace(document, "%s", always, 1), nil)
			found := project.FindAllSubmatch(response.Data, -1)
			if len(response.Errors) > 0 || len(found) < 50 {
				t.Fatalf("%v: %d projects: %v", caller.Projects, len(found), response.Errors)
			}
			for _, match := range found {
				if !allowed[string(match[1])] {
					t.Fatalf("a row of project %s for %v", match[1], caller.Projects)
				}
			}
		}
	}
}

// TestAHandleOfAnotherCallerReturnsNoRows uses the rows of a bucket of project 2
// as a caller of project 1.
func TestAHandleOfAnotherCallerReturnsNoRows(t *testing.T) {
	r := theRig(t)
	type buckets struct {
		Metrics struct{ Buckets []struct{ Rows string } }
	}
	theirs := ask[buckets](t, r, reader(2), `{ metrics(`+always+`, groupBy: [PROJECT, TAG]) { buckets { rows } } }`, nil)
	for _, bucket := range theirs.Metrics.Buckets {
		got := ask[struct{ ClosedConversations, Contacts connection }](t, r, reader(1), fmt.Sprintf(
			`{ closedConversations(%[1]s, filters: {rows: %[2]q}) { totalCount edges { node { id } } } contacts(%[1]s, filters: {rows: %[2]q}) { totalCount edges { node { id } } } }`, always, bucket.Rows), nil)
		if got.ClosedConversations.TotalCount+got.Contacts.TotalCount+len(got.ClosedConversations.Edges)+len(got.Contacts.Edges) > 0 {
			t.Fatalf("%+v", got)
		}
	}
}

func TestRightsAreRequired(t *testing.T) {
	r := theRig(t)
	const document = `{ conversation(id: "00000000-0000-4000-8000-000000000000") { id } }`
	response := r.api.Schema().Exec(t.Context(), document, "", nil)
	if len(response.Errors) != 1 || response.Errors[0].Extensions["code"] != string(query.CodeUnauthenticated) {
		t.Errorf("without a caller: %v", response.Errors)
	}
	refused(t, r, schema.Caller{ID: "sender", Scopes: []schema.Scope{schema.ScopeIngest}, Projects: schema.Projects{All: true}}, query.CodeForbidden, document, nil)
	nobody := schema.Caller{ID: "nobody", Scopes: []schema.Scope{schema.ScopeRead}}
	got := ask[struct{ ClosedConversations connection }](t, r, nobody, `{ closedConversations(`+always+`) { totalCount edges { node { id } } } }`, nil)
	if got.ClosedConversations.TotalCount+len(got.ClosedConversations.Edges) > 0 {
		t.Errorf("without projects: %+v", got)
	}
}

// TestAnIdInTwoProjectsNeedsTheProject puts one id into projects 501 and 502.
func TestAnIdInTwoProjectsNeedsTheProject(t *testing.T) {
	r := theRig(t)
	const id = "5f000000-0000-4000-8000-000000000001"
	twins := new(storetest.World)
	for _, project := range []uint32{501, 502} {
		c := r.world.Conversations[0]
		c.Project, c.ID = project, id
		twins.Conversations = append(twins.Conversations, c)
	}
	twins.Insert(t, r.server, projection)
	type one struct {
		Conversation *struct {
			ID      string
			Project struct{ ID int }
		}
	}
	const document = `{ conversation(id: "` + id + `") { id project { id } } }`
	for _, field := range []string{document, `{ explain(conversationId: "` + id + `") { conversation { id } } }`} {
		if got := refused(t, r, reader(501, 502), query.CodeBadInput, field, nil); !strings.HasPrefix(got, "projectId: ") {
			t.Errorf("%s: %s", field, got)
		}
	}
	for caller, project := range map[string]int{"501": 501, "502": 502} {
		got := ask[one](t, r, reader(501, 502), `{ conversation(id: "`+strings.ToUpper(id)+`", projectId: `+caller+`) { id project { id } } }`, nil)
		if got.Conversation == nil || got.Conversation.Project.ID != project || got.Conversation.ID != id {
			t.Errorf("%s: %+v", caller, got.Conversation)
		}
	}
	if got := ask[one](t, r, reader(502, 900), document, nil); got.Conversation == nil || got.Conversation.Project.ID != 502 {
		t.Errorf("the only one of the caller's: %+v", got.Conversation)
	}
	if got := ask[one](t, r, reader(501, 502), `{ conversation(id: "`+id+`", projectId: 503) { id project { id } } }`, nil); got.Conversation != nil {
		t.Errorf("in a project that holds none: %+v", got.Conversation)
	}
}
