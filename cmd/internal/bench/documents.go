package main

import "encoding/json"

// document is a GraphQL request of the lines f and k.
type document struct {
	name string
	body []byte
	path string // empty: graphQLPath
}

// tenFields and the fragments after it are what the pages select.
const (
	tenFields     = `id createdAt closedAt durationMs channel language contactCount answered handleTimeMs closeReason`
	contactFields = `contacts { id ordinal startedAt endedAt durationMs status ending endingInferred closeReason waitTimeMs firstResponseTimeMs
		visitorMessageCount operatorMessageCount channel operator { id kind name email } routingRule { id name } routingGroup { id name } }`
	allFields = tenFields + ` duration initiator project { id } visitor { id externalId firstName lastName email phone } campaign { id name }
		customData { key value } snoozeCount transferCount reopenCount anomalyCount answeredByHuman automationLevel abandoned
		firstResponseTimeMs resolutionTimeMs firstResolutionTimeMs humanHandleTimeMs snoozeTimeMs visitorMessageCount operatorMessageCount
		satisfactionSurvey { customerSatisfaction netPromoterScore comment }
		conversions { transactions { transactionId externalConversionId amount currency receivedAt source attributedTo { id } } }
		revenue { currency amount } tags { id name } users { id kind name email }
		routingEvents { createdAt routingRule { id name } routingGroup { id name } } eventCount firstSequence lastSequence`
	messageFields = ` messages(first: 20) { edges { node { id createdAt ... on ChatMessage { author { kind id } automatic contactId }
		... on SystemMessage { attachment { __typename } } } } }`
	distribution = `{ count meanMs medianMs p90Ms p95Ms p99Ms }`
)

// request is the body of a page of closed conversations.
func request(fields string, from, to any, more map[string]any) []byte {
	variables := map[string]any{"from": from, "to": to}
	for name, value := range more {
		variables[name] = value
	}
	body, err := json.Marshal(map[string]any{
		"query": `query($from: DateTime!, $to: DateTime!, $first: Int, $last: Int, $after: String, $filters: ConversationFilters) {
			closedConversations(interval: {from: $from, to: $to}, first: $first, last: $last, after: $after, filters: $filters) {
				edges { node { ` + fields + ` } } pageInfo { hasNextPage startCursor endCursor } } }`,
		"variables": variables,
	})
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return body
}

// documents are the requests of line f; after is a place far from the beginning.
func documents(after string) []document {
	first := map[string]any{"first": 100}
	metrics, err := json.Marshal(map[string]any{
		"query": `query($from: DateTime!, $to: DateTime!) { metrics(interval: {from: $from, to: $to}, step: DAY, timeZone: "Europe/Paris") {
			total { closedConversations contacts answerRate csat nps conversionRate wait ` + distribution + ` resolution ` + distribution + ` }
			buckets { from to closedConversations contacts answerRate csat handle ` + distribution + ` } } }`,
		"variables": map[string]any{"from": monthFrom, "to": monthTo},
	})
	if err != nil {
		panic(err) // times
	}
	return []document{
		{name: "page of 100, 10 fields, of a month", body: request(tenFields, monthFrom, monthTo, first)},
		{name: "page of 100, all fields, of a month", body: request(allFields, monthFrom, monthTo, first)},
		{name: "page of 100, 10 fields and contacts, of a month", body: request(tenFields+" "+contactFields, monthFrom, monthTo, first)},
		{name: "page of 100, 10 fields and 20 messages each, of a month", body: request(tenFields+messageFields, monthFrom, monthTo, first)},
		{name: "page of 100, 10 fields, of a year", body: request(tenFields, crowdFrom, crowdTo, first)},
		{name: "page of 100, 10 fields, the last of a year", body: request(tenFields, crowdFrom, crowdTo, map[string]any{"first": 100, "after": after})},
		{name: "metrics of a month by day", body: metrics},
	}
}

// family is requests of one kind: of a year, each in another way.
type family struct {
	what      string
	documents []document
}

// families are the requests among which the slow ones are looked for.
func families() []family {
	const (
		spread  = " " + distribution + " "
		counts  = `dimensions { value label } rows closedConversations contacts answerRate csat nps conversionRate`
		figures = counts + ` answeredContacts unansweredContacts transferredContacts snoozedContacts abandonedConversations reopenedConversations
			visitorMessages operatorMessages transactions surveyAnswers npsAnswers revenue { amount currency } averageOrderValue { amount currency }
			wait` + spread + `contactFirstResponse` + spread + `contactDuration` + spread + `conversationFirstResponse` + spread +
			`resolution` + spread + `handle` + spread + `duration` + spread
	)
	pages := family{what: "page of a year with one filter"}
	contacts := family{what: "contacts of a year with one filter, and their number"}
	for _, f := range filters() {
		pages.documents = append(pages.documents,
			document{name: f.name, body: request(tenFields, crowdFrom, crowdTo, map[string]any{"first": 100, "filters": f.filters})})
		contacts.documents = append(contacts.documents, document{name: f.name, body: ofYear(`contacts(interval: $interval, filters: $filters, first: 100) {
			totalCount edges { node { id startedAt status ending waitTimeMs operator { id name } } } }`, f.filters)})
	}
	few, all := family{what: "metrics of a year by one dimension, counts and rates"}, family{what: "metrics of a year by one dimension, every figure"}
	for _, by := range []string{"PROJECT", "CHANNEL", "OPERATOR", "OPERATOR_KIND", "ROUTING_RULE", "ROUTING_GROUP", "TAG", "CAMPAIGN", "LANGUAGE", "CLOSE_REASON", "AUTOMATION_LEVEL"} {
		few.documents = append(few.documents, document{name: by, body: ofYear(`metrics(interval: $interval, filters: $filters, groupBy: [`+by+`]) { buckets { `+counts+` } }`, nil)})
		all.documents = append(all.documents, document{name: by, body: ofYear(`metrics(interval: $interval, filters: $filters, groupBy: [`+by+`]) { buckets { `+figures+` } }`, nil)})
	}
	return []family{pages, contacts, few, all}
}

// target is a document of line l, and the milliseconds that its answer may take; 0 is no target.
type target struct {
	document
	most int
}

// targets are figures of a year, as dashboards ask for them.
func targets() []target {
	const (
		counts = `closedConversations abandonedConversations reopenedConversations visitorMessages operatorMessages transactions surveyAnswers npsAnswers
			csat nps conversionRate contacts answeredContacts unansweredContacts transferredContacts snoozedContacts answerRate transferRate`
		spread        = " " + distribution + " "
		distributions = `wait` + spread + `contactFirstResponse` + spread + `contactDuration` + spread + `conversationFirstResponse` + spread +
			`resolution` + spread + `handle` + spread + `duration` + spread + `snoozeReturn` + spread
		byDay = `step: DAY, timeZone: "Europe/Paris"`
	)
	of := func(name string, most int, arguments, fields string) target {
		return target{document{name: name, body: ofYear(`metrics(interval: $interval, filters: $filters, `+arguments+`) { `+fields+` }`, nil)}, most}
	}
	all := []target{
		of("metrics of a year, counts", 150, `timeZone: "UTC"`, `total { `+counts+` }`),
		of("metrics of a year, all distributions", 400, `timeZone: "UTC"`, `total { `+distributions+` }`),
		of("a year of days, open at the end of each", 300, byDay, `buckets { from openAtEnd }`),
		of("a year of days, all states but unattended", 0, byDay, `buckets { from createdConversations closings firstClosings reopenings openAtEnd snoozedAtEnd }`),
		of("a year of days, unattended at the end of each", 300, byDay, `buckets { from unattendedAtEnd }`),
	}
	const buckets = `buckets { from dimensions { value } closedConversations contacts answeredContacts csat }`
	for _, dimension := range []string{"CHANNEL", "OPERATOR_KIND", "TAG", "STATUS", "INITIATOR", "CUSTOM_DATA"} {
		arguments := byDay + `, groupBy: ` + dimension
		if dimension == "CUSTOM_DATA" {
			arguments += `, customDataKey: "member"`
		}
		all = append(all, of("a year of days by "+dimension+", counts", 500, arguments, buckets))
	}
	// The days of a year for each operator are more buckets than an answer may have.
	all = append(all, of("a year of months by OPERATOR, counts", 500, `step: MONTH, timeZone: "Europe/Paris", groupBy: OPERATOR`, buckets))
	return all
}

// ofYear is the body of a request about a year.
func ofYear(field string, filters map[string]any) []byte {
	body, err := json.Marshal(map[string]any{
		"query":     `query($interval: DateTimeInterval!, $filters: ConversationFilters) { ` + field + ` }`,
		"variables": map[string]any{"interval": map[string]any{"from": crowdFrom, "to": crowdTo}, "filters": filters},
	})
	if err != nil {
		panic(err) // maps of strings and numbers
	}
	return body
}

// filter is a filter of conversations, or several, and its name.
type filter struct {
	name    string
	filters map[string]any
}

func filters() []filter {
	return []filter{
		{"channels", map[string]any{"channels": []string{"WHATSAPP"}}},
		{"answered: false", map[string]any{"answered": false}},
		{"answeredByHuman", map[string]any{"answeredByHuman": true}},
		{"automationLevels", map[string]any{"automationLevels": []string{"PARTIALLY_AUTOMATED"}}},
		{"closeReason that no row has", map[string]any{"closeReason": []string{"NO_SUCH_REASON"}}},
		{"conversationIds", map[string]any{"conversationIds": []string{"00000000-0000-4000-8000-000000000000"}}},
		{"visitorIds", map[string]any{"visitorIds": []string{"no-such-visitor"}}},
		{"customerSatisfaction", map[string]any{"customerSatisfaction": []int{1}}},
		{"netPromoterScore", map[string]any{"netPromoterScore": map[string]any{"min": 9}}},
		{"campaignIds that no row has", map[string]any{"campaignIds": []string{"no-such-campaign"}}},
		{"routingRuleIds that no row has", map[string]any{"routingRuleIds": []string{"no-such-rule"}}},
		{"routingGroupIds that no row has", map[string]any{"routingGroupIds": []string{"no-such-group"}}},
		{"userIds that no row has", map[string]any{"userIds": []int{9007199254740991}}},
		{"tagIds that no row has", map[string]any{"tagIds": []string{"no-such-tag"}}},
		{"languages that no row has", map[string]any{"languages": []string{"xx"}}},
		{"hasConversion", map[string]any{"hasConversion": true}},
		{"minContacts: 50", map[string]any{"minContacts": 50}},
		{"transferred", map[string]any{"transferred": true}},
		{"snoozed", map[string]any{"snoozed": true}},
		{"reopened", map[string]any{"reopened": true}},
		{"tag and operator that no row has", map[string]any{"tagIds": []string{"no-such-tag"}, "userIds": []int{9007199254740991}}},
		{"reopened, unanswered, with a sale", map[string]any{"reopened": true, "answered": false, "hasConversion": true}},
	}
}
