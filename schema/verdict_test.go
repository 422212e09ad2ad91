package schema_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/parley-analytics/parley/schema"
)

// hostile holds values that are wrong in most places, and right in some.
var hostile = []string{
	`null`, `true`, `false`, `""`, `" "`, `"x"`, `"1"`, `"42"`, `"-1"`, `"1.5"`, `"1.00000"`, `"01"`, `"0"`,
	`0`, `1`, `5`, `6`, `10`, `11`, `-1`, `-0`, `1.0`, `1e2`, `1.5`, `129.9`, `1.00000`, `0.00001`, `42.0`, `-1E1`,
	`2147483647`, `2147483648`, `9007199254740991`, `9007199254740992`, `9999999999999999999`, `10000000000000000000`,
	`99999999999999.9999`, `100000000000000`, `-99999999999999.9999`, `-100000000000000.5`,
	`"2147483647"`, `"2147483648"`, `"00000000000000000001"`, `"99999999999999.9999"`, `"100000000000000"`,
	`[]`, `[1]`, `{}`, `{"id":1}`, `{"id":"x"}`, `{"id":""}`, `{"kind":"BOT"}`, `{"kind":"VISITOR"}`, `{"id":1,"kind":"VISITOR"}`,
	`{"id":"1","kind":"VISITOR"}`, `{"id":7,"kind":"BOT"}`, `{"id":null}`, `{"a":1,"b":[]}`, `{"a":null}`, `{"comment":""}`,
	`"VISITOR"`, `"BOT"`, `"bot"`, `"CHAT"`, `"UNKNOWN"`, `"EUR"`, `"eur"`, `"ONSITE"`, `"1.0"`,
	`"2024-03-01T10:59:58Z"`, `"2024-03-01t10:59:58.5z"`, `"2024-03-01T10:59:58"`, `"2024-02-30T10:59:58Z"`,
	`"2016-12-31T23:59:60Z"`, `"2017-01-01T05:29:60+05:30"`, `"2016-12-31T23:59:60+01:00"`, `"1969-12-31T23:59:59Z"`,
	`"1969-12-31T23:59:59-01:00"`, `"2199-12-31T23:59:59.999Z"`, `"2200-01-01T00:00:00+00:01"`, `"2200-01-01T00:00:00Z"`,
	`"2030-01-01T00:00:00Z"`, `"2024-03-01T24:00:00Z"`, `"2024-03-01 10:59:58Z"`, `"2024-03-01T10:59:58+24:00"`,
	`"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01"`, `"0B9F6A52-6F7C-4C8E-9D0E-3A1F5B7C9D01"`, `"0b9f6a526f7c4c8e9d0e3a1f5b7c9d01"`,
	`"application/json"`, `"application/xml"`, `"a+json/x"`, `"a/+json"`, `"a/b+JSON;x\n"`, `"/json"`, `"\u0000"`, `"a\u0085"`, `"\ud83d"`,
	`"parley.conversation.closed.v1"`, `"parley.conversation.closed.v2"`,
}

// known lists the paths of a type's members, those of the envelope too.
func known(t testing.TB, typ schema.Type) []string {
	all := paths(full(t, typ), "")
	all = append(all, "sequence", "data_base64", "unknown", "data.unknown")
	if typ == schema.TypeMessage || typ == schema.TypePushed {
		return all
	}
	for _, user := range []string{"byUser", "fromUser", "toUser", "attributedTo"} {
		if typed := "data." + user; strings.Contains(strings.Join(all, " "), typed) {
			all = append(all, typed+".kind", typed+".name", typed+".email")
		}
	}
	return all
}

var plainInteger = regexp.MustCompile(`^(0|-?[1-9][0-9]*)$`)
var plainAmount = regexp.MustCompile(`^-?[0-9]+(\.[0-9]{1,4})?$`)

// beyond reports whether JSON Schema cannot refuse an event for this error.
func beyond(d *document, err *schema.Error) bool {
	text := d.get(err.Field)
	if text == "" {
		return false
	}
	switch {
	case strings.Contains(err.Rule, "UUIDv5") || strings.Contains(err.Rule, "member that is given"):
		return true // beyondSubject, beyondGiven
	case strings.Contains(err.Rule, "1970") || strings.Contains(err.Rule, "24 h"):
		return true // beyondUTC, beyondClock
	case strings.HasSuffix(err.Field, "amount"):
		return text[0] != '"' && !plainAmount.MatchString(text) // beyondText
	case text[0] == '-' || '0' <= text[0] && text[0] <= '9':
		return !plainInteger.MatchString(text) // beyondText
	}
	return false
}

func TestDecodeAndSchemaAgree(t *testing.T) {
	contracts := contract(t)
	for _, typ := range schema.Types() {
		events, paths := eventOf(typ), known(t, typ)
		t.Run(string(typ), func(t *testing.T) {
			rapid.Check(t, func(r *rapid.T) {
				d := events.Draw(r, "event")
				if _, err := schema.Decode([]byte(d.String()), taken); err != nil {
					r.Fatalf("valid event refused: %v\n%s", err, d)
				}
				switch path := rapid.SampledFrom(paths).Draw(r, "path"); rapid.IntRange(0, 9).Draw(r, "change") {
				case 0: // stays as it is
				case 1:
					drop(path)(d)
				default:
					set(path, rapid.SampledFrom(hostile).Draw(r, "value"))(d)
				}
				_, refused := schema.Decode([]byte(d.String()), taken)
				invalid := contracts[typ].Validate(value(t, d.String()))
				if typed := d.get("type"); refused == nil && typed != `"`+string(typ)+`"` {
					return // now a valid event of another type
				}
				switch {
				case refused == nil && invalid != nil:
					r.Fatalf("Decode takes what the schema refuses: %v\n%s", invalid, d)
				case refused != nil && invalid == nil && !beyond(d, refused):
					r.Fatalf("the schema takes what Decode refuses: %v\n%s", refused, d)
				}
			})
		})
	}
}
