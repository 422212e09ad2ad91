package query

import (
	"context"
	"encoding/json"
	"net/url"
	"reflect"
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// TableEvents is the archive. It can be followed, not extracted.
const TableEvents Table = "events"

// Changed is a row that has changed, and where in the log.
type Changed struct {
	Position     string          // as a reader names it
	Sequence     schema.Sequence // of the event that changed it
	Project      schema.ProjectID
	Conversation schema.ConversationID
	Contact      string // its id; empty in the other tables
	Erased       bool   // the change is an erasure: the row has no personal data
	Row          []byte // its columns as JSON
}

// Following selects the changes of a table that a reader sees.
type Following struct {
	Table  Table
	Filter *Filter
}

// Follow reads the parameters of a request for the changes of a table: the filters by their names in the SDL, as [API.Extract]
// does. The errors may be shown.
func (a *API) Follow(ctx context.Context, table Table, values url.Values) (*Following, error) {
	p := parameters{values: values, known: map[string]bool{}}
	filters := p.filters()
	p.strangers("lastEventId")
	if p.err != nil {
		return nil, a.publicError(ctx, p.err)
	}
	if err := a.enumerations(filters); err != nil {
		return nil, a.publicError(ctx, err)
	}
	f, err := a.following(table, filters, nil)
	return f, a.publicError(ctx, err)
}

// following reads filters, of which those that depend on an interval or on a position cannot be followed.
func (a *API) following(table Table, filters *filtersInput, contacts *contactFiltersInput) (*Following, error) {
	filter, err := a.filter(filters, contacts)
	switch {
	case err != nil:
		return nil, err
	case filter.UpdatedSince != nil:
		return nil, badInput("filters.updatedSince", "cannot be used here: name the position to go on from")
	case filter.Rows != nil:
		return nil, badInput("filters.rows", "cannot be used here: a bucket has an end")
	case filter.InBusinessHours != nil:
		return nil, badInput("filters.inBusinessHours", "cannot be used here: it needs an interval")
	}
	f := &Following{Table: table, Filter: filter}
	if table == TableEvents && !f.ofEvents() {
		return nil, badInput("filters", "events have no filters but projectIds and conversationIds")
	}
	return f, nil
}

// Projects narrows the caller's projects to those followed.
func (f *Following) Projects(theirs schema.Projects) schema.Projects {
	if f.Filter.Projects == nil {
		return theirs
	}
	return intersection(theirs, f.Filter.Projects)
}

// All reports whether every change in the projects is selected.
func (f *Following) All() bool {
	return reflect.DeepEqual(*f.Filter, Filter{Projects: f.Filter.Projects})
}

func (f *Following) ofEvents() bool {
	return reflect.DeepEqual(*f.Filter, Filter{Projects: f.Filter.Projects, Conversations: f.Filter.Conversations})
}

// Key is the same for what selects the same changes.
func (f *Following) Key() string {
	key, err := json.Marshal(f)
	if err != nil {
		panic(err) // it consists of texts and numbers
	}
	return string(key)
}

// Matching returns the changes whose rows match and have not changed again since: those come later, with a change of their own.
// The context is one of [WithCaller].
func (a *API) Matching(ctx context.Context, f *Following, changes []Changed) ([]Changed, error) {
	if f.All() || len(changes) == 0 {
		return changes, nil
	}
	kept := make([]Changed, 0, len(changes))
	if f.Table == TableEvents {
		for _, c := range changes {
			if slices.Contains(f.Filter.Conversations, string(c.Conversation)) {
				kept = append(kept, c)
			}
		}
		return kept, nil
	}
	r, err := a.begin(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := a.store.Matching(ctx, f.Table, r.scope(f.Filter.Projects), Interval{firstMoment, lastMoment}, f.Filter, conversationsOf(changes))
	if err != nil {
		return nil, err
	}
	matching := make(map[RowVersion]bool, len(rows))
	for _, row := range rows {
		matching[row] = true
	}
	for _, c := range changes {
		if matching[c.version()] {
			kept = append(kept, c)
		}
	}
	return kept, nil
}

// RowVersion names a row in a state.
type RowVersion struct {
	Project uint32
	ID      string // of the conversation or the contact
	Version uint64
}

func (c *Changed) version() RowVersion {
	v := RowVersion{uint32(c.Project), string(c.Conversation), uint64(c.Sequence)}
	if c.Contact != "" {
		v.ID = c.Contact
	}
	return v
}

// conversationsOf names the conversations of changes, each once.
func conversationsOf(changes []Changed) []string {
	var ids []string
	seen := make(map[schema.ConversationID]bool, len(changes))
	for _, c := range changes {
		if !seen[c.Conversation] {
			seen[c.Conversation] = true
			ids = append(ids, string(c.Conversation))
		}
	}
	return ids
}
