package iadvize

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/parley-analytics/parley/ingest/client"
	"github.com/parley-analytics/parley/ingest/importer"
	"github.com/parley-analytics/parley/schema"
)

const (
	// shortest is the length of an unreadable interval that is not split further.
	shortest = time.Second
	// partTries is how often a part is requested before it is split again.
	partTries = 2
	// maxBroken is the number of consecutive unreadable parts after which the API is considered down.
	maxBroken = 10
	// maxNamed is the maximum number of faults that are kept individually.
	maxNamed = 1000
)

// History imports the closed conversations of an interval, page by page, and skips what the API cannot return.
type History struct {
	Client *Client
	Sender importer.Sender
	Place  importer.Place // where the cursor is kept
	Page   int            // conversations of one request

	Notice   func(text string)          // progress messages
	Rejected func(code, message string) // an event that the edge rejected
	Progress func(done, total int64)    // conversations

	state     historyState
	result    Result
	counted   progress // conversations of this run
	restarted bool     // the API did not accept the cursor of an earlier run
	noticed   bool     // missing fields were reported
}

// Result is the result for an interval.
type Result struct {
	Conversations                  int64
	Accepted, Duplicates, Rejected int64    // events
	Faults                         []string // what could not be read, or was not requested
	More                           int64    // faults beyond those named
}

func (r *Result) fault(text string) {
	if len(r.Faults) == maxNamed {
		r.More++
		return
	}
	r.Faults = append(r.Faults, text)
}

// historyState is the position in the history.
type historyState struct {
	From    time.Time `json:"from"`
	To      time.Time `json:"to"`
	After   string    `json:"after,omitempty"`  // cursor of the last page that was sent
	Reached time.Time `json:"reached,omitzero"` // its last closing time, if they ascend
	Done    int64     `json:"done"`             // conversations
}

// Resume continues an interrupted interval, and returns it: without a fixed end
// it is the interval of the interrupted run.
func (h *History) Resume(in Interval, fixed bool) (Interval, error) {
	h.state = historyState{From: in.From, To: in.To}
	var before historyState
	there, err := h.Place.Load(&before)
	if err != nil || !there || fixed && (!before.From.Equal(in.From) || !before.To.Equal(in.To)) {
		return in, err
	}
	h.state, in.From, in.To = before, before.From, before.To
	h.Notice(fmt.Sprintf("continuing after %d conversations closed from %s on", before.Done, before.From.Format(time.RFC3339)))
	return in, nil
}

// Run imports an interval. After an error, the position of the last page that was sent is kept.
func (h *History) Run(ctx context.Context, in Interval) (Result, error) {
	if !h.state.From.Equal(in.From) || !h.state.To.Equal(in.To) {
		h.state = historyState{From: in.From, To: in.To}
	}
	h.result, h.counted, h.restarted = Result{}, make(progress), false
	foreign := make(map[schema.ProjectID]int)
	err := h.walk(ctx, in, foreign)
	for _, project := range slices.Sorted(maps.Keys(foreign)) {
		h.result.fault(fmt.Sprintf("project %d, which was not requested: %d conversations", project, foreign[project]))
	}
	h.result.Conversations = h.state.Done
	h.state = historyState{}
	if err != nil {
		return h.result, fmt.Errorf("%s: %w", h.Client.URL, err)
	}
	return h.result, h.Place.Remove()
}

// walk reads the interval. If a page cannot be read, the rest of the interval is halved repeatedly
// until the unreadable part is a second long: that one is reported and skipped.
func (h *History) walk(ctx context.Context, in Interval, foreign map[schema.ProjectID]int) error {
	parts := []Interval{in}
	inRow, parted := 0, false
	for len(parts) > 0 {
		part := parts[0]
		parts = parts[1:]
		tries := pageTries
		if parted && part.To.Sub(part.From) > shortest {
			tries = partTries
		}
		reached, good, err := h.part(ctx, part, parted, tries, foreign)
		if good {
			inRow = 0
		}
		var failed *brokenError
		switch {
		case err == nil:
			continue
		case errors.Is(err, errInterval):
			h.result.fault(named(Interval{From: part.From, To: in.To}, err))
			return nil
		case !errors.As(err, &failed):
			return err
		}
		if reached.After(part.From) && reached.Before(part.To) {
			part.From = reached
		}
		parted = true
		if length := part.To.Sub(part.From); length > shortest {
			middle := part.From.Add(length / 2).Truncate(time.Millisecond)
			first, second := part, part
			first.To, second.From = middle, middle
			parts = append([]Interval{first, second}, parts...)
			continue
		}
		h.result.fault(named(part, err))
		if inRow++; inRow == maxBroken {
			return fmt.Errorf("the API failed on %d parts in a row: %w", maxBroken, err)
		}
	}
	return nil
}

func named(part Interval, err error) string {
	return fmt.Sprintf("conversations closed from %s to %s: %v",
		part.From.UTC().Format(time.RFC3339Nano), part.To.UTC().Format(time.RFC3339Nano), err)
}

// errInterval means that a part cannot be requested.
var errInterval = errors.New("a page cannot be read, and the rest cannot be requested because the API ignores the interval")

// part reads a part of the interval to its end, and returns the closing time it reached, if closing
// times ascend, and whether any page was read. Only the position in the whole interval is stored.
func (h *History) part(ctx context.Context, in Interval, parted bool, tries int, foreign map[schema.ProjectID]int) (reached time.Time, good bool, err error) {
	seen := make(progress)
	after, ordered := "", true
	if !parted {
		after, reached = h.state.After, h.state.Reached
		ordered = after == "" || !reached.IsZero()
	}
	for {
		p, err := h.Client.read(ctx, in, after, h.Page, tries)
		if errors.Is(err, errCursor) && !parted && !h.restarted {
			h.Notice("the API rejects the stored cursor: starting from the beginning, which changes no stored event")
			after, reached, ordered, seen, h.restarted = "", time.Time{}, true, make(progress), true
			h.state = historyState{From: h.state.From, To: h.state.To}
			continue
		}
		if err != nil {
			return reached, good, err
		}
		if parted && p.outside {
			return reached, good, errInterval
		}
		good, tries = true, pageTries
		if ordered = ordered && !p.unordered && !p.first.Before(reached); !ordered {
			reached = time.Time{}
		} else if !p.last.IsZero() {
			reached = p.last
		}
		if missing := h.Client.Missing(); !h.noticed && len(missing) > 0 {
			h.Notice("the API does not have, or does not tell of, what these would bring: " + strings.Join(missing, ", "))
		}
		h.noticed = true
		for _, fault := range p.faults {
			h.result.fault(fault)
		}
		for project, n := range p.foreign {
			foreign[project] += n
		}
		if err := h.send(ctx, p); err != nil {
			return reached, good, err
		}
		for i := range p.conversations {
			if h.counted.add(fmt.Sprint(p.conversations[i].Project.ID, p.conversations[i].ID)) {
				h.state.Done++
			}
		}
		h.Progress(h.state.Done, max(p.total, h.state.Done))
		if err := seen.step(pageInfo{HasNextPage: p.more, EndCursor: p.end}, p.rows); err != nil {
			return reached, good, err
		}
		if !p.more {
			return reached, good, nil
		}
		after = p.end
		if !parted {
			h.state.After, h.state.Reached = after, reached
			if err := h.Place.Save(h.state); err != nil {
				return reached, good, err
			}
		}
	}
}

// send sends the events of a page.
func (h *History) send(ctx context.Context, p *page) error {
	b := &client.Batch{}
	read := time.Now()
	flush := func() error {
		if b.Events() == 0 {
			return nil
		}
		answer, err := h.Sender.Send(ctx, b)
		if err != nil {
			return fmt.Errorf("send to Parley: %w", err)
		}
		h.result.Accepted += int64(answer.Accepted)
		h.result.Duplicates += int64(answer.Duplicates)
		h.result.Rejected += int64(len(answer.Rejected))
		for _, r := range answer.Rejected {
			h.Rejected(string(r.Code), r.Message)
		}
		b = &client.Batch{}
		return nil
	}
	for i := range p.conversations {
		for _, event := range p.conversations[i].Events(read) {
			if b.Events() == schema.MaxRequestEvents || len(b.Body())+len(event) > client.MaxBody {
				if err := flush(); err != nil {
					return err
				}
			}
			b.Add(event)
		}
	}
	return flush()
}
