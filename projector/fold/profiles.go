package fold

import (
	"slices"

	"github.com/parley-analytics/parley/schema"
)

// Customer is the profile of a customer: the content of the events about it, without the sums over
// its conversations. A member is nil if no event has set it, or the last one about it has cleared
// it.
type Customer struct {
	ID                                         string
	ExternalID, FirstName, LastName            *string
	Email, Phone, Notes, IPAddress, IPLocation *string
	Type                                       *schema.CustomerType
	CustomData                                 []schema.CustomValue // as Conversation.CustomData

	// Cleared names the members that the last event about them has cleared,
	// ascending: the visitor of a conversation does not restore them.
	Cleared []string
	Lineage
}

// Seller is the profile of a seller, by the same rules.
type Seller struct {
	ID                                                   string
	BusinessName, LegalBusinessName, EmailAddress, Phone *string
	Online                                               *bool
	Lineage
}

// Lineage describes the events that a profile comes from.
type Lineage struct {
	CreatedAt, UpdatedAt        schema.Timestamp // times of the first and the last event
	FirstSequence, LastSequence schema.Sequence
	EventCount                  uint32
}

func (l *Lineage) take(r *schema.Record) {
	if l.EventCount == 0 {
		l.CreatedAt, l.FirstSequence = r.Event.Time, r.Sequence
	}
	l.UpdatedAt = r.Event.Time // events come in fold order
	l.FirstSequence, l.LastSequence = min(l.FirstSequence, r.Sequence), max(l.LastSequence, r.Sequence)
	l.EventCount++
}

// profiles folds the events about a customer or seller.
type profiles struct {
	customer *Customer
	seller   *Seller
}

func (p *profiles) take(r *schema.Record) {
	switch data := r.Event.Data.(type) {
	case *schema.Customer:
		if p.customer == nil {
			p.customer = &Customer{ID: data.ID}
		}
		p.customer.Lineage.take(r)
		p.customer.update(data)
	case *schema.Seller:
		if p.seller == nil {
			p.seller = &Seller{ID: data.ID}
		}
		p.seller.Lineage.take(r)
		p.seller.update(data)
	}
}

func (c *Customer) update(d *schema.Customer) {
	keep(&c.ExternalID, d.ExternalID, d.Clear, "externalId")
	keep(&c.FirstName, d.FirstName, d.Clear, "firstName")
	keep(&c.LastName, d.LastName, d.Clear, "lastName")
	keep(&c.Email, d.Email, d.Clear, "email")
	keep(&c.Phone, d.Phone, d.Clear, "phone")
	keep(&c.Notes, d.Notes, d.Clear, "notes")
	keep(&c.Type, d.Type, d.Clear, "type")
	keep(&c.IPAddress, d.IPAddress, d.Clear, "ipAddress")
	keep(&c.IPLocation, d.IPLocation, d.Clear, "ipLocation")
	switch {
	case d.CustomData != nil:
		c.CustomData = byKey(d.CustomData)
	case slices.Contains(d.Clear, "customData"):
		c.CustomData = nil
	}
	c.Cleared = cleared(c.Cleared, d)
}

// cleared returns which members are cleared after an event, given those before.
func cleared(before []string, d *schema.Customer) []string {
	given := map[string]bool{
		"externalId": d.ExternalID != nil, "firstName": d.FirstName != nil, "lastName": d.LastName != nil,
		"email": d.Email != nil, "phone": d.Phone != nil, "notes": d.Notes != nil, "type": d.Type != nil,
		"ipAddress": d.IPAddress != nil, "ipLocation": d.IPLocation != nil, "customData": d.CustomData != nil,
	}
	var after []string
	for _, name := range before {
		if !given[name] {
			after = append(after, name)
		}
	}
	after = append(after, d.Clear...)
	slices.Sort(after)
	return slices.Compact(after)
}

func (s *Seller) update(d *schema.Seller) {
	keep(&s.BusinessName, d.BusinessName, d.Clear, "businessName")
	keep(&s.LegalBusinessName, d.LegalBusinessName, d.Clear, "legalBusinessName")
	keep(&s.EmailAddress, d.EmailAddress, d.Clear, "emailAddress")
	keep(&s.Phone, d.Phone, d.Clear, "phone")
	keep(&s.Online, d.Online, d.Clear, "online")
}

// keep sets a member that the event has, and removes one that it clears; an event does not do both.
func keep[T any](member **T, given *T, clear []string, name string) {
	switch {
	case given != nil:
		*member = given
	case slices.Contains(clear, name):
		*member = nil
	}
}
