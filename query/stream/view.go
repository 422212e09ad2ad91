package stream

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/transport"
	"github.com/parley-analytics/parley/schema"
)

// view is what readers see of a table. Those with the same key see the same: it is worked out once for each batch.
type view struct {
	key   string
	table query.Table
	scope schema.Projects
	write func(context.Context, []query.Changed) ([]written, error)
}

// written is a change as it is sent.
type written struct {
	query.Changed
	text []byte
}

// shown are the views of a batch.
type shown struct {
	mu    sync.Mutex
	views map[string]func() ([]event, error)
}

// event is a change that readers of a view may see.
type event struct {
	at      Position
	project schema.ProjectID
	text    []byte
}

// workTime is the most time to work out a view of a batch.
const workTime = time.Minute

// of returns the events of a batch in a view. They outlive the reader that happens to come first.
func (v *view) of(ctx context.Context, b batch) ([]event, error) {
	b.shown.mu.Lock()
	if b.shown.views == nil {
		b.shown.views = map[string]func() ([]event, error){}
	}
	work := b.shown.views[v.key]
	if work == nil {
		work = sync.OnceValues(func() ([]event, error) {
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), workTime)
			defer cancel()
			return v.work(ctx, b.changes)
		})
		b.shown.views[v.key] = work
	}
	b.shown.mu.Unlock()
	return work()
}

func (v *view) work(ctx context.Context, changes []Change) ([]event, error) {
	at := make(map[string]Position, len(changes))
	theirs := make([]query.Changed, 0, len(changes))
	for _, c := range changes {
		if !v.scope.Contains(c.Project) {
			continue
		}
		position := c.At.String()
		at[position] = c.At
		theirs = append(theirs, query.Changed{
			Position: position, Sequence: c.At.Sequence, Project: c.Project, Conversation: c.Conversation, Contact: c.Contact, Erased: c.Erased, Row: c.Row,
		})
	}
	list, err := v.write(ctx, theirs)
	if err != nil {
		return nil, err
	}
	events := make([]event, len(list))
	for i, w := range list {
		events[i] = event{at[w.Position], w.Project, w.text}
	}
	return events, nil
}

// rowsView shows rows.
func (h *Handler) rowsView(caller schema.Caller, f *query.Following) *view {
	v := &view{table: f.Table, scope: f.Projects(caller.Projects)}
	rights := caller.Projects
	if f.All() { // then all readers share one view, and each picks its projects from it
		v.scope = schema.Projects{All: true}
	} else {
		v.key = fmt.Sprint(rights, f.Key())
	}
	v.write = func(ctx context.Context, changes []query.Changed) ([]written, error) {
		changes, err := h.config.Reader.Matching(query.WithCaller(ctx, caller), f, changes)
		list := make([]written, len(changes))
		for i, c := range changes {
			list[i] = written{c, frame("", c.Position, c.Row)}
		}
		return list, err
	}
	return v
}

// answersView shows the answers of a subscription.
func (h *Handler) answersView(s *query.Subscription, o transport.Operation) *view {
	v := &view{table: s.Table, scope: s.Projects(o.Caller.Projects), key: fmt.Sprint(o.Caller.Projects, o.Key)}
	v.write = func(ctx context.Context, changes []query.Changed) ([]written, error) {
		answers, err := s.Answers(ctx, changes, o.Run)
		list := make([]written, len(answers))
		for i, a := range answers {
			result, err := json.Marshal(a.Result)
			if err != nil {
				return nil, err
			}
			list[i] = written{a.Changed, frame("next", a.Position, result)}
		}
		return list, err
	}
	return v
}

// frame writes a server-sent event; data is one line.
func frame(kind, id string, data []byte) []byte {
	var text bytes.Buffer
	if kind != "" {
		text.WriteString("event: " + kind + "\n")
	}
	text.WriteString("id: " + id + "\ndata: ")
	text.Write(data)
	text.WriteString("\n\n")
	return text.Bytes()
}
