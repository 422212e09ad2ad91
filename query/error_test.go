package query_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query"
)

// faulty is a store whose every statement fails, or panics.
type faulty struct {
	query.Store
	err    error
	panics bool
}

func (f *faulty) Live(context.Context) (query.Live, error) {
	if f.panics {
		panic("a secret of the inside")
	}
	return query.Live{}, f.err
}

// TestFaultsAreLoggedAndNotShown has statements fail in ways that say too much.
func TestFaultsAreLoggedAndNotShown(t *testing.T) {
	const secret = "a secret of the inside"
	for _, c := range []struct {
		store  *faulty
		code   query.Code
		logged bool
	}{
		{&faulty{err: errors.New(secret)}, query.CodeInternal, true},
		{&faulty{panics: true}, query.CodeInternal, true},
		{&faulty{err: fmt.Errorf("%s: %w", secret, context.DeadlineExceeded)}, query.CodeTimeout, false},
		{&faulty{err: fmt.Errorf("%s: %w", secret, &query.Error{Code: query.CodeUnavailable, Message: "away"})}, query.CodeUnavailable, true},
		{&faulty{err: fmt.Errorf("%s: %w", secret, &query.Error{Code: query.CodeTooLarge, Message: "large"})}, query.CodeTooLarge, false},
	} {
		logged := new(strings.Builder)
		api, err := query.New(query.Config{Store: c.store, Logger: slog.New(slog.NewTextHandler(logged, nil))})
		if err != nil {
			t.Fatal(err)
		}
		response := api.Schema().Exec(query.WithCaller(t.Context(), reader()), `{ closedConversations(`+always+`) { totalCount } }`, "", nil)
		answer, err := json.Marshal(response)
		if err != nil {
			t.Fatal(err)
		}
		if len(response.Errors) != 1 || response.Errors[0].Extensions["code"] != string(c.code) || strings.Contains(string(answer), secret) {
			t.Errorf("%v is answered as %s", c.store.err, answer)
		}
		if strings.Contains(logged.String(), secret) != c.logged {
			t.Errorf("%v is logged as %q", c.store.err, logged)
		}
	}
}

func TestLiteralsThatNoTypeHoldsAreTheCallersFault(t *testing.T) {
	r := theRig(t)
	for _, literal := range []string{`userIds: 99999999999999999999999999`, `userIds: 1e400`} {
		refused(t, r, reader(1), query.CodeBadInput, `{ closedConversations(`+always+`, filters: {`+literal+`}) { totalCount } }`, nil)
	}
}

// TestNullMeansTheDefault passes null to what has a default.
func TestNullMeansTheDefault(t *testing.T) {
	r := theRig(t)
	type data struct {
		ClosedConversations, Contacts connection
		Metrics                       struct{ Buckets []struct{ From string } }
	}
	const rest = `(` + always + `, filters: null, orderBy: null, first: 2, after: null, last: null) { edges { node { id } } }`
	ask[data](t, r, reader(1), `{ closedConversations`+rest+` contacts`+rest+` }`, nil)
	document := `query($order: ConversationOrder, $zone: String, $step: MetricsStep) {
		closedConversations(` + always + `, orderBy: $order) { edges { node { id } } }
		metrics(interval: {from: "2020-03-21T00:00:00Z", to: "2020-03-22T00:00:00Z"}, timeZone: $zone, step: $step, groupBy: null) { buckets { from contacts } } }`
	got := ask[data](t, r, reader(1), document, map[string]any{"order": nil, "zone": nil, "step": "DAY"})
	if len(got.Metrics.Buckets) != 1 || got.Metrics.Buckets[0].From != "2020-03-21T00:00:00.000Z" {
		t.Errorf("%+v", got.Metrics)
	}
}
