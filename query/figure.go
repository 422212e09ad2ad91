package query

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/shopspring/decimal"
)

// figure identifies a figure of a bucket: a field, a member of a distribution ("wait.medianMs"), or the amount of a currency.
type figure struct {
	place          int // in the SDL
	name, currency string
}

func (f figure) compare(other figure) int {
	return cmp.Or(cmp.Compare(f.place, other.place), cmp.Compare(f.currency, other.currency))
}

// field is the field of a bucket that the figure is in.
func (f figure) field() string {
	field, _, _ := strings.Cut(f.name, ".")
	return field
}

// figures returns all figures of a bucket; nil is a figure without a value. A nil bucket has no rows.
func (b *MetricsBucket) figures() map[figure]*decimal.Decimal {
	if b == nil {
		b = new(MetricsBucket)
		b.settle()
	}
	const members = 10 // at most, of a field
	all := map[figure]*decimal.Decimal{}
	for i, f := range b.named() {
		switch value := f.value.(type) {
		case Long:
			all[figure{i * members, f.name, ""}] = ofCount(value)
		case *float64:
			all[figure{i * members, f.name, ""}] = ofFloat(value)
		case []Money:
			for _, m := range value {
				all[figure{i * members, f.name, m.Currency}] = &m.Amount.Decimal
			}
		case Distribution:
			all[figure{i * members, f.name + ".count", ""}] = ofCount(value.Count)
			for n, name := range []string{"meanMs", "medianMs", "p90Ms", "p95Ms", "p99Ms"} {
				ms := []*float64{value.MeanMs, value.MedianMs, value.P90Ms, value.P95Ms, value.P99Ms}[n]
				all[figure{i*members + 1 + n, f.name + "." + name, ""}] = ofFloat(ms)
			}
		}
	}
	return all
}

func ofCount(n Long) *decimal.Decimal {
	d := decimal.NewFromInt(int64(n))
	return &d
}

func ofFloat(f *float64) *decimal.Decimal {
	if f == nil {
		return nil
	}
	d := decimal.NewFromFloat(*f)
	return &d
}

// figuresOf returns the figures of two buckets, each once, in the order of the SDL.
func figuresOf(a, b map[figure]*decimal.Decimal) []figure {
	both := slices.AppendSeq(slices.Collect(maps.Keys(a)), maps.Keys(b))
	slices.SortFunc(both, figure.compare)
	return slices.Compact(both)
}

type namedFigure struct {
	name  string
	value any
}

// named are the figures of a bucket by their fields.
func (b *MetricsBucket) named() []namedFigure {
	return []namedFigure{
		{"closedConversations", b.ClosedConversations},
		{"abandonedConversations", b.AbandonedConversations},
		{"reopenedConversations", b.ReopenedConversations},
		{"visitorMessages", b.VisitorMessages},
		{"operatorMessages", b.OperatorMessages},
		{"transactions", b.Transactions},
		{"surveyAnswers", b.SurveyAnswers},
		{"npsAnswers", b.NpsAnswers},
		{"contacts", b.Contacts},
		{"answeredContacts", b.AnsweredContacts},
		{"unansweredContacts", b.UnansweredContacts},
		{"transferredContacts", b.TransferredContacts},
		{"snoozedContacts", b.SnoozedContacts},
		{"createdConversations", b.CreatedConversations},
		{"closings", b.Closings},
		{"firstClosings", b.FirstClosings},
		{"reopenings", b.Reopenings},
		{"openAtEnd", b.OpenAtEnd},
		{"snoozedAtEnd", b.SnoozedAtEnd},
		{"unattendedAtEnd", b.UnattendedAtEnd},
		{"answerRate", b.AnswerRate},
		{"transferRate", b.TransferRate},
		{"snoozeReturnRate", b.SnoozeReturnRate},
		{"csat", b.Csat},
		{"nps", b.Nps},
		{"conversionRate", b.ConversionRate},
		{"revenue", b.Revenue},
		{"averageOrderValue", b.AverageOrderValue},
		{"revenuePerConversation", b.RevenuePerConversation},
		{"wait", b.Wait},
		{"contactFirstResponse", b.ContactFirstResponse},
		{"contactDuration", b.ContactDuration},
		{"snoozeReturn", b.SnoozeReturn},
		{"conversationFirstResponse", b.ConversationFirstResponse},
		{"resolution", b.Resolution},
		{"handle", b.Handle},
		{"duration", b.Duration},
		{"waitBusinessHours", b.WaitBusinessHours},
		{"contactFirstResponseBusinessHours", b.ContactFirstResponseBusinessHours},
		{"conversationFirstResponseBusinessHours", b.ConversationFirstResponseBusinessHours},
		{"resolutionBusinessHours", b.ResolutionBusinessHours},
	}
}

// parts are what a conversation adds to a figure: counts, an amount or durations.
type parts struct {
	counts [3]uint64
	amount decimal.Decimal
	spread Spread
}

func (p *parts) equal(other *parts) bool {
	return p.counts == other.counts && (p.amount == other.amount || p.amount.Equal(other.amount)) && p.spread.equal(&other.spread)
}

// equal reports whether two distributions are the same; of what was not counted, the rest means nothing.
func (s *Spread) equal(other *Spread) bool {
	switch {
	case s.Count != other.Count:
		return false
	case s.Count == 0:
		return true
	case s.Mean == nil || other.Mean == nil:
		return s.Mean == other.Mean
	}
	return *s.Mean == *other.Mean && slices.Equal(s.Quantiles, other.Quantiles)
}

// partsOfCounts are parts of at most three counts.
func partsOfCounts(counts ...uint64) (p parts) {
	copy(p.counts[:], counts)
	return p
}

// partsOf returns what a conversation adds to a figure of a bucket, from its own figures there.
func partsOf(f figure, c *ConversationFigures, k *ContactFigures) parts {
	switch f.field() {
	case "closedConversations":
		return partsOfCounts(c.Closed)
	case "abandonedConversations":
		return partsOfCounts(c.Abandoned)
	case "reopenedConversations":
		return partsOfCounts(c.Reopened)
	case "visitorMessages":
		return partsOfCounts(c.VisitorMessages)
	case "operatorMessages":
		return partsOfCounts(c.OperatorMessages)
	case "transactions":
		return partsOfCounts(c.Transactions)
	case "surveyAnswers":
		return partsOfCounts(c.Surveys)
	case "npsAnswers":
		return partsOfCounts(c.Scores)
	case "csat":
		return partsOfCounts(c.Satisfied, c.Surveys)
	case "nps":
		return partsOfCounts(c.Promoters, c.Detractors, c.Scores)
	case "conversionRate":
		return partsOfCounts(c.Converted, c.Closed)
	case "revenue":
		return parts{amount: c.Revenue[f.currency]}
	case "averageOrderValue":
		return parts{amount: c.Revenue[f.currency], counts: [3]uint64{c.TransactionCounts[f.currency]}}
	case "revenuePerConversation":
		return parts{amount: c.Revenue[f.currency], counts: [3]uint64{c.Closed}}
	case "conversationFirstResponse":
		return parts{spread: c.FirstResponse}
	case "resolution":
		return parts{spread: c.Resolution}
	case "handle":
		return parts{spread: c.Handle}
	case "duration":
		return parts{spread: c.Duration}
	case "conversationFirstResponseBusinessHours":
		return parts{spread: c.FirstResponseOpen}
	case "resolutionBusinessHours":
		return parts{spread: c.ResolutionOpen}
	}
	return partsOfContacts(f, k)
}

// partsOfContacts returns what the contacts of a conversation add to a figure.
func partsOfContacts(f figure, k *ContactFigures) parts {
	switch f.field() {
	case "contacts":
		return partsOfCounts(k.Contacts)
	case "answeredContacts":
		return partsOfCounts(k.Answered)
	case "unansweredContacts":
		return partsOfCounts(k.Unanswered)
	case "transferredContacts":
		return partsOfCounts(k.Transferred)
	case "snoozedContacts":
		return partsOfCounts(k.Snoozed)
	case "answerRate":
		return partsOfCounts(k.Answered, k.Contacts)
	case "transferRate":
		return partsOfCounts(k.Transferred, k.Contacts)
	case "snoozeReturnRate":
		return partsOfCounts(k.SnoozeReturn.Count, k.Snoozed)
	case "wait":
		return parts{spread: k.Wait}
	case "contactFirstResponse":
		return parts{spread: k.FirstResponse}
	case "contactDuration":
		return parts{spread: k.Duration}
	case "snoozeReturn":
		return parts{spread: k.SnoozeReturn}
	case "waitBusinessHours":
		return parts{spread: k.WaitOpen}
	case "contactFirstResponseBusinessHours":
		return parts{spread: k.FirstResponseOpen}
	}
	return parts{} // a state: see stateOf
}

// stateOf returns by how much a conversation changes a figure of states over time.
func stateOf(f figure, s *StateFigures) int64 {
	switch f.field() {
	case "createdConversations":
		return s.Created
	case "closings":
		return s.Closings
	case "firstClosings":
		return s.FirstClosings
	case "reopenings":
		return s.Reopenings
	case "openAtEnd":
		return s.Open
	case "snoozedAtEnd":
		return s.Snoozed
	case unattended:
		return s.Unattended
	}
	return 0
}
