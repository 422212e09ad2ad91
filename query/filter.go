package query

import (
	"fmt"
	"math"
	"slices"

	"github.com/parley-analytics/parley/query/hours"
	"github.com/parley-analytics/parley/schema"
)

// maxValues is the maximum number of values in one list of a filter.
const maxValues = 1000

// Filter selects conversations or contacts. All members must match, values of a
// list are alternatives; nil does not filter. Lists are ascending, each value
// once.
type Filter struct {
	Projects             []schema.ProjectID // nil asks for all, empty for none
	Channels             []string           `json:",omitempty"`
	Answered             *bool              `json:",omitempty"`
	AnsweredByHuman      *bool              `json:",omitempty"`
	AutomationLevels     []string           `json:",omitempty"`
	CloseReasons         []string           `json:",omitempty"`
	Conversations        []string           `json:",omitempty"`
	Visitors             []string           `json:",omitempty"`
	CustomerSatisfaction []int64            `json:",omitempty"`
	ScoreMin             *int64             `json:",omitempty"`
	ScoreMax             *int64             `json:",omitempty"`
	Scored               bool               `json:",omitempty"` // a score range is given, perhaps without bounds
	Campaigns            []string           `json:",omitempty"`
	RoutingRules         []string           `json:",omitempty"`
	RoutingGroups        []string           `json:",omitempty"`
	Operators            []int64            `json:",omitempty"`
	Tags                 []string           `json:",omitempty"`
	Languages            []string           `json:",omitempty"`
	HasConversion        *bool              `json:",omitempty"`
	MinContacts          *int64             `json:",omitempty"`
	Transferred          *bool              `json:",omitempty"`
	Snoozed              *bool              `json:",omitempty"`
	Reopened             *bool              `json:",omitempty"`
	InBusinessHours      *bool              `json:",omitempty"`
	UpdatedSince         *schema.Sequence   `json:",omitempty"`
	Rows                 *Rows              `json:",omitempty"` // only what is behind a bucket

	Contacts *ContactFilter    `json:",omitempty"` // of contacts; conversations need one that matches
	State    ConversationState `json:",omitempty"` // in lists by creation

	// Openings are when projects are open; nil unless the filter or Rows depend on business hours.
	Openings *hours.Timeline `json:"-"`
}

// ConversationState is whether a conversation is closed.
type ConversationState string

// The states. A snoozed conversation is open too, and so is one that waits.
const (
	StateOpen    ConversationState = "OPEN"
	StateSnoozed ConversationState = "SNOOZED"
	StateWaiting ConversationState = "WAITING" // nobody has it, and it is not snoozed
	StateClosed  ConversationState = "CLOSED"
)

// filtersInput is ConversationFilters as given.
type filtersInput struct {
	ProjectIDs           *[]input
	Channels             *[]string
	Answered             *input
	AnsweredByHuman      *input
	AutomationLevels     *[]string
	CloseReason          *[]input
	ConversationIDs      *[]input
	VisitorIDs           *[]input
	CustomerSatisfaction *[]input
	NetPromoterScore     *struct{ Min, Max *input }
	CampaignIDs          *[]input
	RoutingRuleIDs       *[]input
	RoutingGroupIDs      *[]input
	UserIDs              *[]input
	TagIDs               *[]input
	Languages            *[]input
	HasConversion        *input
	MinContacts          *input
	Transferred          *input
	Snoozed              *input
	Reopened             *input
	InBusinessHours      *input
	UpdatedSince         *input
	Rows                 *input

	// Names of iAdvize for some of the filters above.
	ConversationID         *input
	ConversationVisitorIDs *[]input
	EngagementCampaignIDs  *[]input
	GroupIDs               *[]input
	UserGroupIDs           *[]input
}

// reader reads the members of a filter one after the other and keeps the first
// rule broken.
type reader struct{ err error }

// filter reads the filters of a field; nil filters nothing.
func (a *API) filter(filters *filtersInput, contacts *contactFiltersInput) (*Filter, error) {
	var r reader
	filter := &Filter{}
	if filters != nil {
		filter = filters.filter(a, &r)
	}
	filter.Contacts = contacts.filter(&r)
	return filter, r.err
}

func (f *filtersInput) filter(a *API, r *reader) *Filter {
	var one *[]input
	if f.ConversationID != nil {
		one = &[]input{*f.ConversationID}
	}
	filter := &Filter{
		Projects:             asProjects(r.integers("filters.projectIds", f.ProjectIDs, math.MinInt32, math.MaxInt32)),
		Channels:             r.names("filters.channels", f.Channels),
		Answered:             r.flag("filters.answered", f.Answered),
		AnsweredByHuman:      r.flag("filters.answeredByHuman", f.AnsweredByHuman),
		AutomationLevels:     r.names("filters.automationLevels", f.AutomationLevels),
		CloseReasons:         r.texts("filters.closeReason", f.CloseReason, input.text),
		Conversations:        r.either(input.uuid, listInput{"conversationIds", f.ConversationIDs}, listInput{"conversationId", one}),
		Visitors:             r.either(input.text, listInput{"visitorIds", f.VisitorIDs}, listInput{"conversationVisitorIds", f.ConversationVisitorIDs}),
		CustomerSatisfaction: r.integers("filters.customerSatisfaction", f.CustomerSatisfaction, 1, 5),
		Campaigns:            r.either(input.text, listInput{"campaignIds", f.CampaignIDs}, listInput{"engagementCampaignIds", f.EngagementCampaignIDs}),
		RoutingRules:         r.texts("filters.routingRuleIds", f.RoutingRuleIDs, input.text),
		RoutingGroups:        r.either(input.text, listInput{"routingGroupIds", f.RoutingGroupIDs}, listInput{"groupIds", f.GroupIDs}, listInput{"userGroupIds", f.UserGroupIDs}),
		Operators:            r.integers("filters.userIds", f.UserIDs, 1, 1<<53-1),
		Tags:                 r.texts("filters.tagIds", f.TagIDs, input.text),
		Languages:            r.texts("filters.languages", f.Languages, input.text),
		HasConversion:        r.flag("filters.hasConversion", f.HasConversion),
		MinContacts:          r.integer("filters.minContacts", f.MinContacts, 0, math.MaxInt32),
		Transferred:          r.flag("filters.transferred", f.Transferred),
		Snoozed:              r.flag("filters.snoozed", f.Snoozed),
		Reopened:             r.flag("filters.reopened", f.Reopened),
		InBusinessHours:      r.flag("filters.inBusinessHours", f.InBusinessHours),
		UpdatedSince:         r.position("filters.updatedSince", f.UpdatedSince),
	}
	if f.NetPromoterScore != nil {
		filter.Scored = true
		filter.ScoreMin = r.integer("filters.netPromoterScore.min", f.NetPromoterScore.Min, 0, 10)
		filter.ScoreMax = r.integer("filters.netPromoterScore.max", f.NetPromoterScore.Max, 0, 10)
		if filter.ScoreMin != nil && filter.ScoreMax != nil && *filter.ScoreMin > *filter.ScoreMax {
			r.note(badInput("filters.netPromoterScore", "min must not be above max"))
		}
	}
	if f.Rows != nil {
		rows, err := a.readRows("filters.rows", *f.Rows)
		if err != nil {
			r.note(err)
		}
		filter.Rows = rows
	}
	return filter
}

func (r *reader) note(err error) {
	if r.err == nil {
		r.err = err
	}
}

func (r *reader) flag(field string, given *input) *bool {
	if given == nil {
		return nil
	}
	v, err := given.flag(field)
	if err != nil {
		r.note(err)
	}
	return &v
}

func (r *reader) integer(field string, given *input, least, most int64) *int64 {
	if given == nil {
		return nil
	}
	v, err := given.integer(field, least, most)
	if err != nil {
		r.note(err)
	}
	return &v
}

func (r *reader) integers(field string, given *[]input, least, most int64) []int64 {
	return ascending(r, field, given, func(i input, field string) (int64, error) { return i.integer(field, least, most) })
}

func (r *reader) texts(field string, given *[]input, read func(input, string) (string, error)) []string {
	return ascending(r, field, given, read)
}

// listInput is a list of a filter, under one of its names.
type listInput struct {
	name  string
	given *[]input
}

// either reads a list that has several names, of which one may be used. An empty list is no filter,
// under whichever name.
func (r *reader) either(read func(input, string) (string, error), names ...listInput) []string {
	used := names[0]
	for _, other := range names[1:] {
		switch {
		case other.given == nil || len(*other.given) == 0:
		case used.given == nil || len(*used.given) == 0:
			used = other
		default:
			r.note(badInput("filters."+other.name, "must not be given together with %s: both are names of the same filter", used.name))
		}
	}
	return r.texts("filters."+used.name, used.given, read)
}

// names takes the values of an enumeration, which the library has checked.
func (r *reader) names(field string, given *[]string) []string {
	return ascending(r, field, given, func(name, _ string) (string, error) { return name, nil })
}

func (r *reader) position(field string, given *input) *schema.Sequence {
	if given == nil {
		return nil
	}
	text, err := given.text(field)
	if err != nil {
		r.note(err)
		return nil
	}
	sequence, err := parsePosition(field, text)
	if err != nil {
		r.note(err)
	}
	return &sequence
}

// ascending reads the values of a list, sorts them and keeps each once. No list and
// an empty one are nil.
func ascending[G any, V int64 | string](r *reader, field string, given *[]G, read func(G, string) (V, error)) []V {
	if given == nil || len(*given) == 0 {
		return nil
	}
	if len(*given) > maxValues {
		r.note(badInput(field, "must hold at most %d values", maxValues))
		return nil
	}
	values := make([]V, len(*given))
	for n, i := range *given {
		v, err := read(i, fmt.Sprintf("%s[%d]", field, n))
		if err != nil {
			r.note(err)
			return nil
		}
		values[n] = v
	}
	slices.Sort(values)
	return slices.Compact(values)
}

// asProjects keeps the numbers that can be projects: what cannot be one is a
// project that does not exist.
func asProjects(numbers []int64) []schema.ProjectID {
	if numbers == nil {
		return nil
	}
	projects := make([]schema.ProjectID, 0, len(numbers))
	for _, n := range numbers {
		if n > 0 {
			projects = append(projects, schema.ProjectID(n))
		}
	}
	return projects
}
