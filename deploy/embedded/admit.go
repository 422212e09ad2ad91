package embedded

import (
	"crypto/sha256"
	"crypto/subtle"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Limits on requests to the child: beyond its own limits (1,000 fields, 4 KiB of name) it may exit at the next request.
const (
	maxHeaderFields  = 200
	maxParameters    = 500
	maxParameterName = 1 << 10
)

// passed are the request headers that are forwarded to the child, besides the credentials. No other
// header is forwarded, because a version of ClickHouse may react to it.
var passed = []string{
	"Accept-Encoding", "Content-Encoding", "Content-Length", "Content-Type", "Traceparent", "Tracestate", "User-Agent",
	"X-Clickhouse-Database", "X-Clickhouse-Format",
}

// account is a user of the front.
type account struct {
	name  string
	hash  [sha256.Size]byte // of the password that clients send
	key   string            // the password that the child knows
	guest bool              // a BI user of some projects
	turn  *queue            // of a guest: bounds its own statements
}

// accountOf is the account of a user whose password the child knows too.
func accountOf(u User) account {
	return account{name: u.Name, hash: sha256.Sum256([]byte(u.Password)), key: u.Password}
}

// admit checks a request and rewrites it into the form the child gets, or returns why it is refused. It returns who sent it,
// without a name if none is needed.
func admit(r *http.Request, accounts []account) (who account, refused *refusal) {
	switch r.URL.Path {
	case "/ping", "/replicas_status":
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			return account{}, &refusal{status: http.StatusMethodNotAllowed, message: "method not allowed"}
		}
		r.URL.Path, r.URL.RawPath, r.URL.RawQuery = "/ping", "", ""
		r.Header = http.Header{}
		return account{}, nil
	case "/":
	default:
		return account{}, &refusal{status: http.StatusNotFound, message: "not found: queries go to /"}
	}
	switch r.Method {
	case http.MethodGet, http.MethodHead, http.MethodPost:
	default:
		return account{}, &refusal{status: http.StatusMethodNotAllowed, message: "method not allowed: use GET, HEAD or POST"}
	}
	if refused := checkHeader(r.Header); refused != nil {
		return account{}, refused
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return account{}, &refusal{status: http.StatusBadRequest, message: "the query string is malformed"}
	}
	if refused := checkParameters(query); refused != nil {
		return account{}, refused
	}
	given, refused := takeCredentials(r.Header, query)
	if refused != nil {
		return account{}, refused
	}
	who, found := known(given, accounts)
	if !found {
		return account{}, &refusal{status: http.StatusForbidden, code: codeUnknownUser, message: authenticationFailed}
	}
	// Headers named by the client's Connection are already removed (checkHeader), so the client cannot remove these.
	maps.DeleteFunc(r.Header, func(name string, _ []string) bool { return !slices.Contains(passed, name) })
	r.Header.Set("X-ClickHouse-User", who.name)
	r.Header.Set("X-ClickHouse-Key", who.key)
	r.URL.RawPath, r.URL.RawQuery = "", query.Encode()
	if len(r.URL.RawQuery) > frontHeaderBytes {
		return account{}, &refusal{status: http.StatusRequestURITooLong, message: "the address is too long: send the query in the body of a POST"}
	}
	return who, nil
}

// checkHeader removes the header Connection and the headers it names, as a proxy must.
func checkHeader(header http.Header) *refusal {
	if header.Get("Upgrade") != "" {
		return &refusal{status: http.StatusBadRequest, message: "only HTTP is supported: protocol upgrades are not"}
	}
	fields := 0
	for name, values := range header {
		fields += len(values)
		if len(name) > maxParameterName || fields > maxHeaderFields {
			return &refusal{status: http.StatusRequestHeaderFieldsTooLarge, message: "too many headers, or a header name is too long"}
		}
	}
	for _, names := range header.Values("Connection") {
		for name := range strings.SplitSeq(names, ",") {
			header.Del(strings.TrimSpace(name))
		}
	}
	header.Del("Connection")
	return nil
}

func checkParameters(query url.Values) *refusal {
	parameters := 0
	for name, values := range query {
		parameters += len(values)
		if len(name) > maxParameterName || parameters > maxParameters {
			return &refusal{status: http.StatusRequestURITooLong, message: "too many parameters, or a parameter name is too long"}
		}
	}
	return nil
}

// takeCredentials returns the credentials, and removes them from the parameters. They must be given
// in exactly one place, once.
func takeCredentials(header http.Header, query url.Values) (User, *refusal) {
	var found []User
	if values := header.Values("Authorization"); len(values) > 0 {
		r := http.Request{Header: header}
		name, password, ok := r.BasicAuth()
		if !ok || len(values) > 1 {
			return User{}, &refusal{status: http.StatusUnauthorized, message: "only one Authorization header, of type Basic, is supported"}
		}
		found = append(found, User{name, password})
	}
	if names, keys := header.Values("X-Clickhouse-User"), header.Values("X-Clickhouse-Key"); len(names)+len(keys) > 0 {
		if len(names) != 1 || len(keys) > 1 {
			return User{}, &refusal{status: http.StatusUnauthorized, message: "send one X-ClickHouse-User and one X-ClickHouse-Key"}
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
			return User{}, &refusal{status: http.StatusUnauthorized, message: "send the parameters user and password once"}
		}
		found = append(found, User{names[0], strings.Join(passwords, "")})
	}
	switch {
	case len(found) == 0:
		return User{}, &refusal{status: http.StatusUnauthorized, message: "credentials are required: Basic authorization, or the headers X-ClickHouse-User and X-ClickHouse-Key"}
	case len(found) > 1:
		return User{}, &refusal{status: http.StatusUnauthorized, message: "send credentials in one way only"}
	}
	return found[0], nil
}

// authenticationFailed is ClickHouse's message, for tools that look for its code. It does not contain the name.
const authenticationFailed = "Authentication failed: password is incorrect, or there is no user with such name"

// known returns the account that a name and password belong to. It takes as long whatever the password is.
func known(given User, accounts []account) (who account, found bool) {
	got := sha256.Sum256([]byte(given.Password))
	for _, a := range accounts {
		if equal := subtle.ConstantTimeCompare(got[:], a.hash[:]) == 1; a.name == given.Name && equal {
			who, found = a, true
		}
	}
	return who, found
}
