package foldtest

import (
	"fmt"

	"github.com/parley-analytics/parley/schema"
)

// Profile returns n distinct events about one customer or seller, without any
// sense in their order: few instants and values, so that they meet.
func Profile(d Dice, project schema.ProjectID, kind schema.ProfileKind, id string, n int) []schema.Event {
	instants := pick(d, 1, 2, 50)
	ordered := pick(d, 0, 50, 100)
	subject := schema.ProfileSubject(project, kind, id)
	events := make([]schema.Event, n)
	for i := range events {
		e := schema.Event{
			Project: project, Conversation: subject, Source: pick(d, "s", "s", "t"),
			ID: fmt.Sprintf("%s-%d", subject[:8], i), Time: nastyEpoch + schema.Timestamp(d.IntN(instants)),
		}
		if chance(d, ordered) {
			e.HasOrder, e.Order = true, pick[uint64](d, 0, 1, 2, 2, 3)
		}
		if kind == schema.ProfileSeller {
			e.Type, e.Data = schema.TypeSeller, seller(d, id)
		} else {
			e.Type, e.Data = schema.TypeCustomer, customer(d, id)
		}
		events[i] = e
	}
	return events
}

// MoveTo puts an event into another project. That of a profile gets the subject
// that its customer or seller has there.
func MoveTo(e *schema.Event, project schema.ProjectID) {
	e.Project = project
	switch data := e.Data.(type) {
	case *schema.Customer:
		e.Conversation = schema.ProfileSubject(project, schema.ProfileCustomer, data.ID)
	case *schema.Seller:
		e.Conversation = schema.ProfileSubject(project, schema.ProfileSeller, data.ID)
	}
}

func customer(d Dice, id string) *schema.Customer {
	c := &schema.Customer{
		ID: id, ExternalID: maybe(d, "crm-1", "crm-2", ""), FirstName: maybe(d, "Ada", "Grace"), LastName: maybe(d, "Lovelace"),
		Email: maybe(d, "ada@example.org", ""), Notes: maybe(d, "VIP"), IPAddress: maybe(d, "192.0.2.1"),
		Type: maybe(d, schema.CustomerRegistered, schema.CustomerGuest, schema.CustomerVisitor),
	}
	if chance(d, 50) {
		c.Clear = []string{pick(d, "phone", "ipLocation")}
	} else {
		c.Phone, c.IPLocation = maybe(d, "1"), maybe(d, "Paris")
	}
	if chance(d, 30) {
		c.CustomData = []schema.CustomValue{{Key: "b", Value: pick(d, "1", "2")}, {Key: "a", Value: "3"}}[:d.IntN(3)]
	} else if chance(d, 30) {
		c.Clear = append(c.Clear, "customData")
	}
	return c
}

func seller(d Dice, id string) *schema.Seller {
	s := &schema.Seller{
		ID: id, BusinessName: maybe(d, "Corner", ""), EmailAddress: maybe(d, "a@example.org"), Online: maybe(d, true, false),
	}
	if chance(d, 50) {
		s.Clear = []string{pick(d, "legalBusinessName", "phone")}
	} else {
		s.LegalBusinessName, s.Phone = maybe(d, "Corner Ltd"), maybe(d, "1", "2")
	}
	return s
}
