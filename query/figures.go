package query

import "github.com/shopspring/decimal"

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
	FirstResponseOpen, ResolutionOpen Spread // in business hours
}

// ContactFigures count contacts by start.
type ContactFigures struct {
	GroupKey
	Contacts, Answered, Unanswered uint64
	Transferred, Snoozed           uint64
	Wait, FirstResponse, Duration  Spread
	WaitOpen, FirstResponseOpen    Spread // in business hours
	SnoozeReturn                   Spread // from a snooze to the next push
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
		"conversationFirstResponseBusinessHours", "resolutionBusinessHours",
	}
}

// contactFigures names those that contacts answer.
func contactFigures() []string {
	return []string{
		"contacts", "answeredContacts", "unansweredContacts", "transferredContacts", "snoozedContacts",
		"answerRate", "transferRate", "wait", "contactFirstResponse", "contactDuration",
		"waitBusinessHours", "contactFirstResponseBusinessHours", "snoozeReturn", "snoozeReturnRate",
	}
}

// settle computes the fields of a bucket from its figures. Their definitions are in
// the SDL.
func (b *MetricsBucket) settle() {
	c, k, s := &b.ofConversations, &b.ofContacts, &b.ofStates

	b.ClosedConversations, b.AbandonedConversations, b.ReopenedConversations = Long(c.Closed), Long(c.Abandoned), Long(c.Reopened)
	b.VisitorMessages, b.OperatorMessages = Long(c.VisitorMessages), Long(c.OperatorMessages)
	b.Transactions, b.SurveyAnswers, b.NpsAnswers = Long(c.Transactions), Long(c.Surveys), Long(c.Scores)
	b.Contacts, b.AnsweredContacts, b.UnansweredContacts = Long(k.Contacts), Long(k.Answered), Long(k.Unanswered)
	b.TransferredContacts, b.SnoozedContacts = Long(k.Transferred), Long(k.Snoozed)

	b.CreatedConversations, b.Closings, b.FirstClosings, b.Reopenings = Long(s.Created), Long(s.Closings), Long(s.FirstClosings), Long(s.Reopenings)
	b.OpenAtEnd, b.SnoozedAtEnd, b.UnattendedAtEnd = Long(s.Open), Long(s.Snoozed), Long(s.Unattended)

	b.AnswerRate = rate(int64(k.Answered), int64(k.Contacts), 1)
	b.TransferRate = rate(int64(k.Transferred), int64(k.Contacts), 1)
	b.SnoozeReturnRate = rate(int64(k.SnoozeReturn.Count), int64(k.Snoozed), 1)
	b.Csat = rate(int64(c.Satisfied), int64(c.Surveys), 100)
	b.Nps = rate(int64(c.Promoters)-int64(c.Detractors), int64(c.Scores), 100)
	b.ConversionRate = rate(int64(c.Converted), int64(c.Closed), 1)

	b.Revenue = monies(c.Revenue)
	b.AverageOrderValue = each(c.Revenue, func(currency string) int64 { return int64(c.TransactionCounts[currency]) })
	b.RevenuePerConversation = each(c.Revenue, func(string) int64 { return int64(c.Closed) })

	b.Wait = b.distribution("wait", k.Wait)
	b.ContactFirstResponse = b.distribution("contactFirstResponse", k.FirstResponse)
	b.ContactDuration = b.distribution("contactDuration", k.Duration)
	b.ConversationFirstResponse = b.distribution("conversationFirstResponse", c.FirstResponse)
	b.Resolution = b.distribution("resolution", c.Resolution)
	b.Handle = b.distribution("handle", c.Handle)
	b.Duration = b.distribution("duration", c.Duration)
	b.SnoozeReturn = b.distribution("snoozeReturn", k.SnoozeReturn)
	b.WaitBusinessHours = b.distribution("waitBusinessHours", k.WaitOpen)
	b.ContactFirstResponseBusinessHours = b.distribution("contactFirstResponseBusinessHours", k.FirstResponseOpen)
	b.ConversationFirstResponseBusinessHours = b.distribution("conversationFirstResponseBusinessHours", c.FirstResponseOpen)
	b.ResolutionBusinessHours = b.distribution("resolutionBusinessHours", c.ResolutionOpen)
}
