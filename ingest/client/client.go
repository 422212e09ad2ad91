// Package client sends events to the HTTP edge, POST /v1/events, in batches of
// NDJSON. It retries while the edge is busy, starting or unreachable: retries
// are safe, because the edge recognises events that it has stored.
package client

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/schema"
	"github.com/parley-analytics/parley/schema/endpoint"
)

const (
	// GiveUpAfter is how long a request is retried.
	GiveUpAfter = 2 * time.Minute
	// LongestWait is the maximum wait that an answer can request; a longer Retry-After is cut to it.
	LongestWait = time.Minute
	// MaxBody is the maximum size of a batch, with a margin to the edge's limit.
	MaxBody = schema.MaxRequestBytes - 1<<20

	maxConnections = 4
	maxAnswer      = 4 << 20
)

// Batch is the body of one request. The zero value is an empty batch.
type Batch struct {
	body   bytes.Buffer
	events int
}

// Add appends an event in the structured form on one line.
func (b *Batch) Add(event []byte) {
	b.body.Write(event)
	b.body.WriteByte('\n')
	b.events++
}

// Events returns the number of events.
func (b *Batch) Events() int { return b.events }

// Body returns the NDJSON; it is valid until the next Add.
func (b *Batch) Body() []byte { return b.body.Bytes() }

// Client posts batches with a key. Several goroutines may use it.
type Client struct {
	http       *http.Client
	url        string
	id, secret string
}

// New returns a client of the edge at a base address, with a key of scope ingest. The TLS configuration may be nil.
func New(url, id, secret string, encrypted *tls.Config) *Client {
	transport := &http.Transport{MaxIdleConnsPerHost: maxConnections, TLSClientConfig: encrypted}
	return &Client{
		http: &http.Client{Timeout: time.Minute, Transport: transport, CheckRedirect: NoRedirect},
		url:  strings.TrimSuffix(url, "/") + "/v1/events",
		id:   id, secret: secret,
	}
}

// ID returns the id of the key.
func (c *Client) ID() string { return c.id }

// NoRedirect is a CheckRedirect that returns the redirect as the answer: credentials are sent only
// to the given address.
func NoRedirect(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// Post sends a batch until it is accepted. A rejected event is an error.
func (c *Client) Post(ctx context.Context, b *Batch) error {
	answer, err := c.Send(ctx, b)
	if err == nil && len(answer.Rejected) > 0 {
		first := answer.Rejected[0]
		err = fmt.Errorf("POST %s rejected %d of %d events, the first with %s: %s",
			c.url, len(answer.Rejected), b.events, first.Code, first.Message)
	}
	return err
}

// Send sends a batch until it is answered: accepted, or rejected event by event.
func (c *Client) Send(ctx context.Context, b *Batch) (*ingest.Answer, error) {
	return backoff.Retry(ctx, func() (*ingest.Answer, error) { return c.try(ctx, b) },
		backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(GiveUpAfter))
}

func (c *Client) try(ctx context.Context, b *Batch) (*ingest.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(b.Body()))
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("X-Api-Id", c.id)
	request.Header.Set("X-Api-Secret", c.secret)
	response, err := c.http.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return nil, err
	}
	switch response.StatusCode {
	case http.StatusAccepted, http.StatusUnprocessableEntity:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return nil, Later(fmt.Errorf("POST %s answered %s", c.url, response.Status), response.Header)
	default:
		return nil, backoff.Permanent(fmt.Errorf("POST %s answered %s: %s", c.url, response.Status, Excerpt(body)))
	}
	answer := new(ingest.Answer)
	if err := json.Unmarshal(body, answer); err != nil {
		return nil, backoff.Permanent(fmt.Errorf("POST %s: cannot parse the response: %w", c.url, err))
	}
	for _, r := range answer.Rejected {
		if r.Index < 0 || r.Index >= b.events {
			return nil, backoff.Permanent(fmt.Errorf("POST %s: the answer rejects event %d of %d", c.url, r.Index, b.events))
		}
	}
	return answer, nil
}

// Later returns an error after which [backoff.Retry] waits for the Retry-After of an answer, in
// seconds or as a date, at most [LongestWait]; without one it uses its own interval.
func Later(err error, header http.Header) error {
	wait, given := endpoint.ReadRetryAfter(header, time.Now())
	if !given {
		return err
	}
	return LaterBy(err, wait)
}

// LaterBy returns an error after which [backoff.Retry] waits for a time, at most [LongestWait].
func LaterBy(err error, wait time.Duration) error {
	return fmt.Errorf("%w (%w)", err, &backoff.RetryAfterError{Duration: min(max(0, wait), LongestWait)})
}

// Excerpt returns the beginning of an answer, on one line.
func Excerpt(body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	if len(text) > 200 {
		text = strings.ToValidUTF8(text[:200], "") + "…"
	}
	return text
}
