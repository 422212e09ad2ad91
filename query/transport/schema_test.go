package transport_test

import (
	"context"
	"encoding/json"
	"os"
	"strings"
	"testing"

	graphql "github.com/graph-gophers/graphql-go"

	"github.com/parley-analytics/parley/query/transport"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// checked validates a document against Parley's schema and answers nothing.
type checked struct{ schema *graphql.Schema }

func (c checked) Exec(_ context.Context, document, _ string, variables map[string]any) *graphql.Response {
	if errs := c.schema.ValidateWithVariables(document, variables); len(errs) > 0 {
		return &graphql.Response{Errors: errs}
	}
	return &graphql.Response{Data: json.RawMessage(`{}`)}
}

// What an analyst asks must pass the default limits and leave most of the
// budget; what no person writes must not.
func TestDocumentsOverTheRealSchemaAndTheDefaultLimits(t *testing.T) {
	introspection, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, func(c *transport.Config) {
		c.SDL, c.Prices = sdl.SDL(), transport.DefaultPrices()
		options := append([]graphql.SchemaOpt{graphql.UseStringDescriptions()}, c.Limits.SchemaOptions(nil, nil)...)
		parsed, err := graphql.ParseSchema(c.SDL, nil, options...)
		if err != nil {
			t.Fatal(err)
		}
		c.Executor = checked{parsed}
	})
	const (
		interval = `interval: {from: "2020-06-01T00:00:00Z", to: "2020-06-02T00:00:00Z"}`
		values   = `id duration createdAt closedAt channel visitor { id email } tags { id name } users { id name }
			satisfactionSurvey { comment customerSatisfaction netPromoterScore } conversions { transactions { amount currency } }
			contacts { id status operator { id name } routingRule { id } routingGroup { id } }`
		dashboard = `total { closedConversations csat nps revenue { amount currency } wait { medianMs p90Ms } handle { meanMs } }
			buckets { from to dimensions { name value } closedConversations wait { medianMs } resolution { p99Ms } revenue { amount } }`
	)
	for name, c := range map[string]struct {
		document string
		refused  string
		most     int64 // points
	}{
		"the tools' introspection": {string(introspection), "", 20_000},
		"a documented query": {"{ searchClosedConversations(filters: {projectIds: 9999}, " + interval + `)
			{ edges { node { conversation { id duration createdAt closedAt }, satisfactionSurvey { comment } conversions { transactions { amount } } } } } }`, "", 1_500},
		"a page of everything":    {"{ closedConversations(first: 100, " + interval + ") { totalCount edges { cursor node { " + values + " } } pageInfo { hasNextPage endCursor } } }", "", 6_000},
		"messages of a page":      {"{ closedConversations(first: 100, " + interval + ") { edges { node { id messages(first: 20) { edges { node { __typename createdAt } } } } } } }", "", 6_000},
		"every message of a page": {"{ closedConversations(" + interval + ") { edges { node { messages { edges { node { createdAt ... on SystemMessage { toUser { id } fromUser { id } attachment { __typename } } } } } } } } }", "", 60_000},
		"a dashboard of 30 panels": {"{" + repeat(30, func(i int) string {
			return " p" + string(rune('a'+i%26)) + string(rune('a'+i/26)) + ": metrics(" + interval + ") { " + dashboard + " }"
		}) + "}", "", 100_000},
		"circles": {"{ contacts(" + interval + ") { edges { node { " + strings.Repeat("conversation { contacts { ", 8) + "id" + strings.Repeat(" } }", 8) + " } } } }", "QUERY_TOO_LARGE", 0},
	} {
		t.Run(name, func(t *testing.T) {
			a := r.post(c.document, nil)
			if a.code() != c.refused {
				t.Fatalf("%.400s", a.raw)
			}
			if cost := *a.Extensions.Cost.RequestedQueryCost; c.refused == "" && (cost > c.most || cost < c.most/10) {
				t.Errorf("it may cost %d points; about %d were meant", cost, c.most)
			} else {
				t.Logf("%d points", cost)
			}
		})
	}
}

func TestEveryPriceNamesAField(t *testing.T) {
	parsed, err := graphql.ParseSchema(sdl.SDL(), nil, graphql.UseStringDescriptions())
	if err != nil {
		t.Fatal(err)
	}
	fields := map[string]bool{}
	for _, object := range parsed.AST().Objects {
		for _, field := range object.Fields {
			fields[object.Name+"."+field.Name] = true
		}
	}
	for name := range transport.DefaultPrices() {
		if !fields[name] {
			t.Errorf("%s is not a field of the schema", name)
		}
	}
}
