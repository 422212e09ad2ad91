package transport_test

import (
	"strconv"
	"testing"
	"time"

	"github.com/parley-analytics/parley/query/transport"
)

// wantCost checks what an answer says it cost at most and cost.
func wantCost(t *testing.T, a *answer, requested, actual int64) {
	t.Helper()
	c := a.Extensions.Cost
	if c == nil || c.RequestedQueryCost == nil || c.ActualQueryCost == nil || c.ThrottleStatus == nil ||
		*c.RequestedQueryCost != requested || *c.ActualQueryCost != actual {
		t.Errorf("%.300s; want requested %d and actual %d", a.raw, requested, actual)
	}
}

func TestCostIsOneForEachObject(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Limits.ListSize = 5 })
	for name, c := range map[string]struct {
		document          string
		variables         map[string]any
		requested, actual int64
	}{
		"values are free":        {`{ echo }`, nil, 1, 1},
		"braces in strings":      {`{ echo(text: "{{{\"{") }`, nil, 1, 1},
		"a page":                 {`{ page(first: 3) { edges { node { id } } } }`, nil, 1 + 1 + 3*2, 1 + 1 + 3*2},
		"two lists of a page":    {`{ page(first: 3) { edges { node { id } } nodes { id } } }`, nil, 1 + 1 + 3*2 + 3, 1 + 1 + 3*2 + 3},
		"a page of the default":  {`{ page { pageInfo { hasNextPage } nodes { id } } }`, nil, 1 + 1 + 1 + 100, 1 + 1 + 1 + 100},
		"last":                   {`{ page(last: 2) { nodes { id } } }`, nil, 1 + 1 + 2, 1 + 1 + 2 + 98 - 98},
		"an empty page":          {`{ page(first: 0) { nodes { id self { id } } } }`, nil, 1 + 1 + 0 + 1, 2},
		"a variable":             {`query ($n: Int) { page(first: $n) { nodes { id } } }`, map[string]any{"n": 4}, 1 + 1 + 4, 1 + 1 + 4},
		"a variable's default":   {`query ($n: Int = 2) { page(first: $n) { nodes { id } } }`, nil, 1 + 1 + 2, 1 + 1 + 2},
		"a list is given back":   {`{ page(first: 2) { nodes { tags { id } } } }`, nil, 1 + 1 + 2*(1+5), 1 + 1 + 2*(1+2)},
		"lists of values":        {`{ page(first: 2) { nodes { words } } }`, nil, 1 + 1 + 2, 1 + 1 + 2},
		"fragments":              {`{ page(first: 2) { ...P } } fragment P on RowConnection { nodes { ...R ... on Row { self { id } } } } fragment R on Row { self { id } }`, nil, 1 + 1 + 2*3, 1 + 1 + 2*2},
		"a fragment at two uses": {`{ a: page(first: 2) { ...P } b: page(first: 5) { ...P } } fragment P on RowConnection { nodes { id } }`, nil, 1 + 1 + 2 + 1 + 5, 1 + 1 + 2 + 1 + 5},
		"a price":                {`{ dear }`, nil, 501, 501},
		"aliases pay again":      {`{ a: dear b: dear }`, nil, 1001, 1001},
		"errors cost too":        {`{ echo fail(how: "coded") }`, nil, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			if name == "last" {
				c.actual = c.requested // the toy ignores last; an answer never costs more than was taken
			}
			wantCost(t, r.post(c.document, c.variables), c.requested, c.actual)
		})
	}
}

func TestWhatDoesNotRunIsGivenBack(t *testing.T) {
	r := newRig(t)
	a := r.post(`{ page(first: 10) { nodes { nope } } }`, nil)
	wantCost(t, a, 12, 0)
	if got := *a.Extensions.Cost.ThrottleStatus.CurrentlyAvailable; got != int64(transport.DefaultLimits().Budget) {
		t.Errorf("currentlyAvailable = %d", got)
	}
}

func TestASpentBudgetThrottlesUntilItIsRestored(t *testing.T) {
	r := newRig(t, func(c *transport.Config) {
		c.Limits.Budget, c.Limits.Restore = 1000, 100
	})
	status := func(a *answer) [3]int64 {
		s := a.Extensions.Cost.ThrottleStatus
		return [3]int64{*s.MaximumAvailable, *s.CurrentlyAvailable, *s.RestoreRate}
	}
	if a := r.post(`{ dear }`, nil); a.code() != "" || status(a) != [3]int64{1000, 499, 100} {
		t.Fatal(a.raw)
	}
	for accept, httpStatus := range map[string]int{"Accept: application/json": 200, graphQLJSON: 429} {
		a := r.post(`{ dear }`, nil, fields(accept))
		if a.status != httpStatus || a.code() != "THROTTLED" || status(a) != [3]int64{1000, 499, 100} {
			t.Errorf("%s: %d %s", accept, a.status, a.raw)
		}
		wantCost(t, a, 501, 0)
		if a.Errors[0].Extensions.RetryAfterMs != 20 || a.header.Get("Retry-After") != "1" {
			t.Errorf("retryAfterMs = %d, Retry-After = %q", a.Errors[0].Extensions.RetryAfterMs, a.header.Get("Retry-After"))
		}
	}

	// Another credential has a budget of its own.
	if a := r.post(`{ dear }`, nil, fields("X-Api-Id: other")); a.code() != "" {
		t.Errorf("another credential: %s", a.raw)
	}

	// Waiting as long as the answer said is enough.
	r.clock.advance(20 * time.Millisecond)
	if a := r.post(`{ dear }`, nil); a.code() != "" || status(a)[1] != 0 {
		t.Errorf("after waiting: %s", a.raw)
	}
	r.clock.advance(time.Hour)
	if a := r.post(`{ echo }`, nil); status(a) != [3]int64{1000, 999, 100} {
		t.Errorf("after an hour: %s", a.raw)
	}
}

func TestADocumentAboveTheWholeBudgetIsTooLarge(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Limits.Budget = 1000 })
	a := r.post(`{ a: dear b: dear }`, nil)
	if a.code() != "QUERY_TOO_LARGE" || a.header.Get("Retry-After") != "" {
		t.Fatal(a.raw)
	}
	wantCost(t, a, 1001, 0)
}

func TestBudgetsOfManyCallersAreBounded(t *testing.T) {
	r := newRig(t, func(c *transport.Config) {
		c.Limits.Callers = 2
		c.Limits.Budget, c.Limits.Restore = 1000, 1
		c.Authenticator = anybody{}
	})
	for i := range 100 {
		if a := r.post(`{ dear }`, nil, fields("X-Api-Id: "+strconv.Itoa(i))); a.code() != "" {
			t.Fatalf("%d: %s", i, a.raw)
		}
	}
	if a := r.post(`{ dear }`, nil, fields("X-Api-Id: 99")); a.code() != "THROTTLED" {
		t.Errorf("the last caller was forgotten: %s", a.raw)
	}
}
