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

// partsOf returns what a conversation adds to a figure of a bucket, from its own figures there.
func partsOf(f figure, c *ConversationFigures, k *ContactFigures) []any {
	revenue := func() string { return c.Revenue[f.currency].String() }
	switch f.field() {
	case "closedConversations":
		return []any{c.Closed}
	case "abandonedConversations":
		return []any{c.Abandoned}
	case "reopenedConversations":
		return []any{c.Reopened}
	case "visitorMessages":
		return []any{c.VisitorMessages}
	case "operatorMessages":
		return []any{c.OperatorMessages}
	case "transactions":
		return []any{c.Transactions}
	case "surveyAnswers":
		return []any{c.Surveys}
	case "npsAnswers":
		return []any{c.Scores}
	case "csat":
		return []any{c.Satisfied, c.Surveys}
	case "nps":
		return []any{c.Promoters, c.Detractors, c.Scores}
	case "conversionRate":
		return []any{c.Converted, c.Closed}
	case "revenue":
		return []any{revenue()}
	case "averageOrderValue":
		return []any{revenue(), c.TransactionCounts[f.currency]}
	case "revenuePerConversation":
		return []any{revenue(), c.Closed}
	case "conversationFirstResponse":
		return []any{c.FirstResponse.whole()}
	case "resolution":
		return []any{c.Resolution.whole()}
	case "handle":
		return []any{c.Handle.whole()}
	case "duration":
		return []any{c.Duration.whole()}
	case "conversationFirstResponseBusinessHours":
		return []any{c.FirstResponseOpen.whole()}
	case "resolutionBusinessHours":
		return []any{c.ResolutionOpen.whole()}
	}
	return partsOfContacts(f, k)
}

// partsOfContacts returns what the contacts of a conversation add to a figure.
func partsOfContacts(f figure, k *ContactFigures) []any {
	switch f.field() {
	case "contacts":
		return []any{k.Contacts}
	case "answeredContacts":
		return []any{k.Answered}
	case "unansweredContacts":
		return []any{k.Unanswered}
	case "transferredContacts":
		return []any{k.Transferred}
	case "snoozedContacts":
		return []any{k.Snoozed}
	case "answerRate":
		return []any{k.Answered, k.Contacts}
	case "transferRate":
		return []any{k.Transferred, k.Contacts}
	case "snoozeReturnRate":
		return []any{k.SnoozeReturn.Count, k.Snoozed}
	case "wait":
		return []any{k.Wait.whole()}
	case "contactFirstResponse":
		return []any{k.FirstResponse.whole()}
	case "contactDuration":
		return []any{k.Duration.whole()}
	case "snoozeReturn":
		return []any{k.SnoozeReturn.whole()}
	case "waitBusinessHours":
		return []any{k.WaitOpen.whole()}
	case "contactFirstResponseBusinessHours":
		return []any{k.FirstResponseOpen.whole()}
	}
	return nil // a state: see stateOf
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

// whole returns the distribution with nothing in it that means nothing, so that it can be compared.
func (s Spread) whole() Spread {
	if s.Count == 0 {
		return Spread{}
	}
	return s
}
