package agents

import (
	"context"
	"net/http"
)

// restatementsInput are the arguments of restatements.
type restatementsInput struct {
	Since          string         `json:"since" jsonschema:"position of an earlier answer, or a time (RFC 3339)"`
	Until          string         `json:"until,omitempty" jsonschema:"a later position or time; now by default"`
	Interval       Interval       `json:"interval" jsonschema:"range of the times that figures count by"`
	GroupBy        []string       `json:"groupBy,omitempty" jsonschema:"at most two dimensions, such as CHANNEL"`
	CustomDataKey  string         `json:"customDataKey,omitempty" jsonschema:"required with CUSTOM_DATA in groupBy"`
	Step           string         `json:"step,omitempty" jsonschema:"QUARTER_HOUR, HALF_HOUR, HOUR, DAY, WEEK or MONTH"`
	TimeZone       string         `json:"timeZone,omitempty" jsonschema:"IANA name; UTC by default"`
	Filters        map[string]any `json:"filters,omitempty" jsonschema:"ConversationFilters of the GraphQL schema"`
	ContactFilters map[string]any `json:"contactFilters,omitempty" jsonschema:"ContactFilters of the GraphQL schema"`
}

func (t *tools) restatements(ctx context.Context, header http.Header, in restatementsInput) (*Answer, error) {
	request := &Request{
		Query: "query Restatements(" + filterVariables + ", $since: String!, $until: String, $groupBy: [MetricsDimension!], $customDataKey: String, $step: MetricsStep, $timeZone: String) {" +
			" restatements(since: $since, until: $until, interval: $interval, filters: $filters, contactFilters: $contactFilters, groupBy: $groupBy, customDataKey: $customDataKey, step: $step, timeZone: $timeZone)" +
			" {definitionVersion since until figures {from to dimensions {name value} figure currency before after difference conversations causes {kind events conversations}}} }",
		Variables: variables(map[string]any{
			"since": in.Since, "until": in.Until, "interval": in.Interval, "filters": in.Filters, "contactFilters": in.ContactFilters,
			"groupBy": in.GroupBy, "customDataKey": in.CustomDataKey, "step": in.Step, "timeZone": in.TimeZone,
		}),
	}
	var data struct{ Restatements map[string]any }
	if err := t.ask(ctx, header, request, &data); err != nil {
		return nil, err
	}
	position, _ := data.Restatements["until"].(string)
	return &Answer{Answer: data.Restatements, Position: position, Request: request, Link: t.link("volume", days(in.Interval))}, nil
}
