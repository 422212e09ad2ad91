package iadvize

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/zeebo/xxh3"

	"github.com/parley-analytics/parley/schema"
)

// Interval is an interval of closing times, and the projects to read.
type Interval struct {
	From, To time.Time
	Projects []schema.ProjectID // none: all that the credentials may read
}

// page is a page of conversations, each with its whole thread.
type page struct {
	conversations []Conversation
	total         int64
	end           string // cursor to continue after
	more          bool

	rows        []string                 // identifies each row of the answer, including skipped ones
	first, last time.Time                // closing times of them
	unordered   bool                     // the closing times do not ascend
	outside     bool                     // a row was closed outside the requested interval
	faults      []string                 // what could not be read
	foreign     map[schema.ProjectID]int // conversations of projects that were not requested
}

// errCursor means that the API no longer accepts a cursor: read from the beginning.
var errCursor = errors.New("the API rejects the cursor")

const (
	// slack is the tolerated distance of a closing time from the interval: some platforms have only whole seconds.
	slack = time.Second
	// maxThread is the number of messages of one conversation.
	maxThread = 100_000
)

// read requests up to size conversations after a cursor, oldest close first. A row that cannot be
// read, or of a project that was not requested, is skipped and reported.
func (c *Client) read(ctx context.Context, in Interval, after string, size, tries int) (*page, error) {
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
			Edges      []struct{ Node json.RawMessage }
		}
	}
	faults, err := c.ask(ctx, question{query: c.offer.document(historyQuery), variables: variables, data: &data, tries: tries, check: func(faults []fault) error {
		for i := range faults {
			if !ofRow(faults[i].Path) {
				return &brokenError{&apiError{faults[i].Extensions.Code, faults[i].Message}}
			}
		}
		if data.ClosedConversations == nil {
			return broken("the API gives no closedConversations")
		}
		return nil
	}})
	if err != nil {
		var refused *apiError
		if after != "" && errors.As(err, &refused) && refused.code == "BAD_USER_INPUT" {
			err = fmt.Errorf("%w: %w", errCursor, err)
		}
		return nil, err
	}
	found := data.ClosedConversations
	p := &page{total: found.TotalCount, end: found.PageInfo.EndCursor, more: found.PageInfo.HasNextPage, foreign: make(map[schema.ProjectID]int)}
	for _, edge := range found.Edges {
		if err := c.take(ctx, p, in, edge.Node); err != nil {
			return nil, err
		}
	}
	for _, f := range faults {
		p.faults = append(p.faults, fmt.Sprintf("%s: %s", p.place(f.Path), f.Message))
	}
	return p, nil
}

// take adds one row to the page, if it was requested.
func (c *Client) take(ctx context.Context, p *page, in Interval, row json.RawMessage) error {
	var conversation Conversation
	if len(row) == 0 || string(row) == "null" {
		p.rows = append(p.rows, "a conversation without content")
		return nil // the fault next to the data says why
	}
	if err := json.Unmarshal(row, &conversation); err != nil {
		name := fmt.Sprintf("conversation %s", conversation.ID)
		if conversation.ID == "" {
			name = "a conversation without id"
		}
		p.rows = append(p.rows, fmt.Sprintf("%s %x", name, xxh3.Hash(row)))
		p.faults = append(p.faults, fmt.Sprintf("%s: cannot be parsed: %v", name, err))
		return nil
	}
	name := fmt.Sprintf("conversation %s of project %d", conversation.ID, conversation.Project.ID)
	p.rows = append(p.rows, name)
	closed := conversation.ClosedAt.Time()
	if p.first.IsZero() {
		p.first, p.last = closed, closed
	}
	p.unordered = p.unordered || closed.Before(p.last)
	p.last = closed
	p.outside = p.outside || closed.Before(in.From.Add(-slack)) || !closed.Before(in.To.Add(slack))
	if len(in.Projects) > 0 && !slices.Contains(in.Projects, conversation.Project.ID) {
		p.foreign[conversation.Project.ID]++
		return nil
	}
	if err := c.readThread(ctx, &conversation); err != nil {
		var failed *brokenError
		var refused *apiError
		if !errors.As(err, &failed) && !errors.As(err, &refused) {
			return err
		}
		p.faults = append(p.faults, fmt.Sprintf("%s: its messages: %v", name, err))
		return nil
	}
	p.conversations = append(p.conversations, conversation)
	return nil
}

// ofRow reports whether a fault concerns one row (closedConversations, edges, its number), so that
// the other rows and the cursor are valid.
func ofRow(path []any) bool {
	if len(path) < 3 {
		return false
	}
	_, numbered := path[2].(float64)
	return numbered
}

// place names the row of a fault and the field in it.
func (p *page) place(path []any) string {
	name := "a row that is not there"
	if n := int(path[2].(float64)); n >= 0 && n < len(p.rows) {
		name = p.rows[n]
	}
	if field, ok := path[len(path)-1].(string); ok && len(path) > 4 {
		name += ", " + field
	}
	return name
}

// readThread reads the messages of a long thread that are not in the page.
func (c *Client) readThread(ctx context.Context, conversation *Conversation) error {
	seen := make(progress)
	for messages := &conversation.Messages; messages.PageInfo.HasNextPage; {
		cursor := messages.PageInfo.EndCursor
		var data struct {
			Conversation *struct{ Messages thread }
		}
		variables := map[string]any{"id": conversation.ID, "after": cursor}
		if c.offer["Query.conversation.projectId"] {
			variables["project"] = conversation.Project.ID
		}
		_, err := c.ask(ctx, question{query: c.offer.document(threadQuery), variables: variables, data: &data, tries: pageTries, check: func(faults []fault) error {
			switch {
			case len(faults) > 0:
				return &brokenError{&apiError{faults[0].Extensions.Code, faults[0].Message}}
			case data.Conversation == nil:
				return broken("the conversation went away while it was read")
			}
			return nil
		}})
		if err != nil {
			return err
		}
		next := &data.Conversation.Messages
		rows := make([]string, len(next.Edges))
		for i, edge := range next.Edges {
			rows[i] = fmt.Sprint(edge.Node.ID, edge.Node.Typename, edge.Node.CreatedAt, edge.Node.Attachment.Typename)
		}
		if err := seen.step(next.PageInfo, rows); err != nil {
			return &brokenError{err}
		}
		messages.Edges = append(messages.Edges, next.Edges...)
		messages.PageInfo = next.PageInfo
		if len(messages.Edges) > maxThread {
			return broken("there are more than %d", maxThread)
		}
	}
	return nil
}

// progress holds hashes of the cursors and rows that a list has returned, to detect circular lists.
type progress map[uint64]struct{}

// step checks a page that is followed by another: its cursor, and at least one of its rows, must be new.
func (p progress) step(info pageInfo, rows []string) error {
	fresh := false
	for _, row := range rows {
		fresh = p.add("r"+row) || fresh
	}
	switch {
	case !info.HasNextPage:
		return nil
	case info.EndCursor == "":
		return errors.New("the API reports another page but returns no cursor")
	case !p.add("c" + info.EndCursor):
		return errors.New("the API returned the cursor of an earlier page: its list is circular")
	case !fresh:
		return errors.New("the API returned a page with nothing new and reports another one: its list does not end")
	}
	return nil
}

// add reports whether it is new.
func (p progress) add(text string) bool {
	hash := xxh3.HashString(text)
	_, there := p[hash]
	p[hash] = struct{}{}
	return !there
}
