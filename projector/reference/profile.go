package reference

import (
	"maps"
	"slices"

	"github.com/parley-analytics/parley/projector/fold"
	"github.com/parley-analytics/parley/schema"
)

// member is the value that one member of a profile has in the end: that of the
// last event that sets it, unless a later one clears it.
func member[D, T any](h history, name string, field func(*D) *T, clear func(*D) []string) *T {
	for i := len(h) - 1; i >= 0; i-- {
		d, ok := h[i].Event.Data.(any).(*D)
		if !ok {
			continue
		}
		if value := field(d); value != nil {
			return value
		}
		if slices.Contains(clear(d), name) {
			return nil
		}
	}
	return nil
}

func (h history) of(typ schema.Type) history {
	var found history
	for _, i := range h.places(func(i int) bool { return h.is(i, typ) }) {
		found = append(found, h[i])
	}
	return found
}

func (h history) lineage() fold.Lineage {
	l := fold.Lineage{
		CreatedAt: h.at(0), UpdatedAt: h.at(len(h) - 1),
		FirstSequence: h[0].Sequence, EventCount: uint32(len(h)),
	}
	for _, r := range h {
		l.FirstSequence, l.LastSequence = min(l.FirstSequence, r.Sequence), max(l.LastSequence, r.Sequence)
	}
	return l
}

func (h history) customer() *fold.Customer {
	h = h.of(schema.TypeCustomer)
	if len(h) == 0 {
		return nil
	}
	type data = schema.Customer
	text := func(name string, field func(*data) *string) *string {
		return member(h, name, field, func(d *data) []string { return d.Clear })
	}
	c := &fold.Customer{
		ID:         h[0].Event.Data.(*data).ID,
		ExternalID: text("externalId", func(d *data) *string { return d.ExternalID }),
		FirstName:  text("firstName", func(d *data) *string { return d.FirstName }),
		LastName:   text("lastName", func(d *data) *string { return d.LastName }),
		Email:      text("email", func(d *data) *string { return d.Email }),
		Phone:      text("phone", func(d *data) *string { return d.Phone }),
		Notes:      text("notes", func(d *data) *string { return d.Notes }),
		IPAddress:  text("ipAddress", func(d *data) *string { return d.IPAddress }),
		IPLocation: text("ipLocation", func(d *data) *string { return d.IPLocation }),
		Lineage:    h.lineage(),
	}
	c.Type = member(h, "type", func(d *data) *schema.CustomerType { return d.Type }, func(d *data) []string { return d.Clear })
	custom := member(h, "customData", func(d *data) *[]schema.CustomValue {
		if d.CustomData == nil {
			return nil
		}
		return &d.CustomData
	}, func(d *data) []string { return d.Clear })
	for _, name := range []string{"customData", "email", "externalId", "firstName", "ipAddress", "ipLocation", "lastName", "notes", "phone", "type"} {
		set := h.last(0, len(h), func(i int) bool { return sets(h[i].Event.Data.(*data), name) })
		clear := h.last(0, len(h), func(i int) bool { return slices.Contains(h[i].Event.Data.(*data).Clear, name) })
		if clear > set {
			c.Cleared = append(c.Cleared, name)
		}
	}
	if custom != nil {
		values := map[string]string{}
		for _, v := range *custom {
			values[v.Key] = v.Value
		}
		for _, key := range slices.Sorted(maps.Keys(values)) {
			c.CustomData = append(c.CustomData, schema.CustomValue{Key: key, Value: values[key]})
		}
	}
	return c
}

// sets reports whether the event has the member.
func sets(d *schema.Customer, name string) bool {
	switch name {
	case "customData":
		return d.CustomData != nil
	case "email":
		return d.Email != nil
	case "externalId":
		return d.ExternalID != nil
	case "firstName":
		return d.FirstName != nil
	case "ipAddress":
		return d.IPAddress != nil
	case "ipLocation":
		return d.IPLocation != nil
	case "lastName":
		return d.LastName != nil
	case "notes":
		return d.Notes != nil
	case "phone":
		return d.Phone != nil
	default:
		return d.Type != nil
	}
}

func (h history) seller() *fold.Seller {
	h = h.of(schema.TypeSeller)
	if len(h) == 0 {
		return nil
	}
	type data = schema.Seller
	text := func(name string, field func(*data) *string) *string {
		return member(h, name, field, func(d *data) []string { return d.Clear })
	}
	return &fold.Seller{
		ID:                h[0].Event.Data.(*data).ID,
		BusinessName:      text("businessName", func(d *data) *string { return d.BusinessName }),
		LegalBusinessName: text("legalBusinessName", func(d *data) *string { return d.LegalBusinessName }),
		EmailAddress:      text("emailAddress", func(d *data) *string { return d.EmailAddress }),
		Phone:             text("phone", func(d *data) *string { return d.Phone }),
		Online:            member(h, "online", func(d *data) *bool { return d.Online }, func(d *data) []string { return d.Clear }),
		Lineage:           h.lineage(),
	}
}
