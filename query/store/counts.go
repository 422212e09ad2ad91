package store

import "github.com/parley-analytics/parley/query"

// countCondition selects the rows of a bucket that a count counts, or that have the values it sums; empty for all.
func countCondition(of query.Count) string {
	switch of {
	case query.CountAbandoned:
		return "abandoned"
	case query.CountReopened:
		return "reopen_count > 0"
	case query.CountVisitorMessages:
		return "visitor_message_count > 0"
	case query.CountOperatorMessages:
		return "operator_message_count > 0"
	case query.CountTransactions:
		return "transaction_count > 0"
	case query.CountSurveys:
		return "customer_satisfaction IS NOT NULL"
	case query.CountScores:
		return "net_promoter_score IS NOT NULL"
	case query.CountAnswered:
		return "status = 'ANSWERED'"
	case query.CountUnanswered:
		return "status = 'UNANSWERED'"
	case query.CountTransferred:
		return "ending = 'TRANSFERRED'"
	case query.CountSnoozed:
		return "ending = 'SNOOZED'"
	}
	return ""
}

// countOf counts the rows that a count leads to.
func countOf(of query.Count) string { return "countIf(" + countCondition(of) + ")" }
