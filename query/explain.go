package query

import (
	"context"
	"fmt"
	"math"
	"slices"

	"github.com/parley-analytics/parley/query/explain"
	"github.com/parley-analytics/parley/query/meter"
	"github.com/parley-analytics/parley/schema"
)

// maxExplained is the maximum number of events of an explained conversation.
const maxExplained = 10_000

// Explanation is the SDL's type.
type Explanation struct {
	Conversation *Conversation
	Events       []ExplainedEvent
	Values       []ExplainedValue
	Contacts     []ExplainedContact
}

// ExplainedEvent is an event of the conversation.
type ExplainedEvent struct {
	Sequence         Long
	ID, Source       Text
	Type             string
	Time, ReceivedAt DateTime
	ContactID        *ID
}

// ExplainedValue is a value and where it comes from.
type ExplainedValue struct {
	Name  string
	Value *Text
	texts texts
	from  []schema.Sequence
}

// Sequences counts as the numbers it is, each time it is written.
func (v ExplainedValue) Sequences() []Long {
	v.texts.meter.Write(len(v.from) * len("18446744073709551615,"))
	sequences := make([]Long, len(v.from))
	for i, sequence := range v.from {
		sequences[i] = Long(sequence)
	}
	return sequences
}

// ExplainedContact is a contact explained.
type ExplainedContact struct {
	ID      ID
	Ordinal int32
	Values  []ExplainedValue
}

// Explain resolves the field of Query.
func (q *root) Explain(ctx context.Context, args struct {
	ConversationID input
	ProjectID      *input
	AsOf           *input
}) (*Explanation, error) {
	e, err := q.explain(ctx, args.ConversationID, args.ProjectID, args.AsOf)
	if err != nil {
		return nil, q.publicError(ctx, err)
	}
	return e, nil
}

func (a *API) explain(ctx context.Context, conversation input, project, asOf *input) (*Explanation, error) {
	r, err := a.beginAt(ctx, asOf)
	if err != nil {
		return nil, err
	}
	scope, id, err := r.named("conversationId", conversation, project)
	if err != nil {
		return nil, err
	}
	selected := selectedFields(ctx)
	batch := newConversations(a, r, selected.below("conversation"))
	row, err := a.one(ctx, scope, id, append(batch.columns(), "lastSequence"))
	if err != nil || row == nil {
		return nil, err
	}
	loaded, err := batch.load(ctx, []ConversationRow{*row})
	if err != nil {
		return nil, err
	}
	explanation := &Explanation{Conversation: loaded[0]}
	if !selected.any("events", "values", "contacts") {
		return explanation, nil
	}
	of := key(row.Project, row.ID)
	folded := loaded[0].row.LastSequence
	if _, err := r.settle(ctx, a, folded); err != nil {
		return nil, err
	}
	explained, err := r.explained.get(explainedState{of, r.asOf}, func() (explain.Conversation, error) { return a.explanation(ctx, scope, of, folded) })
	if err != nil {
		return nil, err
	}
	explanation.fill(r.texts, explained)
	return explanation, nil
}

// explainedState identifies an explanation within a request.
type explainedState struct {
	conversation schema.ConversationKey
	asOf         schema.Sequence
}

// explainedEvents is how many events are decoded and folded for a point.
const explainedEvents = 10

// explanation folds the events from which the row of a conversation was computed.
func (a *API) explanation(ctx context.Context, scope Scope, of schema.ConversationKey, folded uint64) (explain.Conversation, error) {
	rows, err := a.store.Events(ctx, scope, of, maxExplained+1)
	if err != nil {
		return explain.Conversation{}, err
	}
	if scope.AsOf == 0 { // else an erasure may have moved some of them behind others
		rows = slices.DeleteFunc(rows, func(r EventRow) bool { return r.Sequence > folded })
	}
	if len(rows) > maxExplained {
		return explain.Conversation{}, &Error{CodeTooLarge, "the conversation has too many events to be explained"}
	}
	meter.From(ctx).Charge(len(rows) / explainedEvents)
	list, err := records(ctx, rows)
	if err != nil {
		return explain.Conversation{}, err
	}
	if scope.AsOf > 0 {
		list = schema.Until(list, scope.AsOf)
	}
	return explain.Of(list), nil
}

// records decodes archived events. All of them were valid when they were
// archived; an event that is no longer valid is left out, as in the fold.
func records(ctx context.Context, rows []EventRow) ([]schema.Record, error) {
	list := make([]schema.Record, 0, len(rows))
	for i := range rows {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if record, fault := rows[i].Record(); fault == nil {
			list = append(list, record)
		}
	}
	return list, nil
}

// Archive is the part of a [Store] that [ExplainAll] needs.
type Archive interface {
	Live(ctx context.Context) (Live, error)
	EventReader
}

// ExplainAll explains a conversation by all its archived events, however many there are. It fails
// if one of them does not decode. Without events the conversation does not exist.
func ExplainAll(ctx context.Context, archive Archive, key schema.ConversationKey) (explain.Conversation, error) {
	live, err := archive.Live(ctx)
	if err != nil {
		return explain.Conversation{}, err
	}
	scope := Scope{Projection: live.Projection, Projects: schema.Projects{IDs: []schema.ProjectID{key.Project}}}
	rows, err := archive.Events(ctx, scope, key, math.MaxInt32)
	if err != nil || len(rows) == 0 {
		return explain.Conversation{}, err
	}
	records := make([]schema.Record, len(rows))
	for i := range rows {
		var fault *schema.Error
		if records[i], fault = rows[i].Record(); fault != nil {
			return explain.Conversation{}, fmt.Errorf("the archived event %d does not decode: %w", rows[i].Sequence, fault)
		}
	}
	return explain.Of(records), nil
}

func (e *Explanation) fill(t texts, c explain.Conversation) {
	e.Events = make([]ExplainedEvent, len(c.Events))
	for i, event := range c.Events {
		e.Events[i] = ExplainedEvent{
			Sequence: Long(event.Sequence), ID: t.of(event.Event.ID), Source: t.of(event.Event.Source), Type: string(event.Event.Type),
			Time: DateTime(event.Event.Time), ReceivedAt: DateTime(event.ReceivedAt), ContactID: (*ID)(nonEmpty(event.Contact)),
		}
	}
	e.Values = t.explained(c.Fields)
	e.Contacts = make([]ExplainedContact, len(c.Contacts))
	for i, contact := range c.Contacts {
		e.Contacts[i] = ExplainedContact{ID(contact.ID), int32(contact.Ordinal), t.explained(contact.Fields)}
	}
}

func (t texts) explained(fields []explain.Field) []ExplainedValue {
	values := make([]ExplainedValue, len(fields))
	for i, f := range fields {
		values[i] = ExplainedValue{f.Name, t.maybe(f.Value), t, f.From}
	}
	return values
}
