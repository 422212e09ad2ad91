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
	_, err := backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, s.try(ctx, b) },
		backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(giveUpAfter))
	return err
}

func (s *sender) try(ctx context.Context, b *batch) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(b.body.Bytes()))
	if err != nil {
		return backoff.Permanent(err)
	}
	request.Header.Set("Content-Type", "application/x-ndjson")
	request.Header.Set("X-Api-Id", s.key.ID)
	request.Header.Set("X-Api-Secret", s.key.Secret)
	response, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, 4<<20))
	if err != nil {
		return err
	}
	switch response.StatusCode {
	case http.StatusAccepted:
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		if seconds, err := strconv.Atoi(response.Header.Get("Retry-After")); err == nil {
			return backoff.RetryAfter(seconds)
		}
		return fmt.Errorf("POST %s answered %s", s.url, response.Status)
	default:
		return backoff.Permanent(fmt.Errorf("POST %s answered %s: %s", s.url, response.Status, excerpt(body)))
	}
	var answer struct {
		Rejected []struct{ Code, Message string }
	}
	if err := json.Unmarshal(body, &answer); err != nil {
		return backoff.Permanent(fmt.Errorf("POST %s: the answer is not readable: %w", s.url, err))
	}
	if len(answer.Rejected) > 0 {
		first := answer.Rejected[0]
		return backoff.Permanent(fmt.Errorf("POST %s rejected %d of %d events, the first with %s: %s",
			s.url, len(answer.Rejected), b.events, first.Code, first.Message))
	}
	return nil
}

// excerpt is the beginning of an answer, on one line.
func excerpt(body []byte) string {
	text := strings.Join(strings.Fields(string(body)), " ")
	if len(text) > 200 {
		text = text[:200] + "…"
	}
	return text
}
