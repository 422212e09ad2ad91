package query

import (
	"math"

	"github.com/shopspring/decimal"
)

// ConversationFigures count conversations by closing time.
type ConversationFigures struct {
	GroupKey
	Closed, Abandoned, Reopened       uint64
	VisitorMessages, OperatorMessages uint64
	Transactions, Converted           uint64
	Surveys, Satisfied                uint64
	Scores, Promoters, Detractors     uint64
	Revenue                           map[string]decimal.Decimal
	TransactionCounts                 map[string]uint64
	FirstResponse, Resolution         Spread
	Handle, Duration                  Spread
}

// ContactFigures count contacts by start.
type ContactFigures struct {
	GroupKey
	Contacts, Answered, Unanswered uint64
	Transferred, Snoozed           uint64
	Wait, FirstResponse, Duration  Spread
}

// Spread is how milliseconds are distributed. Quantiles are the median, p90, p95
// and p99. Mean and quantiles mean nothing where Count is 0.
type Spread struct {
	Count     uint64
	Mean      *float64
	Quantiles []float64
}

// conversationFigures names the fields of a bucket that conversations answer.
func conversationFigures() []string {
	return []string{
		"closedConversations", "abandonedConversations", "reopenedConversations", "visitorMessages", "operatorMessages",
		"transactions", "surveyAnswers", "npsAnswers", "csat", "nps", "conversionRate",
		"revenue", "averageOrderValue", "revenuePerConversation",
		"conversationFirstResponse", "resolution", "handle", "duration",
	}
}

// contactFigures names those that contacts answer.
func contactFigures() []string {
	return []string{
		"contacts", "answeredContacts", "unansweredContacts", "transferredContacts", "snoozedContacts",
		"answerRate", "transferRate", "wait", "contactFirstResponse", "contactDuration",
	}
}

// The definitions stand in the SDL.

func (b *MetricsBucket) ClosedConversations() Long    { return Long(b.ofConversations.Closed) }
func (b *MetricsBucket) AbandonedConversations() Long { return Long(b.ofConversations.Abandoned) }
func (b *MetricsBucket) ReopenedConversations() Long  { return Long(b.ofConversations.Reopened) }
func (b *MetricsBucket) VisitorMessages() Long        { return Long(b.ofConversations.VisitorMessages) }
func (b *MetricsBucket) OperatorMessages() Long       { return Long(b.ofConversations.OperatorMessages) }
func (b *MetricsBucket) Transactions() Long           { return Long(b.ofConversations.Transactions) }
func (b *MetricsBucket) SurveyAnswers() Long          { return Long(b.ofConversations.Surveys) }
func (b *MetricsBucket) NpsAnswers() Long             { return Long(b.ofConversations.Scores) }
func (b *MetricsBucket) Contacts() Long               { return Long(b.ofContacts.Contacts) }
func (b *MetricsBucket) AnsweredContacts() Long       { return Long(b.ofContacts.Answered) }
func (b *MetricsBucket) UnansweredContacts() Long     { return Long(b.ofContacts.Unanswered) }
func (b *MetricsBucket) TransferredContacts() Long    { return Long(b.ofContacts.Transferred) }
func (b *MetricsBucket) SnoozedContacts() Long        { return Long(b.ofContacts.Snoozed) }

func (b *MetricsBucket) AnswerRate() *float64 {
	return rate(int64(b.ofContacts.Answered), int64(b.ofContacts.Contacts), 1)
}

func (b *MetricsBucket) TransferRate() *float64 {
	return rate(int64(b.ofContacts.Transferred), int64(b.ofContacts.Contacts), 1)
}

func (b *MetricsBucket) Csat() *float64 {
	return rate(int64(b.ofConversations.Satisfied), int64(b.ofConversations.Surveys), 100)
}

func (b *MetricsBucket) Nps() *float64 {
	c := &b.ofConversations
	return rate(int64(c.Promoters)-int64(c.Detractors), int64(c.Scores), 100)
}

func (b *MetricsBucket) ConversionRate() *float64 {
	return rate(int64(b.ofConversations.Converted), int64(b.ofConversations.Closed), 1)
}

func (b *MetricsBucket) Revenue() []Money { return monies(b.ofConversations.Revenue) }

func (b *MetricsBucket) AverageOrderValue() []Money {
	c := &b.ofConversations
	return each(c.Revenue, func(currency string) int64 { return int64(c.TransactionCounts[currency]) })
}

func (b *MetricsBucket) RevenuePerConversation() []Money {
	c := &b.ofConversations
	return each(c.Revenue, func(string) int64 { return int64(c.Closed) })
}

func (b *MetricsBucket) Wait() Distribution { return b.ofContacts.Wait.distribution() }
func (b *MetricsBucket) ContactFirstResponse() Distribution {
	return b.ofContacts.FirstResponse.distribution()
}
func (b *MetricsBucket) ContactDuration() Distribution { return b.ofContacts.Duration.distribution() }
func (b *MetricsBucket) ConversationFirstResponse() Distribution {
	return b.ofConversations.FirstResponse.distribution()
}
func (b *MetricsBucket) Resolution() Distribution { return b.ofConversations.Resolution.distribution() }
func (b *MetricsBucket) Handle() Distribution     { return b.ofConversations.Handle.distribution() }
func (b *MetricsBucket) Duration() Distribution   { return b.ofConversations.Duration.distribution() }

// Distribution is the SDL's type.
type Distribution struct {
	Count                                 Long
	MeanMs, MedianMs, P90Ms, P95Ms, P99Ms *float64
}

func (s Spread) distribution() Distribution {
	d := Distribution{Count: Long(s.Count)}
	if s.Count == 0 || s.Mean == nil || math.IsNaN(*s.Mean) || len(s.Quantiles) != 4 {
		return d
	}
	d.MeanMs, d.MedianMs, d.P90Ms, d.P95Ms, d.P99Ms = s.Mean, &s.Quantiles[0], &s.Quantiles[1], &s.Quantiles[2], &s.Quantiles[3]
	return d
}
