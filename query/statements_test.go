package query_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// everything is all that can be selected of a conversation.
const everything = `
	id project { id } createdAt closedAt duration durationMs channel language initiator
	visitor { id externalId firstName lastName email phone } campaign { id name } customData { key value }
	contactCount snoozeCount transferCount reopenCount anomalyCount answered answeredByHuman automationLevel abandoned
	firstResponseTimeMs resolutionTimeMs firstResolutionTimeMs handleTimeMs humanHandleTimeMs snoozeTimeMs
	visitorMessageCount operatorMessageCount satisfactionSurvey { customerSatisfaction netPromoterScore comment }
	conversions { transactions { transactionId externalConversionId amount currency receivedAt source attributedTo { id kind name email } } }
	revenue { currency amount } tags { id name } users { id kind name email }
	routingEvents { createdAt routingRule { id name } routingGroup { id name } }
	closeReason eventCount firstSequence lastSequence
	customer { id firstName conversationCount }
	messages(first: 20) { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id createdAt
		... on ChatMessage { author { kind id user { id kind name email } } automatic text contactId }
		... on SystemMessage { toUser { id kind name email } fromUser { id } attachment {
			... on ConversationPushedSystemAttachment { createdAt toUser { id } }
			... on ConversationSnoozedSystemAttachment { createdAt fromUser { id } until }
			... on ConversationTransferredSystemAttachment { createdAt fromUser { id } toUser { id } toRoutingRule { id name } toRoutingGroup { id name } }
			... on ConversationClosedSystemAttachment { createdAt fromUser { id } reason } } } } } }
	contacts { id ordinal project { id } channel startedAt endedAt durationMs status ending endingInferred closeReason
		operator { id kind name email } routingRule { id name } routingGroup { id name }
		waitTimeMs firstResponseTimeMs visitorMessageCount operatorMessageCount conversation { id channel } }
`

// everyCustomer is all that can be selected of a customer.
const everyCustomer = `
	id project { id } externalId firstName lastName email phone notes ipAddress ipLocation customData { key value }
	type channels conversationCount ordersCount totalSpent { currency amount } createdAt updatedAt lastChatAt eventCount firstSequence lastSequence
	conversations { totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id customer { id } } } }
`

// names returns the statements a query sent but for the two that find the live
// projection, which are sent once a second at most.
func (r *rig) names(t *testing.T, document string) []string {
	t.Helper()
	response, stats := r.exec(t, reader(1, 2), document, nil)
	if len(response.Errors) > 0 {
		t.Fatalf("%s: %v (logged: %s)", document, response.Errors, r.logged)
	}
	names := []string{}
	for _, s := range stats.Statements() {
		if s.Name != "projection" && s.Name != "position" {
			names = append(names, s.Name)
		}
	}
	slices.Sort(names)
	return names
}

// TestAPageIsOneStatementAndOneMoreForEachNestedList counts SQL, however many
// rows the page has.
func TestAPageIsOneStatementAndOneMoreForEachNestedList(t *testing.T) {
	r := theRig(t)
	for _, c := range []struct{ document, want string }{
		{`{ closedConversations(%s) { edges { node { id duration tags { id } users { name } routingEvents { createdAt } revenue { amount } visitor { id } } } } }`, "closed_conversations"},
		{`{ closedConversations(%s) { edges { cursor } pageInfo { endCursor } position } }`, "closed_conversations"},
		{`{ closedConversations(%s) { totalCount position } }`, "count_closed_conversations"},
		{`{ closedConversations(%s) { position } }`, ""},
		{`{ closedConversations(%s) { edges { node { ` + everything + ` } } } }`, "closed_conversations contacts_of conversations customers_by_id messages_with_text transactions visitors"},
		{`{ searchClosedConversations(%s) { edges { node { conversation { ` + everything + ` } conversions { transactions { amount } } } } } }`, "closed_conversations contacts_of conversations customers_by_id messages_with_text transactions visitors"},
		{`{ closedConversations(%s) { edges { node { messages { totalCount } } } } }`, "closed_conversations"},
		{`{ closedConversations(%s) { edges { node { a: messages { edges { node { id } } } b: messages { pageInfo { hasNextPage } } c: messages(last: 3) { edges { node { id } } } } } } }`, "closed_conversations messages messages"},
		{`{ conversations(%s, state: OPEN, contactFilters: {ongoing: true}) { totalCount edges { node { id } } } }`, "created_conversations"}, // all are on the page
		{`{ conversations(%s, first: 1) { totalCount edges { node { id } } } }`, "count_created_conversations created_conversations"},
		{`{ contacts(%s) { totalCount edges { node { id conversation { id tags { id } visitor { email } } } } } }`, "contacts conversations count_contacts visitors"},
		{`{ conversions(%s) { totalCount edges { node { id project { name } } } } }`, "count_extract_transactions received_transactions"},
		{`{ conversions(%s) { edges { node { id attributedTo { name } } } } }`, "conversations received_transactions"},
		{`{ users { totalCount edges { node { id name } } %.0s } }`, "count_users users"},
		{`{ customers(first: 5) { edges { node { id email totalSpent { amount } customData { key } conversations { totalCount } } } %.0s } }`, "customers_near"},
		{`{ customers(projectIds: 2) { totalCount %.0s } }`, "count_customers"},
		{`{ customers(projectIds: 2) { totalCount %.0s } }`, ""}, // as long as the position does not move
		{`{ customers(first: 5) { edges { node { ` + everyCustomer + ` } } %.0s } }`, "conversations_of customers_by_id customers_near"},
		{`{ customers(first: 5) { edges { node { a: conversations { edges { node { id } } } b: conversations { edges { node { tags { id } contacts { id } } } } c: conversations(last: 2) { edges { node { id } } } } } %.0s } }`, "contacts_of contacts_of conversations_of conversations_of customers_near"},
		{`{ closedConversations(%s) { edges { node { customer { id conversations(first: 3) { edges { node { id messages { edges { node { id } } } } } } } } } } }`, "closed_conversations conversations_of customers_by_id messages"},
		{`{ a: contacts(%[1]s) { edges { node { id } } } b: contacts(%[1]s, first: 2) { edges { node { id } } } }`, "contacts contacts"},
		{`{ metrics(%s) { total { closedConversations csat revenue { amount } } } }`, "conversation_figures"},
		{`{ metrics(%s) { total { contacts wait { p99Ms } } } }`, "contact_figures"},
		{`{ metrics(%s, groupBy: [CHANNEL, OPERATOR]) { total { contacts answerRate wait { p99Ms within(ms: [5]) { count } } } buckets { contacts wait { meanMs within(ms: [5]) { count } } csat } } }`, "contact_figures contact_figures conversation_figures"},
		{`{ metrics(%s, groupBy: [CHANNEL]) { total { wait { within(ms: [5]) { count } } csat } buckets { wait { within(ms: [6]) { count } histogram(bounds: [5]) { count } } csat } } }`, "contact_figures contact_figures contact_figures contact_figures conversation_figures"},
		{`{ metrics(%s) { total { contacts } buckets { contacts wait { p90Ms } } } }`, "contact_figures contact_figures"},
		{`{ metrics(%s, groupBy: [TAG, OPERATOR]) { total { contacts } buckets { contacts csat } } }`, "contact_figures contact_figures conversation_figures"},
	} {
		document := fmt.Sprintf(c.document, always)
		if got := strings.Join(r.names(t, document), " "); got != c.want {
			t.Errorf("%s\nsent %s, want %s", document, got, c.want)
		}
	}
}

// TestOnlySelectedColumnsAreRead looks at what the statement of a page selects.
func TestOnlySelectedColumnsAreRead(t *testing.T) {
	r := theRig(t)
	const keys = "project_id conversation_id toUnixTimestamp64Milli(closed_at)"
	const contactKeys = "project_id conversation_id contact_id toUnixTimestamp64Milli(started_at)"
	for _, c := range []struct{ field, selection, want string }{
		{"closedConversations", "id project { id }", keys},
		{"closedConversations", "duration durationMs d: duration", keys + " duration_ms"},
		{"closedConversations", "closedAt channel", keys + " channel"},
		{"closedConversations", "tags { id }", keys + " tag_ids tag_names"},
		{"closedConversations", "conversions { transactions { amount } }", keys + " last_sequence"},
		{"closedConversations", "conversions { transactions { attributedTo { name } } }", keys + " last_sequence _users.id _users.kind _users.name _users.email"},
		{"closedConversations", "... on Conversation { language } ...F", keys + " language initiator"},
		{"closedConversations", "customer { email }", keys + " visitor_id last_sequence"},
		{"contacts", "id startedAt", contactKeys},
		{"contacts", "durationMs routingRule { id }", contactKeys + " duration_ms routing_rule_id routing_rule_name"},
		{"contacts", "conversation { tags { id } }", contactKeys + " _version"},
	} {
		document := fmt.Sprintf("{ %s(%s) { edges { node { %s } } } }", c.field, always, c.selection)
		if strings.Contains(c.selection, "...F") {
			document += " fragment F on Conversation { initiator }"
		}
		_, stats := r.exec(t, reader(1), document, nil)
		for _, s := range stats.Statements() {
			if s.Name == "closed_conversations" || s.Name == "contacts" {
				if got := strings.Join(s.Columns, " "); got != c.want {
					t.Errorf("%s reads %s, want %s", c.selection, got, c.want)
				}
				if s.RowsRead == 0 {
					t.Errorf("%s: the rows read are not known", c.selection)
				}
			}
		}
	}
}
