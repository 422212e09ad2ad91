package query_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/parley-analytics/parley/query"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// countOf is a count of metrics with what its rows add up to: each row counts one,
// or what a field of it says.
type countOf struct {
	name, figure, list string
	each               func(node map[string]any) int // nil: one
}

func countsOf() []countOf {
	number := func(field string) func(map[string]any) int {
		return func(node map[string]any) int { return int(node[field].(float64)) }
	}
	sales := func(node map[string]any) int {
		return len(node["conversions"].(map[string]any)["transactions"].([]any))
	}
	return []countOf{
		{"CLOSED_CONVERSATIONS", "closedConversations", "closedConversations", nil},
		{"ABANDONED_CONVERSATIONS", "abandonedConversations", "closedConversations", nil},
		{"REOPENED_CONVERSATIONS", "reopenedConversations", "closedConversations", nil},
		{"VISITOR_MESSAGES", "visitorMessages", "closedConversations", number("visitorMessageCount")},
		{"OPERATOR_MESSAGES", "operatorMessages", "closedConversations", number("operatorMessageCount")},
		{"TRANSACTIONS", "transactions", "closedConversations", sales},
		{"SURVEY_ANSWERS", "surveyAnswers", "closedConversations", nil},
		{"NPS_ANSWERS", "npsAnswers", "closedConversations", nil},
		{"CONTACTS", "contacts", "contacts", nil},
		{"ANSWERED_CONTACTS", "answeredContacts", "contacts", nil},
		{"UNANSWERED_CONTACTS", "unansweredContacts", "contacts", nil},
		{"TRANSFERRED_CONTACTS", "transferredContacts", "contacts", nil},
		{"SNOOZED_CONTACTS", "snoozedContacts", "contacts", nil},
	}
}

// statesOf are the counts of states over time; see TestEveryCountOfStatesLeadsToItsConversations.
func statesOf() map[string]string {
	return map[string]string{
		"CREATED_CONVERSATIONS": "createdConversations", "CLOSINGS": "closings", "FIRST_CLOSINGS": "firstClosings", "REOPENINGS": "reopenings",
		"OPEN_AT_END": "openAtEnd", "SNOOZED_AT_END": "snoozedAtEnd", "UNATTENDED_AT_END": "unattendedAtEnd",
	}
}

// TestEveryCountLeadsToItsRows opens the handle of every count of some buckets, in
// every dimension, and adds up the rows that it leads to.
func TestEveryCountLeadsToItsRows(t *testing.T) {
	r := theRig(t)
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: sdl.SDL()})
	counts := countsOf()
	if opened, want := len(counts)+len(statesOf()), len(schema.Types["MetricsCount"].EnumValues); opened != want {
		t.Fatalf("%d counts are opened, the SDL has %d", opened, want)
	}
	handles := "dimensions { name }"
	for _, c := range counts {
		handles += fmt.Sprintf(" %[1]s: rows(of: %[1]s) %[2]s", c.name, c.figure)
	}
	arguments := []string{"step: WEEK", `contactFilters: {waitMs: {min: 20000}}, filters: {minContacts: 2}`}
	for _, d := range schema.Types["MetricsDimension"].EnumValues {
		argument := "groupBy: " + d.Name
		if d.Name == "CUSTOM_DATA" {
			argument += `, customDataKey: "plan"`
		}
		arguments = append(arguments, argument)
	}
	seen := map[string]int{}
	for _, argument := range arguments {
		got := ask[struct {
			Metrics struct{ Buckets []map[string]any }
		}](t, r, reader(1, 2),
			fmt.Sprintf(`{ metrics(interval: {from: "2020-03-22T00:00:00Z", to: "2020-03-29T00:00:00Z"}, %s) { buckets { %s } } }`, argument, handles), nil)
		every := 1 + len(got.Metrics.Buckets)/4
		for i := 0; i < len(got.Metrics.Buckets); i += every {
			bucket := got.Metrics.Buckets[i]
			var fields []string
			for _, c := range counts {
				fields = append(fields, fmt.Sprintf(`%s: %s(%s, filters: {rows: %q}) { totalCount edges { node { ...%s } } }`, c.name, c.list, always, bucket[c.name], c.list))
			}
			lists := ask[map[string]struct {
				TotalCount int
				Edges      []struct{ Node map[string]any }
			}](t, r, reader(1, 2), "{ "+strings.Join(fields, "\n")+` }
				fragment closedConversations on Conversation { visitorMessageCount operatorMessageCount conversions { transactions { amount } } }
				fragment contacts on Contact { id }`, nil)
			for _, c := range counts {
				list := lists[c.name]
				sum := list.TotalCount
				if c.each != nil {
					sum = 0
					for _, edge := range list.Edges {
						sum += c.each(edge.Node)
					}
				}
				if want := int(bucket[c.figure].(float64)); sum != want || len(list.Edges) != min(list.TotalCount, 100) {
					t.Errorf("%s %v: the %d rows of %s add up to %d, want %d", argument, bucket["dimensions"], list.TotalCount, c.name, sum, want)
				}
				seen[c.name] += sum
			}
		}
	}
	for _, c := range counts {
		if seen[c.name] == 0 {
			t.Errorf("no bucket counts any %s", c.name)
		}
	}
}

// TestRowsOfACountAreListedByOneField refuses the rows of a count in the list of the
// other kind of rows, also when they were narrowed since; metrics count nothing there.
func TestRowsOfACountAreListedByOneField(t *testing.T) {
	r := theRig(t)
	handle := func(of, filters string) string {
		return ask[struct {
			Metrics struct{ Total struct{ Rows string } }
		}](t, r, reader(1), fmt.Sprintf(`{ metrics(%s, filters: {%s}) { total { rows(of: %s) } } }`, always, filters, of), nil).Metrics.Total.Rows
	}
	contacts, conversations := handle("UNANSWERED_CONTACTS", ""), handle("ABANDONED_CONVERSATIONS", "")
	open := handle("OPEN_AT_END", "")
	narrowed := handle("CONTACTS", fmt.Sprintf("rows: %q", contacts))
	for _, c := range []struct{ field, rows, want string }{
		{"closedConversations", contacts, "filters.rows: refers to contacts: pass it to contacts"},
		{"searchClosedConversations", narrowed, "filters.rows: refers to contacts: pass it to contacts"},
		{"conversations", contacts, "filters.rows: refers to contacts: pass it to contacts"},
		{"contacts", open, "filters.rows: refers to conversations that need not be closed: pass it to conversations"},
		{"closedConversations", open, "filters.rows: refers to conversations that need not be closed: pass it to conversations"},
		{"searchClosedConversations", open, "filters.rows: refers to conversations that need not be closed: pass it to conversations"},
		{"contacts", conversations, "filters.rows: refers to conversations: pass it to conversations or closedConversations"},
	} {
		document := fmt.Sprintf(`{ %s(%s, filters: {rows: %q}) { totalCount } }`, c.field, always, c.rows)
		if got := refused(t, r, reader(1), query.CodeBadInput, document, nil); got != c.want {
			t.Errorf("%s: %q, want %q", c.field, got, c.want)
		}
	}
	got := ask[json.RawMessage](t, r, reader(1), fmt.Sprintf(`{ metrics(%s, filters: {rows: %q}) { total { closedConversations answeredContacts } } }`, always, contacts), nil)
	if want := `{"metrics":{"total":{"closedConversations":0,"answeredContacts":0}}}`; string(got) != want {
		t.Errorf("%s, want %s", got, want)
	}
}
