package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"github.com/parley-analytics/parley/cmd/internal/engines"
	"github.com/parley-analytics/parley/query"
	"github.com/parley-analytics/parley/query/explain"
	"github.com/parley-analytics/parley/query/store"
	"github.com/parley-analytics/parley/schema"
)

// explainCommand shows where the numbers of a conversation come from.
type explainCommand struct {
	engines.Location
	Project      projectID `help:"Project of the conversation." required:"" placeholder:"P"`
	Conversation string    `help:"Id of the conversation." required:"" placeholder:"UUID"`
	JSON         bool      `help:"Print one JSON object."`
}

// Run reads the conversation's events from the archive and explains them.
func (c *explainCommand) Run(a *app) error {
	id, err := schema.ParseConversationID(c.Conversation)
	if err != nil {
		return fmt.Errorf("--conversation: %w", err)
	}
	e, err := c.Find()
	if err != nil {
		return err
	}
	tables, err := e.OpenStore(store.Config{})
	if err != nil {
		return err
	}
	defer func() { _ = tables.Close() }()
	key := schema.ConversationKey{Project: schema.ProjectID(c.Project), Conversation: id}
	explained, err := query.ExplainAll(a.ctx, tables, key)
	if err != nil {
		return err
	}
	if len(explained.Events) == 0 {
		return fmt.Errorf("project %d has no conversation %s", key.Project, id)
	}
	if c.JSON {
		return printJSON(a.stdout, explanationOf(key, explained))
	}
	return printExplanation(a, key, explained)
}

// explanation is the output of --json; names and values are those of GraphQL's explain.
type explanation struct {
	ProjectID    schema.ProjectID      `json:"projectId"`
	Conversation schema.ConversationID `json:"conversationId"`
	Events       []explainedEvent      `json:"events"`
	Values       []explainedValue      `json:"values"`
	Contacts     []explainedContact    `json:"contacts"`
}

type explainedEvent struct {
	Sequence   schema.Sequence `json:"sequence"`
	ID         string          `json:"id"`
	Source     string          `json:"source"`
	Type       schema.Type     `json:"type"`
	Time       string          `json:"time"`
	ReceivedAt string          `json:"receivedAt"`
	ContactID  *string         `json:"contactId"`
}

type explainedValue struct {
	Name      string            `json:"name"`
	Value     *string           `json:"value"`
	Sequences []schema.Sequence `json:"sequences"`
}

type explainedContact struct {
	ID      string           `json:"id"`
	Ordinal int              `json:"ordinal"`
	Values  []explainedValue `json:"values"`
}

func explanationOf(key schema.ConversationKey, c explain.Conversation) explanation {
	all := explanation{ProjectID: key.Project, Conversation: key.Conversation, Events: []explainedEvent{}, Contacts: []explainedContact{}}
	for _, e := range c.Events {
		event := explainedEvent{
			Sequence: e.Sequence, ID: e.Event.ID, Source: e.Event.Source, Type: e.Event.Type,
			Time: e.Event.Time.String(), ReceivedAt: e.ReceivedAt.String(),
		}
		if e.Contact != "" {
			event.ContactID = &e.Contact
		}
		all.Events = append(all.Events, event)
	}
	all.Values = explainedValues(c.Fields)
	for _, contact := range c.Contacts {
		all.Contacts = append(all.Contacts, explainedContact{contact.ID, contact.Ordinal, explainedValues(contact.Fields)})
	}
	return all
}

func explainedValues(fields []explain.Field) []explainedValue {
	values := make([]explainedValue, len(fields))
	for i, f := range fields {
		values[i] = explainedValue{f.Name, f.Value, f.From}
	}
	return values
}

// printExplanation prints tables: the events in fold order, then the values of
// the conversation and of each contact with the sequences they came from.
func printExplanation(a *app, key schema.ConversationKey, c explain.Conversation) error {
	contacts := map[string]int{}
	for _, contact := range c.Contacts {
		contacts[contact.ID] = contact.Ordinal
	}
	fmt.Fprintf(a.stdout, "conversation %s of project %d\n\n", key.Conversation, key.Project)
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "SEQUENCE\tTIME\tEVENT\tCONTACT\tSOURCE\tID")
	for _, e := range c.Events {
		contact := "-"
		if n := contacts[e.Contact]; n > 0 {
			contact = fmt.Sprint(n)
		}
		kind := strings.TrimSuffix(strings.TrimPrefix(string(e.Event.Type), "parley."), ".v1")
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\n", e.Sequence, e.Event.Time, printable(kind), contact, orDash(&e.Event.Source), orDash(&e.Event.ID))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(a.stdout)
	if err := printFields(a, "CONVERSATION", c.Fields); err != nil {
		return err
	}
	for _, contact := range c.Contacts {
		fmt.Fprintln(a.stdout)
		if err := printFields(a, fmt.Sprintf("CONTACT %d", contact.Ordinal), contact.Fields); err != nil {
			return err
		}
	}
	return nil
}

func printFields(a *app, heading string, fields []explain.Field) error {
	table := tabwriter.NewWriter(a.stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintf(table, "%s\tVALUE\tFROM\n", heading)
	for _, f := range fields {
		value := "null"
		if f.Value != nil {
			value = orDash(f.Value)
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", printable(f.Name), value, spans(f.From))
	}
	return table.Flush()
}

// spans writes sequences, with consecutive ones as a range: 3-7, 9.
func spans(sequences []schema.Sequence) string {
	if len(sequences) == 0 {
		return "-"
	}
	var parts []string
	for i := 0; i < len(sequences); {
		j := i
		for j+1 < len(sequences) && sequences[j+1] == sequences[j]+1 {
			j++
		}
		part := fmt.Sprint(sequences[i])
		if j > i {
			part = fmt.Sprintf("%d-%d", sequences[i], sequences[j])
		}
		parts, i = append(parts, part), j+1
	}
	return strings.Join(parts, ", ")
}
