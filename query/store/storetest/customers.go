package storetest

import (
	"slices"
	"strings"
)

// Visit is a row of customer_conversations, with what the tests read of it.
type Visit struct {
	Project      uint32 `json:"project_id"`
	Conversation string `json:"conversation_id"`
	Customer     string `json:"customer_id"`
	CreatedAt    Millis `json:"created_at"`
	Version      uint64 `json:"_version"`
}

// Customer is a row of customers.
type Customer struct {
	Project       uint32            `json:"project_id"`
	ID            string            `json:"customer_id"`
	Type          string            `json:"type"`
	Channels      []string          `json:"channels"`
	Conversations uint32            `json:"conversation_count"`
	Orders        uint32            `json:"orders_count"`
	Spent         map[string]string `json:"total_spent"`
	CreatedAt     Millis            `json:"created_at"`
	UpdatedAt     Millis            `json:"updated_at"`
	FirstName     *string           `json:"first_name"`
	Email         *string           `json:"email"`
	CustomData    map[string]string `json:"custom_data"`
	Version       uint64            `json:"_version"`
}

// Of returns the conversations of the customer, by their creation and id.
func (w *World) Of(customer *Customer) []*Conversation {
	var list []*Conversation
	for i := range w.Conversations {
		if c := &w.Conversations[i]; c.Project == customer.Project && c.Visitor != nil && *c.Visitor == customer.ID {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *Conversation) int {
		if a.CreatedAt != b.CreatedAt {
			return int(a.CreatedAt - b.CreatedAt)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// Customers returns the customers of the world, by their creation, project and id.
func (w *World) Customers() []Customer {
	type key struct {
		project uint32
		id      string
	}
	seen := map[key]bool{}
	var list []Customer
	for i := range w.Conversations {
		c := &w.Conversations[i]
		if c.Visitor == nil || seen[key{c.Project, *c.Visitor}] {
			continue
		}
		seen[key{c.Project, *c.Visitor}] = true
		customer := Customer{Project: c.Project, ID: *c.Visitor, Type: "VISITOR", Channels: []string{}, Spent: map[string]string{}, CustomData: map[string]string{}}
		spent := map[string]Amount{}
		for n, of := range w.Of(&customer) {
			if n == 0 {
				customer.CreatedAt = of.CreatedAt
			}
			customer.UpdatedAt = max(customer.UpdatedAt, of.CreatedAt)
			customer.Conversations++
			customer.Orders += of.TransactionCount
			customer.Version = max(customer.Version, of.Version)
			if of.Channel != "UNKNOWN" && !slices.Contains(customer.Channels, of.Channel) {
				customer.Channels = append(customer.Channels, of.Channel)
			}
			for j := range w.Transactions {
				if t := &w.Transactions[j]; t.Project == of.Project && t.Conversation == of.ID {
					spent[t.Currency] += t.Amount
				}
			}
		}
		for currency, sum := range spent {
			customer.Spent[currency] = sum.String()
		}
		if customer.Orders > 0 {
			customer.Type = "CUSTOMER"
		}
		name := "Name of " + customer.ID
		customer.FirstName = &name
		list = append(list, customer)
	}
	slices.SortFunc(list, func(a, b Customer) int {
		switch {
		case a.CreatedAt != b.CreatedAt:
			return int(a.CreatedAt - b.CreatedAt)
		case a.Project != b.Project:
			return int(a.Project) - int(b.Project)
		}
		return strings.Compare(a.ID, b.ID)
	})
	return list
}

// visits returns what each conversation is to its customer.
func (w *World) visits() []Visit {
	var list []Visit
	for i := range w.Conversations {
		if c := &w.Conversations[i]; c.Visitor != nil {
			list = append(list, Visit{c.Project, c.ID, *c.Visitor, c.CreatedAt, c.Version})
		}
	}
	return list
}
