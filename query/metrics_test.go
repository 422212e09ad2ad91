package query_test

import "testing"

func TestSmokeMetrics(t *testing.T) {
	r := theRig(t)
	for _, by := range []string{"", "groupBy: [PROJECT, CHANNEL]", "groupBy: [OPERATOR]", "groupBy: [OPERATOR_KIND ROUTING_RULE]", "groupBy: [ROUTING_GROUP TAG]", "groupBy: [CAMPAIGN LANGUAGE]", "groupBy: [CLOSE_REASON AUTOMATION_LEVEL]", `step: WEEK, timeZone: "Europe/Paris"`} {
		resp, stats := r.exec(reader(1, 2), `{ metrics(interval: {from: "2020-01-01T00:00:00Z", to: "2021-01-01T00:00:00Z"} `+by+`) { total { ...B } buckets { ...B } } }
	fragment B on MetricsBucket { from to dimensions { name value label } rows closedConversations contacts answeredContacts unansweredContacts transferredContacts snoozedContacts abandonedConversations
reopenedConversations visitorMessages operatorMessages transactions surveyAnswers npsAnswers answerRate transferRate csat nps
conversionRate revenue { currency amount } averageOrderValue { currency amount } revenuePerConversation { currency amount} wait { count meanMs medianMs p90Ms p95Ms p99Ms } contactFirstResponse { count p99Ms } contactDuration { p90Ms } conversationFirstResponse { p99Ms } resolution { p99Ms } handle { p99Ms } duration { p90Ms} }
`, nil)
		s := string(resp.Data)
		t.Log(resp.Errors, s[:min(len(s), 5000)], r.logged)
		for _, s := range stats.Statements() {
			t.Log(s.Name, s.RowsRead)
		}
	}
}
