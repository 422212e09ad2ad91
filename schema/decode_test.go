package schema_test

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/parley-analytics/parley/schema"
)

func TestEveryRuleBrokenInTurnNamesCodeAndField(t *testing.T) {
	for _, r := range refusals() {
		t.Run(string(r.typ)+" "+r.name, func(t *testing.T) {
			d := full(t, r.typ, r.edits...)
			e, err := schema.Decode([]byte(d.String()), taken)
			if err == nil {
				t.Fatalf("taken: %s", d)
			}
			if err.Code != r.code || err.Field != r.field || err.Rule == "" {
				t.Errorf("got %q, want %s of %s", err.Error(), r.code, r.field)
			}
			if e.Data != nil {
				t.Error("a refused event has data")
			}
			checkNamed(t, d, e, r.field)
		})
	}
}

// checkNamed checks that a refused event still has its valid parts.
func checkNamed(t *testing.T, d *document, e schema.Event, wrong string) {
	t.Helper()
	unquote := func(name string) string { return strings.ToLower(strings.Trim(d.get(name), `"`)) }
	if wrong != "id" && strings.ToLower(e.ID) != unquote("id") {
		t.Errorf("id is %q", e.ID)
	}
	if wrong != "source" && strings.ToLower(e.Source) != unquote("source") {
		t.Errorf("source is %q", e.Source)
	}
	if wrong != "subject" && string(e.Conversation) != unquote("subject") {
		t.Errorf("conversation is %q", e.Conversation)
	}
	if wrong != "projectid" && e.Project != 9999 {
		t.Errorf("project is %d", e.Project)
	}
}

func TestOrderOfMembersChangesNothing(t *testing.T) {
	shuffle := func(d *document, random *rand.Rand) {
		var walk func(*document)
		walk = func(d *document) {
			random.Shuffle(len(d.members), func(i, k int) { d.members[i], d.members[k] = d.members[k], d.members[i] })
			for _, m := range d.members {
				if m.sub != nil {
					walk(m.sub)
				}
			}
		}
		walk(d)
	}
	random := rand.New(rand.NewPCG(1, 2))
	for _, typ := range schema.Types() {
		d := full(t, typ, drop("data.customData"), drop("data.customer.customData")) // its order is the sender's
		want := mustDecode(t, d.String())
		for range 20 {
			shuffle(d, random)
			if got := mustDecode(t, d.String()); !reflect.DeepEqual(got, want) {
				t.Fatalf("%s\ngives %+v\nnot   %+v", d, got, want)
			}
		}
	}
	for _, r := range refusals() {
		d := full(t, r.typ, r.edits...)
		shuffle(d, random)
		_, err := schema.Decode([]byte(d.String()), taken)
		if err == nil || err.Code != r.code && r.beyond != beyondTwice || err.Field != r.field {
			t.Errorf("%s shuffled: got %v, want %s of %s\n%s", r.name, err, r.code, r.field, d)
		}
	}
}

func TestTheErrorOfTheEarlierAttributeOrMemberIsReported(t *testing.T) {
	// Every attribute is broken; each step mends the one whose error came.
	steps := []struct {
		field string
		code  schema.Code
		good  string
	}{
		{"specversion", schema.CodeInvalid, `"1.0"`},
		{"id", schema.CodeMissing, `"1"`},
		{"source", schema.CodeInvalid, `"s"`},
		{"type", schema.CodeUnknownType, `"parley.conversation.transferred.v1"`},
		{"datacontenttype", schema.CodeInvalid, `"application/json"`},
		{"time", schema.CodeInvalid, `"2024-03-01T10:59:58Z"`},
		{"subject", schema.CodeInvalid, `"0b9f6a52-6f7c-4c8e-9d0e-3a1f5b7c9d01"`},
		{"projectid", schema.CodeInvalid, `1`},
		{"sequence", schema.CodeInvalid, `"1"`},
		{"data_base64", schema.CodeInvalid, `null`},
		{"data.fromUser.id", schema.CodeMissing, `1`},
		{"data.fromUser.kind", schema.CodeInvalid, `"BOT"`},
		{"data.toUser", schema.CodeInvalid, `{"id":1}`},
		{"data.toRoutingRule.id", schema.CodeInvalid, `"r"`},
		{"data.toRoutingRule.name", schema.CodeInvalid, `"r"`},
		{"data.toRoutingGroup.id", schema.CodeInvalid, `"g"`},
	}
	d := parseDocument(t, `{"data":{"toRoutingGroup":{"id":1},"toRoutingRule":{"name":1,"id":2},"toUser":3,"fromUser":{"kind":4}},
		"data_base64":"","sequence":"x","projectid":0,"subject":"","time":"","datacontenttype":"","type":"x","source":"","id":null,"specversion":"2"}`)
	for _, step := range steps {
		_, err := schema.Decode([]byte(d.String()), taken)
		if err == nil || err.Field != step.field || err.Code != step.code {
			t.Fatalf("got %v, want %s of %s", err, step.code, step.field)
		}
		set(step.field, step.good)(d)
	}
	mustDecode(t, d.String())
}

func TestSyntaxAndSizeComeBeforeAttributes(t *testing.T) {
	const head = `{"projectid":7,"source":"s","id":"i","specversion":"2"`
	fill := strings.Repeat("x", schema.MaxEventBytes)
	for _, tt := range []struct {
		name, raw string
		code      schema.Code
	}{
		{"broken behind a bad attribute", head + `,}`, schema.CodeInvalidJSON},
		{"large with a bad attribute", head + `,"more":"` + fill + `"}`, schema.CodeTooLarge},
		{"large and broken", head + `,"more":"` + fill, schema.CodeInvalidJSON},
	} {
		e, err := schema.Decode([]byte(tt.raw), taken)
		if err == nil || err.Code != tt.code || err.Field != "" {
			t.Errorf("%s: got %v", tt.name, err)
		}
		if e.Project != 7 || e.Source != "s" || e.ID != "i" {
			t.Errorf("%s: what was read before is lost: %+v", tt.name, e)
		}
	}
}

func TestEventOfExactlyTheLimitIsTaken(t *testing.T) {
	pad := func(size int) string {
		d := full(t, schema.TypeClosed, set("padding", `""`))
		set("padding", `"`+strings.Repeat("x", size-len(d.String()))+`"`)(d)
		return d.String()
	}
	mustDecode(t, pad(schema.MaxEventBytes))
	_, err := schema.Decode([]byte(pad(schema.MaxEventBytes+1)), taken)
	if err == nil || err.Code != schema.CodeTooLarge || !strings.Contains(err.Rule, "262144") {
		t.Errorf("got %v", err)
	}
}

func TestOtherThanAJSONObjectIsInvalidJSON(t *testing.T) {
	good := full(t, schema.TypeClosed).String()
	deep := func(n int) string {
		d := full(t, schema.TypeClosed, set("more", strings.Repeat("[", n)+strings.Repeat("]", n)))
		return d.String()
	}
	mustDecode(t, deep(schema.MaxDepth-1)) // the event itself is the first level
	mustDecode(t, " \r\n\t"+good+" \n")
	for name, raw := range map[string]string{
		"nothing":                     "",
		"blanks":                      "  \n",
		"a list":                      "[" + good + "]",
		"a string":                    `"x"`,
		"a number":                    `1`,
		"null":                        `null`,
		"a bare word":                 `event`,
		"two objects":                 good + good,
		"a comma behind":              good + ",",
		"a zero byte behind":          good + "\x00",
		"a byte order mark":           "\ufeff" + good,
		"an object cut off":           good[:len(good)-1],
		"a comment":                   "{/**/" + good[1:],
		"a comma too many":            good[:len(good)-1] + ",}",
		"names without quotes":        `{id:"1"}`,
		"invalid UTF-8 in a value":    full(t, schema.TypeClosed, set("more", "\"\xff\"")).String(),
		"an encoded surrogate":        full(t, schema.TypeClosed, set("more", "\"\xed\xa0\x80\"")).String(),
		"an overlong encoding":        full(t, schema.TypeClosed, set("data.reason", "\"\xc0\xaf\"")).String(),
		"a line break in a string":    full(t, schema.TypeClosed, set("more", "\"a\nb\"")).String(),
		"an unknown escape":           full(t, schema.TypeClosed, set("more", `"\x"`)).String(),
		"a short escape":              full(t, schema.TypeClosed, set("more", `"\u12"`)).String(),
		"a number that begins with 0": full(t, schema.TypeClosed, set("more", `01`)).String(),
		"NaN":                         full(t, schema.TypeClosed, set("more", `NaN`)).String(),
		"levels beyond the limit":     deep(schema.MaxDepth),
		"very many levels":            strings.Repeat(`{"a":`, 100_000),
		"very many lists":             `{"a":` + strings.Repeat(`[`, 100_000),
	} {
		if _, err := schema.Decode([]byte(raw), taken); err == nil || err.Code != schema.CodeInvalidJSON || err.Field != "" {
			t.Errorf("%s: got %v", name, err)
		}
	}
	if _, err := schema.Decode([]byte(deep(schema.MaxDepth)), taken); !strings.Contains(err.Rule, "64 levels") {
		t.Errorf("depth: got %v", err)
	}
}

func TestErrorNeverShowsTheValue(t *testing.T) {
	const secret = "Zaphod"
	for _, typ := range schema.Types() {
		for _, path := range paths(full(t, typ), "") {
			for _, raw := range []string{`"` + secret + `"`, `{"` + secret + `":1}`, `["` + secret + `"]`, secret, `"` + secret + "\xff\""} {
				_, err := schema.Decode([]byte(full(t, typ, set(path, raw)).String()), taken)
				if err != nil && strings.Contains(err.Error(), secret) {
					t.Errorf("%s: %v", path, err)
				}
			}
		}
	}
}

// paths lists the paths of all members of a document.
func paths(d *document, prefix string) (all []string) {
	for _, m := range d.members {
		all = append(all, prefix+m.name)
		if m.sub != nil {
			all = append(all, paths(m.sub, prefix+m.name+".")...)
		}
	}
	return all
}

func TestEventMayBeAtMost24HoursAheadOfTheLog(t *testing.T) {
	for _, at := range []string{"2024-03-04T00:00:00Z", "2024-03-04T00:00:00.0009Z", "2024-03-04T05:30:00+05:30"} {
		mustDecode(t, full(t, schema.TypeClosed, set("time", `"`+at+`"`)).String())
	}
	raw := full(t, schema.TypeClosed, set("time", `"2024-03-04T00:00:00.001Z"`)).String()
	if _, err := schema.Decode([]byte(raw), taken.Add(999*time.Microsecond)); err == nil {
		t.Error("0.001 ms before the limit is taken")
	}
	if _, err := schema.Decode([]byte(raw), taken.Add(time.Millisecond)); err != nil {
		t.Error(err)
	}
	// A moment that is data may lie as far ahead as it likes.
	mustDecode(t, full(t, schema.TypeSnoozed, set("data.until", `"2199-12-31T23:59:59.999Z"`)).String())
}
