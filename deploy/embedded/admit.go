package embedded

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"net/url"
	"strings"
)

// Bounds of what the child takes: beyond its own limits (1,000 fields, 4 KiB of name) it may end at the next request.
const (
	maxHeaderFields  = 200
	maxParameters    = 500
	maxParameterName = 1 << 10
)

// admit checks a request and puts it into the form the child gets, or says why it is refused.
func admit(r *http.Request, users []User) *refusal {
	switch r.URL.Path {
	case "/ping", "/replicas_status":
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return &refusal{http.StatusMethodNotAllowed, "method not allowed"}
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/ping", "", ""
		r.Header = http.Header{}
		return nil
	case "/":
	default:
		return &refusal{http.StatusNotFound, "not found: queries go to /"}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		return &refusal{http.StatusMethodNotAllowed, "method not allowed: use GET, HEAD or POST"}
	}
	if refused := checkHeader(r.Header); refused != nil {
		return refused
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return &refusal{http.StatusBadRequest, "the query string is malformed"}
	}
	if refused := checkParameters(query); refused != nil {
		return refused
	}
	user, refused := takeCredentials(r.Header, query)
	if refused != nil {
		return refused
	}
	if !known(user, users) {
		return &refusal{http.StatusForbidden, authenticationFailed}
	}
	r.Header.Set("X-ClickHouse-User", user.Name)
	r.Header.Set("X-ClickHouse-Key", user.Password)
	r.Header.Del("Cookie")
	r.Header.Del("Expect")
	r.URL.RawPath, r.URL.RawQuery = "", query.Encode()
	if len(r.URL.RawQuery) > frontHeaderBytes {
		return &refusal{http.StatusRequestURITooLong, "the address is too long: send the query in the body of a POST"}
	}
	return nil
}

func checkHeader(header http.Header) *refusal {
	if header.Get("Upgrade") != "" {
		return &refusal{http.StatusBadRequest, "no other protocol than HTTP is spoken here"}
	}
	fields := 0
	for name, values := range header {
		fields += len(values)
		if len(name) > maxParameterName || fields > maxHeaderFields {
			return &refusal{http.StatusRequestHeaderFieldsTooLarge, "too many headers, or too long a name"}
		}
	}
	return nil
}

func checkParameters(query url.Values) *refusal {
	parameters := 0
	for name, values := range query {
		parameters += len(values)
		if len(name) > maxParameterName || parameters > maxParameters {
			return &refusal{http.StatusRequestURITooLong, "too many parameters, or too long a name"}
		}
	}
	return nil
}

// takeCredentials removes the credentials from where they are and returns them. They must be in exactly one place, once.
func takeCredentials(header http.Header, query url.Values) (User, *refusal) {
	var found []User
	if values := header.Values("Authorization"); len(values) > 0 {
		r := http.Request{Header: header}
		name, password, ok := r.BasicAuth()
		if !ok || len(values) > 1 {
			return User{}, &refusal{http.StatusUnauthorized, "only Basic authorization is understood, once"}
		}
		found = append(found, User{name, password})
	}
	if names, keys := header.Values("X-Clickhouse-User"), header.Values("X-Clickhouse-Key"); len(names)+len(keys) > 0 {
		if len(names) != 1 || len(keys) > 1 {
			return User{}, &refusal{http.StatusUnauthorized, "send one X-ClickHouse-User and one X-ClickHouse-Key"}
		}
		found = append(found, User{names[0], header.Get("X-Clickhouse-Key")})
	}
	// The child compares names of parameters without regard to case.
	parameters := map[string][]string{}
	for name, values := range query {
		if folded := strings.ToLower(name); folded == "user" || folded == "password" || folded == "quota_key" {
			parameters[folded] = append(parameters[folded], values...)
			delete(query, name)
		}
	}
	if names, passwords := parameters["user"], parameters["password"]; len(names)+len(passwords) > 0 {
		if len(names) != 1 || len(passwords) > 1 {
			return User{}, &refusal{http.StatusUnauthorized, "send the parameters user and password once"}
		}
		found = append(found, User{names[0], strings.Join(passwords, "")})
	}
	for name := range header {
		if name == "Authorization" || strings.HasPrefix(name, "X-Clickhouse-") && name != "X-Clickhouse-Database" && name != "X-Clickhouse-Format" {
			header.Del(name)
		}
	}

	switch {
	case len(found) == 0:
		return User{}, &refusal{http.StatusUnauthorized, "credentials are required: Basic authorization, or the headers X-ClickHouse-User and X-ClickHouse-Key"}
	case len(found) > 1:
		return User{}, &refusal{http.StatusUnauthorized, "send credentials in one way only"}
	}
	return found[0], nil
}

// authenticationFailed is what ClickHouse says, for tools that look for its code. It does not repeat the name.
const authenticationFailed = "Code: 516. DB::Exception: Authentication failed: password is incorrect, or there is no user with such name. (AUTHENTICATION_FAILED)"

// known says whether the name and password are those of one of the users, in the same time for every password.
func known(user User, users []User) bool {
	found := 0
	got := sha256.Sum256([]byte(user.Password))
	for _, u := range users {
		want := sha256.Sum256([]byte(u.Password))
		if u.Name == user.Name {
			found |= subtle.ConstantTimeCompare(got[:], want[:])
		}
	}
	return found == 1
}
