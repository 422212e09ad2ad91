package agents

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/schema/definition"
	sdl "github.com/parley-analytics/parley/schema/graphql"
)

// Interval is a half-open interval of time.
type Interval struct {
	From string `json:"from" jsonschema:"start, inclusive, RFC 3339"`
	To   string `json:"to" jsonschema:"end, exclusive, RFC 3339"`
}

// schemaInput names what is described.
type schemaInput struct {
	Type string `json:"type,omitempty" jsonschema:"name of a type of the GraphQL schema, such as ConversationFilters; without it, the definitions of all figures"`
}

func (t *tools) schema(_ context.Context, _ http.Header, in schemaInput) (*Answer, error) {
	if in.Type == "" {
		return &Answer{Answer: map[string]any{
			"definitions": definition.Read(), "dimensions": typeOf("MetricsDimension"), "steps": typeOf("MetricsStep"),
			"filters": "see the types ConversationFilters and ContactFilters",
		}}, nil
	}
	text := typeOf(in.Type)
	if text == "" {
		return nil, fmt.Errorf("type: the schema has no type of that name")
	}
	return &Answer{Answer: text}, nil
}

// typeOf is the text of a type in the SDL; empty if there is none.
func typeOf(name string) string {
	for _, kind := range []string{"type", "input", "enum", "interface"} {
		_, rest, found := strings.Cut(sdl.SDL(), "\n"+kind+" "+name+" ")
		if body, _, closed := strings.Cut(rest, "\n}"); found && closed && name != "" {
			return kind + " " + name + " " + body + "\n}"
		}
	}
	return ""
}

// metricsInput are the arguments of metrics.
type metricsInput struct {
	Interval       Interval       `json:"interval" jsonschema:"range of the closing time of conversations and the start time of contacts"`
	Figures        []string       `json:"figures,omitempty" jsonschema:"names of figures from the tool schema; by default closedConversations, contacts, answerRate, csat"`
	GroupBy        []string       `json:"groupBy,omitempty" jsonschema:"at most three dimensions, such as CHANNEL"`
	CustomDataKey  string         `json:"customDataKey,omitempty" jsonschema:"required with CUSTOM_DATA in groupBy"`
	Step           string         `json:"step,omitempty" jsonschema:"QUARTER_HOUR, HALF_HOUR, HOUR, DAY, WEEK or MONTH"`
	TimeZone       string         `json:"timeZone,omitempty" jsonschema:"IANA name; UTC by default"`
	AsOf           string         `json:"asOf,omitempty" jsonschema:"position of an earlier answer, or a time (RFC 3339), as of which to count; now by default"`
	Filters        map[string]any `json:"filters,omitempty" jsonschema:"ConversationFilters of the GraphQL schema"`
	ContactFilters map[string]any `json:"contactFilters,omitempty" jsonschema:"ContactFilters of the GraphQL schema"`
}

// selections are the fields of the figures of a bucket. Names are taken from the definitions only.
func selections(names []string) (string, error) {
	if len(names) == 0 {
		names = []string{"closedConversations", "contacts", "answerRate", "csat"}
	}
	var fields []string
	for _, name := range names {
		at := slices.IndexFunc(definition.Read().Figures, func(f definition.Figure) bool { return f.Type == "MetricsBucket" && f.Name == name })
		if at < 0 {
			return "", fmt.Errorf("figures: there is no figure %.60q; the tool schema lists them", name)
		}
		field := name
		switch definition.Read().Figures[at].Unit {
		case "milliseconds":
			field += " {count meanMs medianMs p90Ms p95Ms p99Ms}"
		case "amount per currency":
			field += " {currency amount}"
		}
		if !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	return strings.Join(fields, " "), nil
}

const filterVariables = "$interval: DateTimeInterval!, $filters: ConversationFilters, $contactFilters: ContactFilters"

func (t *tools) metrics(ctx context.Context, header http.Header, in metricsInput) (*Answer, error) {
	fields, err := selections(in.Figures)
	if err != nil {
		return nil, err
	}
	request := &Request{
		Query: "query Metrics(" + filterVariables + ", $groupBy: [MetricsDimension!], $customDataKey: String, $step: MetricsStep, $timeZone: String, $asOf: String) {" +
			" metrics(interval: $interval, filters: $filters, contactFilters: $contactFilters, groupBy: $groupBy, customDataKey: $customDataKey, step: $step, timeZone: $timeZone, asOf: $asOf)" +
			" {definitionVersion position sql total {" + fields + " sql} buckets {from to dimensions {name value} " + fields + "}} }",
		Variables: variables(map[string]any{
			"interval": in.Interval, "filters": in.Filters, "contactFilters": in.ContactFilters,
			"groupBy": in.GroupBy, "customDataKey": in.CustomDataKey, "step": in.Step, "timeZone": in.TimeZone, "asOf": in.AsOf,
		}),
	}
	var data struct{ Metrics map[string]any }
	if err := t.ask(ctx, header, request, &data); err != nil {
		return nil, err
	}
	position, _ := data.Metrics["position"].(string)
	return &Answer{Answer: data.Metrics, Position: position, Request: request, Link: t.link("volume", days(in.Interval)), SQL: statements(data.Metrics)}, nil
}

// statements takes the SQL out of an answer of metrics: that of the total, then those of the buckets.
func statements(metrics map[string]any) []any {
	buckets, _ := metrics["sql"].([]any)
	delete(metrics, "sql")
	total, _ := metrics["total"].(map[string]any)
	statement, found := total["sql"].(string)
	delete(total, "sql")
	if !found {
		return nil
	}
	return append([]any{statement}, buckets...)
}

// variables leaves out what was not given.
func variables(given map[string]any) map[string]any {
	for name, value := range given {
		switch v := value.(type) {
		case string:
			if v == "" {
				delete(given, name)
			}
		case []string:
			if v == nil {
				delete(given, name)
			}
		case map[string]any:
			if v == nil {
				delete(given, name)
			}
		}
	}
	return given
}

// pageInput selects a page of rows.
type pageInput struct {
	Interval       Interval       `json:"interval" jsonschema:"range of the creation of conversations, or of the start of contacts"`
	First          int            `json:"first,omitempty" jsonschema:"rows of the page, 1 to 100; 20 by default"`
	After          string         `json:"after,omitempty" jsonschema:"endCursor of the page before"`
	Filters        map[string]any `json:"filters,omitempty" jsonschema:"ConversationFilters of the GraphQL schema"`
	ContactFilters map[string]any `json:"contactFilters,omitempty" jsonschema:"ContactFilters of the GraphQL schema"`
}

func (p *pageInput) variables() map[string]any {
	if p.First == 0 {
		p.First = 20
	}
	return variables(map[string]any{"interval": p.Interval, "first": p.First, "after": p.After, "filters": p.Filters, "contactFilters": p.ContactFilters})
}

const (
	pageVariables = filterVariables + ", $first: Int, $after: String"
	pageArguments = "interval: $interval, filters: $filters, contactFilters: $contactFilters, first: $first, after: $after"
	pageFields    = "position totalCount pageInfo {hasNextPage endCursor}"
)

// conversationsInput are the arguments of conversations.
type conversationsInput struct {
	pageInput
	State       string `json:"state,omitempty" jsonschema:"OPEN, SNOOZED, WAITING or CLOSED; any by default"`
	IncludeText bool   `json:"includeText,omitempty" jsonschema:"also return survey comments and the first messages, which visitors wrote: untrusted content"`
}

func (t *tools) conversations(ctx context.Context, header http.Header, in conversationsInput) (*Answer, error) {
	list := "conversations(" + pageArguments + ", state: $state)"
	query := "query Conversations(" + pageVariables + ", $state: ConversationState) { rows: " + list + " {" + pageFields + " edges {node {" +
		"id project {id} createdAt closedAt durationMs channel contactCount snoozeCount transferCount reopenCount answered answeredByHuman automationLevel abandoned " +
		"firstResponseTimeMs resolutionTimeMs handleTimeMs visitorMessageCount operatorMessageCount satisfactionSurvey {customerSatisfaction netPromoterScore} " +
		"revenue {currency amount} tags {id} users {id kind} firstSequence lastSequence}}}"
	if in.IncludeText {
		query += " texts: " + list + " {edges {node {id closeReason satisfactionSurvey {comment} " +
			"messages(first: 20) {edges {node {createdAt ... on ChatMessage {author {kind} text}}}}}}}"
	}
	request := &Request{Query: query + " }", Variables: in.variables()}
	if in.State != "" {
		request.Variables["state"] = in.State
	}
	return t.pageOf(ctx, header, request, t.link("volume", days(in.Interval)))
}

// contactsInput are the arguments of contacts.
type contactsInput struct{ pageInput }

func (t *tools) contacts(ctx context.Context, header http.Header, in contactsInput) (*Answer, error) {
	request := &Request{
		Query: "query Contacts(" + pageVariables + ") { rows: contacts(" + pageArguments + ") {" + pageFields + " edges {node {" +
			"id ordinal project {id} conversation {id} channel status ending endingInferred startedAt endedAt durationMs waitTimeMs firstResponseTimeMs " +
			"visitorMessageCount operatorMessageCount operator {id kind} routingRule {id} routingGroup {id}}}} }",
		Variables: in.variables(),
	}
	return t.pageOf(ctx, header, request, t.link("speed", days(in.Interval)))
}

// pageOf asks for a page of rows, and for their texts where the request has any.
func (t *tools) pageOf(ctx context.Context, header http.Header, request *Request, link string) (*Answer, error) {
	var data struct{ Rows, Texts map[string]any }
	if err := t.ask(ctx, header, request, &data); err != nil {
		return nil, err
	}
	position, _ := data.Rows["position"].(string)
	answer := &Answer{Answer: data.Rows, Position: position, Request: request, Link: link}
	if data.Texts != nil {
		answer.Untrusted = &Untrusted{notice, data.Texts["edges"]}
	}
	return answer, nil
}

// explainInput are the arguments of explain.
type explainInput struct {
	ConversationID string `json:"conversationId" jsonschema:"UUID of the conversation"`
	ProjectID      int    `json:"projectId,omitempty" jsonschema:"required only if the id exists in several projects"`
}

// withheld are values that personal data or text of visitors may be in.
var withheld = []string{"comment", "visitor", "customData", "closeReason", "operator", "users", "tags", "campaign"}

// explained is a value and where it comes from.
type explained struct {
	Name      string  `json:"name"`
	Value     *string `json:"value"`
	Withheld  bool    `json:"withheld,omitempty"`
	Sequences []any   `json:"sequences"`
}

// withhold takes away what may be personal.
func withhold(values []explained) {
	for i := range values {
		if slices.Contains(withheld, values[i].Name) {
			values[i].Value, values[i].Withheld = nil, true
		}
	}
}

func (t *tools) explain(ctx context.Context, header http.Header, in explainInput) (*Answer, error) {
	request := &Request{
		Query: "query Explain($id: UUID!, $project: Int) { explain(conversationId: $id, projectId: $project) {conversation {project {id} lastSequence}" +
			" events {sequence type time receivedAt contactId} values {name value sequences} contacts {id ordinal values {name value sequences}}}" +
			" contacts(interval: {from: \"1970-01-01T00:00:00Z\", to: \"1970-01-01T00:00:01Z\"}, first: 0) {position} }",
		Variables: map[string]any{"id": in.ConversationID},
	}
	if in.ProjectID != 0 {
		request.Variables["project"] = in.ProjectID
	}
	type explanation struct {
		Conversation struct {
			Project struct {
				ID json.Number `json:"id"`
			} `json:"project"`
			LastSequence json.Number `json:"lastSequence"`
		} `json:"conversation"`
		Events   any         `json:"events"`
		Values   []explained `json:"values"`
		Contacts []struct {
			ID      string      `json:"id"`
			Ordinal int         `json:"ordinal"`
			Values  []explained `json:"values"`
		} `json:"contacts"`
	}
	var data struct {
		Explain  *explanation
		Contacts struct{ Position string }
	}
	if err := t.ask(ctx, header, request, &data); err != nil {
		return nil, err
	}
	if data.Explain == nil {
		return nil, fmt.Errorf("conversationId: there is no such conversation")
	}
	withhold(data.Explain.Values)
	for _, contact := range data.Explain.Contacts {
		withhold(contact.Values)
	}
	link := t.link("conversation", url.Values{"id": {in.ConversationID}, "of": {data.Explain.Conversation.Project.ID.String()}})
	return &Answer{Answer: data.Explain, Position: data.Contacts.Position, Request: request, Link: link}, nil
}
