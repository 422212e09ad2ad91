package iadvize

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/parley-analytics/parley/schema"
)

// Credentials are those of a user (grant password) or of a key (grant
// client_credentials).
type Credentials struct {
	User, Password string
	ID, Secret     string
}

// Client reads closed conversations from an API. It asks for a token when it
// needs one, waits when it is told to, and repeats what failed for the moment.
// One goroutine at a time.
type Client struct {
	URL         string // without /graphql
	Credentials Credentials
	HTTP        *http.Client
	GiveUp      time.Duration // repeats of one request take this long at most

	token   string
	expires time.Time
	offer   offer // nil until asked
}

// Interval is a stretch of closing time, and the projects looked at.
type Interval struct {
	From, To time.Time
	Projects []schema.ProjectID // none: all that the credentials may read
}

// Page is a page of conversations.
type Page struct {
	Conversations []Conversation
	Total         int64
	End           string // cursor to go on after
	More          bool
}

// ErrCursor says that the API does not take a cursor any more: read from the
// beginning.
var ErrCursor = errors.New("the API does not take the cursor")

// Read gives up to size conversations after a cursor, oldest close first, each
// with its whole thread.
func (c *Client) Read(ctx context.Context, in Interval, after string, size int) (*Page, error) {
	if err := c.learn(ctx); err != nil {
		return nil, err
	}
	variables := map[string]any{
		"from": in.From.UTC().Format(time.RFC3339Nano), "to": in.To.UTC().Format(time.RFC3339Nano), "first": size,
	}
	if len(in.Projects) > 0 {
		variables["projects"] = in.Projects
	}
	if after != "" {
		variables["after"] = after
	}
	var data struct {
		ClosedConversations *struct {
			TotalCount int64
			PageInfo   pageInfo
			Edges      []struct{ Node Conversation }
		}
	}
	if err := c.ask(ctx, c.offer.document(historyQuery), variables, &data); err != nil {
		var refused *apiError
		if after != "" && errors.As(err, &refused) && refused.code == "BAD_USER_INPUT" {
			err = fmt.Errorf("%w: %w", ErrCursor, err)
		}
		return nil, err
	}
	found := data.ClosedConversations
	if found == nil {
		return nil, errors.New("the API gives no closedConversations")
	}
	page := &Page{Total: found.TotalCount, End: found.PageInfo.EndCursor, More: found.PageInfo.HasNextPage}
	for _, edge := range found.Edges {
		conversation := edge.Node
		for conversation.Messages.PageInfo.HasNextPage {
			if err := c.readOn(ctx, &conversation); err != nil {
				return nil, err
			}
		}
		page.Conversations = append(page.Conversations, conversation)
	}
	return page, nil
}

// readOn reads the next messages of a long thread.
func (c *Client) readOn(ctx context.Context, conversation *Conversation) error {
	var data struct {
		Conversation *struct{ Messages thread }
	}
	variables := map[string]any{"id": conversation.ID, "after": conversation.Messages.PageInfo.EndCursor}
	if c.offer["Query.conversation.projectId"] {
		variables["project"] = conversation.Project.ID
	}
	err := c.ask(ctx, c.offer.document(threadQuery), variables, &data)
	if err != nil {
		return err
	}
	if data.Conversation == nil {
		return errors.New("a conversation went away while it was read")
	}
	more := &data.Conversation.Messages
	conversation.Messages.Edges = append(conversation.Messages.Edges, more.Edges...)
	conversation.Messages.PageInfo = more.PageInfo
	return nil
}

// apiError is an error that the API answers and that repeating does not mend.
type apiError struct{ code, message string }

// Error reads as the API's message.
func (e *apiError) Error() string { return strings.TrimPrefix(e.code+": "+e.message, ": ") }

// passing tells that the API could not answer for the moment.
func (e *apiError) passing() bool { return e.code == "SERVICE_UNAVAILABLE" || e.code == "TIMEOUT" }

// ask posts a query until it is answered.
func (c *Client) ask(ctx context.Context, query string, variables map[string]any, data any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	_, err = backoff.Retry(ctx, func() (struct{}, error) { return struct{}{}, c.try(ctx, body, data) },
		backoff.WithBackOff(backoff.NewExponentialBackOff()), backoff.WithMaxElapsedTime(c.GiveUp))
	return err
}

func (c *Client) try(ctx context.Context, body []byte, data any) error {
	if c.token == "" || time.Now().After(c.expires) {
		if err := c.logIn(ctx); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+"/graphql", bytes.NewReader(body))
	if err != nil {
		return backoff.Permanent(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	text, header, status, err := c.do(request)
	if err != nil {
		return err
	}
	if status == http.StatusUnauthorized {
		c.token = ""
		return errors.New("the API does not take the token")
	}
	var answered struct {
		Data   json.RawMessage
		Errors []struct {
			Message    string
			Extensions struct {
				Code         string
				RetryAfterMs int64
			}
		}
	}
	if err := json.Unmarshal(text, &answered); err != nil {
		return backoff.Permanent(&apiError{message: fmt.Sprintf("the API answers %d and no JSON", status)})
	}
	if len(answered.Errors) > 0 {
		e := &answered.Errors[0]
		if e.Extensions.Code == "THROTTLED" {
			return wait(header, time.Duration(e.Extensions.RetryAfterMs)*time.Millisecond)
		}
		refused := &apiError{e.Extensions.Code, e.Message}
		if refused.passing() {
			return refused
		}
		return backoff.Permanent(refused)
	}
	return json.Unmarshal(answered.Data, data)
}

// logIn asks for a token.
func (c *Client) logIn(ctx context.Context) error {
	form := url.Values{"grant_type": {"client_credentials"}}
	if c.Credentials.User != "" {
		form = url.Values{"grant_type": {"password"}, "username": {c.Credentials.User}, "password": {c.Credentials.Password}}
	}
	if c.Credentials.ID != "" {
		form.Set("client_id", c.Credentials.ID)
		form.Set("client_secret", c.Credentials.Secret)
	}
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
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
		Error       string `json:"error"`
	}
	if err := json.Unmarshal(text, &granted); err != nil || status != http.StatusOK || granted.AccessToken == "" {
		return backoff.Permanent(fmt.Errorf("the API gives no token: %d %s", status, granted.Error))
	}
	c.token = granted.AccessToken
	// A little early, so that no request is under way when it ends.
	c.expires = time.Now().Add(time.Duration(granted.ExpiresIn)*time.Second - time.Minute)
	return nil
}

// mostAnswer bounds what is read of an answer.
const mostAnswer = 256 << 20

// do sends a request. What says to come back later is an error.
func (c *Client) do(request *http.Request) ([]byte, http.Header, int, error) {
	response, err := c.HTTP.Do(request)
	if err != nil {
		return nil, nil, 0, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, mostAnswer))
	if err != nil {
		return nil, nil, 0, err
	}
	switch response.StatusCode {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusBadGateway, http.StatusGatewayTimeout:
		return nil, nil, 0, wait(response.Header, 0)
	}
	return text, response.Header, response.StatusCode, nil
}

// wait is the error of an answer that says when to come back.
func wait(header http.Header, after time.Duration) error {
	if seconds, err := strconv.Atoi(header.Get("Retry-After")); err == nil {
		return backoff.RetryAfter(seconds)
	}
	if after > 0 {
		return backoff.RetryAfter(int((after + time.Second - 1) / time.Second))
	}
	return errors.New("the API asks to come back later")
}
