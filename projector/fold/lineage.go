package fold

import "github.com/parley-analytics/parley/schema"

// lineage is the information in rows about their events.
type lineage struct {
	first, last schema.Sequence
	count       uint32
	lowest      schema.Sequence  // in this log; first may be one before an erasure
	began       schema.Timestamp // time of the event with the lowest

	begin  schema.Timestamp // time of the first event of all
	latest schema.Timestamp // time of the last
	begun  bool             // a life-cycle event was seen
	create schema.Timestamp // its time
}

// take counts the event. createdAt is the time of the first event that is
// opened, routed, pushed, snoozed, transferred, closed or a message; of the
// first event when there is none.
func (l *lineage) take(r *schema.Record) {
	if l.count == 0 {
		l.begin = r.Event.Time
	}
	// An erasure moves events to the end of the log; the conversation still began where it did.
	if first := r.First(); l.count == 0 || first < l.first {
		l.first = first
	}
	// Part of a sort key, which must not change when the moved events are read after others.
	if l.count == 0 || r.Sequence < l.lowest {
		l.lowest, l.began = r.Sequence, r.Event.Time
	}
	l.last = max(l.last, r.Sequence)
	l.count++
	l.latest = r.Event.Time // events come in fold order
	if !l.begun && r.Event.Type.LifeCycle() {
		l.begun, l.create = true, r.Event.Time
	}
}

func (l *lineage) fill(c *Conversation) {
	c.FirstSequence, c.LastSequence, c.EventCount = l.first, l.last, l.count
	c.BeganAt, c.CreatedAt, c.UpdatedAt = l.began, l.begin, l.latest
	if l.begun {
		c.CreatedAt = l.create
	}
}
