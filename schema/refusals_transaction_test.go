package schema_test

import (
	"strconv"

	"github.com/parley-analytics/parley/schema"
)

// transactionRefusals breaks the rules of a transaction.
func transactionRefusals() []refusal {
	const typ = schema.TypeTransaction
	var all []refusal
	invalid := func(path string, values map[string]string) {
		all = append(all, each(typ, path, schema.CodeInvalid, values)...)
	}

	all = append(all, missing(typ, "data.externalConversionId")...)
	invalid("data.externalConversionId", map[string]string{"empty": `""`, "as a number": `1`})

	all = append(all, missing(typ, "data.amount")...)
	invalid("data.amount", map[string]string{
		"empty": `""`, "of letters": `"x"`, "true": `true`, "as an object": `{}`,
		"with 5 digits after the point in a string":  `"1.00001"`,
		"with 5 zeros after the point in a string":   `"1.00000"`,
		"with 15 digits before the point":            `100000000000000`,
		"with 15 digits before the point, negative":  `-100000000000000`,
		"with 15 digits before the point, in string": `"100000000000000"`,
		"with an exponent in a string":               `"1e2"`, "with a plus": `"+1"`, "with a leading zero": `"01"`,
		"without digits before the decimal point": `".5"`, "without digits after the decimal point": `"1."`, "with a comma": `"1,5"`,
		"with a blank": `" 1"`, "of a minus alone": `"-"`, "of two points": `"1.2.3"`, "with a currency": `"1 EUR"`,
		"not a number": `"NaN"`,
	})
	all = append(all, beyondSchema(beyondText, each(typ, "data.amount", schema.CodeInvalid, map[string]string{
		"with 5 digits after the point": `1.00001`,
		"with 5 zeros after the point":  `1.00000`,
		"with an exponent":              `1e2`,
		"with a big exponent letter":    `1.5E1`,
	}))...)

	all = append(all, missing(typ, "data.currency")...)
	invalid("data.currency", map[string]string{
		"in small letters": `"eur"`, "of two letters": `"EU"`, "of four letters": `"EURO"`, "of digits": `"978"`,
		"empty": `""`, "as a number": `978`, "with letters beyond ASCII": `"ÉUR"`,
	})
	invalid("data.receivedAt", map[string]string{"as a number": `1`, "without an offset": `"2024-03-02T09:00:00"`})
	all = append(all, beyondSchema(beyondUTC, each(typ, "data.receivedAt", schema.CodeInvalid, map[string]string{
		"just after 2199": `"2200-01-01T00:00:00Z"`,
	}))...)
	invalid("data.transactionId", map[string]string{"empty": `""`, "as a number": `1`})
	invalid("data.source", map[string]string{"unknown": `"SHOP"`, "empty": `""`, "as a number": `1`})
	invalid("data.attributedTo", map[string]string{"as a number": `42`, "as a string": `"42"`})
	all = append(all, missing(typ, "data.attributedTo.id")...)
	invalid("data.attributedTo.id", map[string]string{"0": `0`, "as a string": `"42"`})
	invalid("data.attributedTo.kind", map[string]string{"of a visitor": `"VISITOR"`})
	return all
}

// numbered returns n members n0 to n(n-1).
func numbered(n int) []string {
	members := make([]string, n)
	for i := range members {
		members[i] = `"n` + strconv.Itoa(i) + `":` + strconv.Itoa(i)
	}
	return members
}
