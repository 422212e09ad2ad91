package source

import (
	"fmt"
	"strings"
	"testing"
)

func object(t *testing.T, text string) *Object {
	t.Helper()
	o, fault := Read([]byte(text))
	if fault != nil {
		t.Fatal(fault)
	}
	return o
}

func TestMembersAreTakenAsPlatformsWriteThem(t *testing.T) {
	o := object(t, `{"n":null,"text":"é\u0000\ud800","number":12.50,"true":true,"three":3.0,"many":"300e-2","ms":1442224934355,"time":"2015-09-14T10:02:14.355+0000",
		"list":[1,null,"2",3e0],"Case":1,"objects":[{"a":1},null,{"a":2}]}`)
	if got := o.Text(100, "n", "text"); got != "é\x00\ufffd" {
		t.Errorf("%q", got)
	}
	if got := o.Text(100, "number") + o.Text(100, "true") + o.Text(100, "case"); got != "12.50true" {
		t.Error(got)
	}
	for _, name := range []string{"three", "many"} {
		if n, ok := o.Integer(name); n != 3 || !ok {
			t.Errorf("%s: %d", name, n)
		}
	}
	for _, name := range []string{"ms", "time"} {
		if at, ok := o.Moment(name); at != 1442224934355 || !ok {
			t.Errorf("%s: %d", name, at)
		}
	}
	if got := fmt.Sprint(o.Integers("list")); got != "[1 2 3]" {
		t.Error(got)
	}
	if all := o.Objects("objects"); len(all) != 2 || all[1].Text(10, "a") != "2" {
		t.Error(all)
	}
	if o.Fault() != nil {
		t.Error(o.Fault())
	}
}

func TestFaultsNameTheMemberAndNoValue(t *testing.T) {
	for text, want := range map[string]string{
		`{"a":{"b":{"secret":1}}}`:            "INVALID_FIELD: a.b: must be a string",
		`{"a":{"b":"` + big("é", 600) + `"}}`: "INVALID_FIELD: a.b: must be at most 1024 bytes; the rest is omitted from the events",
		`{"a":"secret"}`:                      "INVALID_FIELD: a: must be an object",
		`{"a":["secret"]}`:                    "INVALID_FIELD: a: must be an object",
	} {
		o := object(t, text)
		got := o.Object("a").Text(1024, "b")
		if o.Fault() == nil || o.Fault().Error() != want || len(got) > 1024 || strings.Contains(got, "\ufffd") {
			t.Errorf("%.40s: %v, %d bytes", text, o.Fault(), len(got))
		}
	}
}

func big(text string, n int) string { return strings.Repeat(text, n) }

func TestCustomDataStaysWithinItsBounds(t *testing.T) {
	var members []string
	for n := range 300 {
		members = append(members, fmt.Sprintf(`"k%03d":"%s"`, n, big("\\u0001", 1000)))
	}
	for text, want := range map[string]int{
		`{"c":{` + strings.ReplaceAll(strings.Join(members, ","), big("\\u0001", 1000), "v") + `}}`: 200,
		`{"c":{` + strings.Join(members, ",") + `}}`:                                                17, // 6,000 bytes each as written
		`{"c":{"a":1,"b":[1],"d":null,"e":{"f":1},"":"x"}}`:                                         2,
		`{"c":{"` + big("k", 10<<10) + `":"` + big("v", 10<<10) + `"}}`:                             1,
	} {
		o, custom := object(t, text), map[string]string{}
		o.Object("c").Custom(custom)
		if len(custom) != want || o.Fault() == nil || len(marshal(custom)) > maxCustomBytes+10<<10 {
			t.Errorf("%.60s: %d members, %d bytes, %v", text, len(custom), len(marshal(custom)), o.Fault())
		}
	}
}

func TestAmountsLoseTheNoiseOfBinaryArithmetic(t *testing.T) {
	for text, want := range map[string]string{
		"49.900000000000006": "49.9 true", "0.30000000000000004": "0.3 true", "1e2": "100 true", "-2.5E-1": "-0.25 true", "0": "0 true",
		"99999999999999.9999": "99999999999999.9999 true", "1.23456": "1.2346 false", "-0.00000000001": "0 true", "0.00004": "0 false",
	} {
		amount, exact, ok := Amount(text)
		if got := fmt.Sprintf("%s %v", amount, exact); !ok || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, ok, want)
		}
	}
	for _, text := range []string{"", "x", "1e15", "1e999999999", "1e-999999999", "NaN", "Infinity", "0x10", big("1", 100), "1,5", "true"} {
		if _, _, ok := Amount(text); ok {
			t.Errorf("%.20s is taken", text)
		}
	}
}

func FuzzPayloadsAreReadWithoutAPanic(f *testing.F) {
	for _, text := range []string{`{}`, `{"a":{"b":[1,{"c":null}]},"d":1e5}`, `{"a":"\ud800"}`, `[`, "\xff", `{"a":1,"a":2}`} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		o, fault := Read(body)
		if (o == nil) == (fault == nil) {
			t.Fatal(o, fault)
		}
		if o == nil {
			return
		}
		for name := range o.members {
			o.Text(10, name)
			o.ID(name)
			o.Integer(name)
			o.Moment(name)
			o.Flag(name)
			o.Amount(name)
			o.Integers(name)
			o.Objects(name)
			o.Object(name).Custom(map[string]string{})
		}
	})
}
