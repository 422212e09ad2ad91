package iadvize

import (
	"slices"
	"strings"
	"testing"

	graphql "github.com/graph-gophers/graphql-go"

	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// full is an API that has all that can be asked.
func full() offer {
	all := make(offer)
	for _, name := range optionalNames() {
		all[name] = true
	}
	return all
}

func TestEverySelectionOfOptionalFieldsIsAValidDocument(t *testing.T) {
	schema, err := graphql.ParseSchema(sdl.SDL(), nil, graphql.UseStringDescriptions())
	if err != nil {
		t.Fatal(err)
	}
	offers := map[string]offer{"the core": {}, "everything": full()}
	for _, name := range optionalNames() {
		offers["only "+name] = offer{name: true}
		without := full()
		delete(without, name)
		offers["all but "+name] = without
	}
	variables := map[string]any{
		"from": "2026-03-01T00:00:00Z", "to": "2026-03-02T00:00:00Z", "first": 1,
		"id": "3b1d6c9a-58e2-4f47-9a0c-7d1e5b2f8c10", "project": 1,
	}
	for name, has := range offers {
		for _, query := range []string{historyQuery, threadQuery} {
			if errs := schema.ValidateWithVariables(has.document(query), variables); len(errs) > 0 {
				t.Errorf("%s: %v\n%s", name, errs, has.document(query))
			}
		}
	}
}

func TestCoreAsksForNoOptionalField(t *testing.T) {
	core := strings.Fields(offer{}.document(historyQuery) + offer{}.document(threadQuery))
	for _, name := range []string{"initiator", "customData", "campaign", "externalId", "transactionId", "kind", "text", "reason", "projectId:"} {
		if slices.Contains(core, name) {
			t.Errorf("the core asks for %s", name)
		}
	}
	for _, name := range []string{"createdAt", "closedAt", "channel", "language", "project", "visitor", "tags", "routingEvents", "SystemMessage", "attachment", "satisfactionSurvey", "conversions"} {
		if !slices.Contains(core, name) {
			t.Errorf("the core does not ask for %s", name)
		}
	}
}
