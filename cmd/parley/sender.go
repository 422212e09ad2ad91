package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/parley-analytics/parley/ingest"
	"github.com/parley-analytics/parley/query/auth"
)

// batchEvents is how many events one request carries.
const batchEvents = 1000

// batch is the body of a request: NDJSON.
type batch struct {
	body   bytes.Buffer
	events int
}

func (b *batch) add(event []byte) {
	b.body.Write(event)
	b.body.WriteByte('\n')
	b.events++
}

// sender posts events to /v1/events with a key. It waits and repeats while the
// edge is busy, starting or gone.
type sender struct {
	client *http.Client
	url    string
	key    auth.Key
}

func newSender(url string, key auth.Key) *sender {
	return &sender{
		client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{MaxIdleConnsPerHost: demoConnections}},
		url:    strings.TrimSuffix(url, "/") + "/v1/events",
		key:    key,
	}
}

// giveUpAfter is how long a request is repeated.
const giveUpAfter = 2 * time.Minute

// post sends a batch until it is accepted. An event that is rejected is an
// error: what we make ourselves is valid.
func (s *sender) post(ctx context.Context, b *batch) error {
	answer, err := s.send(ctx, b)
	if err == nil && len(answer.Rejected) > 0 {
		first := answer.Rejected[0]
		err = fmt.Errorf("POST %s rejected %d of %d events, the first with %s: %s",
			s.url, len(answer.Rejected), b.events, first.Code, first.Message)
	}
	return err
}

// send sends a batch until it is judged: accepted, or rejected event by event.
func (s *sender) send(ctx context.Context, b *batch) (*ingest.Answer, error) {
	return backoff.Retry(ctx, func() (*ingest.Answer, error) { return s.try(ctx, b) },
		backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(giveUpAfter))
}

func (s *sender) try(ctx context.Context, b *batch) (*ingest.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(b.body.Bytes()))
	if err != nil {
		return nil, backoff.Permanent(err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("X-Api-Id", s.key.ID)
	request.Header.Set("X-Api-Secret", s.key.Secret)
	response, err := s.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return nil, err
	}
	switch response.StatusCode {
	case http.StatusAccepted, http.StatusUnprocessableEntity:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
			return nil, backoff.RetryAfter(seconds)
		}
		return nil, fmt.Errorf("POST %s answered %s", s.url, response.Status)
	default:
		return nil, backoff.Permanent(fmt.Errorf("POST %s answered %s: %s", s.url, response.Status, excerpt(body)))
	}
	answer := new(ingest.Answer)
	if err := json.Unmarshal(body, answer); err != nil {
		return nil, backoff.Permanent(fmt.Errorf("POST %s: the answer is not readable: %w", s.url, err))
	}
	return answer, nil
}

// excerpt is the beginning of an answer, on one line.
func excerpt(body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}
