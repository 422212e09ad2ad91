package storetest

import (
	"math"
	"slices"
)

// Figures are counted row by row.
type Figures struct {
	Closed, Contacts, Answered, Unanswered, Transferred, Snoozed, Abandoned, Reopened int
	VisitorMessages, OperatorMessages, Transactions, Surveys, Scores                  int
	Satisfied, Promoters, Detractors, Converted                                       int
	Revenue                                                                           map[string]Amount
	Sales                                                                             map[string]int64
	Times                                                                             map[string][]int64 // by the SDL's name of the distribution
}

// Count counts conversations and contacts. Revenue is taken from the
// transactions themselves.
func (w *World) Count(conversations []*Conversation, contacts []*Contact) Figures {
	type key struct {
		project uint32
		id      string
	}
	f := Figures{Revenue: map[string]Amount{}, Sales: map[string]int64{}, Times: map[string][]int64{}}
	time := func(name string, ms *int64) {
		if ms != nil {
			f.Times[name] = append(f.Times[name], *ms)
		}
	}
	closed := map[key]bool{}
	for _, c := range conversations {
		closed[key{c.Project, c.ID}] = true
		f.Closed++
		f.VisitorMessages += int(c.VisitorMessages)
		f.OperatorMessages += int(c.OperatorMessages)
		if c.ContactCount == 0 {
			f.Abandoned++
		}
		if c.ReopenCount > 0 {
			f.Reopened++
		}
		if c.TransactionCount > 0 {
			f.Converted++
		}
		if c.Satisfaction != nil {
			f.Surveys++
			if *c.Satisfaction == 4 || *c.Satisfaction == 5 {
				f.Satisfied++
			}
		}
		if c.Score != nil {
			f.Scores++
			if *c.Score >= 9 {
				f.Promoters++
			} else if *c.Score <= 6 {
				f.Detractors++
			}
		}
		time("conversationFirstResponse", c.FirstResponse)
		time("resolution", c.Resolution)
		time("handle", &c.Handle)
		time("duration", c.Duration)
	}
	for _, t := range w.Transactions {
		if closed[key{t.Project, t.Conversation}] {
			f.Transactions++
			f.Revenue[t.Currency] += t.Amount
			f.Sales[t.Currency]++
		}
	}
	for _, k := range contacts {
		f.Contacts++
		switch k.Status {
		case "ANSWERED":
			f.Answered++
		case "UNANSWERED":
			f.Unanswered++
		}
		if k.Ending != nil && *k.Ending == "TRANSFERRED" {
			f.Transferred++
		}
		if k.Ending != nil && *k.Ending == "SNOOZED" {
			f.Snoozed++
		}
		time("wait", k.Wait)
		time("contactFirstResponse", k.FirstResponse)
		time("contactDuration", k.Duration)
		time("snoozeReturn", w.returned(k))
	}
	return f
}

// returned is the time from the snooze that ended a contact to the next one of its conversation. No
// conversation is closed between them.
func (w *World) returned(k *Contact) *int64 {
	if k.Ending == nil || *k.Ending != "SNOOZED" {
		return nil
	}
	for _, next := range w.Contacts {
		if next.Project == k.Project && next.Conversation == k.Conversation && next.Ordinal == k.Ordinal+1 {
			ms := int64(next.StartedAt - *k.EndedAt)
			return &ms
		}
	}
	return nil
}

// Mean is the arithmetic mean.
func Mean(values []int64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += float64(v)
	}
	return sum / float64(len(values))
}

// Percentile interpolates linearly between the two ranks beside p × (n − 1).
func Percentile(values []int64, p float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	rank := p * float64(len(sorted)-1)
	low := int(math.Floor(rank))
	if low+1 >= len(sorted) {
		return float64(sorted[len(sorted)-1])
	}
	return float64(sorted[low]) + (rank-float64(low))*float64(sorted[low+1]-sorted[low])
}
