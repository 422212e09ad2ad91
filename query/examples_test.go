package query_test

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// TestDocumentedQueriesRunUnchanged runs the three queries of the help article
// that Parley is compatible with, and compares them with the rows.
func TestDocumentedQueriesRunUnchanged(t *testing.T) {
	r := theRig(t)
	document, err := os.ReadFile("testdata/queries.graphql")
	if err != nil {
		t.Fatal(err)
	}
	inside := func(c *storetest.Conversation) bool {
		return c.Project == 9999 && *c.ClosedAt >= millis("2020-06-01T00:00:00Z") && *c.ClosedAt < millis("2020-06-02T00:00:00Z")
	}
	want := r.world.Closed(inside)
	if len(want) < 10 {
		t.Fatalf("only %d conversations to look at", len(want))
	}
	for _, operation := range []string{"Dates", "Satisfaction", "Conversions"} {
		ctx, _ := query.WithStats(query.WithCaller(t.Context(), reader(9999)))
		response := r.api.Schema().Exec(ctx, string(document), operation, nil)
		if len(response.Errors) > 0 {
			t.Fatalf("%s: %v", operation, response.Errors)
		}
		var data struct {
			SearchClosedConversations struct {
				Edges []struct {
					Node struct {
						Conversation       struct{ ID, Duration, CreatedAt, ClosedAt string }
						SatisfactionSurvey *struct {
							Comment                                *string
							CustomerSatisfaction, NetPromoterScore *uint8
						}
						Conversions struct {
							Transactions []struct {
								Amount                                     json.RawMessage
								Currency, ExternalConversionID, ReceivedAt string
							}
						}
					}
				}
			}
		}
		if err := json.Unmarshal(response.Data, &data); err != nil {
			t.Fatal(err)
		}
		edges := data.SearchClosedConversations.Edges
		if len(edges) != len(want) {
			t.Fatalf("%s: %d rows, want %d", operation, len(edges), len(want))
		}
		for i, c := range want {
			node := edges[i].Node
			if node.Conversation.ID != c.ID || millis(node.Conversation.ClosedAt) != *c.ClosedAt || millis(node.Conversation.CreatedAt) != c.CreatedAt {
				t.Fatalf("%s: row %d is %+v, want %s", operation, i, node.Conversation, c.ID)
			}
			answered := c.Satisfaction != nil || c.Score != nil || c.Comment != nil
			if operation != "Dates" && (node.SatisfactionSurvey != nil) != answered {
				t.Fatalf("%s: survey of %s is %v", operation, c.ID, node.SatisfactionSurvey)
			}
			if operation == "Conversions" && len(node.Conversions.Transactions) != int(c.TransactionCount) {
				t.Fatalf("%s: %d transactions of %s, want %d", operation, len(node.Conversions.Transactions), c.ID, c.TransactionCount)
			}
			for _, sale := range node.Conversions.Transactions {
				if strings.ContainsAny(string(sale.Amount), `"eE`) {
					t.Fatalf("amount %s is not a plain number", sale.Amount)
				}
			}
		}
	}
}
