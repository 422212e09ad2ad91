package saved_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/saved"
)

func TestAQuestionIsAskedAsOfAPosition(t *testing.T) {
	q, err := saved.Parse(`query Month { a: metrics(interval: {from: "2026-03-01T00:00:00Z", to: "2026-04-01T00:00:00Z"}) { position total { csat ...F } } conversation(id: "x") { id } } fragment F on MetricsBucket { rows }`)
	if err != nil {
		t.Fatal(err)
	}
	asOf := q.AsOf("cDE")
	if n := strings.Count(asOf, `asOf: "cDE"`); n != 2 || strings.Contains(asOf, "position") || strings.Contains(asOf, "rows") || !strings.Contains(asOf, "a: metrics") {
		t.Errorf("as of: %s", asOf)
	}
	if now := q.Now(); strings.Contains(now, "asOf") || strings.ReplaceAll(asOf, `, asOf: "cDE"`, "") != now {
		t.Errorf("now: %s", now)
	}
}

func TestOnlyQuestionsThatHaveAPastAreTaken(t *testing.T) {
	for document, rule := range map[string]string{
		`{ metrics(`:                                                                          "does not parse",
		`mutation { send { id } }`:                                                            "must be a query",
		`{ users { totalCount } }`:                                                            "users does not answer as of a position",
		`query($i: Int) { metrics(x: $i) { position } }`:                                      "must not have variables",
		`{ metrics(asOf: "x") { position } }`:                                                 "must not set asOf",
		`{ ...F } fragment F on Query { metrics { position } }`:                               "fragments of Query",
		`query A { metrics { position } } query B { metrics { position } }`:                   "one query, not 2",
		`{ metrics { position } conversions(interval: {from: "a", to: "b"}) { totalCount } }`: "conversions does not answer",
	} {
		if _, err := saved.Parse(document); err == nil || !strings.Contains(err.Error(), rule) {
			t.Errorf("%s: %v, want %q", document, err, rule)
		}
	}
}

func TestDifferencesAreFoundByWhatNamesAnObject(t *testing.T) {
	then := `{"metrics":{"total":{"csat":80,"revenue":[{"currency":"EUR","amount":10.10}]},"buckets":[
		{"from":"2026-03-01","dimensions":[{"name":"TAG","value":"vip"}],"contacts":3},{"from":"2026-03-02","dimensions":[{"name":"TAG","value":null}],"contacts":4}]},
		"list":{"edges":[{"node":{"id":"a","n":1}},{"node":{"id":"b","n":2}}]},"same":[1,2,{"x":null}]}`
	today := `{"metrics":{"total":{"csat":81,"revenue":[{"currency":"EUR","amount":10.11},{"currency":"USD","amount":1}]},"buckets":[
		{"from":"2026-03-02","dimensions":[{"name":"TAG","value":null}],"contacts":5},{"from":"2026-03-01","dimensions":[{"name":"TAG","value":"vip"}],"contacts":3}]},
		"list":{"edges":[{"node":{"id":"b","n":3}}]},"same":[1,2,{"x":null}]}`
	found, err := saved.Compare([]byte(then), []byte(today))
	if err != nil {
		t.Fatal(err)
	}
	want := `[{list.edges[id=a] {"node":{"id":"a","n":1}} } {list.edges[id=b].node.n 2 3} ` +
		`{metrics.buckets[from=2026-03-02 dimensions=TAG:null].contacts 4 5} {metrics.total.csat 80 81} ` +
		`{metrics.total.revenue[currency=EUR].amount 10.10 10.11} {metrics.total.revenue[currency=USD]  {"amount":1,"currency":"USD"}}]`
	if got := fmt.Sprint(found); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}
