package fold

import (
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// contacts walks the contacts of a conversation. At most one is open at a
// time: the last of the list.
type contacts struct {
	conversation schema.ConversationID
	list         []Contact

	open     bool
	openedIn int     // step of the latest push
	endedIn  int     // step of the latest ending by snooze, transfer or close
	openID   *string // id of the open contact, nil when none is open
	answered bool    // the open contact holds a non-automatic operator-side message

	routed   *schema.Routed // the latest routing
	routedAt schema.Timestamp
	routedIn int // its step, 0 for none
	routing  []Routing

	instant uint32 // pushes in the millisecond of the latest push

	anyAnswer, humanAnswer bool
	snoozeTime             int64
	anomalies              uint32
}

// route records a routing: the rule and group of every contact that is pushed
// from now on, until the next one.
func (c *contacts) route(step int, at schema.Timestamp, data *schema.Routed) {
	c.routed, c.routedAt, c.routedIn = data, at, step
	c.routing = append(c.routing, Routing{At: at, Rule: data.Rule, Group: data.Group})
}

// push starts a contact. One that is still open ends at this instant:
// TRANSFERRED if the new operator's id differs, else REPUSHED, and the ending
// is inferred.
//
// closed means that the conversation is closed: then the time since a snooze is not snooze time.
func (c *contacts) push(step int, at schema.Timestamp, to schema.User, closed bool) {
	// A routing counts for the wait if it comes after the end of the contact
	// before, or after its start if that ending is inferred.
	waitsAfter := c.endedIn
	if c.open {
		waitsAfter = c.openedIn
		ending := EndedRepushed
		if to.ID != c.last().Operator.ID {
			ending = EndedTransferred
		}
		c.end(at, ending)
		c.last().EndingInferred = true
	}
	if n := len(c.list); n > 0 && *c.list[n-1].Ending == EndedSnoozed && !closed {
		last := c.last()
		last.ReturnTime = between(*last.EndedAt, at)
		c.snoozeTime += int64(at - *last.EndedAt)
	}

	id := c.nextID(at)
	next := Contact{
		ID:        id,
		Ordinal:   uint32(len(c.list)) + 1,
		StartedAt: at,
		Status:    Ongoing,
		Operator:  to,
	}
	// Rule and group come from one event: if it has no group, there is no group.
	if c.routed != nil {
		next.RoutingRule, next.RoutingGroup = &c.routed.Rule, c.routed.Group
	}
	if c.routedIn > waitsAfter {
		next.WaitTime = between(c.routedAt, at)
	}
	c.list = append(c.list, next)
	c.open, c.openedIn, c.openID, c.answered = true, step, &id, false
}

// nextID returns the id of the contact pushed at an instant: the conversation and the push
// time, with the number of the push in its millisecond from the second on.
func (c *contacts) nextID(at schema.Timestamp) string {
	if n := len(c.list); n > 0 && c.list[n-1].StartedAt == at {
		c.instant++
	} else {
		c.instant = 1
	}
	id := make([]byte, 0, 64)
	id = append(id, c.conversation...)
	id = append(id, ':')
	id = strconv.AppendInt(id, int64(at), 10)
	if c.instant > 1 {
		id = append(id, ':')
		id = strconv.AppendUint(id, uint64(c.instant), 10)
	}
	return string(id)
}

// leave ends the open contact by a snooze or a transfer. With none open it
// changes no contact and counts as an anomaly. The target of a transfer is not
// a routing, and who leaves makes no difference.
func (c *contacts) leave(step int, at schema.Timestamp, ending Ending) {
	if !c.open {
		c.anomalies++
		return
	}
	c.end(at, ending)
	c.endedIn = step
}

// close ends the open contact, if there is one, with the reason of the close.
func (c *contacts) close(step int, at schema.Timestamp, reason *string) {
	if !c.open {
		return
	}
	c.end(at, EndedClosed)
	c.endedIn = step
	c.last().CloseReason = reason
}

// end closes the last contact: its duration is known now, and its status is
// ANSWERED if it was, else UNANSWERED.
func (c *contacts) end(at schema.Timestamp, ending Ending) {
	last := c.last()
	last.EndedAt = &at
	last.Ending = &ending
	last.Duration = between(last.StartedAt, at)
	last.Status = Unanswered
	if c.answered {
		last.Status = Answered
	}
	c.open, c.openID = false, nil
}

func (c *contacts) last() *Contact { return &c.list[len(c.list)-1] }

// message counts a message, the first of its id, in the contact that is open;
// with none open it belongs to none. Automatic messages count, but they never
// answer and are not a response.
func (c *contacts) message(at schema.Timestamp, data *schema.Message) {
	if !c.open {
		return
	}
	in := c.last()
	if data.AuthorKind == schema.KindVisitor {
		in.VisitorMessageCount++
		return
	}
	in.OperatorMessageCount++
	if data.Automatic {
		return
	}
	if !c.answered {
		in.FirstResponseTime = between(in.StartedAt, at)
	}
	c.answered, c.anyAnswer = true, true
	c.humanAnswer = c.humanAnswer || human(data.AuthorKind)
}

// fill sets the sums over the contacts in the conversation, and the channel in the contacts, which
// may come from a later `opened`.
func (c *contacts) fill(row *Conversation) {
	bots := 0
	for i := range c.list {
		contact := &c.list[i]
		contact.Channel = row.Channel
		bot := contact.Operator.Kind == schema.KindBot
		if bot {
			bots++
		}
		if contact.Ending == nil {
			continue
		}
		switch *contact.Ending {
		case EndedSnoozed:
			row.SnoozeCount++
		case EndedTransferred:
			row.TransferCount++
		}
		if contact.Duration == nil {
			continue
		}
		row.HandleTime += *contact.Duration
		if !bot {
			row.HumanHandleTime += *contact.Duration
		}
	}
	row.ContactCount = uint32(len(c.list))
	row.AutomationLevel = automationLevel(len(c.list), bots)
	row.SnoozeTime = c.snoozeTime
	row.Answered, row.AnsweredByHuman = c.anyAnswer, c.humanAnswer
	row.AnomalyCount += c.anomalies
	row.Routing = c.routing
}

// automationLevel compares the contacts whose operator is a bot with all.
func automationLevel(contacts, bots int) *AutomationLevel {
	switch {
	case contacts == 0:
		return nil
	case bots == contacts:
		return new(FullyAutomated)
	case bots == 0:
		return new(NotAutomated)
	default:
		return new(PartiallyAutomated)
	}
}

// human reports whether messages of this kind of author are a human answer.
func human(kind schema.UserKind) bool {
	return kind == schema.KindProfessional || kind == schema.KindExpert
}
