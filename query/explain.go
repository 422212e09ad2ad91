package query

import (
	"context"

	"github.com/parley-analytics/parley/query/explain"
	"github.com/parley-analytics/parley/schema"
)

// maxExplained is the most events of a conversation that is explained.
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
	ID, Source, Type string
	Time, ReceivedAt DateTime
	ContactID        *ID
}

// ExplainedValue is a value and where it comes from.
type ExplainedValue struct {
	Name      string
	Value     *string
	Sequences []Long
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
}) (*Explanation, error) {
	e, err := q.explain(ctx, args.ConversationID, args.ProjectID)
	if err != nil {
		return nil, q.told(ctx, err)
	}
	return e, nil
}

func (a *API) explain(ctx context.Context, conversation input, project *input) (*Explanation, error) {
	r, err := a.begin(ctx)
	if err != nil {
		return nil, err
	}
	scope, id, err := r.named("conversationId", conversation, project)
	if err != nil {
		return nil, err
	}
	selected := selectedFields(ctx)
	batch := newConversations(a, r, selected.below("conversation"))
	row, err := a.one(ctx, scope, id, batch.columns())
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
	rows, err := a.store.Events(ctx, scope, key(row.Project, row.ID), maxExplained+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > maxExplained {
		return nil, &Error{CodeTooLarge, "the conversation has too many events to be explained"}
	}
	explanation.fill(explain.Of(records(rows)))
	return explanation, nil
}

// records decodes archived events. All of them were valid when they were
// archived; one that is no longer is left out, as the fold leaves it out.
func records(rows []EventRow) []schema.Record {
	list := make([]schema.Record, 0, len(rows))
	for _, r := range rows {
		received := schema.Timestamp(r.ReceivedAt)
		event, fault := schema.Decode([]byte(r.Original), received.Time())
		if fault == nil {
			list = append(list, schema.Record{Sequence: schema.Sequence(r.Sequence), ReceivedAt: received, Event: event})
		}
	}
	return list
}

func (e *Explanation) fill(c explain.Conversation) {
	e.Events = make([]ExplainedEvent, len(c.Events))
	for i, event := range c.Events {
		e.Events[i] = ExplainedEvent{
			Sequence: Long(event.Sequence), ID: event.Event.ID, Source: event.Event.Source, Type: string(event.Event.Type),
			Time: DateTime(event.Event.Time), ReceivedAt: DateTime(event.ReceivedAt), ContactID: (*ID)(nonEmpty(event.Contact)),
		}
	}
	e.Values = explainedValues(c.Fields)
	e.Contacts = make([]ExplainedContact, len(c.Contacts))
	for i, contact := range c.Contacts {
		e.Contacts[i] = ExplainedContact{ID(contact.ID), int32(contact.Ordinal), explainedValues(contact.Fields)}
	}
}

func explainedValues(fields []explain.Field) []ExplainedValue {
	values := make([]ExplainedValue, len(fields))
	for i, f := range fields {
		values[i] = ExplainedValue{f.Name, f.Value, make([]Long, len(f.From))}
		for n, sequence := range f.From {
			values[i].Sequences[n] = Long(sequence)
		}
	}
	return values
}
