package transport_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
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

func TestCostIsOneForEachObjectAndEachKilobyte(t *testing.T) {
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
		"a page of the default":  {`{ page { pageInfo { hasNextPage } nodes { id } } }`, nil, 1 + 1 + 1 + 100 + 4, 1 + 1 + 1 + 100 + 4},
		"last":                   {`{ page(last: 2) { nodes { id } } }`, nil, 1 + 1 + 2, 1 + 1 + 2},
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
			wantCost(t, r.post(c.document, c.variables), c.requested, c.actual)
		})
	}
}

// A list that leads back to itself is priced as a page inside itself, on every
// level.
func TestRecursionMultiplies(t *testing.T) {
	r := newRig(t)
	nested := func(levels int) string {
		return "{ page(first: 1) { nodes " + strings.Repeat("{ friends ", levels) + "{ id }" + strings.Repeat(" }", levels) + " } }"
	}
	requested := func(levels int) int64 { return *r.post(nested(levels), nil).Extensions.Cost.RequestedQueryCost }
	if got := requested(1); got != 1+1+1+5 {
		t.Errorf("one level: %d", got)
	}
	if got := requested(2); got < 5*100 || got > 6*100 {
		t.Errorf("two levels: %d", got)
	}
	if got := requested(3); got < 5*100*100 || got > 6*100*100 {
		t.Errorf("three levels: %d", got)
	}
	if a := r.post(nested(4), nil); a.code() != "QUERY_TOO_LARGE" {
		t.Errorf("four levels: %.300s", a.raw)
	}
	fragment := "{ page(first: 1) { nodes { ...A friends { ...A } } } } fragment A on Row { friends { friends { id } } }"
	if got := *r.post(fragment, nil).Extensions.Cost.RequestedQueryCost; got < 5*100*100 {
		t.Errorf("by fragments: %d", got)
	}
}

// currently is what the caller has left.
func (a *answer) currently() int64 { return *a.Extensions.Cost.ThrottleStatus.CurrentlyAvailable }

func TestAnAnswerAboveItsLimitEndsEarly(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Limits.AnswerBytes, c.Limits.ListSize = 100_000, 1 })
	for name, document := range map[string]string{
		"objects": "{ page(first: 100) { nodes { friends { friends { id } } } } }",
		"fields":  "{ page(first: 100) { nodes { friends {" + repeat(100, func(i int) string { return fmt.Sprintf(" a%d: id", i) }) + " } } } }",
		"names":   "{ page(first: 100) { nodes { " + strings.Repeat("x", 20_000) + ": id } } }",
		"errors":  "{ page(first: 100) { nodes { friends { broken } } } }",
		"texts":   "{" + repeat(40, func(i int) string { return fmt.Sprintf(" a%d: long", i) }) + " }",
	} {
		r.toy.fields.Store(0)
		before := r.post(`{ echo }`, nil).currently()
		a := r.post(document, nil, fields(graphQLJSON))
		if a.code() != "ANSWER_TOO_LARGE" || a.status != 400 || a.Data != nil || len(a.raw) > 1000 {
			t.Errorf("%s: %d %.300s", name, a.status, a.raw)
			continue
		}
		if !strings.Contains(a.Errors[0].Message, "100000 bytes") || !strings.Contains(a.Errors[0].Message, "shorter pages") {
			t.Errorf("%s: the message names no rule or remedy: %s", name, a.Errors[0].Message)
		}
		// About 100 KB were built, and are paid for.
		if cost := *a.Extensions.Cost.ActualQueryCost; cost < 90 || a.currently() != before-cost {
			t.Errorf("%s: cost %d, %d left of %d", name, cost, a.currently(), before)
		}
		if n := r.toy.fields.Load(); n > 11_000 {
			t.Errorf("%s: %d fields were resolved", name, n)
		}
	}
	if a := r.post("{ page(first: 100) { nodes { friends { id } } } }", nil); a.code() != "" {
		t.Errorf("an answer below the limit: %.300s", a.raw)
	}
}

// A list longer than it was taken for costs what it is.
func TestWhatWasUsedIsChargedBeyondWhatWasTaken(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Limits.ListSize, c.Limits.Budget, c.Limits.Restore = 1, 2_000, 100 })
	a := r.post("{ page(first: 50) { nodes { friends { id } } } }", nil)
	bytes := int64(len(a.Data)) / 1024 * 4
	wantCost(t, a, 1+1+50*2+4*((50*30)/1024), 1+1+50+50*50+bytes)
	if a.currently() != 0 {
		t.Errorf("%d are left", a.currently())
	}
	// The debt is to be waited for.
	debt := *a.Extensions.Cost.ActualQueryCost - 2_000
	if a = r.post("{ echo }", nil); a.code() != "THROTTLED" || a.Errors[0].Extensions.RetryAfterMs != (debt+1)*10 {
		t.Errorf("a debt of %d: %s", debt, a.raw)
	}
}

func TestATimeoutIsCharged(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Limits.Time = 300 * time.Millisecond })
	a := r.post("{ dear page(first: 100) { nodes { id } } wait }", nil)
	// The price, the 102 objects and the kilobyte that were made before.
	if cost := *a.Extensions.Cost.ActualQueryCost; a.code() != "TIMEOUT" || cost < 600 || a.currently() != int64(r.config.Limits.Budget)-cost {
		t.Errorf("%s", a.raw)
	}
}

func TestTheRequestOfAClientThatLeftIsCharged(t *testing.T) {
	r := newRig(t)
	ctx, leave := context.WithCancel(t.Context())
	done := make(chan *answer)
	go func() {
		done <- r.post("{ dear wait }", nil, func(request *http.Request) { *request = *request.WithContext(ctx) })
	}()
	<-r.toy.waiting
	leave()
	<-done
	if left := r.post("{ echo }", nil).currently(); left > int64(r.config.Limits.Budget)-500 {
		t.Errorf("%d are left", left)
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
