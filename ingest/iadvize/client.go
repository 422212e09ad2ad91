package iadvize

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/parley-analytics/parley/ingest/client"
)

// Credentials of a user (grant password) or of a key (grant
// client_credentials).
type Credentials struct {
	User, Password string
	ID, Secret     string
}

// Limits on the behaviour of an API.
const (
	// GiveUpAfter is how long a request is retried while the API is throttling, unavailable or
	// unreachable. Each wait is at most [client.LongestWait].
	GiveUpAfter = 5 * time.Minute

	pageTries   = 4 // of a request that fails on the server
	requestTime = 2 * time.Minute
	maxAnswer   = 64 << 20
)

// Client queries an API. It requests a token when it needs one, waits when the API asks for it,
// within limits, and retries temporary failures. It does not follow redirects: the credentials are
// only for the given address. One goroutine at a time.
type Client struct {
	URL         string // without /graphql
	Credentials Credentials
	Transport   http.RoundTripper // [http.DefaultTransport] unless given

	http    *http.Client
	token   string
	expires time.Time // zero: when the API refuses the token
	fresh   bool      // the token was not used yet
	offer   offer     // nil until asked
}

// apiError is an error of the API that a retry does not fix.
type apiError struct{ code, message string }

// Error returns the API's message.
func (e *apiError) Error() string { return strings.TrimPrefix(e.code+": "+e.message, ": ") }

// ofServer reports whether the API failed to answer, as opposed to refusing.
func (e *apiError) ofServer() bool {
	return e.code == "TIMEOUT" || strings.HasPrefix(e.code, "INTERNAL")
}

// brokenError means that the API cannot answer this request, even after retries, but may be able to answer others.
type brokenError struct{ error }

// Unwrap returns the cause.
func (b *brokenError) Unwrap() error { return b.error }

func broken(format string, args ...any) error { return &brokenError{fmt.Errorf(format, args...)} }

// fault is an error in an answer of GraphQL.
type fault struct {
	Message    string
	Path       []any
	Extensions struct {
		Code         string
		RetryAfterMs int64
	}
}

// question is a query and how to handle its answer.
type question struct {
	query     string
	variables map[string]any
	data      any                 // receives the answer
	check     func([]fault) error // reports whether the answer can be used; nil accepts any
	tries     int                 // if the server fails
}

// ask posts a query until it is answered. Faults are errors of fields: the rest
// of the data is present.
func (c *Client) ask(ctx context.Context, q question) (faults []fault, err error) {
	body, err := json.Marshal(map[string]any{"query": q.query, "variables": q.variables})
	if err != nil {
		return nil, err
	}
	return repeat(ctx, q.tries, func() ([]fault, error) {
		faults, err := c.try(ctx, body, q.data)
		if err == nil && q.check != nil {
			err = q.check(faults)
		}
		return faults, err
	})
}

// repeat retries a request: a broken one a few times, a deferred one for some time.
func repeat[T any](ctx context.Context, tries int, request func() (T, error)) (T, error) {
	return backoff.Retry(ctx, func() (T, error) {
		result, err := request()
		var failed *brokenError
		if errors.As(err, &failed) {
			if tries--; tries <= 0 {
				err = backoff.Permanent(err)
			}
		}
		return result, err
	}, backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(GiveUpAfter))
}

func (c *Client) try(ctx context.Context, body []byte, data any) ([]fault, error) {
	if c.token == "" || !c.expires.IsZero() && time.Now().After(c.expires) {
		if err := c.logIn(ctx); err != nil {
			return nil, backoff.Permanent(err)
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+"/graphql", bytes.NewReader(body))
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	text, header, status, err := c.do(request)
	if err != nil {
		return nil, err
	}
	if status == http.StatusUnauthorized {
		refused := errors.New("the API rejects the token that it issued")
		c.token = ""
		if c.fresh {
			return nil, backoff.Permanent(refused)
		}
		return nil, refused
	}
	c.fresh = false
	var answered struct {
		Data   json.RawMessage
		Errors []fault
	}
	if err := json.Unmarshal(text, &answered); err != nil {
		if status >= http.StatusBadRequest {
			return nil, backoff.Permanent(&apiError{message: fmt.Sprintf("the API answered %d without JSON", status)})
		}
		return nil, broken("the API answered %d without JSON", status)
	}
	whole := len(answered.Data) > 0 && !bytes.Equal(answered.Data, []byte("null"))
	if err := verdict(answered.Errors, whole, header); err != nil {
		return nil, err
	}
	switch {
	case status >= http.StatusBadRequest && len(answered.Errors) == 0:
		return nil, backoff.Permanent(&apiError{message: fmt.Sprintf("the API answered %d", status)})
	case !whole:
		return nil, broken("the API answered %d without data", status)
	}
	if json.Unmarshal(answered.Data, data) != nil {
		return nil, broken("the answer has another form than that of the API")
	}
	return answered.Errors, nil
}

// verdict says what the errors of an answer mean for the request; nil if there
// is data beside them.
func verdict(faults []fault, data bool, header http.Header) error {
	for i := range faults {
		f := &faults[i]
		later := fmt.Errorf("%s: %s", f.Extensions.Code, f.Message)
		switch f.Extensions.Code {
		case "THROTTLED":
			if f.Extensions.RetryAfterMs > 0 && header.Get("Retry-After") == "" {
				return client.LaterBy(later, time.Duration(min(f.Extensions.RetryAfterMs, client.LongestWait.Milliseconds()))*time.Millisecond)
			}
			return client.Later(later, header)
		case "SERVICE_UNAVAILABLE":
			return client.Later(later, header)
		}
	}
	if len(faults) == 0 || data {
		return nil
	}
	refused := &apiError{faults[0].Extensions.Code, faults[0].Message}
	if cameUp := refused.code == "" && len(faults[0].Path) > 0; cameUp || refused.ofServer() {
		return &brokenError{refused}
	}
	return backoff.Permanent(refused)
}

// logIn requests a token.
func (c *Client) logIn(ctx context.Context) error {
	form := url.Values{"grant_type": {"client_credentials"}}
	if c.Credentials.User != "" {
		form = url.Values{"grant_type": {"password"}, "username": {c.Credentials.User}, "password": {c.Credentials.Password}}
	}
	if c.Credentials.ID != "" {
		form.Set("client_id", c.Credentials.ID)
		form.Set("client_secret", c.Credentials.Secret)
	}
	_, err := repeat(ctx, pageTries, func() (struct{}, error) { return struct{}{}, c.askToken(ctx, form) })
	if err != nil {
		return fmt.Errorf("the API issued no token: %s", err.Error()) // it is not the error of a page
	}
	return nil
}

func (c *Client) askToken(ctx context.Context, form url.Values) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+"/oauth2/token", strings.NewReader(form.Encode()))
	if err != nil {
		return backoff.Permanent(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	text, _, status, err := c.do(request)
	if err != nil {
		return err
	}
	var granted struct {
		AccessToken string          `json:"access_token"`
		ExpiresIn   json.RawMessage `json:"expires_in"`
		Error       string          `json:"error"`
	}
	if err := json.Unmarshal(text, &granted); err != nil || status != http.StatusOK || granted.AccessToken == "" {
		return backoff.Permanent(fmt.Errorf("%d %s", status, granted.Error))
	}
	c.token, c.fresh, c.expires = granted.AccessToken, true, time.Time{}
	// Slightly early, so that no request is running when it expires. Without a number, the token is
	// used until the API refuses it.
	if seconds, err := json.Number(strings.Trim(string(granted.ExpiresIn), `"`)).Int64(); err == nil && seconds > 0 {
		lifetime := time.Duration(min(seconds, int64(24*time.Hour/time.Second))) * time.Second
		c.expires = time.Now().Add(lifetime - min(time.Minute, lifetime/2))
	}
	return nil
}

// do sends a request. An answer with Retry-After, a server failure and a redirect are errors.
func (c *Client) do(request *http.Request) ([]byte, http.Header, int, error) {
	if c.http == nil {
		c.http = &http.Client{Timeout: requestTime, Transport: c.Transport, CheckRedirect: client.NoRedirect}
	}
	response, err := c.http.Do(request)
	if err != nil {
		if failed := new(net.OpError); errors.As(err, &failed) && failed.Op == "dial" || request.Context().Err() != nil {
			return nil, nil, 0, err // unreachable: other requests would fail, too
		}
		return nil, nil, 0, &brokenError{err}
	}
	defer response.Body.Close()
	status := response.StatusCode
	switch {
	case status >= 300 && status < 400:
		return nil, nil, 0, backoff.Permanent(fmt.Errorf("the API redirects to %q: redirects are not followed, because the credentials would go there; check the address", response.Header.Get("Location")))
	case status == http.StatusTooManyRequests, status == http.StatusServiceUnavailable:
		return nil, nil, 0, client.Later(fmt.Errorf("the API answered %d", status), response.Header)
	case status >= 500 && response.Header.Get("Retry-After") != "":
		return nil, nil, 0, client.Later(fmt.Errorf("the API answered %d", status), response.Header)
	case status >= 500:
		return nil, nil, 0, broken("the API answered %d", status)
	}
	text, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case request.Context().Err() != nil:
		return nil, nil, 0, request.Context().Err()
	case err != nil:
		return nil, nil, 0, broken("the answer breaks off: %w", err)
	case len(text) > maxAnswer:
		return nil, nil, 0, broken("the answer is larger than %d MiB", maxAnswer>>20)
	}
	return text, response.Header, status, nil
}
