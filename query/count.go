package query

import (
	"context"
	"slices"
)

// Count is a count of metrics that leads to rows of its own.
type Count string

// The counts of conversations.
const (
	CountClosed           Count = "CLOSED_CONVERSATIONS"
	CountAbandoned        Count = "ABANDONED_CONVERSATIONS"
	CountReopened         Count = "REOPENED_CONVERSATIONS"
	CountVisitorMessages  Count = "VISITOR_MESSAGES"
	CountOperatorMessages Count = "OPERATOR_MESSAGES"
	CountTransactions     Count = "TRANSACTIONS"
	CountSurveys          Count = "SURVEY_ANSWERS"
	CountScores           Count = "NPS_ANSWERS"
)

// The counts of contacts.
const (
	CountContacts    Count = "CONTACTS"
	CountAnswered    Count = "ANSWERED_CONTACTS"
	CountUnanswered  Count = "UNANSWERED_CONTACTS"
	CountTransferred Count = "TRANSFERRED_CONTACTS"
	CountSnoozed     Count = "SNOOZED_CONTACTS"
)

// The counts of changes of state, each at its own time, and of states at the end of a step.
const (
	CountCreated      Count = "CREATED_CONVERSATIONS"
	CountClosings     Count = "CLOSINGS"
	CountFirstClosing Count = "FIRST_CLOSINGS"
	CountReopenings   Count = "REOPENINGS"
	CountOpen         Count = "OPEN_AT_END"
	CountSnoozedAtEnd Count = "SNOOZED_AT_END"
	CountUnattended   Count = "UNATTENDED_AT_END"
)

// OfStates reports whether the count is of states over time, whose rows are conversations that need
// not be closed.
func (c Count) OfStates() bool {
	switch c {
	case CountCreated, CountClosings, CountFirstClosing, CountReopenings, CountOpen, CountSnoozedAtEnd, CountUnattended:
		return true
	}
	return false
}

// OfContacts reports whether the rows of the count are contacts.
func (c Count) OfContacts() bool {
	switch c {
	case CountContacts, CountAnswered, CountUnanswered, CountTransferred, CountSnoozed:
		return true
	}
	return false
}

// OfContacts reports whether what was narrowed to is contacts.
func (r *Rows) OfContacts() bool {
	return r.Of.OfContacts() || r.Open != nil || slices.Contains(contactFigures(), r.Over)
}

// openings reads the opening hours around the rows that are narrowed by them: those that a handle
// was written with, otherwise those of the interval.
func (f *Filter) openings(ctx context.Context, a *API, scope Scope, interval Interval) (err error) {
	var around *Interval
	if f.InBusinessHours != nil {
		around = &interval
	}
	for rows := f.Rows; rows != nil; rows = rows.Filter.Rows {
		if rows.Hours != nil {
			around = rows.Hours
			break
		}
	}
	if around != nil && !scope.Empty() {
		f.Openings, err = a.openings(ctx, scope, *around)
	}
	return err
}

// leadToClosed reports a count whose rows are conversations that need not be closed.
func (f *Filter) leadToClosed() error {
	for rows := f.Rows; rows != nil; rows = rows.Filter.Rows {
		if rows.Of.OfStates() {
			return badInput("filters.rows", "refers to conversations that need not be closed: pass it to conversations")
		}
	}
	return nil
}

// leadTo reports a count whose rows are not those of a list: what rows lead to
// has to be listed by the field for it.
func (f *Filter) leadTo(contacts bool) error {
	for rows := f.Rows; rows != nil; rows = rows.Filter.Rows {
		switch {
		case rows.Of == "" && rows.Over == "" && rows.Open == nil:
		case rows.OfContacts() == contacts:
		case contacts && rows.Of.OfStates():
			return badInput("filters.rows", "refers to conversations that need not be closed: pass it to conversations")
		case contacts:
			return badInput("filters.rows", "refers to conversations: pass it to conversations or closedConversations")
		default:
			return badInput("filters.rows", "refers to contacts: pass it to contacts")
		}
	}
	return nil
}
