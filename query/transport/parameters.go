package transport

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"
)

// parameters are the parameters of a request.
type parameters struct {
	query         string
	hasQuery      bool
	operationName string
	variables     map[string]any
	persisted     *persistedQuery
}

// persistedQuery is extensions.persistedQuery.
type persistedQuery struct {
	Version    int    `json:"version"`
	SHA256Hash string `json:"sha256Hash"`
}

// fromQuery reads the parameters of a GET.
func fromQuery(raw string) (*parameters, *refusal) {
	values, err := url.ParseQuery(raw)
	if err != nil {
		return nil, badRequest("the query string cannot be read")
	}
	members := make(map[string]json.RawMessage, 4)
	for _, name := range []string{"query", "operationName", "variables", "extensions"} {
		given := values[name]
		switch {
		case len(given) > 1:
			return nil, badRequest(name + ": is repeated")
		case len(given) == 0 || given[0] == "" && name != "query":
		case name == "query" || name == "operationName":
			text, err := json.Marshal(given[0])
			if err != nil || !utf8.ValidString(given[0]) {
				return nil, badRequest(name + ": must be UTF-8")
			}
			members[name] = text
		default:
			if !json.Valid([]byte(given[0])) {
				return nil, badRequest(name + ": must be a JSON object")
			}
			members[name] = json.RawMessage(given[0])
		}
	}
	return fromMembers(members)
}

// fromBody reads the parameters of a POST.
func fromBody(body []byte) (*parameters, *refusal) {
	if !utf8.Valid(body) {
		return nil, badRequest("the body must be UTF-8")
	}
	if trimmed := bytes.TrimSpace(body); len(trimmed) == 0 || trimmed[0] != '{' {
		return nil, badRequest("the body must be one JSON object")
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(body, &members); err != nil {
		return nil, badRequest("the body must be one JSON object")
	}
	return fromMembers(members)
}

func fromMembers(members map[string]json.RawMessage) (*parameters, *refusal) {
	p := new(parameters)
	var operationName *string
	var query *string
	if raw, ok := members["query"]; ok {
		if json.Unmarshal(raw, &query) != nil {
			return nil, badRequest("query: must be a string")
		}
	}
	if query != nil {
		p.query, p.hasQuery = *query, true
	}
	if raw, ok := members["operationName"]; ok {
		if json.Unmarshal(raw, &operationName) != nil {
			return nil, badRequest("operationName: must be a string or null")
		}
	}
	if operationName != nil {
		p.operationName = *operationName
	}
	if raw, ok := members["variables"]; ok {
		if json.Unmarshal(raw, &p.variables) != nil {
			return nil, badRequest("variables: must be an object or null")
		}
	}
	if raw, ok := members["extensions"]; ok {
		var extensions map[string]json.RawMessage
		if json.Unmarshal(raw, &extensions) != nil {
			return nil, badRequest("extensions: must be an object or null")
		}
		if raw, ok := extensions["persistedQuery"]; ok && json.Unmarshal(raw, &p.persisted) != nil {
			return nil, badRequest("extensions.persistedQuery: must be an object with version and sha256Hash")
		}
	}
	if p.persisted != nil {
		p.persisted.SHA256Hash = strings.ToLower(p.persisted.SHA256Hash)
	}
	if p.query == "" && p.persisted != nil {
		p.hasQuery = false // clients send an empty query with a hash
	}
	if !p.hasQuery && p.persisted == nil {
		return nil, badRequest("query: is required and must be a string")
	}
	return p, nil
}

// drained is how much of an oversized body is read and discarded: many clients read the answer only
// after they have sent everything.
const drained = 64 << 20

// readBody reads at most limit bytes.
func readBody(r *http.Request, limit int64) ([]byte, *refusal) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err == nil && int64(len(body)) > limit {
		_, _ = io.CopyN(io.Discard, r.Body, drained) // a client that does not send all of it has disconnected
		return nil, &refusal{code: codeTooLarge, message: "the body is too large", status: http.StatusRequestEntityTooLarge}
	}
	if err != nil {
		return nil, &refusal{code: codeBadRequest, message: "the body did not arrive in time", status: http.StatusRequestTimeout}
	}
	return body, nil
}
