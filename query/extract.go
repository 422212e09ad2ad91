package query

import (
	"context"
	"encoding/json"
	"net/url"
	"slices"
	"strings"

	"github.com/graph-gophers/graphql-go/ast"
)

// Table is a table that may be read as a whole.
type Table string

// The tables.
const (
	TableConversations Table = "conversations"
	TableContacts      Table = "contacts"
	TableTransactions  Table = "transactions"
)

// Format is a form that whole tables are written in.
type Format string

// The formats.
const (
	FormatNDJSON  Format = "ndjson"
	FormatCSV     Format = "csv"
	FormatParquet Format = "parquet"
)

// Extract requests all matching rows of a table, in one format.
//
// With an interval, conversations are the ones closed in it, contacts the ones
// started in it and transactions those received in it. Without one they are
// all, open conversations among them. Filters on transactions are about their
// conversations.
type Extract struct {
	Table    Table
	Format   Format
	Scope    Scope
	Interval Interval
	Always   bool // no interval was given: Interval holds every moment
	Filter   *Filter
	Position string // start of an incremental read
}

// Extract reads the parameters of a request for rows of a table: format, from,
// to, asOf and the filters by their names in the SDL. Several values of a list come
// in several parameters of one name, or in one with commas between them, where
// \, is a comma and \\ a backslash. The errors may be shown.
func (a *API) Extract(ctx context.Context, table Table, values url.Values) (*Extract, error) {
	present, err := a.begin(ctx)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	e, asOf, err := a.extract(table, values)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	r, err := a.at(ctx, present, asOf, true)
	if err != nil {
		return nil, a.publicError(ctx, err)
	}
	e.Scope, e.Position = r.scope(e.Filter.Projects), writePosition(r.position())
	if err := e.Filter.openings(ctx, a, e.Scope, e.Interval); err != nil {
		return nil, a.publicError(ctx, err)
	}
	return e, nil
}

func (a *API) extract(table Table, values url.Values) (e *Extract, asOf *input, err error) {
	p := parameters{values: values, known: map[string]bool{}}
	filters := p.filters()
	e = &Extract{Table: table, Interval: Interval{firstMoment, lastMoment}}
	from, to, asOf := p.text("from"), p.text("to"), p.text("asOf")
	e.Format = FormatNDJSON
	if given := p.text("format"); given != nil {
		e.Format = Format(given.value.(string))
	}
	p.strangers("format, from, to, asOf")
	switch {
	case p.err != nil:
		return nil, nil, p.err
	case !slices.Contains([]Format{FormatNDJSON, FormatCSV, FormatParquet}, e.Format):
		return nil, nil, badInput("format", "must be one of ndjson, csv and parquet")
	case from == nil && to == nil:
		e.Always = true
	case from == nil || to == nil:
		return nil, nil, badInput("interval", "from and to must be given together")
	default:
		if e.Interval, err = (intervalInput{*from, *to}).interval(); err != nil {
			return nil, nil, err
		}
	}
	if err := a.enumerations(filters); err != nil {
		return nil, nil, err
	}
	if e.Filter, err = a.filter(filters, nil); err != nil {
		return nil, nil, err
	}
	if table == TableConversations && !e.Always {
		if err := e.Filter.leadToClosed(); err != nil {
			return nil, nil, err
		}
	}
	return e, asOf, e.Filter.leadTo(table == TableContacts)
}

// enumerations checks the values of filters that are enumerations.
func (a *API) enumerations(filters *filtersInput) error {
	for name, list := range map[string]*[]string{"Channel": filters.Channels, "AutomationLevel": filters.AutomationLevels} {
		if err := a.enumerated(name, list); err != nil {
			return err
		}
	}
	return nil
}

// enumerated checks that values belong to an enumeration, which the library checks in documents.
func (a *API) enumerated(name string, given *[]string) error {
	if given == nil {
		return nil
	}
	definition := a.schema.AST().Types[name].(*ast.EnumTypeDefinition)
	for _, value := range *given {
		if !slices.ContainsFunc(definition.EnumValuesDefinition, func(d *ast.EnumValueDefinition) bool { return d.EnumValue == value }) {
			return badInput("filters", "a value is not in the enumeration %s", name)
		}
	}
	return nil
}

// parameters reads the members of a query string one after the other and keeps
// the first rule broken.
type parameters struct {
	values url.Values
	known  map[string]bool
	err    error
}

func (p *parameters) note(err error) {
	if p.err == nil {
		p.err = err
	}
}

func (p *parameters) filters() *filtersInput {
	f := &filtersInput{
		ProjectIDs: p.list("projectIds", number), Channels: p.names("channels"),
		Answered: p.flag("answered"), AnsweredByHuman: p.flag("answeredByHuman"),
		AutomationLevels: p.names("automationLevels"), CloseReason: p.list("closeReason", word),
		ConversationIDs: p.list("conversationIds", word), VisitorIDs: p.list("visitorIds", word),
		CustomerSatisfaction: p.list("customerSatisfaction", number), CampaignIDs: p.list("campaignIds", word),
		RoutingRuleIDs: p.list("routingRuleIds", word), RoutingGroupIDs: p.list("routingGroupIds", word),
		UserIDs: p.list("userIds", number), TagIDs: p.list("tagIds", word), Languages: p.list("languages", word),
		HasConversion: p.flag("hasConversion"), MinContacts: p.number("minContacts"),
		Transferred: p.flag("transferred"), Snoozed: p.flag("snoozed"), Reopened: p.flag("reopened"),
		InBusinessHours: p.flag("inBusinessHours"),
		UpdatedSince:    p.text("updatedSince"), Rows: p.text("rows"),
		ConversationID: p.text("conversationId"), ConversationVisitorIDs: p.list("conversationVisitorIds", word),
		EngagementCampaignIDs: p.list("engagementCampaignIds", word), GroupIDs: p.list("groupIds", word), UserGroupIDs: p.list("userGroupIds", word),
	}
	least, most := p.number("netPromoterScore.min"), p.number("netPromoterScore.max")
	if least != nil || most != nil {
		f.NetPromoterScore = &struct{ Min, Max *input }{least, most}
	}
	return f
}

func word(text string) input   { return input{text} }
func number(text string) input { return input{json.Number(text)} }

// text reads a parameter that may be given at most once.
func (p *parameters) text(name string) *input {
	p.known[name] = true
	given := p.values[name]
	if len(given) > 1 {
		p.note(badInput(name, "must be given once"))
	}
	if len(given) == 0 {
		return nil
	}
	return &input{given[0]}
}

func (p *parameters) number(name string) *input {
	given := p.text(name)
	if given != nil {
		given.value = json.Number(given.value.(string))
	}
	return given
}

func (p *parameters) flag(name string) *input {
	given := p.text(name)
	if given != nil && (given.value == "true" || given.value == "false") {
		given.value = given.value == "true"
	}
	return given
}

func (p *parameters) list(name string, as func(string) input) *[]input {
	names := p.names(name)
	if names == nil {
		return nil
	}
	list := make([]input, len(*names))
	for i, text := range *names {
		list[i] = as(text)
	}
	return &list
}

func (p *parameters) names(name string) *[]string {
	p.known[name] = true
	var all []string
	for _, text := range p.values[name] {
		all = append(all, words(text)...)
	}
	if all == nil {
		return nil
	}
	return &all
}

// words cuts a text at its commas. An empty text has no words.
func words(text string) []string {
	if text == "" {
		return nil
	}
	all := []string{""}
	var last strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text) && (text[i+1] == ',' || text[i+1] == '\\'):
			i++
			last.WriteByte(text[i])
		case c == ',':
			all = append(all, "")
			last.Reset()
			continue
		default:
			last.WriteByte(c)
		}
		all[len(all)-1] = last.String()
	}
	return all
}

// strangers refuses parameters that were not read: a misspelt filter must not be ignored. own are the names beside the filters.
func (p *parameters) strangers(own string) {
	for name := range p.values {
		if !p.known[name] {
			p.note(badInput("query string", "a parameter is unknown: the names are %s and those of the filters of GraphQL, with netPromoterScore.min and netPromoterScore.max", own))
		}
	}
}
