package fold

import "github.com/parley-analytics/parley/schema"

// closing reports whether the conversation stands closed, and since when.
type closing struct {
	standing *schema.Timestamp // the first `closed` since the last push
	reason   *string           // its reason
	first    *schema.Timestamp // the first `closed` of all
	reopened uint32
	repeated uint32 // `closed` while already closed
}

// closed reports whether the conversation stands closed: a `closed` with no push
// since.
func (c *closing) closed() bool { return c.standing != nil }

// close closes the conversation, whether or not a contact is open. closedAt is
// the time of the first `closed` after the last push, the first of all when
// there is no push; closeReason is of that same event. A `closed` while already
// closed changes nothing but the anomaly count.
func (c *closing) close(at schema.Timestamp, reason *string) {
	if c.closed() {
		c.repeated++
		return
	}
	c.standing, c.reason = &at, reason
	if c.first == nil {
		c.first = &at
	}
}

// push opens the conversation again, if it stands closed.
func (c *closing) push() {
	if c.closed() {
		c.reopened++
	}
	c.standing, c.reason = nil, nil
}

func (c *closing) fill(row *Conversation) {
	row.ClosedAt, row.CloseReason = c.standing, c.reason
	row.ReopenCount = c.reopened
	row.AnomalyCount += c.repeated
}
