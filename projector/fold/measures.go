package fold

import "github.com/parley-analytics/parley/schema"

// measure fills in the values computed from the rest of the row: the durations of
// the conversation, and whether it was abandoned, that is closed without any
// contact.
//
// Resolution is measured from the first visitor message to closedAt, first
// resolution to the first `closed` of all, which stays when the conversation is
// reopened. Both may come before the visitor's first message, and are null then.
func measure(c *Conversation, closing *closing, thread *thread) {
	c.Abandoned = c.ClosedAt != nil && c.ContactCount == 0
	c.Duration = spent(&c.CreatedAt, c.ClosedAt)
	c.FirstResponseTime = spent(thread.asked, thread.responded)
	c.ResolutionTime = spent(thread.asked, c.ClosedAt)
	c.FirstResolutionTime = spent(thread.asked, closing.first)
}

// spent is the time between two moments, nil when either is missing.
func spent(from, to *schema.Timestamp) *int64 {
	if from == nil || to == nil {
		return nil
	}
	return between(*from, *to)
}

// between is the time between two moments in milliseconds; a negative one is
// nil.
func between(from, to schema.Timestamp) *int64 {
	if to < from {
		return nil
	}
	return new(int64(to - from))
}
