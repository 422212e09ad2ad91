package fold

import "github.com/parley-analytics/parley/schema"

// closing tracks whether the conversation is closed, and since when.
type closing struct {
	closedAt *schema.Timestamp // the first `closed` since the last push
	reason   *string           // its reason
	first    *schema.Timestamp // the first `closed` of all
	reopened uint32
	repeated uint32 // `closed` while already closed
}

// closed reports whether the conversation is closed: a `closed` with no push
// since.
func (c *closing) closed() bool { return c.closedAt != nil }

// close closes the conversation, whether or not a contact is open. closedAt is
// the time of the first `closed` after the last push, the first of all when
// there is no push; closeReason is of that same event. A `closed` while already
// closed changes nothing but the anomaly count.
func (c *closing) close(at schema.Timestamp, reason *string) {
	if c.closed() {
		c.repeated++
		return
	}
	c.closedAt, c.reason = &at, reason
	if c.first == nil {
		c.first = &at
	}
}

// push reopens the conversation if it is closed.
func (c *closing) push() {
	if c.closed() {
		c.reopened++
	}
	c.closedAt, c.reason = nil, nil
}

func (c *closing) fill(row *Conversation) {
	row.ClosedAt, row.CloseReason = c.closedAt, c.reason
	row.FirstClosedAt = c.first
	row.ReopenCount = c.reopened
	row.AnomalyCount += c.repeated
}
