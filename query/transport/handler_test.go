package transport_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/transport"
)

func TestAQueryIsAnswered(t *testing.T) {
	r := newRig(t)
	a := r.post(`query ($t: String) { echo(text: $t) }`, map[string]any{"t": "hello"})
	if a.status != 200 || string(a.Data) != `{"echo":"hello"}` || len(a.Errors) != 0 {
		t.Fatalf("%d %s", a.status, a.raw)
	}
	if got := a.header.Get("Content-Type"); got != "application/json; charset=utf-8" {
		t.Errorf("Content-Type = %q", got)
	}
}

func TestAQueryIsAnsweredOverGET(t *testing.T) {
	r := newRig(t)
	a := r.get(url.Values{"query": {`query Q($t: String) { echo(text: $t) }`}, "variables": {`{"t":"hello"}`}, "operationName": {"Q"}}.Encode())
	if a.status != 200 || string(a.Data) != `{"echo":"hello"}` {
		t.Fatalf("%d %s", a.status, a.raw)
	}
}

func TestMutationsNeedPOST(t *testing.T) {
	r := newRig(t)
	for _, accept := range []string{"Accept: application/json", graphQLJSON} {
		a := r.get(url.Values{"query": {`mutation { touch }`}}.Encode(), fields(accept))
		if a.status != 405 || a.header.Get("Allow") != "POST" || a.Data != nil {
			t.Errorf("%s: %d %s", accept, a.status, a.raw)
		}
	}
	if a := r.post(`mutation { touch }`, nil); string(a.Data) != `{"touch":true}` {
		t.Errorf("POST: %s", a.raw)
	}
}

func TestStatusAndCodeOfEveryRefusal(t *testing.T) {
	r := newRig(t)
	type want struct {
		json, response int // statuses by media type of the answer
		code           string
	}
	for name, c := range map[string]struct {
		ask  func(accept string) *answer
		want want
	}{
		"nobody": {func(accept string) *answer {
			return r.post(`{ echo }`, nil, fields(accept, "X-Api-Id: "))
		}, want{401, 401, "UNAUTHENTICATED"}},
		"without the scope": {func(accept string) *answer {
			return r.post(`{ echo }`, nil, fields(accept, "X-Api-Id: sender"))
		}, want{403, 403, "FORBIDDEN"}},
		"cannot check credentials": {func(accept string) *answer {
			return r.post(`{ echo }`, nil, fields(accept, "X-Api-Id: down"))
		}, want{503, 503, "SERVICE_UNAVAILABLE"}},
		"another method": {func(accept string) *answer {
			return r.post(`{ echo }`, nil, fields(accept), method("PUT"))
		}, want{405, 405, "BAD_REQUEST"}},
		"no content type": {func(accept string) *answer {
			return r.post(`{ echo }`, nil, fields(accept, "Content-Type: "))
		}, want{415, 415, "BAD_REQUEST"}},
		"text": {func(accept string) *answer {
			return r.post(`{ echo }`, nil, fields(accept, "Content-Type: text/plain"))
		}, want{415, 415, "BAD_REQUEST"}},
		"latin 1": {func(accept string) *answer {
			return r.post(`{ echo }`, nil, fields(accept, "Content-Type: application/json; charset=iso-8859-1"))
		}, want{415, 415, "BAD_REQUEST"}},
		"gzip": {func(accept string) *answer {
			return r.post(`{ echo }`, nil, fields(accept, "Content-Encoding: gzip"))
		}, want{415, 415, "BAD_REQUEST"}},
		"no body":         {func(accept string) *answer { return r.body("", fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"broken JSON":     {func(accept string) *answer { return r.body(`{"query"`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"a list":          {func(accept string) *answer { return r.body(`[{"query":"{ echo }"}]`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"two objects":     {func(accept string) *answer { return r.body(`{"query":"{ echo }"}{}`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"no UTF-8":        {func(accept string) *answer { return r.body("{\"query\":\"{ echo }\",\"x\":\"\xff\"}", fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"no query":        {func(accept string) *answer { return r.body(`{"qeury":"{ echo }"}`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"null query":      {func(accept string) *answer { return r.body(`{"query":null}`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"number query":    {func(accept string) *answer { return r.body(`{"query":1}`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"list variables":  {func(accept string) *answer { return r.body(`{"query":"{ echo }","variables":[]}`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"text variables":  {func(accept string) *answer { return r.body(`{"query":"{ echo }","variables":"{}"}`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"list extensions": {func(accept string) *answer { return r.body(`{"query":"{ echo }","extensions":[]}`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"list operation name": {func(accept string) *answer {
			return r.body(`{"query":"{ echo }","operationName":["a"]}`, fields(accept))
		}, want{400, 400, "BAD_REQUEST"}},
		"repeated in GET":   {func(accept string) *answer { return r.get(`query={echo}&query={echo}`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"bad GET variables": {func(accept string) *answer { return r.get(`query={echo}&variables=x`, fields(accept)) }, want{400, 400, "BAD_REQUEST"}},
		"empty document":    {func(accept string) *answer { return r.post(``, nil, fields(accept)) }, want{200, 400, "OPERATION_RESOLUTION_FAILURE"}},
		"syntax":            {func(accept string) *answer { return r.post(`{`, nil, fields(accept)) }, want{200, 400, "GRAPHQL_PARSE_FAILED"}},
		"unknown field":     {func(accept string) *answer { return r.post(`{ nope }`, nil, fields(accept)) }, want{200, 400, "GRAPHQL_VALIDATION_FAILED"}},
		"fragment cycle": {func(accept string) *answer {
			return r.post(`{ ...A } fragment A on Query { echo ...A }`, nil, fields(accept))
		}, want{200, 400, "GRAPHQL_VALIDATION_FAILED"}},
		"variable of a wrong type": {func(accept string) *answer {
			return r.post(`query ($how: String!) { fail(how: $how) }`, nil, fields(accept))
		}, want{200, 400, "BAD_USER_INPUT"}},
		"variable that cannot be coerced": {func(accept string) *answer {
			return r.post(`query ($n: Int) { echo(number: $n) }`, map[string]any{"n": "three"}, fields(accept))
		}, want{200, 400, "BAD_USER_INPUT"}},
		"condition that cannot be coerced": {func(accept string) *answer {
			return r.post(`query ($b: Boolean!) { fail(how: "plain") @include(if: $b) }`, map[string]any{"b": "yes"}, fields(accept))
		}, want{200, 400, "BAD_USER_INPUT"}},
		"unknown operation": {func(accept string) *answer {
			return r.body(`{"query":"query A { echo }","operationName":"B"}`, fields(accept))
		}, want{200, 400, "OPERATION_RESOLUTION_FAILURE"}},
		"which operation": {func(accept string) *answer {
			return r.post(`query A { echo } query B { echo }`, nil, fields(accept))
		}, want{200, 400, "OPERATION_RESOLUTION_FAILURE"}},
		"unknown persisted document": {func(accept string) *answer {
			return r.body(`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"`+strings.Repeat("0", 64)+`"}}}`, fields(accept))
		}, want{200, 400, "PERSISTED_QUERY_NOT_FOUND"}},
	} {
		t.Run(name, func(t *testing.T) {
			for accept, status := range map[string]int{"Accept: application/json": c.want.json, graphQLJSON: c.want.response} {
				a := c.ask(accept)
				if a.status != status || a.code() != c.want.code || a.Data != nil {
					t.Errorf("%s: %d %s; want %d %s", accept, a.status, a.raw, status, c.want.code)
				}
				if a.Extensions.Cost == nil || a.Extensions.Cost.ThrottleStatus == nil {
					t.Errorf("%s: no cost in %s", accept, a.raw)
				}
				if (status == 401) != (a.header.Get("WWW-Authenticate") != "") && status != 403 {
					t.Errorf("%s: WWW-Authenticate = %q", accept, a.header.Get("WWW-Authenticate"))
				}
			}
		})
	}
}

func TestAnErrorOfOneFieldLeavesTheOthers(t *testing.T) {
	r := newRig(t)
	for how, code := range map[string]string{"coded": "BAD_USER_INPUT", "plain": "INTERNAL_SERVER_ERROR", "panic": "INTERNAL_SERVER_ERROR"} {
		a := r.post(`query ($how: String!) { echo fail(how: $how) }`, map[string]any{"how": how}, fields(graphQLJSON))
		if a.status != 200 || a.code() != code || string(a.Data) != `{"echo":"","fail":null}` {
			t.Errorf("%s: %d %s", how, a.status, a.raw)
		}
		if strings.Contains(a.raw, "secret") {
			t.Errorf("%s: the response shows the cause: %s", how, a.raw)
		}
	}
}

func TestTheIntrospectionIsOf2025(t *testing.T) {
	r := newRig(t)
	for document, want := range map[string]string{
		`{ __schema { description queryType { name isOneOf specifiedByURL } directives { name isRepeatable } } __typename }`: `{"__schema":{"description":null,"queryType":{"name":"Query","isOneOf":null,"specifiedByURL":null},"directives":[` +
			`{"name":"deprecated","isRepeatable":false},{"name":"include","isRepeatable":false},{"name":"oneOf","isRepeatable":false},{"name":"skip","isRepeatable":false},{"name":"specifiedBy","isRepeatable":false}]},"__typename":"Query"}`,
		// Aliases, fragments and fields given twice are merged.
		`query($n: String!) { a: __type(name: $n) { ...K ...K name } ... on Query { a: __type(name: $n) { fields { name @skip(if: true) t: type { kind ofType { name } } } } } b: __type(name: "no") { name } } fragment K on __Type { kind k: kind }`: `{"a":{"kind":"OBJECT","k":"OBJECT","name":"Tag","fields":[{"t":{"kind":"NON_NULL","ofType":{"name":"ID"}}},{"t":{"kind":"SCALAR","ofType":null}}]},"b":null}`,
		// What is left out leaves nothing to ask.
		`{ __schema @include(if: false) { description } }`: `{}`,
	} {
		a := r.post(document, map[string]any{"n": "Tag"})
		var got struct{ Data json.RawMessage }
		if err := json.Unmarshal([]byte(a.raw), &got); err != nil || string(got.Data) != want {
			t.Errorf("%s:\n%s\nwant %s", document, a.raw, want)
		}
	}
	if a := r.post(`{ __type(name: 7) { name } }`, nil); a.code() == "" {
		t.Error(a.raw)
	}
	small := newRig(t, func(c *transport.Config) { c.Limits.AnswerBytes = 1000 })
	if a := small.post(`{ __schema { types { name fields { name description } } } }`, nil); a.code() != "ANSWER_TOO_LARGE" {
		t.Errorf("%.200s", a.raw)
	}
}

func TestErrorsHaveTheNameThatClientsOfIAdvizeRead(t *testing.T) {
	named := newRig(t, func(c *transport.Config) { c.ErrorNames = true })
	for document, want := range map[string]string{
		`{`: "GRAPHQL_PARSE_FAILED", `{nothing}`: "GRAPHQL_VALIDATION_FAILED", `{__type {name}}`: "GRAPHQL_VALIDATION_FAILED",
		`{fail(how: "coded")}`: "BAD_USER_INPUT", `{fail(how: "")}`: "INTERNAL_SERVER_ERROR",
	} {
		if got := named.post(document, nil); len(got.Errors) != 1 || got.Errors[0].Extensions.Name != want || got.code() != want {
			t.Errorf("%s: %s, want %s", document, got.raw, want)
		}
	}
	for key, want := range map[string]string{"sender": "PERMISSION_DENIED", "nobody": "UNAUTHENTICATED"} {
		if got := named.post(`{echo}`, nil, fields("X-Api-Id: "+key)); len(got.Errors) != 1 || got.Errors[0].Extensions.Name != want {
			t.Errorf("%s: %s, want %s", key, got.raw, want)
		}
	}
	if got := newRig(t).post(`{`, nil); got.Errors[0].Extensions.Name != "" {
		t.Errorf("%s has a name that was not asked for", got.raw)
	}
}
