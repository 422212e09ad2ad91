package schema_test

import (
	"maps"
	"slices"
	"strings"

	"github.com/parley-analytics/parley/schema"
)

// refusal is one way to break one rule of an otherwise good event.
type refusal struct {
	name   string // what is refused
	typ    schema.Type
	edits  []edit
	code   schema.Code
	field  string
	beyond string // why JSON Schema cannot refuse it; empty if it does
}

// Why a JSON Schema takes what Decode refuses.
const (
	beyondClock = "a schema knows no moment"
	beyondUTC   = "a schema does not add an offset to a time"
	beyondText  = "a schema sees the value of a number, not its text"
	beyondTwice = "a schema sees one of two members of one name"
)

// refusals breaks every rule of contract section 2 in turn.
func refusals() []refusal {
	var all []refusal
	all = append(all, attributeRefusals()...)
	all = append(all, dataRefusals()...)
	all = append(all, profileRefusals()...)
	all = append(all, sizeRefusals()...)
	return append(all, transactionRefusals()...)
}

// each returns a refusal per value at one path.
func each(typ schema.Type, path string, code schema.Code, values map[string]string) []refusal {
	var all []refusal
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all = append(all, refusal{path + " " + name, typ, []edit{set(path, values[name])}, code, path, ""})
	}
	return all
}

// missing returns two refusals of a required member: absent, and null.
func missing(typ schema.Type, path string) []refusal {
	return []refusal{
		{path + " absent", typ, []edit{drop(path)}, schema.CodeMissing, path, ""},
		{path + " null", typ, []edit{set(path, "null")}, schema.CodeMissing, path, ""},
	}
}

// beyondSchema marks refusals that JSON Schema cannot say.
func beyondSchema(why string, all []refusal) []refusal {
	for i := range all {
		all[i].beyond = why
	}
	return all
}

func attributeRefusals() []refusal {
	const typ = schema.TypePushed
	var all []refusal
	for _, name := range []string{"specversion", "id", "source", "type", "time", "subject", "projectid", "data"} {
		all = append(all, missing(typ, name)...)
		all = append(all, refusal{
			"two members " + name, typ, []edit{again(name, "null")}, schema.CodeInvalid, name, beyondTwice,
		})
	}
	invalid := func(path string, values map[string]string) {
		all = append(all, each(typ, path, schema.CodeInvalid, values)...)
	}
	beyond := func(why, path string, values map[string]string) {
		all = append(all, beyondSchema(why, each(typ, path, schema.CodeInvalid, values))...)
	}

	invalid("specversion", map[string]string{"of another version": `"0.3"`, "as a number": `1.0`, "empty": `""`})
	for _, name := range []string{"id", "source"} {
		invalid(name, map[string]string{
			"empty": `""`, "as a number": `7`, "as an object": `{}`, "true": `true`,
			"with a control character": `"a\nb"`, "with DEL": `"a\u007f"`, "with a C1 control": `"a\u0085b"`,
		})
	}
	invalid("type", map[string]string{"empty": `""`, "as a number": `1`})
	all = append(all, each(typ, "type", schema.CodeUnknownType, map[string]string{
		"unknown":            `"parley.conversation.paused.v1"`,
		"of a later version": `"parley.conversation.pushed.v2"`,
		"in another case":    `"Parley.Conversation.Pushed.v1"`,
	})...)
	invalid("datacontenttype", map[string]string{
		"of XML": `"application/xml"`, "of text": `"text/plain"`, "empty": `""`, "without a subtype": `"json"`,
		"without a main type": `"/json"`, "with a suffix alone": `"application/+json"`, "as a number": `1`,
		"with a space in it": `"application/ json"`, "of a JSON sequence": `"application/json-seq"`,
		"with the Kelvin sign for a K": `"application\u212a/json"`,
	})
	invalid("time", map[string]string{
		"as a number": `1709290798000`, "empty": `""`, "without an offset": `"2024-03-01T10:59:58"`,
		"with a space for T": `"2024-03-01 10:59:58Z"`, "without seconds": `"2024-03-01T10:59Z"`,
		"with a point but no digits": `"2024-03-01T10:59:58.Z"`, "with a comma": `"2024-03-01T10:59:58,5Z"`,
		"of a date alone": `"2024-03-01"`, "on 30 February": `"2024-02-30T10:59:58Z"`,
		"on 29 February of a common year": `"2023-02-29T10:59:58Z"`, "in month 13": `"2024-13-01T10:59:58Z"`,
		"in month 0": `"2024-00-01T10:59:58Z"`, "on day 0": `"2024-03-00T10:59:58Z"`,
		"on 31 April": `"2024-04-31T10:59:58Z"`, "at 24:00": `"2024-03-01T24:00:00Z"`,
		"at minute 60": `"2024-03-01T10:60:00Z"`, "at second 61": `"2024-03-01T23:59:61Z"`,
		"at a second 60 that is not a leap second": `"2016-12-31T22:59:60Z"`,
		"with an offset of 24 h":                   `"2024-03-01T10:59:58+24:00"`,
		"with an offset of 60 minutes":             `"2024-03-01T10:59:58+01:60"`,
		"with an offset without colon":             `"2024-03-01T10:59:58+0100"`,
		"with an offset of hours":                  `"2024-03-01T10:59:58+01"`,
		"with a sign in it":                        `"2024-03-01T+1:59:58Z"`,
		"with two Zs":                              `"2024-03-01T10:59:58ZZ"`, "with a blank behind": `"2024-03-01T10:59:58Z "`,
		"before 1970": `"1969-12-30T23:59:59Z"`, "of five digits of a year": `"10000-01-01T00:00:00Z"`,
		"of year 0": `"0000-01-01T00:00:00Z"`, "after 2199": `"2200-01-02T00:00:00Z"`,
	})
	beyond(beyondUTC, "time", map[string]string{
		"just before 1970":                `"1969-12-31T23:59:59.999999Z"`,
		"in 1970 but not in UTC":          `"1970-01-01T00:59:59+01:00"`,
		"just after 2199":                 `"2200-01-01T00:00:00Z"`,
		"in 2199 but not in UTC":          `"2199-12-31T23:00:00-01:00"`,
		"at the leap second that is 2200": `"2199-12-31T23:59:60Z"`,
	})
	beyond(beyondClock, "time", map[string]string{
		"24 h and 1 ms ahead of the log": `"2024-03-04T00:00:00.001Z"`,
		"a year ahead of the log":        `"2025-03-04T00:00:00Z"`,
	})
	invalid("subject", map[string]string{
		"empty": `""`, "without hyphens": `"0b9f6a526f7c4c8e9d0e3a1f5b7c9d01"`, "as a number": `7`,
		"in braces": `"{0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01}"`, "as a URN": `"urn:uuid:0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01"`,
		"with a letter g": `"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d0g"`, "with hyphens elsewhere": `"0b9f6a5-26f7c-4c8e-9d0e-3a1f5b7c9d01"`,
		"one character short": `"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d0"`, "with @ for a digit": `"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d0@"`,
	})
	invalid("projectid", map[string]string{
		"0": `0`, "negative": `-1`, "over a 32-bit integer": `2147483648`, "with a fraction": `1.5`, "true": `true`,
		"0 in a string": `"0"`, "negative in a string": `"-1"`, "empty": `""`, "with a sign": `"+1"`, "with a blank": `" 1"`,
		"over a 32-bit integer in a string": `"2147483648"`, "of 20 digits in a string": `"00000000000000000007"`,
		"of 20 digits": `10000000000000000000`, "as a list": `[1]`,
	})
	beyond(beyondText, "projectid", map[string]string{"with a point": `7.0`, "with an exponent": `7e0`})
	invalid("sequence", map[string]string{
		"empty": `""`, "of 20 digits": `"12345678901234567890"`, "negative": `"-1"`, "of letters": `"1a"`, "with a blank": `"1 "`,
		"of 20 digits as a number": `12345678901234567890`, "negative as a number": `-1`, "with a fraction": `1.5`, "true": `true`,
	})
	beyond(beyondText, "sequence", map[string]string{"with a point": `7.0`, "with an exponent": `7e0`, "of minus zero": `-0`})
	invalid("data_base64", map[string]string{"beside data": `"e30="`, "that is empty": `""`, "that is not a string": `{}`})
	all = append(all, refusal{
		"data_base64 in place of data", typ, []edit{drop("data"), set("data_base64", `"e30="`)},
		schema.CodeInvalid, "data_base64", "",
	})
	invalid("data", map[string]string{"as a string": `"{}"`, "as a list": `[]`, "as a number": `1`, "true": `true`})
	return all
}

func dataRefusals() []refusal {
	var all []refusal
	invalid := func(typ schema.Type, path string, values map[string]string) {
		all = append(all, each(typ, path, schema.CodeInvalid, values)...)
	}
	text := func(typ schema.Type, paths ...string) {
		for _, path := range paths {
			invalid(typ, path, map[string]string{"as a number": `7`, "true": `true`, "as an object": `{}`, "as a list": `["x"]`})
		}
	}
	ref := func(typ schema.Type, paths ...string) {
		for _, path := range paths {
			invalid(typ, path, map[string]string{"as a string": `"x"`, "as a number": `7`, "as a list": `[]`})
			invalid(typ, path+".id", map[string]string{"empty": `""`, "as a number": `7`, "true": `true`})
			all = append(all, missing(typ, path+".id")...)
			text(typ, path+".name")
			all = append(all, refusal{
				"two members " + path + ".id", typ, []edit{again(path+".id", `"x"`)}, schema.CodeInvalid, path + ".id", beyondTwice,
			})
		}
	}
	user := func(typ schema.Type, paths ...string) {
		for _, path := range paths {
			invalid(typ, path, map[string]string{"as a string": `"x"`, "as a number": `7`})
			invalid(typ, path+".id", map[string]string{
				"0": `0`, "negative": `-1`, "2^53": `9007199254740992`, "of 20 digits": `10000000000000000000`, "with a fraction": `1.5`,
				"as a string": `"42"`, "true": `true`,
			})
			all = append(all, beyondSchema(beyondText, each(typ, path+".id", schema.CodeInvalid, map[string]string{
				"with a point": `42.0`, "with an exponent": `42e0`,
			}))...)
			all = append(all, missing(typ, path+".id")...)
			invalid(typ, path+".kind", map[string]string{
				"of a visitor": `"VISITOR"`, "unknown": `"AGENT"`, "in small letters": `"bot"`, "empty": `""`, "as a number": `1`,
			})
			text(typ, path+".name", path+".email")
		}
	}

	all = append(all, missing(schema.TypeOpened, "data.channel")...)
	invalid(schema.TypeOpened, "data.channel", map[string]string{
		"unknown": `"FAX"`, "UNKNOWN": `"UNKNOWN"`, "in small letters": `"chat"`, "empty": `""`, "as a number": `1`,
	})
	invalid(schema.TypeOpened, "data.initiator", map[string]string{"unknown": `"BOT"`, "empty": `""`, "as a number": `1`})
	invalid(schema.TypeOpened, "data.visitor", map[string]string{"as a string": `"v-1"`, "as a list": `[]`})
	all = append(all, missing(schema.TypeOpened, "data.visitor.id")...)
	text(schema.TypeOpened, "data.language", "data.visitor.id", "data.visitor.externalId", "data.visitor.firstName",
		"data.visitor.lastName", "data.visitor.email", "data.visitor.phone")
	ref(schema.TypeOpened, "data.campaign")
	invalid(schema.TypeOpened, "data.customData", map[string]string{
		"as a list": `[]`, "as a string": `"{}"`, "with an object in it": `{"a":1,"b":{}}`, "with a list in it": `{"a":[1]}`,
	})
	all = append(all, refusal{
		"data.customData with one name twice", schema.TypeOpened, []edit{set("data.customData", `{"a":1,"b":2,"a":null}`)},
		schema.CodeInvalid, "data.customData", beyondTwice,
	}, refusal{
		"data.customData with one name twice, once escaped", schema.TypeOpened, []edit{set("data.customData", `{"a":1,"\u0061":2}`)},
		schema.CodeInvalid, "data.customData", beyondTwice,
	}, refusal{
		"data.customData with one name twice among many", schema.TypeOpened,
		[]edit{set("data.customData", `{`+strings.Join(numbered(40), ",")+`,"n33":null}`)},
		schema.CodeInvalid, "data.customData", beyondTwice,
	})

	all = append(all, missing(schema.TypeRouted, "data.routingRule")...)
	ref(schema.TypeRouted, "data.routingRule", "data.routingGroup")

	all = append(all, missing(schema.TypePushed, "data.toUser")...)
	all = append(all, missing(schema.TypePushed, "data.toUser.kind")...)
	user(schema.TypePushed, "data.toUser")

	user(schema.TypeSnoozed, "data.byUser")
	invalid(schema.TypeSnoozed, "data.until", map[string]string{
		"as a number": `1709290798`, "without an offset": `"2024-03-01T11:05:05"`, "long before 1970": `"1960-01-01T00:00:00Z"`,
	})

	user(schema.TypeTransferred, "data.fromUser", "data.toUser")
	ref(schema.TypeTransferred, "data.toRoutingRule", "data.toRoutingGroup")

	user(schema.TypeClosed, "data.byUser")
	text(schema.TypeClosed, "data.reason")

	for _, typ := range []schema.Type{schema.TypeTagged, schema.TypeUntagged} {
		all = append(all, missing(typ, "data.tag")...)
		ref(typ, "data.tag")
	}

	all = append(all, missing(schema.TypeMessage, "data.messageId")...)
	invalid(schema.TypeMessage, "data.messageId", map[string]string{"empty": `""`, "as a number": `1`})
	all = append(all, missing(schema.TypeMessage, "data.author")...)
	invalid(schema.TypeMessage, "data.author", map[string]string{"as a string": `"BOT"`, "as a list": `[]`})
	all = append(all, missing(schema.TypeMessage, "data.author.kind")...)
	invalid(schema.TypeMessage, "data.author.kind", map[string]string{"unknown": `"SYSTEM"`, "empty": `""`, "as a number": `1`})
	invalid(schema.TypeMessage, "data.author.id", map[string]string{
		"of an operator as a string": `"42"`, "of an operator as 0": `0`, "of an operator as 2^53": `9007199254740992`,
	})
	for name, raw := range map[string]string{"as a number": `42`, "as true": `true`, "as an object": `{}`} {
		all = append(all, refusal{
			"data.author.id of a visitor " + name, schema.TypeMessage,
			[]edit{set("data.author.kind", `"VISITOR"`), set("data.author.id", raw)}, schema.CodeInvalid, "data.author.id", "",
		})
	}
	invalid(schema.TypeMessage, "data.automatic", map[string]string{"as a string": `"true"`, "as a number": `1`})
	text(schema.TypeMessage, "data.text")

	for name, edits := range map[string][]edit{
		"empty":            {set("data", `{}`)},
		"nulls":            {set("data", `{"comment":null,"netPromoterScore":null}`)},
		"unknown members":  {set("data", `{"score":5}`)},
		"names of no case": {set("data", `{"Comment":"x"}`)},
	} {
		all = append(all, refusal{"an answer of " + name, schema.TypeSatisfaction, edits, schema.CodeMissing, "data", ""})
	}
	invalid(schema.TypeSatisfaction, "data.customerSatisfaction", map[string]string{
		"0": `0`, "6": `6`, "negative": `-1`, "with a fraction": `4.5`, "as a string": `"5"`, "261": `261`,
	})
	invalid(schema.TypeSatisfaction, "data.netPromoterScore", map[string]string{
		"11": `11`, "negative": `-1`, "with a fraction": `9.5`, "as a string": `"9"`,
	})
	for _, path := range []string{"data.customerSatisfaction", "data.netPromoterScore"} {
		all = append(all, beyondSchema(beyondText, each(schema.TypeSatisfaction, path, schema.CodeInvalid, map[string]string{
			"with a point": `5.0`, "with an exponent": `5e0`,
		}))...)
	}
	text(schema.TypeSatisfaction, "data.comment")
	return all
}
