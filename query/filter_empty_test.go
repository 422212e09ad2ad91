package query_test

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/parley-analytics/parley/query"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// nothings returns, for every member of an input type of the SDL, the ways to
// give it without asking for anything: null, and an empty list where it is a
// list.
func nothings(of *ast.Definition) []map[string]any {
	var all []map[string]any
	for _, member := range of.Fields {
		if !member.Type.NonNull {
			all = append(all, map[string]any{member.Name: nil})
		}
		if member.Type.Elem != nil {
			all = append(all, map[string]any{member.Name: []any{}})
		}
	}
	return all
}

// TestAnEmptyListAndNullAreNoFilter walks the members of the filters on conversations
// and on contacts, in every field of Query that takes them, as literals and as
// variables.
func TestAnEmptyListAndNullAreNoFilter(t *testing.T) {
	r := theRig(t)
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: sdl.SDL()})
	for argument, most := range map[string]int{"filters": 7 * 35, "contactFilters": 7 * 11} {
		if asked := emptyFilters(t, r, schema, argument); asked < most {
			t.Errorf("only %d members of %s were walked", asked, argument)
		}
	}
}

// emptyFilters walks the members of one argument and returns how many there were.
func emptyFilters(t *testing.T, r *rig, schema *ast.Schema, argument string) (asked int) {
	selections := map[string]string{
		"metrics": "{ total { closedConversations contacts } }", "concurrency": "{ total { contacts peak } }", "transfers": "{ count }", "transfersSql": "",
	}
	for _, field := range schema.Query.Fields {
		filters := field.Arguments.ForName(argument)
		if filters == nil || field.Name == "restatements" { // they are those of metrics, for two positions
			continue
		}
		selection, figures := selections[field.Name]
		if !figures {
			selection = "{ totalCount edges { node { __typename } } }"
		}
		answer := func(document string, variables map[string]any) string {
			response, _ := r.exec(t, reader(1, 2), document, variables)
			if len(response.Errors) > 0 {
				t.Errorf("%s %v: %v", document, variables, response.Errors)
			}
			return string(response.Data)
		}
		want := answer(fmt.Sprintf("{ %s(%s) %s }", field.Name, always, selection), nil)
		if !strings.Contains(want, `"totalCount":`) && !figures {
			t.Fatal(want)
		}
		for _, given := range nothings(schema.Types[filters.Type.Name()]) {
			for member, value := range given {
				literal := "null"
				if value != nil {
					literal = "[]"
				}
				asked++
				if got := answer(fmt.Sprintf("{ %s(%s, %s: {%s: %s}) %s }", field.Name, always, argument, member, literal, selection), nil); got != want {
					t.Errorf("%s, %s: %s as a literal gives %.200s, want %.200s", field.Name, member, literal, got, want)
				}
			}
			document := fmt.Sprintf("query($f: %s) { %s(%s, %s: $f) %s }", filters.Type.Name(), field.Name, always, argument, selection)
			if got := answer(document, map[string]any{"f": given}); got != want {
				t.Errorf("%s, %v as a variable gives %.200s, want %.200s", field.Name, given, got, want)
			}
		}
		if got := answer(fmt.Sprintf("{ %s(%s, %s: null) %s }", field.Name, always, argument, selection), nil); got != want {
			t.Errorf("%s without filters (null): %.200s, want %.200s", field.Name, got, want)
		}
	}
	return asked
}

// TestAnEmptyListOfAnExportDoesNotFilter does so for the parameters of exports.
func TestAnEmptyListOfAnExportDoesNotFilter(t *testing.T) {
	r := theRig(t)
	schema := gqlparser.MustLoadSchema(&ast.Source{Input: sdl.SDL()})
	for _, table := range []query.Table{query.TableConversations, query.TableContacts, query.TableTransactions} {
		ctx := query.WithCaller(t.Context(), reader(1, 2))
		want, err := r.api.Extract(ctx, table, url.Values{})
		if err != nil {
			t.Fatal(err)
		}
		for _, member := range schema.Types["ConversationFilters"].Fields {
			if member.Type.Elem == nil {
				continue
			}
			got, err := r.api.Extract(ctx, table, url.Values{member.Name: {""}})
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s of %s: %+v (%v), want %+v", member.Name, table, got, err, want)
			}
		}
	}
}
