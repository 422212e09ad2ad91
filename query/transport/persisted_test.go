package transport_test

import (
	"crypto/sha256"
	"encoding/hex"
	"net/url"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query/transport"
)

func hashOf(document string) string {
	sum := sha256.Sum256([]byte(document))
	return hex.EncodeToString(sum[:])
}

func (r *rig) persisted(document, hash string, version int) *answer {
	r.t.Helper()
	body := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": version, "sha256Hash": hash}}}
	if document != "" {
		body["query"] = document
	}
	return r.body(marshal(r.t, body))
}

func TestADocumentSentOnceIsFoundByItsHash(t *testing.T) {
	r := newRig(t)
	const document = "{\u00a0echo }"
	hash := hashOf(document) // of the document as it is sent
	if a := r.persisted("", hash, 1); a.code() != "PERSISTED_QUERY_NOT_FOUND" || a.Errors[0].Message != "PersistedQueryNotFound" {
		t.Fatal(a.raw)
	}
	if a := r.persisted(document, strings.ToUpper(hash), 1); string(a.Data) != `{"echo":""}` {
		t.Fatal(a.raw)
	}
	if a := r.persisted("", hash, 1); string(a.Data) != `{"echo":""}` {
		t.Fatal(a.raw)
	}
	extensions := `{"persistedQuery":{"version":1,"sha256Hash":"` + hash + `"}}`
	for _, query := range []url.Values{{"extensions": {extensions}}, {"extensions": {extensions}, "query": {""}}} {
		if a := r.get(query.Encode()); string(a.Data) != `{"echo":""}` {
			t.Fatal(a.raw)
		}
	}
}

func TestBadHashesAndDocumentsAreNotKept(t *testing.T) {
	r := newRig(t)
	if a := r.persisted("{ echo }", hashOf("{ other }"), 1); a.status != 400 || a.code() != "BAD_USER_INPUT" {
		t.Error(a.raw)
	}
	if a := r.persisted("", "abc", 1); a.status != 400 || a.code() != "BAD_USER_INPUT" {
		t.Error(a.raw)
	}
	if a := r.persisted("{ echo }", hashOf("{ echo }"), 2); a.status != 400 || a.code() != "BAD_USER_INPUT" {
		t.Error(a.raw)
	}
	r.persisted("{ echo", hashOf("{ echo"), 1)
	if a := r.persisted("", hashOf("{ echo"), 1); a.code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Errorf("a document that cannot be parsed is kept: %s", a.raw)
	}
	if a := r.body(`{"extensions":{"persistedQuery":[]}}`); a.status != 400 {
		t.Error(a.raw)
	}
}

func TestTheOldestPersistedDocumentIsEvicted(t *testing.T) {
	r := newRig(t, func(c *transport.Config) { c.Limits.Documents, c.Limits.DocumentBytes = 2, 100 })
	documents := []string{"{ a: echo }", "{ b: echo }", "{ c: echo }"}
	for _, d := range documents {
		r.persisted(d, hashOf(d), 1)
	}
	for i, code := range []string{"PERSISTED_QUERY_NOT_FOUND", "", ""} {
		if a := r.persisted("", hashOf(documents[i]), 1); a.code() != code {
			t.Errorf("%s: %s", documents[i], a.raw)
		}
	}
	// In bytes too.
	large := "{ d: echo } #" + strings.Repeat("x", 70)
	r.persisted(large, hashOf(large), 1)
	larger := "{ e: echo } #" + strings.Repeat("x", 80)
	r.persisted(larger, hashOf(larger), 1)
	if a := r.persisted("", hashOf(large), 1); a.code() != "PERSISTED_QUERY_NOT_FOUND" {
		t.Error(a.raw)
	}
	if a := r.persisted("", hashOf(larger), 1); a.code() != "" {
		t.Error(a.raw)
	}
}
