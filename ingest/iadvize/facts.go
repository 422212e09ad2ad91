package iadvize

import (
	"fmt"
	"strings"

	"github.com/parley-analytics/parley/ingest/source"
	"github.com/parley-analytics/parley/schema"
)

// Source is the source of every event that comes from iAdvize, by webhook or by import: together
// with ids derived from facts it makes both the same event.
const Source = "iadvize"

// facts writes the events of one conversation.
type facts struct {
	project      schema.ProjectID
	conversation schema.ConversationID
}

// user is an operator in an event.
type user struct {
	ID    int64           `json:"id"`
	Kind  schema.UserKind `json:"kind,omitempty"`
	Name  string          `json:"name,omitempty"`
	Email string          `json:"email,omitempty"`
}

// ref is a rule, group, campaign or tag in an event.
type ref struct {
	ID   string `json:"id"`
	Name string `json:"name,omitempty"`
}

type visitor struct {
	ID         string `json:"id"`
	ExternalID string `json:"externalId,omitempty"`
	FirstName  string `json:"firstName,omitempty"`
	LastName   string `json:"lastName,omitempty"`
	Email      string `json:"email,omitempty"`
	Phone      string `json:"phone,omitempty"`
}

// opening is the data of an opened event.
type opening struct {
	Channel    string            `json:"channel"`
	Language   string            `json:"language,omitempty"`
	Initiator  string            `json:"initiator,omitempty"`
	Visitor    *visitor          `json:"visitor,omitempty"`
	Campaign   *ref              `json:"campaign,omitempty"`
	CustomData map[string]string `json:"customData,omitempty"`
}

// plain reports whether the opening has only what a webhook has.
func (o *opening) plain() bool {
	v := o.Visitor
	return o.Language == "" && o.Initiator == "" && o.Campaign == nil && len(o.CustomData) == 0 &&
		(v == nil || v.FirstName+v.LastName+v.Email+v.Phone == "")
}

func (f facts) event(kind schema.Type, at schema.Timestamp, data any, id string, parts ...any) *source.Event {
	var name strings.Builder
	fmt.Fprintf(&name, "%s:%s", id, f.conversation)
	for _, part := range parts {
		fmt.Fprintf(&name, ":%v", part)
	}
	return &source.Event{
		ID: name.String(), Source: Source, Type: kind, Time: at,
		Conversation: f.conversation, Project: f.project, Data: data,
	}
}

// opened describes the conversation as a whole. One with more than a webhook can contain has a
// separate id, which comes first in the fold.
func (f facts) opened(at schema.Timestamp, o *opening) *source.Event {
	if o.plain() {
		return f.event(schema.TypeOpened, at, o, "opened", int64(at))
	}
	return f.event(schema.TypeOpened, at, o, "details", int64(at), source.Digest(o))
}

func (f facts) routed(at schema.Timestamp, rule ref, group *ref) *source.Event {
	id := ""
	if group != nil {
		id = group.ID
	}
	return f.event(schema.TypeRouted, at, struct {
		Rule  ref  `json:"routingRule"`
		Group *ref `json:"routingGroup,omitempty"`
	}{rule, group}, "routed", int64(at), source.Digest([]string{rule.ID, id}))
}

func (f facts) pushed(at schema.Timestamp, to user) *source.Event {
	return f.event(schema.TypePushed, at, map[string]any{"toUser": to}, "pushed", to.ID, int64(at))
}

// ending is the data of snoozed, transferred and closed events.
type ending struct {
	ByUser      *user   `json:"byUser,omitempty"`
	FromUser    *user   `json:"fromUser,omitempty"`
	ToUser      *user   `json:"toUser,omitempty"`
	ToRule      *ref    `json:"toRoutingRule,omitempty"`
	ToGroup     *ref    `json:"toRoutingGroup,omitempty"`
	Until       string  `json:"until,omitempty"`
	Reason      string  `json:"reason,omitempty"`
	OperatorIDs []int64 `json:"operatorIds,omitempty"` // of webhooks; not a member of the contract
}

func (f facts) snoozed(at schema.Timestamp, e ending) *source.Event {
	return f.event(schema.TypeSnoozed, at, e, "snoozed", int64(at))
}

func (f facts) transferred(at schema.Timestamp, e ending) *source.Event {
	return f.event(schema.TypeTransferred, at, e, "transferred", int64(at))
}

func (f facts) closed(at schema.Timestamp, e ending) *source.Event {
	return f.event(schema.TypeClosed, at, e, "closed", int64(at))
}

// answer is one answer to a survey: exactly one member is set.
type answer struct {
	CustomerSatisfaction *int64  `json:"customerSatisfaction,omitempty"`
	NetPromoterScore     *int64  `json:"netPromoterScore,omitempty"`
	Comment              *string `json:"comment,omitempty"`
}

// answered is a click of the visitor: each one counts, so the moment is part of
// the id.
func (f facts) answered(at schema.Timestamp, a answer) *source.Event {
	return f.event(schema.TypeSatisfaction, at, a, "satisfaction", int64(at), source.Digest(a))
}

// asRead is an answer as it was when read, whenever it was given.
func (f facts) asRead(read schema.Timestamp, a answer) *source.Event {
	return f.event(schema.TypeSatisfaction, read, a, "answer", source.Digest(a))
}

// sale is the data of a transaction.
type sale struct {
	TransactionID        string `json:"transactionId"`
	ExternalConversionID string `json:"externalConversionId"`
	Amount               string `json:"amount"`
	Currency             string `json:"currency,omitempty"`
	ReceivedAt           string `json:"receivedAt"`
	Source               string `json:"source,omitempty"`
	AttributedTo         *user  `json:"attributedTo,omitempty"`
}

// sold is a transaction; a correction has another moment or amount.
func (f facts) sold(at schema.Timestamp, s sale) *source.Event {
	if amount, _, ok := source.Amount(s.Amount); ok {
		s.Amount = amount.String() // 300.20 and 300.2 are equal
	}
	s.ReceivedAt = at.String()
	return f.event(schema.TypeTransaction, at, s, "transaction", source.Short(s.TransactionID), int64(at), s.Amount)
}
