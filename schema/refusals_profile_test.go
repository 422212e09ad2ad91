package schema_test

import (
	"strings"

	"github.com/parley-analytics/parley/schema"
)

const (
	beyondBytes   = "a schema counts characters, not bytes"
	beyondSubject = "a schema computes no UUID"
	beyondGiven   = "a schema does not compare two members"
	beyondNull    = "a schema counts members that are null"
)

// profileRefusals breaks the rules of read and deleted messages and of the
// profiles of customers and sellers.
func profileRefusals() []refusal {
	var all []refusal
	invalid := func(typ schema.Type, path string, values map[string]string) {
		all = append(all, each(typ, path, schema.CodeInvalid, values)...)
	}
	all = append(all, missing(schema.TypeRead, "data.reader")...)
	invalid(schema.TypeRead, "data.reader", map[string]string{"unknown": `"PROFESSIONAL"`, "in small letters": `"visitor"`, "as a number": `1`})
	invalid(schema.TypeRead, "data.upTo", map[string]string{"empty": `""`, "as a number": `1`})
	all = append(all, missing(schema.TypeDeleted, "data.messageId")...)
	invalid(schema.TypeDeleted, "data.messageId", map[string]string{"empty": `""`, "as a number": `1`})

	for typ, members := range map[schema.Type]string{
		schema.TypeCustomer: "customer externalId firstName lastName email phone notes ipAddress ipLocation",
		schema.TypeSeller:   "seller businessName legalBusinessName emailAddress phone",
	} {
		kind, names, _ := strings.Cut(members, " ")
		profile := "data." + kind
		all = append(all, missing(typ, profile)...)
		invalid(typ, profile, map[string]string{"as a string": `"x"`, "as a list": `[]`})
		all = append(all, missing(typ, profile+".id")...)
		invalid(typ, profile+".id", map[string]string{"empty": `""`, "as a number": `7`})
		for name := range strings.FieldsSeq(names) {
			invalid(typ, profile+"."+name, map[string]string{"as a number": `7`, "true": `true`, "as an object": `{}`})
		}
		invalid(typ, "data.clear", map[string]string{
			"as a string": `"phone"`, "with a number in it": `[1]`, "with null in it": `[null]`,
			"with an unknown name": `["name"]`, "with the id": `["id"]`, "with a name twice": `["phone","phone"]`,
		})
		all = append(all, refusal{
			"data.clear with a member that is given", typ, []edit{set(profile+".phone", `"1"`), set("data.clear", `["phone"]`)},
			schema.CodeInvalid, "data.clear", beyondGiven,
		})
		all = append(all, beyondSchema(beyondSubject, each(typ, "subject", schema.CodeInvalid, map[string]string{
			"of a conversation": `"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01"`,
		}))...)
		all = append(all, refusal{
			"a subject of another customer or seller", typ, []edit{set(profile+".id", `"another"`)}, schema.CodeInvalid, "subject", beyondSubject,
		})
	}
	invalid(schema.TypeCustomer, "data.customer.type", map[string]string{"unknown": `"VIP"`, "empty": `""`, "as a number": `1`})
	invalid(schema.TypeCustomer, "data.customer.customData", map[string]string{"as a list": `[]`, "with an object in it": `{"a":{}}`})
	invalid(schema.TypeSeller, "data.seller.online", map[string]string{"as a string": `"true"`, "as a number": `1`})
	return all
}

// sizeRefusals goes one byte over each limit of length, once in ASCII and once
// with characters of two bytes.
func sizeRefusals() []refusal {
	var all []refusal
	over := func(typ schema.Type, most int, paths ...string) {
		for _, path := range paths {
			all = append(all, each(typ, path, schema.CodeInvalid, map[string]string{
				"one byte too long": quote(strings.Repeat("x", most+1)),
			})...)
			all = append(all, beyondSchema(beyondBytes, each(typ, path, schema.CodeInvalid, map[string]string{
				"one character of two bytes too long": quote(strings.Repeat("é", most/2+1)),
			}))...)
		}
	}
	over(schema.TypeClosed, schema.MaxIDBytes, "id")
	over(schema.TypeClosed, schema.MaxSourceBytes, "source")
	over(schema.TypeClosed, schema.MaxNameBytes, "data.reason", "data.byUser.name", "data.byUser.email")
	over(schema.TypeOpened, schema.MaxIDBytes, "data.visitor.id", "data.visitor.externalId", "data.campaign.id")
	over(schema.TypeOpened, schema.MaxNameBytes, "data.language", "data.visitor.firstName", "data.visitor.lastName",
		"data.visitor.email", "data.visitor.phone", "data.campaign.name")
	over(schema.TypeRouted, schema.MaxIDBytes, "data.routingRule.id", "data.routingGroup.id")
	over(schema.TypeRouted, schema.MaxNameBytes, "data.routingRule.name")
	over(schema.TypePushed, schema.MaxNameBytes, "data.toUser.name", "data.toUser.email")
	over(schema.TypeTagged, schema.MaxIDBytes, "data.tag.id")
	over(schema.TypeTagged, schema.MaxNameBytes, "data.tag.name")
	over(schema.TypeMessage, schema.MaxIDBytes, "data.messageId")
	over(schema.TypeRead, schema.MaxIDBytes, "data.upTo")
	over(schema.TypeDeleted, schema.MaxIDBytes, "data.messageId")
	over(schema.TypeTransaction, schema.MaxIDBytes, "data.externalConversionId", "data.transactionId")
	over(schema.TypeCustomer, schema.MaxIDBytes, "data.customer.id", "data.customer.externalId")
	over(schema.TypeCustomer, schema.MaxNameBytes, "data.customer.firstName", "data.customer.lastName", "data.customer.email",
		"data.customer.phone", "data.customer.ipAddress", "data.customer.ipLocation")
	over(schema.TypeSeller, schema.MaxIDBytes, "data.seller.id")
	over(schema.TypeSeller, schema.MaxNameBytes, "data.seller.businessName", "data.seller.legalBusinessName",
		"data.seller.emailAddress", "data.seller.phone")

	for typ, path := range map[schema.Type]string{
		schema.TypeOpened: "data.customData", schema.TypeCustomer: "data.customer.customData",
	} {
		all = append(all, each(typ, path, schema.CodeInvalid, map[string]string{
			"with a name too long":  `{` + quote(strings.Repeat("k", 257)) + `:1}`,
			"with a value too long": `{"a":` + quote(strings.Repeat("v", 4097)) + `}`,
		})...)
		all = append(all, beyondSchema(beyondBytes, each(typ, path, schema.CodeInvalid, map[string]string{
			"with a number too long": `{"a":1` + strings.Repeat("0", 4096) + `}`,
		}))...)
		all = append(all, beyondSchema(beyondNull, each(typ, path, schema.CodeInvalid, map[string]string{
			"of 201 members": "{" + strings.Join(numbered(201), ",") + "}",
		}))...)
	}
	return all
}
