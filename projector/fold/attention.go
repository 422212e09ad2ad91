package fold

import (
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// attention tracks whether the conversation is unattended: open, and the last message of those that are not
// automatic is the visitor's.
type attention struct {
	asked bool               // whether that message is the visitor's
	turns []schema.Timestamp // ascending: from when on it was unattended, and no longer, in turns
}

// message takes a message that counts, the first of its id.
func (a *attention) message(data *schema.Message) {
	if visitor := data.AuthorKind == schema.KindVisitor; visitor || !data.Automatic {
		a.asked = visitor
	}
}

// turn notes a change of the state. One that another takes back at the same instant leaves nothing.
func (a *attention) turn(at schema.Timestamp, closed bool) {
	n := len(a.turns)
	if unattended := a.asked && !closed; unattended == (n%2 == 1) {
		return
	}
	if n > 0 && a.turns[n-1] == at {
		a.turns = slices.Clip(a.turns[:n-1]) // rows share what comes next
		return
	}
	a.turns = append(a.turns, at)
}

func (a *attention) fill(row *Conversation) {
	if len(a.turns) > 0 {
		row.Unattended = a.turns
	}
}
