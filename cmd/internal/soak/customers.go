package soak

import (
	"encoding/json"

	"github.com/shopspring/decimal"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// customer is what a row of customers has to be: the sum of the customer's conversations, and of the
// profile.
type customer struct {
	fold.Lineage
	conversations, orders int
	spent                 map[string]decimal.Decimal
}

type customers map[schema.ProjectID]map[string]*customer

// add adds what the rows of a conversation, or of a profile, say of a customer.
func (c customers) add(rows fold.Rows) {
	project := rows.Conversation.Project
	if of := rows.Customer; of != nil {
		found := c.of(project, of.ID)
		found.count(of.Lineage, found.conversations == 0)
	}
	v := rows.Conversation.Visitor
	if rows.Empty() || v == nil || v.ID == "" {
		return
	}
	found, r := c.of(project, v.ID), &rows.Conversation
	found.count(fold.Lineage{
		CreatedAt: r.CreatedAt, UpdatedAt: r.UpdatedAt, FirstSequence: r.FirstSequence, LastSequence: r.LastSequence, EventCount: r.EventCount,
	}, true)
	if found.conversations == 0 {
		found.CreatedAt = r.CreatedAt // whatever the profile says
	}
	found.conversations++
	found.orders += len(rows.Transactions)
	for currency, sum := range r.Revenue {
		found.spent[string(currency)] = found.spent[string(currency)].Add(decimal.RequireFromString(sum.String()))
	}
}

func (c customers) of(project schema.ProjectID, id string) *customer {
	if c[project] == nil {
		c[project] = map[string]*customer{}
	}
	if c[project][id] == nil {
		c[project][id] = &customer{spent: map[string]decimal.Decimal{}}
	}
	return c[project][id]
}

// count adds events; created says whether they may be when the customer was created.
func (c *customer) count(l fold.Lineage, created bool) {
	if c.EventCount == 0 {
		c.Lineage = l
		return
	}
	if created {
		c.CreatedAt = min(c.CreatedAt, l.CreatedAt)
	}
	c.UpdatedAt = max(c.UpdatedAt, l.UpdatedAt)
	c.FirstSequence, c.LastSequence = min(c.FirstSequence, l.FirstSequence), max(c.LastSequence, l.LastSequence)
	c.EventCount += l.EventCount
}

// row is the row of customers, as JSON members.
func (c *customer) row(project schema.ProjectID, id string) map[string]any {
	spent := map[string]json.Number{}
	for currency, sum := range c.spent {
		spent[currency] = json.Number(sum.String())
	}
	return map[string]any{
		"project_id": project, "customer_id": id, "conversation_count": c.conversations, "orders_count": c.orders, "total_spent": spent,
		"created_at": moment(c.CreatedAt), "updated_at": moment(c.UpdatedAt),
		"event_count": c.EventCount, "first_sequence": c.FirstSequence, "last_sequence": c.LastSequence,
	}
}
