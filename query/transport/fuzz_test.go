package transport_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
)

// Whatever is sent, the answer is JSON with data or a code, and nothing breaks.
func FuzzAnyBodyIsAnswered(f *testing.F) {
	introspection, err := os.ReadFile("testdata/introspection.graphql")
	if err != nil {
		f.Fatal(err)
	}
	document, err := json.Marshal(string(introspection))
	if err != nil {
		f.Fatal(err)
	}
	for _, body := range []string{
		`{"query":` + string(document) + `}`,
		`{"query":"query A($n: Int = 2) { page(first: $n) { ...P } } fragment P on RowConnection { nodes { id ... { self { tags { id } } } } }","variables":{"n":3},"operationName":"A"}`,
		`{"query":"{ echo(text: \"\"\"a\\\"\"\"\u00a0b\"\"\") #\u00a0\n fail(how: \"coded\") @skip(if: true) }"}`,
		`{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"ecf4edb46db40b5132295c0291d62fb65d6759a9eedfa4d5d612dd5ec54a6b38"}}}`,
		`{"query":"mutation { touch }","variables":null,"extensions":{}}`,
		`{"query":"subscription { x }"}`,
		`[]`, `{`, ``,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r := newRig(t)
		close(r.toy.release)
		request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Api-Id", "reader")
		a := r.do(request)
		switch {
		case a.status != http.StatusOK && a.status != http.StatusBadRequest && a.status != http.StatusRequestEntityTooLarge:
			t.Errorf("status %d: %s", a.status, a.raw)
		case a.Data == nil && (len(a.Errors) == 0 || a.Errors[0].Extensions.Code == ""):
			t.Errorf("neither data nor a code: %s", a.raw)
		case a.Extensions.Cost == nil:
			t.Errorf("no cost: %s", a.raw)
		case strings.Contains(r.log.String(), "panicked"):
			t.Error(r.log)
		}
	})
}

func BenchmarkRequest(b *testing.B) {
	r := newRig(b)
	body := `{"query":"query Page($n: Int) { page(first: $n) { edges { node { id self { id } } } pageInfo { hasNextPage } } }","variables":{"n":10}}`
	b.ReportAllocs()
	for b.Loop() {
		request := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/graphql", strings.NewReader(body))
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Api-Id", "reader")
		w := httptest.NewRecorder()
		r.handler.ServeHTTP(w, request)
		if w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}
