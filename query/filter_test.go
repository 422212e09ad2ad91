package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/store/storetest"
)

// filterCase is a filter, and the same in Go for conversations and contacts.
type filterCase struct {
	filter       string
	conversation func(*storetest.Conversation) bool
	contact      func(*storetest.Contact, *storetest.Conversation) bool // nil: the conversation's
}

func is[V comparable](v *V, options ...V) bool { return v != nil && slices.Contains(options, *v) }

func overlap[V comparable](set []V, options ...V) bool {
	return slices.ContainsFunc(options, func(v V) bool { return slices.Contains(set, v) })
}

func filterCases(some *storetest.Conversation) []filterCase {
	type conversation = storetest.Conversation
	type contact = storetest.Contact
	return []filterCase{
		{"", func(*conversation) bool { return true }, nil},
		{`projectIds: 2`, func(c *conversation) bool { return c.Project == 2 }, nil},
		{`projectIds: [1, 3, 77, -5]`, func(c *conversation) bool { return c.Project != 2 }, nil},
		{`projectIds: [77]`, func(*conversation) bool { return false }, nil},
		{`projectIds: []`, func(*conversation) bool { return true }, nil},
		{`channels: CHAT`, func(c *conversation) bool { return c.Channel == "CHAT" }, nil},
		{`channels: [EMAIL, UNKNOWN]`, func(c *conversation) bool { return c.Channel == "EMAIL" || c.Channel == "UNKNOWN" }, nil},
		{`answered: true`, func(c *conversation) bool { return c.Answered }, nil},
		{`answered: false`, func(c *conversation) bool { return c.ClosedAt != nil && !c.Answered }, nil},
		{`answeredByHuman: true`, func(c *conversation) bool { return c.AnsweredByHuman }, nil},
		{`answeredByHuman: false`, func(c *conversation) bool { return c.ClosedAt != nil && !c.AnsweredByHuman }, nil},
		{`automationLevels: [FULLY_AUTOMATED, PARTIALLY_AUTOMATED]`, func(c *conversation) bool { return is(c.Automation, "FULLY_AUTOMATED", "PARTIALLY_AUTOMATED") }, nil},
		{
			`closeReason: "END_OF_BOT_SCENARIO"`,
			func(c *conversation) bool { return is(c.CloseReason, "END_OF_BOT_SCENARIO") },
			func(k *contact, _ *conversation) bool { return is(k.CloseReason, "END_OF_BOT_SCENARIO") },
		},
		{fmt.Sprintf(`conversationIds: [%q, "00000000-0000-0000-0000-000000000000"]`, upper(some.ID)), func(c *conversation) bool { return c.ID == some.ID }, nil},
		{fmt.Sprintf(`conversationId: %q`, upper(some.ID)), func(c *conversation) bool { return c.ID == some.ID }, nil},
		{fmt.Sprintf(`conversationId: %q, conversationIds: []`, some.ID), func(c *conversation) bool { return c.ID == some.ID }, nil},
		{`visitorIds: ["visitor 3", "visitor 4"]`, func(c *conversation) bool { return is(c.Visitor, "visitor 3", "visitor 4") }, nil},
		{`conversationVisitorIds: ["visitor 3"]`, func(c *conversation) bool { return is(c.Visitor, "visitor 3") }, nil},
		{`engagementCampaignIds: "o'hara"`, func(c *conversation) bool { return is(c.Campaign, "o'hara") }, nil},
		{`customerSatisfaction: [4, 5]`, func(c *conversation) bool { return is(c.Satisfaction, 4, 5) }, nil},
		{`netPromoterScore: {min: 9}`, func(c *conversation) bool { return c.Score != nil && *c.Score >= 9 }, nil},
		{`netPromoterScore: {min: 3, max: 6}`, func(c *conversation) bool { return c.Score != nil && *c.Score >= 3 && *c.Score <= 6 }, nil},
		{`netPromoterScore: {max: 0}`, func(c *conversation) bool { return is(c.Score, 0) }, nil},
		{`netPromoterScore: {}`, func(c *conversation) bool { return c.Score != nil }, nil},
		{`campaignIds: ["o'hara", "back\\slash"]`, func(c *conversation) bool { return is(c.Campaign, "o'hara", `back\slash`) }, nil},
		{
			`routingRuleIds: ["rule-1"]`,
			func(c *conversation) bool { return overlap(c.RoutingRules, "rule-1") },
			func(k *contact, _ *conversation) bool { return is(k.Rule, "rule-1") },
		},
		{
			`routingGroupIds: ["group-1", "group-9"]`,
			func(c *conversation) bool { return overlap(c.RoutingGroups, "group-1", "group-9") },
			func(k *contact, _ *conversation) bool { return is(k.Group, "group-1", "group-9") },
		},
		{
			`groupIds: "group-1"`,
			func(c *conversation) bool { return overlap(c.RoutingGroups, "group-1") },
			func(k *contact, _ *conversation) bool { return is(k.Group, "group-1") },
		},
		{
			`userGroupIds: ["group-1"], routingGroupIds: [], groupIds: null`,
			func(c *conversation) bool { return overlap(c.RoutingGroups, "group-1") },
			func(k *contact, _ *conversation) bool { return is(k.Group, "group-1") },
		},
		{
			`userIds: [3, 9007199254740991]`,
			func(c *conversation) bool { return overlap(c.OperatorIDs, 3) },
			func(k *contact, _ *conversation) bool { return k.Operator == 3 },
		},
		{`tagIds: ["vip", "tab\ttag"]`, func(c *conversation) bool { return overlap(c.TagIDs, "vip", "tab\ttag") }, nil},
		{`languages: ["fr"]`, func(c *conversation) bool { return is(c.Language, "fr") }, nil},
		{`hasConversion: true`, func(c *conversation) bool { return c.TransactionCount > 0 }, nil},
		{`hasConversion: false`, func(c *conversation) bool { return c.TransactionCount == 0 }, nil},
		{`minContacts: 3`, func(c *conversation) bool { return c.ContactCount >= 3 }, nil},
		{`transferred: true`, func(c *conversation) bool { return c.TransferCount > 0 }, nil},
		{`transferred: false`, func(c *conversation) bool { return c.TransferCount == 0 }, nil},
		{`snoozed: true`, func(c *conversation) bool { return c.SnoozeCount > 0 }, nil},
		{`snoozed: false`, func(c *conversation) bool { return c.SnoozeCount == 0 }, nil},
		{`reopened: true`, func(c *conversation) bool { return c.ReopenCount > 0 }, nil},
		{`reopened: false`, func(c *conversation) bool { return c.ReopenCount == 0 }, nil},
		{
			`channels: [CHAT, EMAIL], answered: true, tagIds: ["vip", "late"], minContacts: 2, userIds: [1, 2, 3, 4, 5]`,
			func(c *conversation) bool {
				return overlap([]string{c.Channel}, "CHAT", "EMAIL") && c.Answered && overlap(c.TagIDs, "vip", "late") && c.ContactCount >= 2 && overlap(c.OperatorIDs, 1, 2, 3, 4, 5)
			},
			func(k *contact, c *conversation) bool {
				return overlap([]string{c.Channel}, "CHAT", "EMAIL") && c.Answered && overlap(c.TagIDs, "vip", "late") && c.ContactCount >= 2 && k.Operator <= 5
			},
		},
	}
}

func TestEveryFilterSelectsItsConversationsAndContacts(t *testing.T) {
	r := theRig(t)
	mine := func(project uint32) bool { return project == 1 || project == 2 || project == 3 }
	some := r.world.Closed(func(c *storetest.Conversation) bool { return mine(c.Project) && c.ContactCount > 1 })[0]
	for _, filter := range filterCases(some) {
		contact := filter.contact
		if contact == nil {
			contact = func(_ *storetest.Contact, c *storetest.Conversation) bool { return filter.conversation(c) }
		}
		conversations := r.world.Closed(func(c *storetest.Conversation) bool { return mine(c.Project) && filter.conversation(c) })
		contacts := r.world.Started(func(k *storetest.Contact, c *storetest.Conversation) bool { return mine(k.Project) && contact(k, c) })

		document := fmt.Sprintf(`{
			closedConversations(%[1]s, filters: {%[2]s}) { totalCount edges { node { id } } }
			contacts(%[1]s, filters: {%[2]s}) { totalCount edges { node { id } } }
			metrics(%[1]s, filters: {%[2]s}) { total { closedConversations contacts } }
		}`, always, filter.filter)
		type page struct {
			TotalCount int
			Edges      []struct{ Node struct{ ID string } }
		}
		got := ask[struct {
			ClosedConversations, Contacts page
			Metrics                       struct {
				Total struct{ ClosedConversations, Contacts int }
			}
		}](t, r, reader(1, 2, 3), document, nil)

		if got.ClosedConversations.TotalCount != len(conversations) || got.Metrics.Total.ClosedConversations != len(conversations) {
			t.Errorf("%s: %d conversations, %d in metrics, want %d", filter.filter, got.ClosedConversations.TotalCount, got.Metrics.Total.ClosedConversations, len(conversations))
		}
		if got.Contacts.TotalCount != len(contacts) || got.Metrics.Total.Contacts != len(contacts) {
			t.Errorf("%s: %d contacts, %d in metrics, want %d", filter.filter, got.Contacts.TotalCount, got.Metrics.Total.Contacts, len(contacts))
		}
		for i, edge := range got.ClosedConversations.Edges {
			if i >= len(conversations) || edge.Node.ID != conversations[i].ID {
				t.Fatalf("%s: conversation %d is %s", filter.filter, i, edge.Node.ID)
			}
		}
		for i, edge := range got.Contacts.Edges {
			if i >= len(contacts) || edge.Node.ID != contacts[i].ID {
				t.Fatalf("%s: contact %d is %s", filter.filter, i, edge.Node.ID)
			}
		}
	}
}

func TestBrokenArgumentsNameTheField(t *testing.T) {
	r := theRig(t)
	for _, c := range []struct{ arguments, message string }{
		{`filters: {customerSatisfaction: [6]}`, "filters.customerSatisfaction[0]: must be an integer from 1 to 5"},
		{`filters: {netPromoterScore: {min: 11}}`, "filters.netPromoterScore.min: must be an integer from 0 to 10"},
		{`filters: {netPromoterScore: {min: 5, max: 4}}`, "filters.netPromoterScore: min must not be above max"},
		{`filters: {conversationIds: ["x"]}`, "filters.conversationIds[0]: must be a UUID in the 36-character form"},
		{`filters: {conversationIds: [], conversationId: "x"}`, "filters.conversationId[0]: must be a UUID in the 36-character form"},
		{
			`filters: {conversationIds: ["00000000-0000-0000-0000-000000000000"], conversationId: "00000000-0000-0000-0000-000000000000"}`,
			"filters.conversationId: must not be given together with conversationIds: both are names of the same filter",
		},
		{
			`filters: {visitorIds: ["a"], conversationVisitorIds: ["a"]}`,
			"filters.conversationVisitorIds: must not be given together with visitorIds: both are names of the same filter",
		},
		{
			`filters: {campaignIds: ["a"], engagementCampaignIds: ["b"]}`,
			"filters.engagementCampaignIds: must not be given together with campaignIds: both are names of the same filter",
		},
		{
			`filters: {groupIds: ["a"], userGroupIds: ["b"]}`,
			"filters.userGroupIds: must not be given together with groupIds: both are names of the same filter",
		},
		{
			`filters: {groupIds: ["a"], routingGroupIds: ["b"]}`,
			"filters.groupIds: must not be given together with routingGroupIds: both are names of the same filter",
		},
		{`filters: {userIds: [0]}`, "filters.userIds[0]: must be an integer from 1 to 9007199254740991"},
		{`filters: {minContacts: -1}`, "filters.minContacts: must be an integer from 0 to 2147483647"},
		{`filters: {updatedSince: "x"}`, "filters.updatedSince: must be a position from an earlier response"},
		{`filters: {rows: "x"}`, "filters.rows: must be a handle from a bucket of metrics"},
		{`first: -1`, "first: must be an integer from 0 to 100"},
		{`first: 101`, "first: must be an integer from 0 to 100"},
		{`last: 101`, "last: must be an integer from 0 to 100"},
		{`first: 1, last: 1`, "last: must not be given together with first"},
		{`after: " "`, "after: must be a cursor of the same field, filters, interval, order and rights"},
	} {
		for _, field := range []string{"closedConversations", "searchClosedConversations", "contacts"} {
			document := fmt.Sprintf("{ %s(%s, %s) { totalCount pageInfo { hasNextPage } } }", field, always, c.arguments)
			if got := refused(t, r, reader(1), query.CodeBadInput, document, nil); got != c.message {
				t.Errorf("%s: %q, want %q", document, got, c.message)
			}
		}
	}
	for _, interval := range []string{
		`{from: "2020-06-02T00:00:00Z", to: "2020-06-02T00:00:00Z"}`,
		`{from: "2020-06-02T00:00:00Z", to: "2020-06-02T01:00:00+02:00"}`,
		`{from: "2020-06-02", to: "2020-06-03T00:00:00Z"}`,
		`{from: 5, to: "2020-06-03T00:00:00Z"}`,
	} {
		refused(t, r, reader(1), query.CodeBadInput, `{ closedConversations(interval: `+interval+`) { totalCount } }`, nil)
	}
}

// TestVariablesAreCoercedLikeLiterals has single values taken as lists, and
// wrong ones refused with a code, also inside a variable.
func TestVariablesAreCoercedLikeLiterals(t *testing.T) {
	r := theRig(t)
	document := `query($f: ConversationFilters, $first: Int) { closedConversations(` + always + `, filters: $f, first: $first) { totalCount edges { node { id } } } }`
	type data struct{ ClosedConversations struct{ TotalCount int } }
	want := len(r.world.Closed(func(c *storetest.Conversation) bool { return c.Project == 1 && overlap(c.OperatorIDs, 2) }))
	got := ask[data](t, r, reader(1, 2), document, map[string]any{"first": 3.0, "f": map[string]any{"projectIds": 1.0, "userIds": 2.0, "channels": nil}})
	if got.ClosedConversations.TotalCount != want {
		t.Errorf("%d rows, want %d", got.ClosedConversations.TotalCount, want)
	}
	for _, f := range []map[string]any{
		{"projectIds": "1"}, {"projectIds": []any{1.5}}, {"projectIds": 1e10}, {"userIds": []any{"x"}},
		{"tagIds": []any{true}}, {"answered": "yes"}, {"visitorIds": []any{"a\x00b"}},
	} {
		refused(t, r, reader(1), query.CodeBadInput, document, map[string]any{"f": f})
	}
	refused(t, r, reader(1), query.CodeBadInput, document, map[string]any{"first": "x"})
	refused(t, r, reader(1), query.CodeBadInput, `{ closedConversations(`+always+`, filters: {userIds: [999999999999999999999999]}) { totalCount } }`, nil)
}

// TestFiltersOfManyValues has the longest lists that are taken sent, and longer
// ones refused.
func TestFiltersOfManyValues(t *testing.T) {
	r := theRig(t)
	document := `query($f: ConversationFilters) { closedConversations(` + always + `, filters: $f) { totalCount } }`
	many := func(n int, value func(int) any) []any {
		list := make([]any, n)
		for i := range list {
			list[i] = value(i)
		}
		return list
	}
	uuid := func(i int) any { return fmt.Sprintf("%08x-0000-4000-8000-000000000000", i) }
	escapes := func(i int) any { return strings.Repeat("\\'\n", 6) + fmt.Sprint(i) }
	for _, f := range []map[string]any{
		{"conversationIds": many(1000, uuid), "userIds": many(1000, func(i int) any { return float64(i + 1) })},
		{"tagIds": many(1000, escapes), "visitorIds": many(1000, escapes)},
	} {
		ask[struct{}](t, r, reader(1), document, map[string]any{"f": f})
	}
	long := func(i int) any { return fmt.Sprint(i) + strings.Repeat("é", 100) }
	for _, f := range []map[string]any{
		{"conversationIds": many(1001, uuid)},
		{"tagIds": many(1000, long)},
		{"channels": many(1001, func(int) any { return "CHAT" })},
		{"languages": strings.Repeat("x", 1025)},
	} {
		refused(t, r, reader(1), query.CodeBadInput, document, map[string]any{"f": f})
	}
}

func upper(id string) string {
	folded := []byte(id)
	for i, c := range folded {
		if c >= 'a' && c <= 'f' {
			folded[i] = c - 'a' + 'A'
		}
	}
	return string(folded)
}
