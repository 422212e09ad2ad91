package auth

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/parley-analytics/parley/schema"
)

// single joins id and secret of a key with a role into one string.
func (k Key) single(r *record) Key {
	if r.Role != "" && k.Secret != "" {
		k.APIKey = base64.RawURLEncoding.EncodeToString([]byte(k.ID + ":" + k.Secret))
	}
	return k
}

// parseAPIKey splits what single joins.
func parseAPIKey(text string) (id, secret string, ok bool) {
	if len(text) > 2*maxSecret {
		return "", "", false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil {
		return "", "", false
	}
	return strings.Cut(string(raw), ":")
}

// Rates are the maximum numbers of requests in any Window: from one address, of one key, and of all
// keys with the same projects.
type Rates struct {
	Address, Key, Projects int
	Window                 time.Duration
}

// ratesRemembered is the number of names that each limiter of an APIKeys remembers.
const ratesRemembered = 1 << 12

// APIKeys authenticates requests that send id and secret in one header, and
// counts them.
type APIKeys struct {
	authority                *Authority
	header                   string
	address, key, ofProjects *Limiter
}

// APIKeys accepts keys with a role in the header.
func (a *Authority) APIKeys(header string, rates Rates) *APIKeys {
	limiter := func(limit int) *Limiter {
		return NewLimiter(limit, rates.Window, ratesRemembered, a.directory.now)
	}
	return &APIKeys{authority: a, header: header, address: limiter(rates.Address), key: limiter(rates.Key), ofProjects: limiter(rates.Projects)}
}

// Authenticate identifies the sender of a request. All requests of an address count; the other
// limits apply to authenticated callers.
func (k *APIKeys) Authenticate(r *http.Request) (schema.Caller, error) {
	if wait, ok := k.address.Allow(network(k.authority.proxies.Sender(r))); !ok {
		return schema.Caller{}, errRate(wait)
	}
	sent := r.Header.Values(k.header)
	switch {
	case len(sent) > 1:
		return schema.Caller{}, errRequest("a credential header is repeated")
	case len(sent) == 0:
		return schema.Caller{}, &Error{Status: http.StatusUnauthorized, Description: "credentials are missing: send the header " + k.header}
	}
	id, secret, ok := parseAPIKey(sent[0])
	if !ok {
		return schema.Caller{}, errAPIKey()
	}
	record, err := k.authority.directory.verifyKey(r.Context(), id, secret)
	if refusal := (*Error)(nil); errors.As(err, &refusal) && refusal.Status == http.StatusUnauthorized {
		return schema.Caller{}, errAPIKey()
	}
	if err != nil {
		return schema.Caller{}, err
	}
	if wait, ok := k.key.Allow(record.ID); !ok {
		return schema.Caller{}, errRate(wait)
	}
	if wait, ok := k.ofProjects.Allow(record.Projects); !ok {
		return schema.Caller{}, errRate(wait)
	}
	return caller(record, record.Scopes)
}

// errAPIKey is the same answer to every fault of a key.
func errAPIKey() *Error {
	return &Error{Status: http.StatusUnauthorized, Code: "invalid_token", Description: "the key is wrong"}
}

func errRate(wait time.Duration) *Error {
	return &Error{
		Status: http.StatusTooManyRequests, Code: "too_many_requests",
		Description: "too many requests: wait as long as Retry-After says", RetryAfter: wait,
	}
}
