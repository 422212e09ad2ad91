package query_test

import (
	"testing"
)

func TestSmoke(t *testing.T) {
	r := theRig(t)
	type data struct{ ClosedConversations struct{ TotalCount int } }
	d := ask[data](t, r, reader(), `{ closedConversations(interval: {from: "2020-01-01T00:00:00Z", to: "2021-01-01T00:00:00Z"}) { totalCount } }`, nil)
	t.Log(d)
	resp, stats := r.exec(reader(1, 2), `{ closedConversations(interval: {from: "2020-01-01T00:00:00Z", to: "2021-01-01T00:00:00Z"}, first: 2) { totalCount position pageInfo { hasNextPage endCursor } edges { cursor node {
	id project {id} createdAt closedAt duration durationMs channel language initiator visitor { id externalId firstName } campaign {id name} customData {key value} contactCount snoozeCount transferCount reopenCount anomalyCount answered answeredByHuman automationLevel abandoned firstResponseTimeMs resolutionTimeMs firstResolutionTimeMs handleTimeMs humanHandleTimeMs snoozeTimeMs visitorMessageCount operatorMessageCount
	satisfactionSurvey { customerSatisfaction netPromoterScore comment } conversions { transactions { transactionId amount currency externalConversionId receivedAt source attributedTo { id kind name } } } revenue { currency amount } tags {id name} users {id kind name email} routingEvents { createdAt routingRule {id name} routingGroup {id name}}
	messages(first: 5) { totalCount pageInfo { hasNextPage } edges { cursor node { id createdAt ... on ChatMessage { text automatic author { kind id user { id name } } contactId } ... on SystemMessage { toUser { id kind name } fromUser { id } attachment { __typename ... on ConversationPushedSystemAttachment { toUser { id } } } } } } }
	contacts { id ordinal startedAt endedAt durationMs status ending endingInferred closeReason operator { id kind name email } routingRule { id name } routingGroup { id name } waitTimeMs firstResponseTimeMs visitorMessageCount operatorMessageCount channel project { id } conversation { id } }
	closeReason eventCount firstSequence lastSequence
	} } } }`, nil)
	t.Log(resp.Errors, string(resp.Data), r.logged)
	for _, s := range stats.Statements() {
		t.Log(s.Name, s.RowsRead)
	}
}
